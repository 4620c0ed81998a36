"""Linear programs of a few rows by the dual simplex method on a dense table, for which no library need be loaded.

What comes back is a proposal and nothing more: it is solved in floats, and nobody trusts it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

INFINITE: Final = 1e30
_MISSED: Final = 1e-9  # by how much, in parts of a bound, a row may miss it
_FLAT: Final = 1e-11  # what is not divided by
_ROUNDS: Final = 20  # for each row and column, after which it is given up

Bounds = list[tuple[float, float]]


class _Choice(NamedTuple):
    """A basic value beyond its bounds, and that bound."""

    row: int
    bound: float
    up: bool  # whether it has to rise


def simplex(cost: list[float], bounds: Bounds, rows: list[list[float]], limits: Bounds) -> list[float] | None:
    """Give the values in their bounds, rows in their limits, at which the cost is least; ``None`` if none are found.

    A value whose cost is negative needs a finite upper bound, any other one a finite lower bound: there the method
    starts, each row a value of its own, and keeps what is best of what the limits so far allow. O(rows x columns) for
    each exchange, as many of which as there are limits in the way.
    """
    starts = [high if one < 0 else low for one, (low, high) in zip(cost, bounds, strict=True)]
    if any(abs(one) >= INFINITE for one in starts):
        return None
    return _Table(cost, bounds, rows, limits, starts).solved()


class _Table:
    """Basic values as sums of the others, which stand at a bound each; names count columns first, then rows."""

    def __init__(
        self, cost: list[float], bounds: Bounds, rows: list[list[float]], limits: Bounds, starts: list[float]
    ) -> None:
        self.wide = len(cost)
        self.bounds = [*bounds, *limits]
        self.rows, self.cost, self.at = [row[:] for row in rows], cost[:], starts[:]
        self.free = list(range(self.wide))
        self.basic = list(range(self.wide, self.wide + len(rows)))

    def solved(self) -> list[float] | None:
        """Exchange a value that is beyond its bounds for one that stands at a bound, until none is."""
        for _ in range(_ROUNDS * (self.wide + len(self.rows))):
            values = [sum(map(float.__mul__, row, self.at)) for row in self.rows]
            leaving = self._leaving(values)
            if leaving is None:
                return self._answer(values)
            entering = self._entering(leaving)
            if entering is None:
                return None
            self._exchange(leaving, entering)
        return None

    def _leaving(self, values: list[float]) -> _Choice | None:
        worst, found = 0.0, None
        for row, (value, name) in enumerate(zip(values, self.basic, strict=True)):
            low, high = self.bounds[name]
            for bound, missed in ((low, low - value), (high, value - high)):
                if missed > _MISSED * (1 + abs(bound)) and missed > worst:
                    worst, found = missed, _Choice(row, bound, value < low)
        return found

    def _entering(self, leaving: _Choice) -> int | None:
        """Give the column that may move the way it has to at the least cost for what it moves."""
        best: tuple[float, float, int] | None = None
        for column, factor in enumerate(self.rows[leaving.row]):
            low, high = self.bounds[self.free[column]]
            rises = (factor > 0) is leaving.up
            if abs(factor) <= _FLAT or low == high or self.at[column] != (low if rises else high):
                continue
            choice = (abs(self.cost[column] / factor), -abs(factor), column)
            best = choice if best is None else min(best, choice)
        return best[2] if best else None

    def _exchange(self, leaving: _Choice, column: int) -> None:
        pivot = self.rows[leaving.row]
        factor = pivot[column]
        solved = [-one / factor for one in pivot]
        solved[column] = 1 / factor
        for place, row in enumerate(self.rows):
            if place != leaving.row:
                self.rows[place] = _substituted(row, solved, column)
        self.rows[leaving.row] = solved
        self.cost = _substituted(self.cost, solved, column)
        self.free[column], self.basic[leaving.row] = self.basic[leaving.row], self.free[column]
        self.at[column] = leaving.bound

    def _answer(self, values: list[float]) -> list[float]:
        found = dict(zip([*self.free, *self.basic], [*self.at, *values], strict=True))
        return [found[name] for name in range(self.wide)]


def _substituted(row: list[float], solved: list[float], column: int) -> list[float]:
    """Put what a column's value is now into a row."""
    times = row[column]
    if not times:
        return row
    found = [one + times * other for one, other in zip(row, solved, strict=True)]
    found[column] = times * solved[column]
    return found
