"""The texts and numbers inside a value, each with its place."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any

Path = tuple[Any, ...]  # the path of what it stands in, and its key or position there; empty at the root


class Key(str):
    """A key of an object that is itself the leaf."""

    __slots__ = ()


def leaves_of(value: Any, known: Container[Any]) -> Iterator[tuple[Path, Any]]:
    """Yield the texts and numbers inside a value, and the keys of its objects that are not ``known``. O(value)."""
    waiting: list[tuple[Path, Any]] = [((), value)]
    while waiting:
        path, one = waiting.pop()
        kind = type(one)
        if kind is str or kind is int or kind is float:
            yield path, one
        elif kind is dict:
            for key, inner in one.items():
                waiting.append(((path, key), inner))
                if key not in known:
                    yield (path, Key(key)), key
        elif kind is list:
            waiting += [((path, index), inner) for index, inner in enumerate(one)]


def pointer(path: Path) -> str:
    """Spell a path as a JSON pointer (RFC 6901). O(depth)."""
    parts: list[str] = []
    while path:
        path, key = path
        parts.append(str(key).replace("~", "~0").replace("/", "~1"))
    return "".join(f"/{part}" for part in reversed(parts))
