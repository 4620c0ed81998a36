"""What a value may be before it is known: some numbers, truth values, texts or lists, or nothing at all.

A range says too much rather than too little: what is not in it is impossible, what is in it need not be possible.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from typing import Any, Final

from harness.registry.interval import ALL, Interval, around, hull

Truths = frozenset[bool]

MAX_WORDS: Final = 1_000
_WHOLE: Final = 1 << 52  # from here on floats have no fraction
BOTH: Final[Truths] = frozenset({True, False})
NEITHER: Final[Truths] = frozenset()


@dataclass(frozen=True, slots=True)
class Range:
    """The values that something may have; what it has of several kinds may be of any of them.

    ``words`` are texts, or null, that are known; ``items`` a list whose items are in these ranges; ``others`` says that
    it may be any text, list, object or null besides. ``undefined`` says that it may have no value.
    """

    numbers: Interval | None = None
    truths: Truths = NEITHER
    words: frozenset[str | None] = frozenset()
    items: tuple[Range, ...] | None = None
    others: bool = False
    undefined: bool = False

    @property
    def only_numbers(self) -> bool:
        """Whether it is a number, or undefined."""
        return not (self.truths or self.words or self.items is not None or self.others)

    @property
    def only_truths(self) -> bool:
        """Whether it is true or false, or undefined."""
        return self.numbers is None and not (self.words or self.items is not None or self.others)

    @property
    def defined(self) -> Range:
        """The same without the chance of having no value."""
        return replace(self, undefined=False) if self.undefined else self

    @property
    def known_items(self) -> tuple[Range, ...] | None:
        """The items of what is certainly a list of known length."""
        return self.items if self == Range(items=self.items) else None

    @property
    def members(self) -> list[Any] | None:
        """Every value it may have, where these are texts, null and truth values only."""
        if self.numbers is not None or self.items is not None or self.others:
            return None
        return [*sorted(self.truths), *sorted(self.words, key=str)]

    def __contains__(self, value: Any) -> bool:
        if type(value) is bool:
            return value in self.truths
        if type(value) in (int, float):
            return self.numbers is not None and value in self.numbers
        if (value is None or type(value) is str) and value in self.words:
            return True
        if type(value) is list and self.items is not None and len(value) == len(self.items):
            return self.others or all(one in item for one, item in zip(value, self.items, strict=True))
        return self.others


ANYTHING: Final = Range(ALL, BOTH, others=True, undefined=True)
UNDEFINED: Final = Range(undefined=True)


def exactly(value: Any) -> Range:
    """Give the range of a value that is known: a parameter, a literal. An object is taken as any."""
    if type(value) is bool:
        return Range(truths=frozenset({value}))
    if type(value) in (int, float):
        return Range(around(value))
    if value is None or type(value) is str:
        return Range(words=frozenset({value}))
    if type(value) is list:
        return Range(items=tuple(map(exactly, value)))
    return Range(others=True)


def either(one: Range, other: Range) -> Range:
    """Give what is in one range or in the other."""
    words, items, others = one.words | other.words, one.items, one.others or other.others
    if items is None or other.items is None:
        items = items if items is not None else other.items
    elif len(items) == len(other.items):
        items = tuple(map(either, items, other.items))
    else:
        items, others = None, True
    if others or len(words) > MAX_WORDS:
        words, items, others = frozenset(), None, True
    undefined = one.undefined or other.undefined
    return Range(hull(one.numbers, other.numbers), one.truths | other.truths, words, items, others, undefined)


def domain(schema: Any, *, required: bool = True) -> Range:
    """Give what a JSON Schema (Draft 2020-12) lets a value be; one that is not ``required`` may be undefined.

    Read are ``type``, ``enum``, ``const``, the bounds of numbers, and ``anyOf`` and ``oneOf``. Anything else only takes
    values away, and is left out. O(size).
    """
    return replace(_allowed(schema), undefined=not required)


def domains(schema: Any, name: str, *, required: bool = True) -> Iterator[tuple[str, Range]]:
    """Yield the domain of a value and, by their dotted names, of its fields at any depth.

    ``name`` is that of the value, such as ``call.args``; what the schema does not list is not in the answer.
    """
    yield name, domain(schema, required=required)
    if not isinstance(schema, dict) or schema.get("type") != "object":
        return
    properties, needed = schema.get("properties"), schema.get("required")
    for key, inner in properties.items() if isinstance(properties, dict) else ():
        there = required and isinstance(needed, list) and key in needed
        yield from domains(inner, f"{name}.{key}", required=there)


def _allowed(schema: Any) -> Range:
    if not isinstance(schema, dict):
        return ANYTHING if schema is not False else Range()
    if "const" in schema:
        return exactly(schema["const"])
    if isinstance(schema.get("enum"), list):
        return reduce(either, map(exactly, schema["enum"]), Range())
    for key in ("anyOf", "oneOf"):
        if isinstance(schema.get(key), list) and "type" not in schema:
            return reduce(either, map(_allowed, schema[key]), Range())
    said = schema.get("type", list(_TYPES))
    types = said if isinstance(said, list) else [said]
    return reduce(either, (_TYPES[name](schema) for name in types if name in _TYPES), Range())


def _numbers(schema: Mapping[str, Any], *, whole: bool) -> Range:
    low: Any = _bound(schema, "minimum", -math.inf)
    high: Any = _bound(schema, "maximum", math.inf)
    above, below = _bound(schema, "exclusiveMinimum", -math.inf), _bound(schema, "exclusiveMaximum", math.inf)
    if whole:
        low = low if math.isinf(low) else math.ceil(low)
        high = high if math.isinf(high) else math.floor(high)
        low = low if math.isinf(above) else max(low, math.floor(above) + 1)
        high = high if math.isinf(below) else min(high, math.ceil(below) - 1)
    else:
        low, high = max(low, _beyond(above, math.inf)), min(high, _beyond(below, -math.inf))
    return Range(Interval(low, high, whole)) if low <= high else Range()


def _beyond(end: Any, towards: float) -> Any:
    """Give the next number a value can be; at a size where that may be a whole number that is no float, the end."""
    return math.nextafter(end, towards) if -_WHOLE < end < _WHOLE else end


def _bound(schema: Mapping[str, Any], key: str, unbounded: float) -> Any:
    said = schema.get(key)
    return said if type(said) in (int, float, Fraction) else unbounded


_TYPES: Final[dict[str, Callable[[Mapping[str, Any]], Range]]] = {
    "number": lambda schema: _numbers(schema, whole=False),
    "integer": lambda schema: _numbers(schema, whole=True),
    "boolean": lambda _: Range(truths=BOTH),
    "null": lambda _: Range(words=frozenset({None})),
    "string": lambda _: Range(others=True),
    "array": lambda _: Range(others=True),
    "object": lambda _: Range(others=True),
}
