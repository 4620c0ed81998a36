"""What is known of a value before there is one: its type, and which fields it can have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from harness.registry.library import Type
from harness.registry.scope import CALL_FIELDS, MESSAGE_FIELDS, RUN_FIELDS, TOOL_FIELDS
from harness.tool import ToolSpec


class Kind(NamedTuple):
    """A type; the JSON Schemas that promise more of the value, by tool; for a record, its fields."""

    type: Type = "any"
    schemas: tuple[tuple[str, Any], ...] = ()
    fields: Mapping[str, Kind] | None = None


class NoFieldError(LookupError):
    """Say that no declared tool has a field, and which fields there are."""

    def __init__(self, owners: list[str], known: list[str]) -> None:
        self.owners, self.known = owners, known
        super().__init__(owners, known)


ANY: Final = Kind()
TRUTH: Final = Kind("truth")
NUMBER: Final = Kind("number")
TEXT: Final = Kind("text")
LIST: Final = Kind("list")

_SPOKEN: Final = {"object": "an object", "list": "a list", "number": "a number", "truth": "true or false"}
_JSON_TYPES: Final[dict[str, Type]] = {
    "object": "object",
    "array": "list",
    "string": "text",
    "number": "number",
    "integer": "number",
    "boolean": "truth",
    "null": "null",
}
# keywords that may allow what "properties" does not list
_OPENING: Final = frozenset(
    {"$ref", "$dynamicRef", "anyOf", "oneOf", "allOf", "if", "patternProperties", "dependentSchemas"}
)
_MISSING: Final = object()


def spoken(kind: Kind) -> str:
    """Name a type for a message."""
    return _SPOKEN.get(kind.type, kind.type)


def kind_of_value(value: Any) -> Kind:
    """Give the kind of a value that is there."""
    types: dict[type, Type] = {bool: "truth", int: "number", float: "number", str: "text", list: "list", dict: "object"}
    return Kind(types.get(type(value), "null"))


def promised(schemas: Iterable[tuple[str, Any]]) -> Kind:
    """Give the kind of a value that fits one of some schemas."""
    schemas = tuple(schemas)
    types = {_type_of(schema) for _, schema in schemas}
    return Kind(types.pop() if len(types) == 1 else "any", schemas)


def field_of(kind: Kind, name: str) -> Kind:
    """Give the kind of a field; NoFieldError where nothing that is known of the value allows it."""
    if kind.fields is not None:
        if name not in kind.fields:
            raise NoFieldError([], list(kind.fields))
        return kind.fields[name]
    found = [(tool, _property(schema, name)) for tool, schema in kind.schemas]
    there = [(tool, schema) for tool, schema in found if schema is not _MISSING]
    if found and not there:
        known = {key for _, schema in kind.schemas for key in schema["properties"]}
        raise NoFieldError([tool for tool, _ in found], sorted(known))
    return promised(there)


def item_of(kind: Kind) -> Kind:
    """Give the kind of the items of a list."""
    items = [(tool, schema.get("items") if isinstance(schema, dict) else None) for tool, schema in kind.schemas]
    return promised(items) if kind.type == "list" and items else ANY


def kinds_of_names(tools: list[ToolSpec], parameters: Mapping[str, Any]) -> dict[str, Kind]:
    """Give the kind of every name, for calls of any of ``tools``; an empty list stands for tools nobody declared."""
    arguments = promised((tool.name, tool.arguments) for tool in tools)
    result = promised((tool.name, tool.result) for tool in tools)
    call = dict.fromkeys(CALL_FIELDS, TEXT) | {"args": Kind("object", arguments.schemas)}
    run = dict.fromkeys(RUN_FIELDS, ANY)
    message = dict(zip(MESSAGE_FIELDS, (TEXT, TEXT, LIST), strict=True))
    return {
        "call": Kind("record", fields=call),
        "tool": Kind("record", fields=dict.fromkeys(TOOL_FIELDS, ANY) | {"name": TEXT, "effect": TEXT}),
        "result": result,
        "failed": TRUTH,
        "agent": TEXT,
        "step": NUMBER,
        "elapsed_s": NUMBER,
        "message": Kind("record", fields=message),
        **message,
        "run": Kind("record", fields=run),
        "params": Kind("record", fields={name: kind_of_value(value) for name, value in parameters.items()}),
    }


def _type_of(schema: Any) -> Type:
    said = schema.get("type") if isinstance(schema, dict) else None
    return _JSON_TYPES.get(said, "any") if isinstance(said, str) else "any"


def _property(schema: Any, name: str) -> Any:
    """Give the schema of a property: None where anything may stand there, _MISSING where nothing may."""
    if not isinstance(schema, dict) or not _OPENING.isdisjoint(schema):
        return None
    properties = schema.get("properties")
    if not isinstance(properties, dict) or name in properties:
        return properties[name] if isinstance(properties, dict) else None
    return _MISSING if schema.get("additionalProperties") in (None, False) else None
