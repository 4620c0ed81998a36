"""What can be done to an agent, as far as one of its runs has shown: the elements that a schedule may be made of.

A fault is offered for a call that was made, where it can make a difference: a shuffle needs a list of several items, a
stale result an earlier one that was another, and what only reads cannot be committed and lost. A tool that is down all
the time is one element too. Each place at which several could have gone on offers the others, and inputs change to the
values that were named.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from harness.faults.plan import KINDS, Fault, surfaces_of
from harness.faults.service import leaves_of
from harness.stress.schedule import Change, Element, Schedule, Turn
from harness.stress.seen import Made, Seen

LASTING: Final = ("commit_then_timeout", "timeout", "error", "rate_limit", "empty", "stale")
"""Kinds that may also last: they strike every call of a tool."""

_RANKS: Final = (
    *("commit_then_timeout", "timeout", "error", "duplicate", "stale", "empty", "reset", "rate_limit"),
    *("partial", "truncate", "corrupt", "schema_mismatch", "near_duplicate", "shuffle", "inject", "collide", "delay"),
)
_INSTEAD: Final = frozenset({"timeout", "error", "reset", "rate_limit", "drop", "delay"})
_WRITES: Final = frozenset({"commit_then_timeout", "duplicate"})
_BY_CHANCE: Final = frozenset({"corrupt", "partial", "schema_mismatch", "shuffle", "near_duplicate", "inject"})
_TURN_RANK, _CHANGE_RANK, _LAST_RANK = 0, 1, len(_RANKS) + 2


@dataclass(frozen=True, slots=True)
class Space:
    """What may be done: kinds of faults, other values of the input, and up to ``widest`` choices at a place.

    ``reads`` are the tools that only read. A kind that does the same as another one (``drop`` as ``timeout``) is
    offered only where the other one may not be.
    """

    kinds: frozenset[str] = frozenset(KINDS) - {"variant"}  # which needs to be told what comes instead
    reads: frozenset[str] = frozenset()
    changes: tuple[Change, ...] = ()
    widest: int = 4

    def offered(self, seen: Seen) -> tuple[Element, ...]:
        """Give what could be done to a run like this one. O(size of the run)."""
        faults = [*self._single(seen), *self._lasting(seen)]
        turns = (
            Turn(place, choice)
            for place, width in enumerate(seen.widths)
            for choice in range(1, min(width, self.widest))
        )
        return (*self.changes, *turns, *faults)

    def _single(self, seen: Seen) -> Iterator[Fault]:
        counts: Counter[str] = Counter()
        earlier: defaultdict[str, list[Any]] = defaultdict(list)
        for made in seen.calls:
            if made.came == "refused":  # what is not performed is neither struck nor counted
                continue
            counts[made.tool] += 1
            for kind in KINDS:
                if self._fits(kind, made, earlier[made.tool]):
                    yield _fault(kind, made.tool, counts[made.tool])
            if made.came == "ok":
                earlier[made.tool].append(made.value)

    def _lasting(self, seen: Seen) -> Iterator[Fault]:
        first = {made.tool: made for made in reversed(seen.calls) if made.came != "refused"}
        for tool, made in sorted(first.items()):
            for kind in LASTING:
                if self._fits(kind, made, ()) or (kind == "stale" and self._may(kind, made)):
                    yield _fault(kind, tool, 0)

    def _may(self, kind: str, made: Made) -> bool:
        return kind in self.kinds and made.surface in surfaces_of(kind)

    def _fits(self, kind: str, made: Made, earlier: list[Any] | tuple[()]) -> bool:
        """Tell whether a fault of a kind can make a difference to a call."""
        if not self._may(kind, made) or (kind == "drop" and "timeout" in self.kinds):
            return False
        if KINDS[kind] != "service" or kind in _INSTEAD:
            return True
        if kind in _WRITES:
            return made.tool not in self.reads
        if made.came != "ok" or (kind == "collide" and made.surface != "memory"):
            return False
        if kind == "stale":
            return any(one != made.value for one in earlier)
        return _DIFFERENCES[kind](made.value)


def scheduled(elements: Iterator[Element] | tuple[Element, ...], seed: int = 0) -> Schedule | None:
    """Make a schedule of elements, in an order of its own; None where two of them get in each other's way.

    A call is struck once, a tool that is struck all the time not once more, a place turned once, and a part of the
    input changed once.
    """
    chosen = tuple(sorted(elements, key=lambda one: (rank(one), str(named(one)))))
    places = [_place(one) for one in chosen]
    lasting = {one.tools for one in chosen if isinstance(one, Fault) and not one.nth}
    if len(set(places)) < len(places) or any(
        isinstance(one, Fault) and one.nth and one.tools in lasting for one in chosen
    ):
        return None
    return Schedule(seed=seed).of(chosen)


def hangs_on_chance(schedule: Schedule) -> bool:
    """Tell whether some fault of a schedule does another thing under another seed."""
    return any(one.kind in _BY_CHANCE for one in schedule.faults)


def named(element: Element) -> Hashable:
    """Give what tells an element that was offered from any other one."""
    if isinstance(element, Fault):
        return element.name
    return element if isinstance(element, Turn) else (element.pointer, str(element.value))


def _place(element: Element) -> tuple[Any, ...]:
    if isinstance(element, Fault):
        return "call", element.tools, element.nth
    return ("turn", element.place) if isinstance(element, Turn) else ("input", element.pointer)


def rank(element: Element) -> tuple[int, int]:
    """Order elements of which nothing is known: what is likeliest to matter first, early calls before late ones."""
    if isinstance(element, Change):
        return _CHANGE_RANK, 0
    if isinstance(element, Turn):
        return _TURN_RANK, element.place
    rank = _RANKS.index(element.kind) + 2 if element.kind in _RANKS else _LAST_RANK
    return (rank, element.nth[0]) if element.nth else (rank + _LAST_RANK, 0)


@lru_cache(maxsize=4096)
def _fault(kind: str, tool: str, nth: int) -> Fault:
    """Give the fault that strikes a call of a tool; with 0 all of them."""
    return Fault(f"{kind}-{tool}-{nth}", kind, (tool,), nth=(nth,)) if nth else Fault(f"{kind}-{tool}", kind, (tool,))


def _longest(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return max((_longest(one) for one in value.values()), key=len, default=[])
    if isinstance(value, list):
        return max((value, *map(_longest, value)), key=len)
    return []


def _has(value: Any, kinds: type | tuple[type, ...]) -> bool:
    if isinstance(value, kinds):
        return True
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_has(one, kinds) for one in parts)


def _varied(value: Any) -> bool:
    items = _longest(value)
    return any(item != items[0] for item in items)


_DIFFERENCES: Final[dict[str, Callable[[Any], bool]]] = {
    "partial": lambda value: isinstance(value, str | list | dict) and len(value) > 0,
    "truncate": lambda value: len(_longest(value)) > 1,
    "shuffle": _varied,
    "near_duplicate": lambda value: len(_longest(value)) > 0,
    "corrupt": lambda value: any(one is not None for _, one in leaves_of(value)),
    "schema_mismatch": lambda value: _has(value, dict),
    "empty": lambda value: value not in (None, "", [], {}),
    "inject": lambda value: value is None or _has(value, (str, list)),
    "collide": lambda _: True,
}
"""Whether a result would be another one, by the kind of fault that changes it."""
