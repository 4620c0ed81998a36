"""Read a plan of faults from YAML or JSON: every mistake at once, with its place and the likely cure.

Loading is pure; whoever has a disk hands in the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from harness.errors import Mistake, PlanError
from harness.faults.plan import KINDS, Fault, Plan
from harness.registry.complaint import ExpressionError, nearest
from harness.registry.document import DocumentError, Written, read
from harness.registry.invariant import Expression
from harness.registry.misfit import mistakes_in
from harness.registry.parse import parse
from harness.registry.tree import Field, Name, walk

STRENGTHS: Final[dict[str, tuple[str, ...]]] = {
    "timeout": ("after_ms",),
    "rate_limit": ("after_ms",),
    "commit_then_timeout": ("after_ms",),
    "error": ("status",),
    "delay": ("delay_ms",),
    "duplicate": ("times",),
    "partial": ("share",),
    "corrupt": ("share",),
    "truncate": ("keep",),
    "variant": ("at", "value"),
    "inject": ("text",),
    "collide": ("text",),
    "ML": ("keep",),
    "CLV": ("pad", "cut"),
    "RA": ("text",),
    "BT": ("text",),
    "ILC": ("text",),
    "MS": ("times",),
}
"""The settings of each kind that has some."""

_CALL: Final = ("tool", "args", "surface")
_AT_MOST_ONE: Final = {"type": "number", "exclusiveMinimum": 0, "maximum": 1}
_TIME: Final = {"type": "number", "minimum": 0}
_COUNT: Final = {"type": "integer", "minimum": 1}
_NAMES: Final = {"type": ["string", "array"], "items": {"type": "string", "minLength": 1}, "minLength": 1}

FORM: Final[dict[str, Any]] = {
    "title": "harness faults",
    "type": "object",
    "additionalProperties": False,
    "required": ["faults", "inject"],
    "properties": {
        "faults": {"type": "string", "minLength": 1},
        "title": {"type": "string"},
        "seed": {"type": "integer", "minimum": 0},
        "inject": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["fault"],
                "properties": {
                    "name": {"type": "string", "minLength": 1},
                    "fault": {"enum": list(KINDS)},
                    "tool": _NAMES,
                    "agent": _NAMES,
                    "nth": {"type": ["integer", "array"], "minimum": 1, "items": _COUNT},
                    "spare": {"type": ["integer", "array"], "minimum": 1, "items": _COUNT},
                    "chance": _AT_MOST_ONE,
                    "when": {"type": "string"},
                    "strength": {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {
                            "after_ms": _TIME,
                            "delay_ms": _TIME,
                            "times": _COUNT,
                            "keep": _COUNT,
                            "pad": _COUNT,
                            "cut": _COUNT,
                            "share": _AT_MOST_ONE,
                            "status": {"type": "integer", "minimum": 400, "maximum": 599},
                            "text": {"type": "string"},
                            "at": {"type": "string"},
                            "value": {},
                        },
                    },
                },
            },
        },
    },
}


def load_faults(text: str, file: str) -> Plan:
    """Give the plan of faults that a text means; PlanError lists every mistake in it. O(size)."""
    if not text.strip():
        raise PlanError((Mistake(file, 1, 1, "the file is empty"),))
    try:
        document = read(text, file)
    except DocumentError as error:
        raise PlanError((error.mistake,)) from None
    mistakes = _mistakes(document)
    if mistakes:
        raise PlanError(tuple(sorted(dict.fromkeys(mistakes), key=lambda one: (one.line, one.column))))
    return plan_of(document.plain(), document)


def plan_of(said: Mapping[str, Any], document: Written | None = None) -> Plan:
    """Give the plan that JSON data of the form means, such as what the header of a trace says."""
    written = document.find(["inject"]).items or () if document is not None else ()
    faults = [
        _fault(one, number, written[number] if written else None) for number, one in enumerate(said["inject"], start=0)
    ]
    return Plan(said["faults"], tuple(faults), said.get("seed", 0))


def _fault(said: Mapping[str, Any], number: int, at: Written | None) -> Fault:
    when = said.get("when")
    if at is None:
        at = read("{}", "faults")
    return Fault(
        said.get("name", f"{said['fault']}-{number + 1}"),
        said["fault"],
        _listed(said.get("tool", "*")),
        _listed(said.get("agent", "*")),
        _listed(said.get("nth", ())),
        said.get("chance", 1.0),
        None if when is None else Expression(when, parse(when), at.find(["when"])),
        said.get("strength", {}),
        _listed(said.get("spare", ())),
    )


def _listed(said: Any) -> tuple[Any, ...]:
    return tuple(said) if isinstance(said, list | tuple) else (said,)


def _mistakes(document: Written) -> list[Mistake]:
    if document.entries is None:
        return [document.mistake("this is no plan of faults", "write an object with the keys faults and inject")]
    found = [mistake for _, mistake in mistakes_in(document, FORM)]
    names: dict[str, Written] = {}
    for number, fault in enumerate(document.find(["inject"]).items or ()):
        entries = fault.entries or {}
        kind = entries["fault"].value if "fault" in entries else None
        name = entries["name"].value if "name" in entries else f"{kind}-{number + 1}"
        if names.setdefault(name, fault) is not fault:
            found.append(entries.get("name", fault).mistake(f"two faults are named {name!r}", "give each its own name"))
        if kind in KINDS:
            found += _misused(kind, fault)
        if "when" in entries and isinstance(entries["when"].value, str):
            found += _unreadable(entries["when"])
    return found


def _misused(kind: str, fault: Written) -> Iterator[Mistake]:
    """Tell settings that a kind of fault does not have."""
    known = STRENGTHS.get(kind, ())
    strength = fault.find(["strength"])
    for name, place in strength.keys.items() if "strength" in (fault.entries or {}) else ():
        if name not in known:
            cure = nearest(name, known) or f"it has {', '.join(known) or 'no settings'}"
            yield place.mistake(f"{kind} has no setting {name!r}", cure)


def _unreadable(when: Written) -> Iterator[Mistake]:
    try:
        tree = parse(when.value)
    except ExpressionError as error:
        yield when.mistake(error.message, error.cure, start=error.span.start, end=error.span.end)
        return
    for node in walk(tree):
        if isinstance(node, Name) and node.name not in ("call", "agent"):
            cure = "a condition speaks of call.tool, call.args, call.surface and agent"
            yield when.mistake(f"there is no {node.name} here", cure, start=node.span.start, end=node.span.end)
        if isinstance(node, Field) and isinstance(node.of, Name) and node.of.name == "call" and node.name not in _CALL:
            cure = nearest(node.name, _CALL) or f"it has {', '.join(_CALL)}"
            yield when.mistake(f"call has no {node.name}", cure, start=node.span.start, end=node.span.end)
