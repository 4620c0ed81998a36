"""The way back: for a violated requirement, which value would have met it.

Each value that the agent can change is moved by itself, everything else held as it is. Where the requirement is made of
straight lines in that value the nearest one that meets it is worked out exactly (``linear``); elsewhere it is searched
for, and marked ``approximate``. Whatever is proposed has been tried: the requirement was evaluated at it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any, Final

from harness.assertion.linear import NonlinearError, Reach, chains, nearest
from harness.registry.margin import ValueOf, distance, margin
from harness.registry.tree import Compare, Constant, Field, Name, Node, Span, dotted, walk
from harness.registry.values import Number, Undefined, same
from harness.trace.verdict import Direction, Move

MAX_EVALUATIONS: Final = 200
MAX_LEAVES: Final = 16
MAX_CHOICES: Final = 20
CHANGEABLE: Final = ("call.args", "result", "artifact")

_NEAR: Final = 30  # doublings of one float's width: within about 1e-7 of the boundary
_HALVINGS: Final = 80
_SPREAD: Final = 24  # doublings around the value, when searching
_WRITTEN: Final = 12


def gradient(tree: Node, value_of: ValueOf) -> tuple[Move, ...]:
    """Give for each value that the agent can change the step to the nearest one that meets a violated requirement.

    These are the dotted chains under ``CHANGEABLE``, in the order of the text; one without such a value is left out. A
    whole number is moved to a whole number. Empty unless the requirement is violated. At most ``MAX_EVALUATIONS`` of
    the requirement for each of the first ``MAX_LEAVES`` chains. Not verified: the other rules, and that an approximate
    step is the nearest.
    """
    try:
        if value_of(tree, {}) is not False:
            return ()
    except Undefined:
        return ()
    found = (_Search(tree, value_of, field).step() for field in _leaves(tree)[:MAX_LEAVES])
    return tuple(step for step in found if step is not None)


def replaced(names: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Give names in which some dotted ones have other values; nothing is changed in place. O(depth · width)."""
    changed = dict(names)
    for name, value in changes.items():
        first, *rest = name.split(".")
        changed[first] = _set(changed.get(first), rest, value)
    return changed


def _set(whole: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    inside = whole if isinstance(whole, Mapping) else {}
    return {**inside, path[0]: _set(inside.get(path[0]), path[1:], value)}


def _leaves(tree: Node) -> list[str]:
    """Give the chains under ``CHANGEABLE``, each once."""
    fronts = tuple(f"{name}." for name in CHANGEABLE)
    return list(dict.fromkeys(name for name in chains(tree) if f"{name}.".startswith(fronts)))


class _Search:
    """Look for the nearest value of one field that meets a requirement; count what that costs."""

    def __init__(self, tree: Node, value_of: ValueOf, field: str) -> None:
        self._tree, self._value_of, self._field = tree, value_of, field
        self._left = MAX_EVALUATIONS

    def step(self) -> Move | None:
        """Give the step, or None where none was found."""
        try:
            start = self._value_of(_chain(self._field), {})
        except Undefined:
            return None
        moved = self._moved(start) if type(start) in (int, float) else None
        choices = self._choices(start)
        if moved:
            return replace(moved, one_of=choices)
        return Move(self._field, "choose", one_of=choices) if choices else None

    def _meets(self, value: Any) -> bool:
        """Tell whether the requirement holds with a value; not, once the evaluations are used up."""
        self._left -= 1
        try:
            return self._left >= 0 and self._value_of(self._tree, {self._field: value}) is True
        except Undefined:
            return False

    def _moved(self, start: Number) -> Move | None:
        try:
            reaches = [(towards, self._reach(start, towards)) for towards in (-1, 1)]
        except NonlinearError:
            return self._searched(start)
        found = [(abs(reach.at - Fraction(start)), towards, reach) for towards, reach in reaches if reach]
        for _, towards, reach in sorted(found, key=lambda one: one[:2]):
            settle = self._settled_whole if type(start) is int else self._settled
            if step := settle(start, towards, reach):
                return step
        return None

    def _reach(self, start: Number, towards: int) -> Reach | None:
        whole = type(start) is int
        return nearest(self._tree, self._value_of, self._field, Fraction(start), towards, whole=whole)

    def _settled_whole(self, start: Number, towards: int, reach: Reach) -> Move | None:
        # the rounding of floats may move the exact answer by one
        for offset in (-1, 0, 1, 2):
            value = int(reach.at) + towards * offset
            if value != start and self._meets(value):
                return self._step(start, value, towards, allowed=True)
        return None

    def _settled(self, start: Number, towards: int, reach: Reach) -> Move | None:
        try:
            end = float(reach.at)
        except OverflowError:
            return None
        meets = self._meets(end)
        if meets and reach.closed:
            return self._step(start, end, towards, allowed=True)
        # the end of an open range, or rounding has moved it: the other side of the boundary is close by
        around = _beside(start, end, -towards if meets else towards)
        other = next((value for value in around if self._meets(value) is not meets), None)
        if other is None:
            return None
        fails, good = self._narrowed(*((other, end) if meets else (end, other)))
        return self._step(start, good if reach.closed else fails, towards, allowed=reach.closed)

    def _narrowed(self, fails: Number, good: Number) -> tuple[Number, Number]:
        """Halve the way between a value that fails and one that meets the requirement until they are neighbours."""
        for _ in range(_HALVINGS):
            middle = (fails + good) // 2 if type(fails) is int else fails / 2 + good / 2
            if middle in (fails, good) or self._left <= 0:
                break
            fails, good = (fails, middle) if self._meets(middle) else (middle, good)
        return fails, good

    def _searched(self, start: Number) -> Move | None:
        fails = {-1: start, 1: start}
        for value in self._probes(start):
            side = 1 if value > start else -1
            if self._meets(value):
                bad, good = self._narrowed(fails[side], value)
                allowed = type(start) is int or not self._strict(good)
                return self._step(start, good if allowed else bad, side, allowed=allowed, approximate=True)
            fails[side] = value
        return None

    def _probes(self, start: Number) -> list[Number]:
        """Give values to try, nearest first: ever farther ones on both sides, and the numbers in the requirement."""
        written = [node.value for node in walk(self._tree) if isinstance(node, Constant)]
        near: list[Number] = [value for value in written if type(value) in (int, float)][:_WRITTEN]
        if type(start) is int:
            offsets = [*range(1, _SPREAD), *(_SPREAD << doubling for doubling in range(_SPREAD))]
            near = [int(value) for value in near]
        else:
            scale, near = max(abs(start), 1.0), [float(value) for value in near]
            offsets = [scale * 2.0**doubling for doubling in range(-_SPREAD, _SPREAD)]
        around = near + [start + offset for offset in offsets] + [start - offset for offset in offsets]
        return sorted(
            {value for value in around if value != start and math.isfinite(value)}, key=lambda value: abs(value - start)
        )

    def _strict(self, value: Number) -> bool:
        """Tell whether the boundary next to a value is not allowed, from the comparison that decides there."""
        found = margin(self._tree, lambda node, bound: self._value_of(node, {**bound, self._field: value}))
        return found is not None and found.strict

    def _choices(self, start: Any) -> tuple[Any, ...]:
        """Give the values that the requirement itself names, and that meet it."""
        chosen: list[Any] = []
        for value in self._named(start):
            if len(chosen) == MAX_CHOICES:
                break
            if not any(same(value, one) for one in [start, *chosen]) and self._meets(value):
                chosen.append(value)
        return tuple(chosen)

    def _named(self, start: Any) -> Iterator[Any]:
        if type(start) is bool:
            yield not start
        for node in walk(self._tree):
            if isinstance(node, Compare):
                for operator, left, right in zip(node.operators, node.operands, node.operands[1:], strict=False):
                    yield from self._named_by(operator, left, right, numeric=type(start) in (int, float))

    def _named_by(self, operator: str, left: Node, right: Node, *, numeric: bool) -> Iterator[Any]:
        mine = [dotted(side).removeprefix("now.") == self._field for side in (left, right)]
        listed = operator in ("in", "not in")
        if not (mine[0] or (mine[1] and not listed)) or (numeric and not listed):
            return
        try:
            value = self._value_of(right if mine[0] else left, {})
        except Undefined:
            return
        yield from (value if listed and type(value) in (list, dict) else () if listed else (value,))

    def _step(self, start: Number, boundary: Number, towards: int, *, allowed: bool, approximate: bool = False) -> Move:
        direction: Direction = "decrease" if towards < 0 else "increase"
        return Move(self._field, direction, abs(distance(start, boundary)), boundary, allowed, approximate)


def _beside(start: Number, end: float, towards: int) -> Iterator[float]:
    """Yield floats ever farther from ``end``, beginning with its neighbour."""
    yield math.nextafter(end, towards * math.inf)
    width = math.ulp(max(abs(start), abs(end), 1.0))
    yield from (end + towards * width * 2.0**doubling for doubling in range(_NEAR))


def _chain(name: str) -> Node:
    """Give the node of a dotted name."""
    first, *rest = name.split(".")
    span = Span(0, 0)
    node: Node = Name(span, first)
    for part in rest:
        node = Field(span, node, part)
    return node
