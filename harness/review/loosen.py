"""Every small way in which a JSON Schema could be wrong, one at a time.

A required key, a bound, a pattern, a type, an enumeration or the ban on further keys is left out, or a bound moved by
one, wherever it stands in the schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from harness.registry.program import validator
from harness.review.weaken import moved

_BOUNDS: Final = (
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains", "maxContains"),
)
_TESTS: Final = ("type", "enum", "const", "pattern", "uniqueItems", "contains", "not", *_BOUNDS)
_BANS: Final = ("additionalProperties", "unevaluatedProperties", "items", "unevaluatedItems")
_TABLES: Final = ("properties", "patternProperties", "$defs", "dependentSchemas")
_LISTS: Final = ("allOf", "anyOf", "oneOf", "prefixItems")
_PARTS: Final = ("items", "additionalProperties", "contains", "propertyNames", "if", "then", "else", "not")


class Loosening(NamedTuple):
    """One change of a schema: what was done, the changed schema, the keyword before and after, the path to it."""

    done: str
    schema: Any
    before: str
    after: str
    path: tuple[str | int, ...]


def loosen(schema: Any) -> Iterator[Loosening]:
    """Yield every change of a schema. O(size²)."""
    if not isinstance(schema, dict):
        return
    yield from _own(schema)
    for path, inner in _inner(schema):
        for change in loosen(inner):
            yield change._replace(schema=_put(schema, path, change.schema), path=(*path, *change.path))


def same_words(schema: Any, change: Loosening) -> bool:
    """Tell whether a change lies where only listed values fit (``enum``, ``const``), and lets the same ones through."""
    one, other = schema, change.schema
    for step in ("", *change.path):
        one, other = (one[step], other.get(step)) if step else (one, other)
        if not (isinstance(one, dict) and isinstance(other, dict)):
            return False
        words = one.get("enum", [one["const"]] if "const" in one else None)
        if words is not None and ("enum" in other or "const" in other):
            before, after = validator(one), validator(other)
            return all(before.is_valid(word) == after.is_valid(word) for word in words)
    return False


def _own(schema: dict[str, Any]) -> Iterator[Loosening]:
    for key in schema.get("required", ()):
        fewer = [other for other in schema["required"] if other != key]
        yield Loosening("a required key dropped", {**schema, "required": fewer}, f"required: {key}", "", ("required",))
    for keyword in (*_TESTS, *_BANS):
        if keyword in schema and (keyword in _TESTS or schema[keyword] is False):
            without = {name: value for name, value in schema.items() if name != keyword}
            yield Loosening(f"{keyword} dropped", without, f"{keyword}: {schema[keyword]!r}", "", (keyword,))
    for keyword in _BOUNDS:
        if type(schema.get(keyword)) in (int, float):
            for value in moved(schema[keyword]):
                after = f"{keyword}: {value!r}"
                changed = {**schema, keyword: value}
                yield Loosening("a bound moved", changed, f"{keyword}: {schema[keyword]!r}", after, (keyword,))


def _inner(schema: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    for keyword in _TABLES:
        for name, inner in schema.get(keyword, {}).items():
            yield (keyword, name), inner
    for keyword in _LISTS:
        for index, inner in enumerate(schema.get(keyword, ())):
            yield (keyword, index), inner
    for keyword in _PARTS:
        if isinstance(schema.get(keyword), dict):
            yield (keyword,), schema[keyword]


def _put(whole: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """Give a copy of JSON data with another value at a path."""
    if not path:
        return value
    step, *rest = path
    if isinstance(whole, list):
        assert type(step) is int
        return [*whole[:step], _put(whole[step], tuple(rest), value), *whole[step + 1 :]]
    return {**whole, step: _put(whole[step], tuple(rest), value)}
