"""The format of a registry's ``graph:``, as a part of its JSON Schema."""

from __future__ import annotations

from typing import Any, Final

_NAME: Final = {"type": "string", "minLength": 1}
_NAMES: Final = {"type": "array", "items": _NAME}
_AMOUNT: Final = {"type": "integer", "minimum": 0}
_POSITIVE: Final = {"type": "integer", "minimum": 1}

_NEED: Final = {
    "type": ["string", "object"],
    "minLength": 1,
    "additionalProperties": False,
    "minProperties": 1,
    "properties": {"any": _NAMES, "least": _POSITIVE, "of": _NAMES},
}
_NEEDS: Final = {"type": "array", "items": _NEED}

_ARGUMENT: Final = {
    "type": ["string", "number", "boolean", "null", "object"],
    "minLength": 1,
    "additionalProperties": False,
    "required": ["is"],
    "properties": {"is": True},
}

_WAY: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "needs": _NEEDS,
        "gives": {
            "type": ["array", "object"],
            "items": _NAME,
            "minItems": 1,
            "minProperties": 1,
            "additionalProperties": {"type": ["string", "null"], "minLength": 1},
        },
        "cost": {"type": "number"},
        "args": {"type": "object", "additionalProperties": _ARGUMENT},
        "clean": _NAMES,
    },
}

_GOAL: Final = {
    "type": ["array", "object"],
    "items": _NEED,
    "minItems": 1,
    "additionalProperties": False,
    "required": ["needs"],
    "properties": {"needs": {**_NEEDS, "minItems": 1}, "arguments": {"type": "object"}, "returns": _NAME},
}

_JOIN: Final = {
    "type": ["array", "object"],
    "items": _NEED,
    "minItems": 1,
    "additionalProperties": False,
    "required": ["needs"],
    "properties": {"needs": {**_NEEDS, "minItems": 1}, "cost": {"type": "number"}},
}

_POLICY: Final = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "retries": _AMOUNT,
        "wait_ms": _AMOUNT,
        "factor": _POSITIVE,
        "longest_ms": _AMOUNT,
        "cool_ms": _AMOUNT,
        "parallel": _POSITIVE,
        "deadline_ms": _POSITIVE,
        "cost_cap": {"type": "number", "exclusiveMinimum": 0},
        "refusal": {"enum": ["stop", "reroute"]},
    },
}

_SOME: Final = {**_NAMES, "minItems": 1}


def _settings(required: list[str] | None = None, /, **properties: Any) -> dict[str, Any]:
    """Give the form of the settings of one monitor; without any that is required they may be left empty."""
    form = {"additionalProperties": False, "properties": properties}
    return {"type": ["object"], "required": required, **form} if required else {"type": ["object", "null"], **form}


def _several(form: dict[str, Any]) -> dict[str, Any]:
    """Give the form of settings that may be stated once, or several times in a list."""
    return {**form, "type": [*form["type"], "array"], "items": form, "minItems": 1}


def _by_tool(form: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "minProperties": 1, "additionalProperties": form}


_FLAGS: Final = {"type": "object", "minProperties": 1, "additionalProperties": {"type": "array", "minItems": 1}}
_SHARE: Final = {"type": "number", "minimum": 0}
_LIMIT: Final = {"type": ["number", "string"], "exclusiveMinimum": 0, "minLength": 1}

_MONITORS: Final = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "tools": _settings(failures=_POSITIVE),
        "rate": _by_tool(_settings(["calls", "within_ms"], calls=_POSITIVE, within_ms=_POSITIVE)),
        "latency": _by_tool(_settings(["expected_ms"], expected_ms=_POSITIVE)),
        "budget": _several(_settings(["of", "limit"], of=_NAME, limit=_LIMIT, tools=_SOME)),
        "risk": _several(_settings(amount=_NAME, above={"type": "number"}, flags=_FLAGS, tools=_SOME)),
        "progress": _settings(window=_POSITIVE),
        "loops": _settings(window=_POSITIVE),
        "intent": _settings(),
        "instability": _settings(above=_SHARE, weight=_SHARE),
    },
}

GRAPH: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "start": _NAMES,
        "goals": {"type": ["object", "array"], "items": _NAME, "minItems": 1, "additionalProperties": _GOAL},
        "tools": {
            "type": "object",
            "additionalProperties": {**_WAY, "type": ["object", "array"], "items": _WAY, "minItems": 1},
        },
        "joins": {"type": "object", "additionalProperties": _JOIN},
        "edges": {
            "type": "array",
            "items": {
                "type": "array",
                "prefixItems": [_NAME, _NAME, {"type": "number"}],
                "minItems": 3,
                "maxItems": 3,
            },
        },
        "policy": _POLICY,
        "monitors": _MONITORS,
    },
}
