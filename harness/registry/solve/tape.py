"""A term as a flat tape over float intervals: its range on a box, what a condition leaves of each variable, its slopes.

Part of the search: nothing here is trusted, a checker with other arithmetic replays what comes of it. Ends are still
rounded outward, because a step that is right by a hair is a step that the checker can follow.

Backward projection is HC4-revise (Benhamou, Goualard, Granvilliers and Puget 1999) on the tree of occurrences, siblings
taken from the forward pass: so the part of a box that is cut off is one on which the forward range alone misses the
condition, which is what a certificate can say of it.
"""

from __future__ import annotations

from collections.abc import Callable

from harness.registry.solve.floats import (
    INFINITE,
    Backward,
    Binary,
    Empty,
    Ends,
    Interval,
    Steep,
    add,
    enclosed,
    mul,
    power,
)
from harness.registry.solve.inverse import OPERATIONS, power_back, power_slope
from harness.registry.solve.problem import Apply, Number, Power, Term, Unknown

Narrowed = dict[int, Interval]  # by variable: what is left of it; a low end above the high one leaves nothing


class Tape:
    """A term in the order in which it is computed; nodes that no variable is in are computed once, here.

    ``variables`` are the places of the variables in it.
    """

    def __init__(self, term: Term) -> None:
        self._low: list[float] = []
        self._high: list[float] = []
        self._leaves: list[tuple[int, int]] = []  # node, variable
        self._steps: list[
            tuple[int, int, int, Binary, Backward, Callable[[float, float, float, float], Ends], bool, bool]
        ] = []
        self._fixed: list[bool] = []
        self._root = self._add(term)
        self.variables = frozenset(variable for _, variable in self._leaves)
        self._back = self._steps[::-1]

    def _node(self, low: float, high: float, fixed: bool) -> int:
        self._low.append(low)
        self._high.append(high)
        self._fixed.append(fixed)
        return len(self._low) - 1

    def _add(self, term: Term) -> int:
        match term:
            case Number(value):
                return self._node(*enclosed(value), True)
            case Unknown(index):
                node = self._node(0.0, 0.0, False)
                self._leaves.append((node, index))
                return node
            case Power(inner, exponent):
                return self._apply((power(exponent), power_back(exponent), power_slope(exponent)), (inner,))
            case Apply(operation, terms):
                return self._apply(OPERATIONS[operation], terms)

    def _apply(
        self, how: tuple[Binary, Backward, Callable[[float, float, float, float], Ends]], terms: tuple[Term, ...]
    ) -> int:
        places = [self._add(one) for one in terms]
        i, j = places[0], places[-1]
        fixed = self._fixed[i] and self._fixed[j]
        if fixed:
            try:
                return self._node(*how[0](self._low[i], self._high[i], self._low[j], self._high[j]), True)
            except Empty:
                fixed = False
        node = self._node(0.0, 0.0, fixed)
        left, right = not self._fixed[i], len(places) == 2 and not self._fixed[j]
        self._steps.append((node, i, j, *how, left, right))
        return node

    def _forward(self, lows: list[float], highs: list[float]) -> tuple[list[float], list[float]]:
        low, high = self._low[:], self._high[:]
        for node, variable in self._leaves:
            low[node], high[node] = lows[variable], highs[variable]
        for node, i, j, forward, _, _, _, _ in self._steps:
            low[node], high[node] = forward(low[i], high[i], low[j], high[j])
        return low, high

    def range(self, lows: list[float], highs: list[float]) -> Interval:
        """Give an interval with every value of the term on the box; raise ``Empty`` where it has none. O(size)."""
        low, high = self._forward(lows, highs)
        return low[self._root], high[self._root]

    def narrow(self, lows: list[float], highs: list[float], floor: float, strict: bool) -> Narrowed | None:
        """Give what a term between ``floor`` and 0 leaves of variables; ``None`` where no point fits. O(size)."""
        try:
            low, high = self._forward(lows, highs)
        except Empty:
            return None
        end, at, top = self._root, low[self._root], high[self._root]
        if at > 0 or (strict and at == 0) or top < floor:
            return None
        if top <= 0 and at >= floor and not (strict and top == 0):
            return {}
        want_low, want_high = low[:], high[:]
        want_low[end], want_high[end] = max(at, floor), min(top, 0.0)
        for node, i, j, _, backward, _, left, right in self._back:
            a, b, c, d = backward(want_low[node], want_high[node], low[i], high[i], low[j], high[j])
            if left:
                want_low[i], want_high[i] = max(want_low[i], a), min(want_high[i], b)
                if want_low[i] > want_high[i]:
                    return {}
            if right:
                want_low[j], want_high[j] = max(want_low[j], c), min(want_high[j], d)
                if want_low[j] > want_high[j]:
                    return {}
        return self._left_over(want_low, want_high, lows, highs)

    def _left_over(
        self, want_low: list[float], want_high: list[float], lows: list[float], highs: list[float]
    ) -> Narrowed:
        found: Narrowed = {}
        for node, variable in self._leaves:
            low, high = want_low[node], want_high[node]
            if low > lows[variable] or high < highs[variable]:
                had = found.get(variable)
                found[variable] = (low, high) if had is None else (max(low, had[0]), min(high, had[1]))
        return found

    def slopes(self, lows: list[float], highs: list[float]) -> dict[int, Interval]:
        """Give an interval that holds the derivative by each variable, anywhere on the box. O(size).

        Raises:
            Empty: the term has no value on the box.
            Steep: a derivative is unbounded there.
        """
        low, high = self._forward(lows, highs)
        slope_low, slope_high = [0.0] * len(low), [0.0] * len(low)
        slope_low[self._root] = slope_high[self._root] = 1.0
        for node, i, j, _, _, slope, left, right in self._back:
            a, b, c, d = slope(low[i], high[i], low[j], high[j])
            if left:
                slope_low[i], slope_high[i] = mul(slope_low[node], slope_high[node], a, b)
            if right:
                slope_low[j], slope_high[j] = mul(slope_low[node], slope_high[node], c, d)
        found: dict[int, Interval] = {}
        for node, variable in self._leaves:
            one = (slope_low[node], slope_high[node])
            if not (abs(one[0]) < INFINITE and abs(one[1]) < INFINITE):
                raise Steep
            had = found.get(variable)
            found[variable] = one if had is None else add(*had, *one)
        return found
