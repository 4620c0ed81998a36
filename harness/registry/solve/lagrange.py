"""Weights under which atoms that must all hold on a box add up to something positive: together they cannot hold there.

The weighted sum in mean-value form, ``sum w g(c) - sum_j r_j |sum w g'_j|`` over the box with centre c and radii r, is
concave and piecewise linear in the weights, so the best ones are a linear program (the Lagrangian dual of the
linearised conditions; Lebbah, Michel, Rueher, Daney and Merlet 2005 use the primal one).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final, NamedTuple

from harness.registry.solve.contract import Live
from harness.registry.solve.floats import Empty, Interval, Steep
from harness.registry.solve.linear import least
from harness.registry.solve.simplex import INFINITE

CLEAR: Final = 1e-9  # of the size of the atoms: a sum beyond it needs no second look
FEW: Final = 60  # atoms of one program


class Weighing(NamedTuple):
    """What the linear program found: the weights, how positive the sum is, and by variable what its width costs."""

    weights: tuple[tuple[int, Fraction], ...]  # place among the atoms, weight
    value: float  # in parts of the size of the atoms
    blur: float  # how far rounding may have moved it
    deficits: dict[int, float]


class Row(NamedTuple):
    """An atom as a linear function: its value at the centre of the box, and between what its slopes are."""

    atom: int
    sign: float
    equal: bool
    value: float
    blur: float
    slopes: dict[int, Interval]
    scale: float


def _row(place: int, live: Live, centre: list[float], lows: list[float], highs: list[float]) -> Row | None:
    try:
        low, high = live.tape.range(centre, centre)
        slopes = live.tape.slopes(lows, highs)
    except (Empty, Steep):
        return None
    value, blur = low + (high - low) / 2, (high - low) / 2
    spread = sum((highs[j] - lows[j]) / 2 * max(abs(low), abs(high)) for j, (low, high) in slopes.items())
    if value + spread + blur <= 0 and not live.equal:  # true on all of the box
        return None
    scale = max(abs(value), spread, blur)
    return Row(place, 1.0, live.equal, value, blur, slopes, scale) if 1e-300 < scale < 1e300 else None


def weigh(atoms: Sequence[Live], lows: list[float], highs: list[float]) -> Weighing | None:
    """Give the weights whose sum is most positive on the box; ``None`` where there is nothing to weigh."""
    centre = [low + (high - low) / 2 for low, high in zip(lows, highs, strict=True)]
    rows = [row for place, one in enumerate(atoms[:FEW]) if (row := _row(place, one, centre, lows, highs))]
    mirrored = [
        one._replace(sign=-1.0, value=-one.value, slopes={j: (-b, -a) for j, (a, b) in one.slopes.items()})
        for one in rows
        if one.equal
    ]
    return weighed(rows + mirrored, lows, highs) if rows else None


def weighed(rows: list[Row], lows: list[float], highs: list[float]) -> Weighing | None:
    """Give the weights of linear functions whose sum is most positive; ``None`` where the program has no answer."""
    used = sorted({j for row in rows for j in row.slopes if highs[j] > lows[j]})
    count, only_equal = len(rows), all(row.equal for row in rows)
    cost = [-row.value / row.scale for row in rows] + [1.0] * len(used)
    table = [[1.0 if only_equal or not row.equal else 0.0 for row in rows] + [0.0] * len(used)]
    limits = [(1.0, 1.0)]
    for at, j in enumerate(used):
        radius = (highs[j] - lows[j]) / 2
        steep = [[end * radius / row.scale for end in row.slopes.get(j, (0.0, 0.0))] for row in rows]
        pad = [-1.0 if other == at else 0.0 for other in range(len(used))]
        table += [[high for _, high in steep] + pad, [-low for low, _ in steep] + pad]
        limits += [(-INFINITE, 0.0)] * 2
    bounds = [(0.0, 1e4)] * count + [(0.0, INFINITE)] * len(used)
    found = least(cost, bounds, table, limits)
    if found is None:
        return None
    return _summed(rows, found[:count], {j: (highs[j] - lows[j]) / 2 for j in used})


def _summed(rows: list[Row], found: list[float], radii: dict[int, float]) -> Weighing:
    """Add up what the weights give, for the program itself is only solved to seven digits."""
    top = max(found)
    taken = [(row, weight / row.scale) for row, weight in zip(rows, found, strict=True) if weight > 1e-9 * top]
    value = sum(weight * row.value for row, weight in taken)
    blur = sum(weight * row.blur for row, weight in taken)
    deficits = {}
    for j, radius in radii.items():
        slopes = [(weight * row.slopes[j][0], weight * row.slopes[j][1]) for row, weight in taken if j in row.slopes]
        low, high = sum(one for one, _ in slopes), sum(one for _, one in slopes)
        deficits[j] = radius * max(abs(low), abs(high))
        blur += radius * 1e-15 * sum(abs(one) + abs(two) for one, two in slopes)
    weights = tuple((row.atom, Fraction(row.sign * weight)) for row, weight in taken)
    return Weighing(weights, value - sum(deficits.values()), blur, deficits)


def simpler(weights: tuple[tuple[int, Fraction], ...]) -> tuple[tuple[int, Fraction], ...]:
    """Give weights as small fractions of the largest one, for sums that have to cancel exactly."""
    top = max(abs(weight) for _, weight in weights)
    small = ((place, (weight / top).limit_denominator(10_000)) for place, weight in weights)
    return tuple((place, weight) for place, weight in small if weight)
