"""Weights and a point at which atoms that must all hold on a box, each on its tangent plane, add up to a contradiction.

For convex atoms that is the Lagrangian dual, solved by cutting planes (Kelley 1960): tangents at the points so far give
weights by a linear program, and the least point of the sum that they weigh is where the next tangents touch. What comes
of it is a proposal: whether the planes lie below the terms, as they do where these are convex, is for the checker.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Final, NamedTuple

from harness.registry.solve.contract import Live
from harness.registry.solve.floats import Empty, Steep
from harness.registry.solve.lagrange import FEW, Row, simpler, weighed

ROUNDS: Final = 12  # of tangents
STEPS: Final = 12  # on the way down to a least point
_NEAR: Final = 1e-7  # of the width of a box, between two slopes whose difference says how they change
_CLOSE: Final = 1e-14  # of the size of the atoms: what is so near to 0 may be 0

Weights = tuple[tuple[int, Fraction], ...]
Point = list[float]


class Proposal(NamedTuple):
    """Weights of atoms, by their places, and the point where the tangents touch."""

    weights: Weights
    point: tuple[Fraction, ...]


class _Place(NamedTuple):
    """What a term or a sum is at a point, and its slopes there."""

    value: float
    slopes: dict[int, float]


def proposed(atoms: Sequence[Live], lows: Point, highs: Point, start: Point) -> tuple[Proposal | None, int]:
    """Give a proposal for a box, None where no sum is seen to be positive, and how many linear programs that took.

    The first tangents touch at ``start``, or where the box is nearest to it.
    """
    atoms = atoms[:FEW]
    point = [min(max(one, low), high) for one, low, high in zip(start, lows, highs, strict=True)]
    rows: list[Row] = []
    for tried in range(ROUNDS):
        if _tangents(atoms, point, lows, highs, rows) or not rows:
            return None, tried
        found = weighed(rows, lows, highs)
        if found is None:
            return None, tried + 1
        weights = _joined(found.weights)
        if not weights:  # an equality against itself
            return None, tried + 1
        lower = _least(_Sum(atoms, weights), point, lows, highs)
        for one in _written(atoms, weights, lower):
            if _seems_positive(atoms, one, lows, highs):
                return one, tried + 1
        if lower == point:
            return None, tried + 1
        point = lower
    return None, ROUNDS


def _joined(weights: Weights) -> Weights:
    """Give each atom one weight, that of all of its tangents."""
    found: dict[int, Fraction] = {}
    for place, weight in weights:
        found[place] = found.get(place, Fraction(0)) + weight
    return tuple((place, weight) for place, weight in found.items() if weight)


def _seems_positive(atoms: Sequence[Live], one: Proposal, lows: Point, highs: Point) -> bool:
    """Say whether the tangent plane of the weighed sum is positive on a box, or may be 0 where a strict atom is in."""
    point = [float(value) for value in one.point]
    here = _Sum(atoms, one.weights).at(point)
    if here is None:
        return False
    least = here.value + sum(min(s * (lows[j] - point[j]), s * (highs[j] - point[j])) for j, s in here.slopes.items())
    return least > 0 or (least > -_CLOSE and any(atoms[place].strict for place, _ in one.weights))


def _tangents(atoms: Sequence[Live], point: Point, lows: Point, highs: Point, rows: list[Row]) -> bool:
    """Add the tangent planes at a point; say whether all atoms hold there."""
    met = True
    for place, one in enumerate(atoms):
        found = _Sum(atoms, [(place, Fraction(1))]).at(point)
        if found is None:
            met = False
            continue
        met = met and (found.value == 0 if one.equal else found.value < 0 or (found.value == 0 and not one.strict))
        center, spread = found.value, 0.0
        for j, slope in found.slopes.items():
            center += slope * (lows[j] + (highs[j] - lows[j]) / 2 - point[j])
            spread += abs(slope) * (highs[j] - lows[j]) / 2
        scale = max(abs(center), spread)
        if not 1e-300 < scale < 1e300 or (center + spread < 0 and not one.equal):
            continue
        for sign in (1.0, -1.0)[: 1 + one.equal]:
            slopes = {j: (sign * slope, sign * slope) for j, slope in found.slopes.items()}
            rows.append(Row(place, sign, one.equal, sign * center, 0.0, slopes, scale))
    return met


class _Sum:
    """A weighted sum of atoms."""

    def __init__(self, atoms: Sequence[Live], weights: Iterable[tuple[int, Fraction]]) -> None:
        self._weighted = [(atoms[place], float(weight)) for place, weight in weights]

    def at(self, point: Point) -> _Place | None:
        """Give the sum at a point; None where it has no value or no slopes."""
        value, slopes = 0.0, dict[int, float]()
        for one, weight in self._weighted:
            try:
                low, high = one.tape.range(point, point)
                steep = one.tape.slopes(point, point)
            except (Empty, Steep):
                return None
            value += weight * (low + (high - low) / 2)
            for j, (least, most) in steep.items():
                slopes[j] = slopes.get(j, 0.0) + weight * (least + (most - least) / 2)
        return _Place(value, slopes) if abs(value) < 1e300 else None


def _least(total: _Sum, start: Point, lows: Point, highs: Point) -> Point:
    """Go down to a least point of a sum by Newton's method, inside of a box."""
    point, here = start, total.at(start)
    if here is None:
        return start
    for _ in range(STEPS):
        free = [
            j
            for j, slope in here.slopes.items()
            if lows[j] < highs[j] and point[j] != (lows[j] if slope > 0 else highs[j])
        ]
        step = _step(total, point, here, free, lows, highs)
        if step is None:
            break
        for part in (1.0, 0.25, 0.03):
            moved = point[:]
            for j, by in zip(free, step, strict=True):
                moved[j] = min(max(point[j] + part * by, lows[j]), highs[j])
            there = total.at(moved)
            if there is not None and there.value < here.value:
                break
        else:
            break
        gained, point, here = here.value - there.value, moved, there
        if gained < 1e-16:
            break
    return point


def _step(total: _Sum, point: Point, here: _Place, free: list[int], lows: Point, highs: Point) -> list[float] | None:
    """Give Newton's step in some variables, the way down where the sum bends downwards; None where there is none."""
    table = []
    for j in free:
        near, width = point[:], highs[j] - lows[j]
        near[j] += _NEAR * (width if near[j] < lows[j] + width / 2 else -width)
        there = total.at(near)
        if there is None:
            return None
        by = near[j] - point[j]
        table.append([(there.slopes.get(k, 0.0) - here.slopes[k]) / by if by else 0.0 for k in free])
    down = [-here.slopes[j] for j in free]
    return _solved(table, down) if free else None


def _solved(table: list[list[float]], wanted: list[float]) -> list[float] | None:
    """Solve a symmetric system by elimination; a pivot that is not positive counts as if it were."""
    size = range(len(wanted))
    table = [[(table[i][j] + table[j][i]) / 2 for j in size] for i in size]
    wanted, damp = wanted[:], 1e-9 * max(abs(one) for row in table for one in row)
    if not damp > 0:
        return None
    for i in size:
        table[i][i] = max(abs(table[i][i]), damp)
        for k in range(i + 1, len(wanted)):
            factor = table[k][i] / table[i][i]
            table[k] = [one - factor * other for one, other in zip(table[k], table[i], strict=True)]
            wanted[k] -= factor * wanted[i]
    for i in reversed(size):
        wanted[i] = (wanted[i] - sum(table[i][j] * wanted[j] for j in size if j > i)) / table[i][i]
    return wanted


def _written(atoms: Sequence[Live], weights: Weights, point: Point) -> list[Proposal]:
    """Give a proposal in short fractions, and as it was found."""
    used = frozenset[int]().union(*(atoms[place].tape.variables for place, _ in weights))
    exact = tuple(Fraction(one) if j in used else Fraction(0) for j, one in enumerate(point))
    short = tuple(one.limit_denominator(1000) for one in exact)
    return [Proposal(simpler(weights), short), Proposal(weights, exact)]
