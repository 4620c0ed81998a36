"""A path into a JSON value as a registry writes it: ``receipt.id``, ``items[0].price``, ``["odd name"]``."""

from __future__ import annotations

import re
from typing import Final

Steps = tuple[str | int, ...]

_STEP: Final = re.compile(r'\.([A-Za-z_][A-Za-z0-9_-]*)|\[(\d{1,9})\]|\["([^"\]]+)"\]')


def path_of(text: str) -> Steps | None:
    """Give the steps of a path; None for a text that is none. O(length)."""
    rest = text if text.startswith("[") else f".{text}"
    steps: list[str | int] = []
    while rest:
        found = _STEP.match(rest)
        if found is None:
            return None
        steps.append(int(found[2]) if found[2] else found[1] or found[3])
        rest = rest[found.end() :]
    return tuple(steps)


def split(text: str, names: tuple[str, ...]) -> tuple[str, Steps] | None:
    """Give the name that a text begins with, the longest of some, and the path behind it; None where there is none."""
    for name in sorted(names, key=len, reverse=True):
        rest = text.removeprefix(name)
        if text.startswith(name) and (not rest or rest[0] in ".["):
            steps = path_of(rest.removeprefix(".")) if rest else ()
            if steps is not None:
                return name, steps
    return None
