"""Several ``graph:`` parts as one, each part still where it was written.

Names are stated once: a goal, a tool's ways, a join or a policy that two graphs state differently is a mistake.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from harness.errors import Mistake
from harness.registry.document import Written


def united(one: Written | None, other: Written | None) -> Written | None:
    """Give one graph of two; what both state is taken from the first. O(size)."""
    if one is None or other is None:
        return one or other
    parts = dict(one.entries or {})
    for key, node in (other.entries or {}).items():
        parts[key] = _part(_named(key, parts[key]), _named(key, node)) if key in parts else node
    return replace(one, entries=parts, keys={**other.keys, **one.keys})


def stated_twice(one: Written | None, other: Written | None, *, alike: bool) -> Iterator[Mistake]:
    """Yield, at the second graph, each name that both state; if ``alike`` is allowed, only where they differ."""
    if one is None or other is None:
        return
    for key, node in (other.entries or {}).items():
        before = _named(key, one.find([key])).entries if key in one.keys else None
        now = _named(key, node)
        for name, said in (now.entries or {}).items():
            there = (before or {}).get(name)
            if there is not None and not (alike and there.plain() == said.plain()):
                place = now.keys.get(name, said)
                yield place.mistake(f"{key}: {name!r} is stated in {there.place} too", "state it once")


def _part(one: Written, other: Written) -> Written:
    if one.entries is not None and other.entries is not None:
        return replace(one, entries={**one.entries, **_new(one, other)}, keys={**other.keys, **one.keys})
    known = [item.plain() for item in one.items or ()]
    return replace(one, items=(*(one.items or ()), *(item for item in other.items or () if item.plain() not in known)))


def _new(one: Written, other: Written) -> dict[str, Written]:
    return {name: node for name, node in (other.entries or {}).items() if name not in (one.entries or {})}


def _named(key: str, node: Written) -> Written:
    """Give goals that are a list of names in their longer form."""
    if key != "goals" or node.items is None:
        return node
    entries = {item.value: replace(item, value=None, items=(item,)) for item in node.items}
    return replace(node, items=None, entries=entries, keys={item.value: item for item in node.items})
