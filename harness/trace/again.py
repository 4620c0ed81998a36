"""The note, inside the effect of an action in doubt, that tells how the doubt ended."""

from __future__ import annotations

from typing import Final

from harness.trace.event import Event

NOTE: Final = "in doubt"
"""Its text."""


def performs_again(event: Event) -> bool:
    """Tell whether an event says that the action inside of whose effect it stands is performed again."""
    return event.body.get("text") == NOTE and event.body.get("data", {}).get("decided") == "performed"
