"""Read a routine from YAML or JSON: every mistake at once, with its place and the likely cure.

Loading is pure; whoever has a disk hands in the text.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Final

from harness.converge.plan.file import KEYS, NAME, NAMES, TRIED, document_of, formed_by
from harness.converge.plan.flaw import Flaw, refuse_errors
from harness.converge.routine.flaws import flaws_of_routine
from harness.converge.routine.routine import Routine
from harness.registry.document import Written
from harness.tool import ToolSpec

_WORD: Final = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_-]*$"}

FORM: Final[dict[str, Any]] = {
    "title": "harness routine",
    "type": "object",
    "additionalProperties": False,
    "required": ["routine", "steps"],
    "properties": {
        "routine": NAME,
        "title": {"type": "string"},
        "given": KEYS,
        "results": NAMES,
        "steps": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["step", "tool"],
                "properties": {"step": _WORD, "tool": NAME, "args": {"type": ["object", "null"]}, "tries": TRIED},
            },
        },
    },
}


def is_routine(document: Written) -> bool:
    """Tell whether a document is meant as a routine, and not as a plan."""
    return "routine" in document.keys or "steps" in document.keys


def lint_routine(document: Written, tools: Mapping[str, ToolSpec] | None) -> tuple[Routine | None, tuple[Flaw, ...]]:
    """Give a routine, as far as it can be read, and all that is wrong with it; see ``flaws_of_routine``."""
    formed = formed_by(document, FORM, "routine")
    if any(len(path) < 2 and path != ("given",) for path in formed.broken):
        return None, formed.flaws
    readable = _without(document, {path[1] for path in formed.broken if path[0] == "steps"})
    routine = Routine.of(readable.plain(), readable)
    return routine, (*formed.flaws, *flaws_of_routine(routine, tools, whole=formed.whole))


def load_routine(text: str, file: str, tools: Mapping[str, ToolSpec] | None = None) -> Routine:
    """Give the routine that a text means; PlanError lists every error of it. O(size)."""
    return routine_in(document_of(text, file), tools)


def routine_in(document: Written, tools: Mapping[str, ToolSpec] | None = None) -> Routine:
    """Give the routine that a document means; PlanError lists every error of it."""
    routine, flaws = lint_routine(document, tools)
    refuse_errors(flaws)
    assert routine is not None
    return routine


def _without(document: Written, places: Collection[str | int]) -> Written:
    """Give a document without some of its steps; those that are left keep their lines."""
    steps = document.find(["steps"])
    kept = tuple(item for place, item in enumerate(steps.items or ()) if place not in places)
    return replace(document, entries={**(document.entries or {}), "steps": replace(steps, items=kept)})
