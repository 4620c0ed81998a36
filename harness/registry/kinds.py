"""What is known of a value before there is one: its type, which fields it can have, and its unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any, Final, NamedTuple

from harness.registry.library import LIBRARY, Type
from harness.registry.parameter import unit_of
from harness.registry.scope import (
    CALL_FIELDS,
    MESSAGE_FIELDS,
    REFUSAL_FIELDS,
    RUN_FIELDS,
    SURFACE_FIELDS,
    TOOL_FIELDS,
)
from harness.registry.unit import LITERAL, PLAIN, SECONDS, Unit, common, joined, root
from harness.tool import ToolSpec


class Kind(NamedTuple):
    """A type; the JSON Schemas that promise more of the value, by tool or artifact; the fields of what has no other.

    ``item`` is the kind of a list's items where no schema tells it, ``unit`` that of a number; None where unknown.
    """

    type: Type = "any"
    schemas: tuple[tuple[str, Any], ...] = ()
    fields: Mapping[str, Kind] | None = None
    item: Kind | None = None
    unit: Unit | None = None


class NoFieldError(LookupError):
    """Say that no declared tool or artifact has a field, and which fields there are."""

    def __init__(self, owners: list[str], known: list[str]) -> None:
        self.owners, self.known = owners, known
        super().__init__(owners, known)


ANY: Final = Kind()
TRUTH: Final = Kind("truth")
NUMBER: Final = Kind("number")
TEXT: Final = Kind("text")
LIST: Final = Kind("list")
COUNT: Final = Kind("number", unit=PLAIN)

# what a route event may say; what it keeps as data is for nobody's rules
_ROUTE: Final[dict[str, Kind]] = {
    **dict.fromkeys(("does", "goal", "tool", "why"), TEXT),
    **dict.fromkeys(("action", "after"), COUNT),
    **dict.fromkeys(("path", "undo"), Kind("list", item=TEXT)),
    **dict.fromkeys(("deadlock", "choice"), Kind("object")),
    **dict.fromkeys(("cost", "until"), NUMBER),
    "served": TRUTH,
}

_UNITS: Final = {"len": PLAIN, "exp": PLAIN, "log": PLAIN, "seconds_between": SECONDS, "parse_time": SECONDS}

_MAX_DIFFERENT: Final = 20  # of a list with more kinds of items nothing is promised

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


def kind_of_value(value: Any, unit: Unit | None = LITERAL) -> Kind:
    """Give the kind of a value that is there, and whose numbers are of a unit."""
    if type(value) is list:
        return Kind("list", item=shared(kind_of_value(item, unit) for item in value))
    if type(value) is dict:
        return Kind("object", fields={key: kind_of_value(item, unit) for key, item in value.items()})
    types: dict[type, Type] = {bool: "truth", int: "number", float: "number", str: "text"}
    known = types.get(type(value), "null")
    return Kind(known, unit=unit if known == "number" else None)


def promised(schemas: Iterable[tuple[str, Any]]) -> Kind:
    """Give the kind of a value that fits one of some schemas."""
    schemas = tuple(schemas)
    types = {_type_of(schema) for _, schema in schemas}
    units = (unit_of(schema.get("unit")) if isinstance(schema, dict) else None for _, schema in schemas)
    return Kind(types.pop() if len(types) == 1 else "any", schemas, unit=common(units))


def shared(kinds: Iterable[Kind]) -> Kind:
    """Give what is known of a value that is of any of some kinds."""
    different: list[Kind] = []
    for kind in kinds:
        if kind not in different:
            different.append(kind)
        if len(different) > _MAX_DIFFERENT:
            return ANY
    if len(different) < 2:
        return different[0] if different else ANY
    types = {kind.type for kind in different}
    schemas = [schema for kind in different for schema in kind.schemas] if all(one.schemas for one in different) else []
    unit = common(kind.unit for kind in different)
    return Kind(types.pop() if len(types) == 1 else "any", tuple(schemas), unit=unit)


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
    """Give the kind of the items of a list, or of the values of an object."""
    if kind.item is not None:
        return kind.item
    if kind.type == "object" and kind.fields:
        return shared(kind.fields.values())
    return promised((tool, _below(schema, kind.type)) for tool, schema in kind.schemas)


def outcome(function: str, kinds: list[Kind]) -> Kind:
    """Give the kind of what a function of the library makes of values of some kinds."""
    gives, first = LIBRARY[function].gives, kinds[0]
    match function:
        case "min" | "max":
            several = kinds if len(kinds) > 1 else [item_of(first)]
            return Kind(several[0].type, unit=reduce(joined, (one.unit for one in several)))
        case "abs" | "round" | "int" | "float" | "clamp":
            return Kind(gives, unit=first.unit)
        case "sum":
            return Kind(gives, unit=item_of(first).unit)
        case "sqrt":
            return Kind(gives, unit=root(first.unit))
        case "sorted" | "unique" | "set":
            return first if first.type == "list" else LIST
        case "items":
            return first if first.type == "list" else Kind("list", item=ANY if first.type == "any" else first)
        case _:
            return Kind(gives, unit=_UNITS.get(function))


def kinds_of_names(tools: list[ToolSpec], parameters: Mapping[str, Kind], artifact: Kind = ANY) -> dict[str, Kind]:
    """Give the kind of every name, for calls of any of ``tools``; an empty list stands for tools nobody declared."""
    arguments = promised((tool.name, tool.arguments) for tool in tools)
    result = promised((tool.name, tool.result) for tool in tools)
    call = dict.fromkeys(CALL_FIELDS, TEXT) | {"args": Kind("object", arguments.schemas), "serves": COUNT}
    run = dict.fromkeys(RUN_FIELDS, ANY)
    message = dict(zip(MESSAGE_FIELDS, (TEXT, TEXT, LIST), strict=True))
    return {
        "call": Kind("record", fields=call),
        "tool": Kind("record", fields=dict.fromkeys(TOOL_FIELDS, ANY) | {"name": TEXT, "effect": TEXT}),
        "result": result,
        "failed": TRUTH,
        "agent": TEXT,
        "step": COUNT,
        "elapsed_s": Kind("number", unit=SECONDS),
        "artifact": artifact,
        "route": Kind("record", fields=_ROUTE),
        "refusal": Kind("record", fields=dict.fromkeys(REFUSAL_FIELDS, TEXT) | {"retryable": TRUTH, "times": COUNT}),
        "trust": COUNT,
        "surface": Kind("record", fields=dict.fromkeys(SURFACE_FIELDS, TEXT)),
        "seq": COUNT,
        "message": Kind("record", fields=message),
        **message,
        "run": Kind("record", fields=run),
        "params": Kind("record", fields=parameters),
    }


def _type_of(schema: Any) -> Type:
    said = schema.get("type") if isinstance(schema, dict) else None
    return _JSON_TYPES.get(said, "any") if isinstance(said, str) else "any"


def _below(schema: Any, of: Type) -> Any:
    """Give the schema of the items of a list, or of the values of an object; None where anything may stand there."""
    if not isinstance(schema, dict) or not _OPENING.isdisjoint(schema):
        return None
    if of == "object" and "properties" not in schema:
        return schema.get("additionalProperties")
    return schema.get("items") if of == "list" and "prefixItems" not in schema else None


def _property(schema: Any, name: str) -> Any:
    """Give the schema of a property: None where anything may stand there, _MISSING where nothing may."""
    if not isinstance(schema, dict) or not _OPENING.isdisjoint(schema):
        return None
    properties = schema.get("properties")
    if not isinstance(properties, dict) or name in properties:
        return properties[name] if isinstance(properties, dict) else None
    return _MISSING if schema.get("additionalProperties") in (None, False) else None
