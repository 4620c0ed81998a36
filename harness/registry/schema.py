"""The format of a registry file as a JSON Schema.

The schema is data, published as it stands for editors; ``misfit`` words what does not fit it. What a schema cannot say
(names that must exist, expressions) is checked by ``load``.
"""

from __future__ import annotations

from typing import Any, Final

from harness.registry.graph.schema import GRAPH
from harness.registry.rollout import SHARE

_NAME: Final = {"type": "string", "minLength": 1}
_TEXT: Final = {"type": "string", "minLength": 1}
_FLAG: Final = {"type": "boolean"}
_NAMES: Final = {"type": "array", "items": _NAME}
_JSON_SCHEMA: Final = {"type": ["object", "boolean"]}
PLACE: Final = r"^args(\.[A-Za-z_][A-Za-z0-9_]*)+$"

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
            "propertyNames": {"pattern": PLACE},
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
