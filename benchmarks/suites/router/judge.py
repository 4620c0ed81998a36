"""What a contender's run is worth: compared with the oracle's, and above all with the oracle's world."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .oracle import Outcome

ALL = Outcome._fields
WORLD = ("end", "path", "net")
"""What a contender is judged on that plans nothing: how it ended, what was done, what is left of it."""


def judged(seen: Outcome, expected: Outcome, fields: Iterable[str] = ALL) -> dict[str, Any]:
    """Give the facts of a row.

    ``silent``: success was reported, and the world is not as it should be, or there is no success to report.
    ``duplicates`` counts effects in the world beyond those that should be there.
    """
    wrong = [name for name in fields if getattr(seen, name) != getattr(expected, name)]
    why = [f"{name}: {getattr(seen, name)} and not {getattr(expected, name)}" for name in wrong]
    facts: dict[str, Any] = {
        "correct": not wrong,
        "end": seen.end,
        "path": list(seen.path),
        "attempts": len(seen.attempts),
        "found": seen.found,
        "replans": seen.replans,
        "undone": list(seen.undone),
        "net": seen.net,
        "silent": seen.end == "served" and (expected.end != "served" or seen.net != expected.net),
        "duplicates": sum(max(count - expected.net.get(tool, 0), 0) for tool, count in seen.net.items()),
    }
    return facts | ({"why": "; ".join(why)} if why else {})
