"""Read a plan from YAML or JSON: every mistake at once, with its place and the likely cure.

Loading is pure; whoever has a disk hands in the text.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from harness.converge.plan.flaw import Flaw, refuse_errors
from harness.converge.plan.flaws import flaws_of_plan
from harness.converge.plan.plan import TRIES, Plan
from harness.errors import Mistake, PlanError
from harness.registry.document import DocumentError, Written, read
from harness.registry.misfit import mistakes_in
from harness.registry.registry import Registry

NAME: Final = {"type": "string", "minLength": 1}
NAMES: Final = {"type": "array", "items": NAME}
KEYS: Final = {
    "type": ["array", "object"],
    "items": NAME,
    "propertyNames": {"minLength": 1},
    "additionalProperties": {"type": ["object", "boolean", "null"]},
}
TRIED: Final = {"type": "integer", "default": TRIES}

FORM: Final[dict[str, Any]] = {
    "title": "harness plan",
    "type": "object",
    "additionalProperties": False,
    "required": ["plan", "nodes"],
    "properties": {
        "plan": NAME,
        "title": {"type": "string"},
        "given": KEYS,
        "results": NAMES,
        "nodes": {
            "type": "object",
            "propertyNames": {"minLength": 1},
            "additionalProperties": {
                "type": ["object", "null"],
                "additionalProperties": False,
                "properties": {
                    "instructions": {"type": "string"},
                    "reads": KEYS,
                    "writes": KEYS,
                    "rules": NAMES,
                    "after": NAMES,
                    "tries": TRIED,
                },
            },
        },
    },
}


def load_plan(text: str, file: str, registry: Registry | None = None) -> Plan:
    """Give the plan that a text means, checked; PlanError lists all mistakes of the form and of the plan.

    ``registry`` says which artifacts there are; without one that is not checked. O(size).
    """
    return plan_in(document_of(text, file), registry)


def plan_in(document: Written, registry: Registry | None = None) -> Plan:
    """Give the plan that a document means; PlanError lists every error of it."""
    formed = formed_by(document, FORM, "plan")
    plan = _readable(formed)
    flaws = [*formed.flaws]
    if plan is not None:
        flaws += flaws_of_plan(plan, registry, whole=formed.whole)
    refuse_errors(flaws)
    assert plan is not None
    return plan


def document_of(text: str, file: str) -> Written:
    """Read a text as YAML; PlanError where that cannot be."""
    if not text.strip():
        raise PlanError((Mistake(file, 1, 1, "the file is empty"),))
    try:
        return read(text, file)
    except DocumentError as error:
        raise PlanError((error.mistake,)) from None


class Formed(NamedTuple):
    """A document, what is wrong with its form, the paths of the parts that cannot be used, and whether all can."""

    document: Written
    flaws: tuple[Flaw, ...]
    broken: frozenset[tuple[str | int, ...]]

    @property
    def whole(self) -> bool:
        """Whether nothing has to be left out."""
        return not self.broken


def formed_by(document: Written, form: dict[str, Any], what: str) -> Formed:
    """Compare a document with a form; ``what`` names what it should be."""
    if document.entries is None:
        keys = " and ".join(form["required"])
        mistake = document.mistake(f"this is no {what}", f"write an object with the keys {keys}")
        return Formed(document, (Flaw("error", mistake),), frozenset({()}))
    found = list(mistakes_in(document, form))
    flaws = tuple(Flaw("error", mistake) for _, mistake in found)
    broken = {path for path, _ in found if path}
    broken |= {(key,) for key in form["required"] if key not in document.entries}
    return Formed(document, flaws, frozenset(broken))


def _readable(formed: Formed) -> Plan | None:
    """Give the plan without the nodes that cannot be used; None where too little is left."""
    if any(len(path) < 2 for path in formed.broken):
        return None
    names = {path[1] for path in formed.broken if path[0] == "nodes"}
    data = formed.document.plain()
    known = FORM["properties"]["nodes"]["additionalProperties"]["properties"]
    nodes = {
        name: {key: value for key, value in (said or {}).items() if key in known}
        for name, said in data["nodes"].items()
        if name not in names
    }
    return Plan.of({**data, "nodes": nodes}, formed.document)
