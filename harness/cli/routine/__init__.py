"""``harness routine …``: calls that are written down before they are made, one file per verb."""

from __future__ import annotations

from typing import Final

VERBS: Final = {
    "lint": "Look for mistakes in a routine before anything is called.",
}
