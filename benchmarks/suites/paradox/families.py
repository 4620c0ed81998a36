"""Families of contradictions, planted by a gap: above 0 the rules contradict each other by it, below there is room.

A family is a function of what it draws from, a prefix for its names, and the gap; with a gap of 0, those listed in
``AT_A_POINT`` leave one point. Every family says why: by sums that the oracle adds up, and by points that it tries.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from .curves import arrhenius, logarithm, tangent
from .discrete import guards, modes, packing, windows
from .instance import Case, Core, Values
from .instance import decimal as written
from .plant import Family, core_of, field_of, place

# --- linear -----------------------------------------------------------------------------------------------------------


def chain(draw: random.Random, p: str, gap: Fraction) -> Core:
    """Let each step take its time, and the last be due before all of them can be over."""
    steps = [place(draw, 1, 4) for _ in range(draw.randint(2, 5))]
    names = [f"{p}_t{at}" for at in range(len(steps) + 1)]
    due = sum(steps) - gap
    rules = {
        f"{p.upper()}-STEP-{at}": f"artifact.{one} + {written(step)} <= artifact.{other}"
        for at, (one, other, step) in enumerate(zip(names, names[1:], steps, strict=False))
    }
    rules[f"{p.upper()}-DUE"] = f"artifact.{names[-1]} - artifact.{names[0]} <= {written(due)}"
    start = place(draw, 1, 9)

    def timed(lengths: list[Fraction]) -> Values:
        return {name: start + sum(lengths[:at], Fraction(0)) for at, name in enumerate(names)}

    without: dict[str, Values] = {
        rule: timed([step - gap if at == left else step for at, step in enumerate(steps)])
        for left, rule in enumerate(list(rules)[:-1])
    }
    without[f"{p.upper()}-DUE"] = timed(steps)
    case = Case(dict.fromkeys(rules, "1"))
    return core_of(gap, [field_of(name, 0, 50) for name in names], rules, [case], without, timed(steps))


def linear(draw: random.Random, p: str, gap: Fraction) -> Core:
    """Limit rows of whole numbers, one more than fields, of which a positive combination is nothing (Farkas)."""
    size = draw.randint(2, 4)
    while True:
        rows = [[draw.randint(-4, 4) for _ in range(size)] for _ in range(size)]
        weights = [draw.randint(1, 3) for _ in range(size)]
        last = [-sum(weight * row[at] for weight, row in zip(weights, rows, strict=True)) for at in range(size)]
        if _solved(rows, [Fraction(1)] * size) and all(map(any, [*rows, last])):
            break
    center = [place(draw, 4, 6, 1) for _ in range(size)]
    names = [f"{p}_x{at}" for at in range(size)]
    limits = [sum((c * x for c, x in zip(row, center, strict=True)), Fraction(0)) for row in [*rows, last]]
    limits[-1] -= gap
    rules = {
        f"{p.upper()}-ROW-{at}": f"{_row(row, names)} <= {written(limit)}"
        for at, (row, limit) in enumerate(zip([*rows, last], limits, strict=True))
    }
    without: dict[str, Values] = {f"{p.upper()}-ROW-{size}": dict(zip(names, center, strict=True))}
    for left in range(size):  # all others exactly at their limits, and this one beyond it
        others = [limit for at, limit in enumerate(limits[:-1])]
        others[left] += gap / weights[left]
        point = _solved(rows, others)
        assert point is not None
        without[f"{p.upper()}-ROW-{left}"] = dict(zip(names, point, strict=True))
    case = Case({**{f"{p.upper()}-ROW-{at}": str(weight) for at, weight in enumerate(weights)}, list(rules)[-1]: "1"})
    fields = [field_of(name, 0, 10) for name in names]
    return core_of(gap, fields, rules, [case], without, dict(zip(names, center, strict=True)))


def _row(row: list[int], names: list[str]) -> str:
    return " + ".join(f"{written(factor)} * artifact.{name}" for factor, name in zip(row, names, strict=True) if factor)


def _solved(rows: list[list[int]], right: list[Fraction]) -> list[Fraction] | None:
    """Solve linear equations by elimination; None where the rows depend on one another."""
    table = [[*map(Fraction, row), limit] for row, limit in zip(rows, right, strict=True)]
    size = len(table)
    for at in range(size):
        pivot = next((row for row in range(at, size) if table[row][at]), None)
        if pivot is None:
            return None
        table[at], table[pivot] = table[pivot], table[at]
        table[at] = [one / table[at][at] for one in table[at]]
        for row in range(size):
            if row != at:
                factor = table[row][at]
                table[row] = [one - factor * two for one, two in zip(table[row], table[at], strict=True)]
    return [row[-1] for row in table]


# --- aggregates and powers --------------------------------------------------------------------------------------------


def means(draw: random.Random, p: str, gap: Fraction) -> Core:
    """Ask for an area that is too large for its fence: the geometric mean is at most the arithmetic one."""
    side = place(draw, 1, 8)
    u, v, most = f"artifact.{p}_u", f"artifact.{p}_v", 2 * side - gap
    rules = {
        f"{p.upper()}-AREA": f"{u} * {v} >= {written(side * side)}",
        f"{p.upper()}-FENCE": f"{u} + {v} <= {written(most)}",
    }
    case = Case(
        {f"{p.upper()}-AREA": "4", f"{p.upper()}-FENCE": f"{written(most)} + {u} + {v}"}, (f"({u} - {v}) ** 2",)
    )
    square, short = {f"{p}_u": side, f"{p}_v": side}, {f"{p}_u": most / 2, f"{p}_v": most / 2}
    without = {f"{p.upper()}-AREA": short, f"{p.upper()}-FENCE": square}
    return core_of(gap, [field_of(f"{p}_u", 0, 20), field_of(f"{p}_v", 0, 20)], rules, [case], without, square)


def squares(draw: random.Random, p: str, gap: Fraction) -> Core:
    """Ask for a sum that is too much for a weighted sum of squares (Cauchy)."""
    size, middle = draw.randint(2, 4), place(draw, 1, 5, 1)
    factors = [draw.randint(1, 3) for _ in range(size)]
    names = [f"artifact.{p}_x{at}" for at in range(size)]
    total = sum(factors)
    loss = " + ".join(f"{factor} * {name} ** 2" for factor, name in zip(factors, names, strict=True))
    load = " + ".join(f"{factor} * {name}" for factor, name in zip(factors, names, strict=True))
    rules = {
        f"{p.upper()}-LOSS": f"{loss} <= {written(total * middle**2 - gap)}",
        f"{p.upper()}-LOAD": f"{load} >= {written(total * middle)}",
    }
    more = tuple(f"{factor} * ({name} - {written(middle)}) ** 2" for factor, name in zip(factors, names, strict=True))
    case = Case({f"{p.upper()}-LOSS": "1", f"{p.upper()}-LOAD": written(2 * middle)}, more)
    even = {f"{p}_x{at}": middle for at in range(size)}
    less = {f"{p}_x{at}": middle - Fraction(1, 2) for at in range(size)}
    without = {f"{p.upper()}-LOSS": even, f"{p.upper()}-LOAD": less}
    return core_of(gap, [field_of(f"{p}_x{at}", 0, 10) for at in range(size)], rules, [case], without, even)


def powers(draw: random.Random, p: str, gap: Fraction) -> Core:
    """Ask for a power below its root."""
    root, exponent = place(draw, 1, 5, 1), draw.randint(2, 4)
    x, d = f"artifact.{p}_x", written(root)
    rules = {
        f"{p.upper()}-POWER": f"{x} ** {exponent} >= {written(root**exponent + gap)}",
        f"{p.upper()}-CAP": f"{x} <= {d}",
    }
    parts = " + ".join(f"{x} ** {at} * {d} ** {exponent - 1 - at}" for at in range(exponent))
    case = Case({f"{p.upper()}-POWER": "1", f"{p.upper()}-CAP": parts})
    at_root = {f"{p}_x": root}
    without = {f"{p.upper()}-POWER": at_root, f"{p.upper()}-CAP": {f"{p}_x": root + 1}}
    return core_of(gap, [field_of(f"{p}_x", 0, 10)], rules, [case], without, at_root)


def saturation(draw: random.Random, p: str, gap: Fraction) -> Core:
    """Ask for a share of the full rate that the largest dose does not reach (Michaelis and Menten)."""
    share, dose = Fraction(draw.choice((2, 4, 5, 8)), 10), place(draw, 1, 9)
    half = ((1 - share) * dose + gap) / share
    x, k = f"artifact.{p}_dose", written(half)
    rules = {
        f"{p.upper()}-RATE": f"{x} / ({k} + {x}) >= {written(share)}",
        f"{p.upper()}-DOSE": f"{x} <= {written(dose)}",
    }
    case = Case({f"{p.upper()}-RATE": f"{k} + {x}", f"{p.upper()}-DOSE": written(1 - share)})
    at_most = {f"{p}_dose": dose}
    without = {f"{p.upper()}-RATE": at_most, f"{p.upper()}-DOSE": {f"{p}_dose": dose + 2}}
    return core_of(gap, [field_of(f"{p}_dose", 0, 20)], rules, [case], without, at_most)


# --- abs, min, max ----------------------------------------------------------------------------------------------------


def apart(draw: random.Random, p: str, gap: Fraction) -> Core:
    """Ask to be near two places that are too far from each other."""
    one, near, far = place(draw, 2, 4), place(draw, 1, 2), place(draw, 1, 2)
    other = one + near + far + gap
    x, a, b = f"artifact.{p}_x", written(one), written(other)
    rules = {
        f"{p.upper()}-NEAR": f"abs({x} - {a}) <= {written(near)}",
        f"{p.upper()}-FAR": f"abs({x} - {b}) <= {written(far)}",
    }
    more = (f"abs({x} - {a}) - ({x} - {a})", f"abs(-({x} - {b})) - -({x} - {b})")
    case = Case(dict.fromkeys(rules, "1"), more)
    between = {f"{p}_x": one + near}
    without = {f"{p.upper()}-NEAR": {f"{p}_x": other}, f"{p.upper()}-FAR": between}
    return core_of(gap, [field_of(f"{p}_x", 0, 10)], rules, [case], without, between)


def extremes(draw: random.Random, p: str, gap: Fraction) -> Core:
    """Let the larger of two be too small for their sum, or the smaller one too large."""
    middle, least = place(draw, 2, 8), draw.random() < 0.5
    x, y = f"artifact.{p}_x", f"artifact.{p}_y"
    which, sign, other = ("min", ">=", "<=") if least else ("max", "<=", ">=")
    total = 2 * middle - gap if least else 2 * middle + gap
    rules = {
        f"{p.upper()}-EACH": f"{which}({x}, {y}) {sign} {written(middle)}",
        f"{p.upper()}-BOTH": f"{x} + {y} {other} {written(total)}",
    }
    found = f"{which}({x}, {y})"
    more = tuple(f"{one} - {found}" if least else f"{found} - {one}" for one in (x, y))
    case = Case({f"{p.upper()}-EACH": "2", f"{p.upper()}-BOTH": "1"}, more)
    even = {f"{p}_x": middle, f"{p}_y": middle}
    without = {f"{p.upper()}-EACH": {f"{p}_x": total / 2, f"{p}_y": total / 2}, f"{p.upper()}-BOTH": even}
    return core_of(gap, [field_of(f"{p}_x", 0, 20), field_of(f"{p}_y", 0, 20)], rules, [case], without, even)


FAMILIES: Final[Mapping[str, Family]] = {
    "chain": chain,
    "linear": linear,
    "means": means,
    "squares": squares,
    "powers": powers,
    "saturation": saturation,
    "apart": apart,
    "extremes": extremes,
    "tangent": tangent,
    "logarithm": logarithm,
    "arrhenius": arrhenius,
    "modes": modes,
    "guards": guards,
    "packing": packing,
    "windows": windows,
}

AT_A_POINT: Final = (
    "linear",
    "means",
    "squares",
    "powers",
    "saturation",
    "apart",
    "extremes",
    "tangent",
    "logarithm",
    "modes",
)
"""Families that leave one point where the gap is 0."""
