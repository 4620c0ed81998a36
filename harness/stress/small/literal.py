"""Values as Python source, broken into lines where formatters would break them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from harness.errors import NotRecordable

LINE: Final = 88  # what formatters agree on where nothing else is said
_STEP: Final = "    "
_BRACKETS: Final[dict[type, tuple[str, str]]] = {dict: ("{", "}"), list: ("[", "]"), set: ("{", "}"), tuple: ("(", ")")}
_ISO: Final = (datetime, date, time)  # a datetime is a date too, so it comes first


def assigned(name: str, value: Any) -> str:
    """Write ``name = value``; NotRecordable for a value that has no source, such as an object of a class."""
    return f"{name} = {_broken(value, len(name) + 3, '')}"


def called(head: str, arguments: Iterable[str]) -> str:
    """Write a call with arguments as they are; ``head`` is the line up to its bracket, indented as it is."""
    arguments = list(arguments)
    line = f"{head}({', '.join(arguments)})"
    if len(line) <= LINE:
        return line
    indent = " " * (len(head) - len(head.lstrip()))
    return f"{head}(\n" + "".join(f"{indent}{_STEP}{one},\n" for one in arguments) + f"{indent})"


def quoted(text: str) -> str:
    """Write a text in double quotes, or in single ones where that takes fewer backslashes."""
    inside = "".join(repr(letter)[1:-1] for letter in text)
    quote = "'" if inside.count('"') > inside.count("'") else '"'
    return quote + inside.replace(quote, f"\\{quote}") + quote


def imports_of(*values: Any) -> list[str]:
    """Give the import lines that the source of some values needs, in order."""
    names = set[tuple[str, str]]()
    for value in values:
        for part in _parts(value):
            if isinstance(part, (*_ISO, timedelta, Decimal, UUID)):
                names.add((type(part).__module__, type(part).__name__))
    modules = sorted({module for module, _ in names})
    return [f"from {module} import {', '.join(sorted(n for m, n in names if m == module))}" for module in modules]


def source(value: Any) -> str:
    """Write a value in one line; NotRecordable for one that has no source."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{source(key)}: {source(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(source, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(source, value))}{',' * (len(value) == 1)})"
    if isinstance(value, set | frozenset):
        items = f"{{{', '.join(sorted(map(source, value)))}}}" if value else ""
        return items or "set()" if isinstance(value, set) else f"frozenset({items})"
    return _atom(value)


def _atom(value: Any) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bytes):
        return "b" + quoted(value.decode("latin-1")).encode("ascii", "backslashreplace").decode()
    if value is None or isinstance(value, bool | int):
        return repr(value)
    if isinstance(value, float):
        return repr(value).replace("e+", "e") if math.isfinite(value) else f'float("{value}")'
    if isinstance(value, Decimal | UUID):
        return f"{type(value).__name__}({quoted(str(value))})"
    if isinstance(value, _ISO):
        return f"{type(value).__name__}.fromisoformat({quoted(value.isoformat())})"
    if isinstance(value, timedelta):
        return f"timedelta({value.days}, {value.seconds}, {value.microseconds})"
    raise NotRecordable(
        f"a {type(value).__qualname__} cannot be written as Python source",
        cure="let the entry take JSON data",
    )


def _broken(value: Any, room: int, indent: str) -> str:
    """Write a value after ``room`` letters of its line; what is too long has a line for each of its parts."""
    line = source(value)
    if room + len(line) <= LINE or not value or type(value) not in _BRACKETS:
        return line
    inner = indent + _STEP
    if isinstance(value, dict):
        heads = [(f"{source(key)}: ", item) for key, item in value.items()]
    else:
        heads = [("", item) for item in (sorted(value, key=source) if isinstance(value, set) else value)]
    lines = [f"{inner}{head}{_broken(item, len(inner) + len(head) + 1, inner)},\n" for head, item in heads]
    opening, closing = _BRACKETS[type(value)]
    return f"{opening}\n{''.join(lines)}{indent}{closing}"


def _parts(value: Any) -> Iterator[Any]:
    yield value
    inner = [*value.keys(), *value.values()] if isinstance(value, dict) else value
    if isinstance(inner, list | tuple | set | frozenset):
        for one in inner:
            yield from _parts(one)
