"""Where two JSON Schemas of the same value contradict each other, as far as types and units go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.registry.parameter import unit_of
from harness.registry.unit import clash


def mismatches(promised: Any, asked: Any, where: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield where a value that fits the one schema cannot be meant by the other: the place, the reason, the cure.

    Compared are ``type`` and ``unit`` of the value, of the properties that both name, and of the items of lists; what
    the reader requires and the writer, who lists all it writes, does not have. Not compared: everything else, such as
    bounds, patterns and alternatives. O(size).
    """
    if not isinstance(promised, dict) or not isinstance(asked, dict):
        return
    one, other = _types(promised), _types(asked)
    if one and other and not one & other:
        yield where, f"{_listed(one)} is written, {_listed(other)} is read", ""
        return
    found = clash(unit_of(promised.get("unit")), unit_of(asked.get("unit")))
    if found is not None:
        yield where, *found
    mine, theirs = promised.get("properties"), asked.get("properties")
    if isinstance(mine, dict):
        yield from _missing(promised, asked, where)
        for name, schema in theirs.items() if isinstance(theirs, dict) else ():
            yield from mismatches(mine.get(name), schema, f"{where}.{name}")
    yield from mismatches(promised.get("items"), asked.get("items"), f"{where}[]")


def _missing(promised: dict[str, Any], asked: dict[str, Any], where: str) -> Iterator[tuple[str, str, str]]:
    if promised.get("additionalProperties") is not False:
        return
    for name in asked.get("required", ()):
        if name not in promised["properties"]:
            yield f"{where}.{name}", "it is read, and never written", ""


def _types(schema: dict[str, Any]) -> set[str]:
    said = schema.get("type")
    types = {said} if isinstance(said, str) else set(said) if isinstance(said, list) else set()
    return {"number" if name == "integer" else name for name in types}  # 2.0 is a whole number too


def _listed(types: set[str]) -> str:
    return " or ".join(sorted(types))
