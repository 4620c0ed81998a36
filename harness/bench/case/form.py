"""The format of a case file, as a JSON Schema; names that must exist are checked by ``reading``."""

from __future__ import annotations

from typing import Any, Final

_TEXT: Final = {"type": "string", "minLength": 1}
_NAMES: Final = {"type": "array", "items": _TEXT}


def _object(required: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": properties,
    }


def _section(element: dict[str, Any]) -> dict[str, Any]:
    # a name is a link's target on the page
    return {"type": "object", "propertyNames": {"pattern": r"^\S+$"}, "additionalProperties": element}


_RULE: Final = _object(("registry", "id"), registry=_TEXT, id=_TEXT, digest=_TEXT)
_TRACE: Final = _object(("file",), file=_TEXT, digest=_TEXT)
_FIGURE: Final = _object(("result", "name"), result=_TEXT, name=_TEXT, digest=_TEXT, target=_TEXT)
_BOUND: Final = _object(
    ("result", "profile", "at_most"),
    result=_TEXT,
    digest=_TEXT,
    condition=_TEXT,
    by={"enum": ["group", "task"]},
    profile={"type": "object", "minProperties": 1, "additionalProperties": {"type": "number", "minimum": 0}},
    passed=_TEXT,
    at_most={"type": "number", "minimum": 0, "maximum": 1},
    confidence={"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
)
_SUPPORTED: Final[dict[str, Any]] = {"by": _NAMES, "context": _NAMES, "undeveloped": {"type": "boolean"}}
_ASIDE: Final = _section(_object(("says",), says=_TEXT))

LINKS: Final = ("trace", "figure", "bound")
"""What an item of evidence can rest on: exactly one of these."""

SECTIONS: Final = {
    "goals": "goal",
    "strategies": "strategy",
    "evidence": "solution",
    "contexts": "context",
    "assumptions": "assumption",
    "justifications": "justification",
}
"""The sections of a file, and what GSN calls the elements in each."""

CASE_SCHEMA: Final[dict[str, Any]] = _object(
    ("case", "goals"),
    case=_TEXT,
    version={"type": ["string", "number"]},
    title=_TEXT,
    goals=_section(_object(("says",), says=_TEXT, rule=_RULE, **_SUPPORTED)) | {"minProperties": 1},
    strategies=_section(_object(("says",), says=_TEXT, **_SUPPORTED)),
    evidence=_section(_object(("says",), says=_TEXT, trace=_TRACE, figure=_FIGURE, bound=_BOUND)),
    contexts=_ASIDE,
    assumptions=_ASIDE,
    justifications=_ASIDE,
)
