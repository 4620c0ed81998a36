"""The format of a registry file as a JSON Schema, and its errors in the reader's language.

The schema is data, published as it stands for editors. What a schema cannot say (names that must exist, expressions)
is checked by ``load``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from harness.errors import Mistake
from harness.registry.complaint import nearest
from harness.registry.document import Written
from harness.registry.graph.schema import GRAPH
from harness.registry.rollout import SHARE

_NAME: Final = {"type": "string", "minLength": 1}
_TEXT: Final = {"type": "string", "minLength": 1}
_FLAG: Final = {"type": "boolean"}
_NAMES: Final = {"type": "array", "items": _NAME}
_JSON_SCHEMA: Final = {"type": ["object", "boolean"]}
_PLACE: Final = r"^args(\.[A-Za-z_][A-Za-z0-9_]*)+$"

_TOOL: Final[dict[str, Any]] = {
    "type": ["object", "null"],
    "additionalProperties": False,
    "properties": {
        "effect": {"enum": ["read", "write"]},
        "idempotent": _FLAG,
        "arguments": {"type": "object"},
        "result": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"schema": {"type": "object"}, "format": {"enum": ["value", "json"]}},
        },
        "idempotency_key": _NAME,
        "undo": _NAME,
        "probe": _NAME,
        "trust": {"enum": ["trusted", "untrusted", "unknown"]},
        "needs": _NAMES,
        "gives": _NAMES,
        "cost": {"type": "number", "minimum": 0},
        "domain": _NAME,
        "timeout_ms": {"type": "integer", "minimum": 1},
        "impact": _NAME,
    },
}

_PARAMETER: Final = {
    "type": ["object", "number", "string", "boolean", "array"],
    "additionalProperties": False,
    "required": ["value"],
    "properties": {
        "value": True,
        "unit": {"type": "string"},
        "source": {"type": "string"},
        "bind": {"enum": ["narrow", "free", "no"]},
        "narrower": {"enum": ["lower", "higher", "subset"]},
        "range": {
            "type": "object",
            "additionalProperties": False,
            "minProperties": 1,
            "properties": {"min": {"type": "number"}, "max": {"type": "number"}},
        },
        "whole": _FLAG,
        "weight": {"type": "number", "minimum": 0},
        "override": _FLAG,
    },
}

_WINDOW: Final = {"type": ["integer", "string"], "minimum": 1, "minLength": 1}
_TOOLS: Final = {"type": ["string", "array"], "items": _NAME, "minItems": 1, "minLength": 1}

_BUDGET: Final = {
    "type": "object",
    "minProperties": 1,
    "properties": {"within": _WINDOW, "tool": _TOOLS},
    "additionalProperties": {"type": ["number", "string"], "minimum": 0, "minLength": 1},
}

_BUDGETS: Final = {**_BUDGET, "type": ["object", "array"], "items": _BUDGET, "minItems": 1}
_MAY: Final = {
    "type": "array",
    "items": {
        "type": ["string", "object"],
        "minLength": 1,
        "additionalProperties": False,
        "required": ["tool"],
        "properties": {"tool": _NAME, "args": _JSON_SCHEMA},
    },
}

_SHARE: Final = {"type": "number", "minimum": 0, "maximum": 1}
_SEVERITIES: Final = ["info", "low", "medium", "high", "critical"]

_TRUST: Final = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "start": _SHARE,
        "fall": {
            "type": "object",
            "additionalProperties": False,
            "properties": dict.fromkeys(_SEVERITIES, _SHARE),
        },
        "recover": _SHARE,
        "counts": {"enum": ["refusals", "violations"]},
        "tiers": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["below"],
                "minProperties": 2,
                "properties": {
                    "below": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
                    "may": _MAY,
                    "writes": {"enum": ["escalate", "block"]},
                    "budget": _BUDGETS,
                },
            },
        },
    },
}

_AGENT: Final = {
    "type": ["object", "null"],
    "additionalProperties": False,
    "properties": {"may": _MAY, "budget": _BUDGETS, "trust": _TRUST, "override": _FLAG},
}

_ARTIFACT: Final = {
    "type": "object",
    "additionalProperties": False,
    "required": ["schema"],
    "properties": {"schema": {"type": "object"}},
}

_DEFINITION: Final = {
    "type": ["string", "object"],
    "minLength": 1,
    "additionalProperties": False,
    "required": ["is"],
    "properties": {"is": _TEXT, "override": _FLAG},
}

_STAGE: Final = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"tools": {"type": "object", "additionalProperties": _TOOL}, "parameters": {"type": "object"}},
}

_STORIES: Final = {
    "type": "array",
    "items": {"type": "array", "minItems": 1, "items": {"type": "object", "minProperties": 1}},
}

_INVARIANT: Final = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id", "on"],
    "oneOf": [{"required": ["require"]}, {"required": ["schema"]}],
    "properties": {
        "id": {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_./-]*$"},
        "title": _TEXT,
        "on": {"enum": ["action", "result", "message", "artifact", "route", "surface", "end"]},
        "tool": _TOOLS,
        "artifact": _NAME,
        "when": _TEXT,
        "require": _TEXT,
        "schema": {
            "type": "object",
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
            "properties": {"arguments": _JSON_SCHEMA, "result": _JSON_SCHEMA, "artifact": _JSON_SCHEMA},
        },
        "severity": {"enum": _SEVERITIES},
        "otherwise": {"enum": ["observe", "warn", "rewrite", "block", "escalate"]},
        "rewrite": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": _PLACE},
            "additionalProperties": _TEXT,
        },
        "says": _TEXT,
        "who": _TEXT,
        "retryable": _FLAG,
        "source": _TEXT,
        "override": _FLAG,
        "weakens": _TEXT,
        "examples": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"holds": _STORIES, "violated": _STORIES},
        },
    },
}

SCHEMA: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "harness registry",
    "type": "object",
    "additionalProperties": False,
    "required": ["registry", "version", "default"],
    "properties": {
        "$schema": {"type": "string"},
        "registry": _NAME,
        "version": {"type": ["string", "number"]},
        "title": _TEXT,
        "default": {"enum": ["refuse", "allow"]},
        "unknown": {"enum": ["block_writes", "block", "allow"]},
        "extends": _NAMES,
        "drop": {
            "type": "array",
            "items": {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": _TEXT},
        },
        "parameters": {
            "type": "object",
            "propertyNames": {"pattern": "^[A-Za-z][A-Za-z0-9_]*$"},
            "additionalProperties": _PARAMETER,
        },
        "define": {
            "type": "object",
            "propertyNames": {"pattern": "^[A-Za-z][A-Za-z0-9_]*$"},
            "additionalProperties": _DEFINITION,
        },
        "schemas": {
            "type": "object",
            "propertyNames": {"pattern": "^[A-Za-z][A-Za-z0-9_]*$"},
            "additionalProperties": {"type": "object"},
        },
        "tools": {"type": "object", "additionalProperties": _TOOL},
        "stage": _STAGE,
        "agents": {"type": "object", "propertyNames": {"minLength": 1}, "additionalProperties": _AGENT},
        "artifacts": {
            "type": "object",
            "propertyNames": {"pattern": "^[A-Za-z][A-Za-z0-9_]*$"},
            "additionalProperties": _ARTIFACT,
        },
        "graph": GRAPH,
        "rollout": {
            "type": "object",
            "propertyNames": {"minLength": 1},
            "additionalProperties": {"type": "string", "pattern": SHARE},
        },
        "kill": {"enum": ["fail_closed", "fail_open"]},
        "invariants": {"type": "array", "items": _INVARIANT},
    },
}

TOOL_KEYS: Final = tuple(_TOOL["properties"])

_SPOKEN: Final = {
    "object": "an object",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "nothing",
}


def mistakes_in(document: Written, form: dict[str, Any] = SCHEMA) -> Iterator[tuple[tuple[str | int, ...], Mistake]]:
    """Yield where a document is not of a format: the path of what cannot be used because of it, and the mistake.

    The path is empty where the rest of the document can be read all the same. The format is that of a registry by
    itself.
    """
    from jsonschema import Draft202012Validator  # imported here: 80 ms that only loading a registry needs

    for error in Draft202012Validator(form).iter_errors(document.plain()):
        path = list(error.absolute_path)
        depth = 1 if path[:1] == ["graph"] else 2  # a graph with an unknown policy or monitor cannot be assembled
        spared = error.validator == "additionalProperties" and len(path) <= depth
        for mistake in _worded(document.find(path), error):
            yield (() if spared else tuple(path)), mistake


def _worded(node: Written, error: Any) -> Iterator[Mistake]:
    says = _WORDINGS.get(error.validator)
    return says(node, error) if says else iter([node.mistake(error.message)])


def _unknown_key(node: Written, error: Any) -> Iterator[Mistake]:
    known = error.schema["properties"]
    for key, place in node.keys.items():
        if key not in known:
            cure = nearest(key, known) or f"known keys: {', '.join(known)}"
            yield place.mistake(f"unknown key {key!r}", cure)


def _missing_key(node: Written, error: Any) -> Iterator[Mistake]:
    for key in error.validator_value:
        if key not in (node.entries or {}) and f"{key!r} is a required" in error.message:
            yield node.mistake(f"the key {key!r} is missing", _MISSING.get(key, ""))


def _wrong_type(node: Written, error: Any) -> Iterator[Mistake]:
    wanted = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
    expected = " or ".join(_SPOKEN[kind] for kind in wanted)
    yield node.mistake(f"{_path(error)}: expected {expected}, got {_got(error.instance)}", _type_cure(error))


def _wrong_word(node: Written, error: Any) -> Iterator[Mistake]:
    words = error.validator_value
    cure = nearest(str(error.instance), words)
    yield node.mistake(f"{_path(error)}: expected {' or '.join(words)}, got {_got(error.instance)}", cure)


def _exactly_one(node: Written, _: Any) -> Iterator[Mistake]:
    if node.entries is not None:
        stated = "both" if "require" in node.entries else "neither"
        yield node.mistake(f"an invariant states exactly one of 'require' and 'schema'; this one states {stated}")


def _wrong_form(node: Written, error: Any) -> Iterator[Mistake]:
    what, cure = "not a name", "a name is a letter, then letters, digits and _ (an id may hold . / - too)"
    if error.validator_value == _PLACE:
        what, cure = "no argument", "write args.NAME: expression"
    elif error.validator_value == SHARE:
        what, cure = "no share", "write a percentage, such as 10 %"
    yield node.mistake(f"{_path(error)}: {_got(error.instance)} is {what}", cure)


def _too_short(node: Written, error: Any) -> Iterator[Mistake]:
    yield node.mistake(f"{_path(error)}: empty" if not error.instance else f"{_path(error)}: {_counts(error)}")


def _too_long(node: Written, error: Any) -> Iterator[Mistake]:
    yield node.mistake(f"{_path(error)}: {_counts(error)}")


def _counts(error: Any) -> str:
    return f"expected {error.validator_value} items, got {len(error.instance)}"


def _path(error: Any) -> str:
    path = [step for step in error.absolute_path if type(step) is str]
    return path[-1] if path else "registry"


def _got(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else text[:59] + "…"


def _type_cure(error: Any) -> str:
    if error.validator_value == "boolean" and error.instance in ("yes", "no", "on", "off"):
        return "write true or false"
    if error.validator_value == "string" and not isinstance(error.instance, dict | list):
        return "quote it"
    return ""


_MISSING: Final = {
    "default": "write 'default: refuse' or 'default: allow': what happens to calls of tools that no rule speaks of",
    "on": "write on: action, result, message, artifact or end",
    "schema": "write schema: {type: object, properties: {…}}",
    "version": "write a version, such as version: 1.0.0",
    "registry": "write the name of the registry, such as registry: airline",
}

_WORDINGS: Final[dict[str, Any]] = {
    "additionalProperties": _unknown_key,
    "required": _missing_key,
    "type": _wrong_type,
    "enum": _wrong_word,
    "oneOf": _exactly_one,
    "pattern": _wrong_form,
    "minLength": _too_short,
    "minItems": _too_short,
    "maxItems": _too_long,
    "minProperties": _too_short,
}
