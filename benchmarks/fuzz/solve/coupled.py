"""Sets that no rule alone refutes: linear rules, and curves above their tangents, that add up to a contradiction.

Their proofs weigh rules against each other, by tangents where curves are many. Some rules stand behind a guard that is
always on, some are equalities of whole numbers, so that weights have paths and signs. Each comes with the set in which
the gap is turned round.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from random import Random
from typing import Final

from harness.registry.solve.problem import (
    Apply,
    Below,
    Condition,
    Constraint,
    Equal,
    Every,
    Number,
    Power,
    Problem,
    Some,
    Term,
    Unknown,
    Variable,
)

Pair = tuple[Problem, Problem]
Touching = tuple[Term, Fraction, Fraction]


def coupled(count: int, seed: int) -> Iterator[Pair]:
    """Give so many sets that no point meets, each with a twin that some point meets."""
    for number in range(count):
        random = Random(f"{seed}:{number}")
        yield (_linear, _curved, _linear, _bowl)[number % 4](random)


def _linear(random: Random) -> Pair:
    """Give rows that a point meets with equality, and the sum of them turned round, off by a gap."""
    size, kind = random.randint(2, 4), random.choice(("real", "real", "integer"))
    point = [Fraction(random.randint(2, 8)) for _ in range(size)]
    rows = [[Fraction(random.randint(-4, 4)) for _ in range(size)] for _ in range(random.randint(2, 4))]
    weights = [Fraction(random.randint(1, 5)) for _ in rows]
    last = [-sum(weight * row[at] for weight, row in zip(weights, rows, strict=True)) for at in range(size)]
    gap = Fraction(1, random.choice((1, 10, 10**6)))
    variables = tuple(Variable(f"x{at}", kind, Fraction(0), Fraction(10)) for at in range(size))  # type: ignore[arg-type]
    first = [_kept(random, _row(row, point), kind == "integer") for row in rows]

    def problem(off: Fraction) -> Problem:
        conditions = [*first, Below(Apply("+", (_row(last, point), Number(off))))]
        return Problem(variables, tuple(Constraint(f"R{at}", one) for at, one in enumerate(conditions)))

    return problem(gap), problem(-gap)


def _row(row: list[Fraction], point: list[Fraction]) -> Term:
    """Give a linear term that is 0 at a point."""
    total: Term = Number(-sum((one * at for one, at in zip(row, point, strict=True)), Fraction(0)))
    for at, one in enumerate(row):
        total = Apply("+", (total, Apply("*", (Number(one), Unknown(at)))))
    return total


def _kept(random: Random, term: Term, whole: bool) -> Condition:
    """Give that a term is at most 0, plainly, behind a guard, beside another rule, or as an equality."""
    plain: Condition = Equal(term) if whole and random.random() < 0.5 else Below(term)
    off = Below(Apply("+", (Unknown(0), Number(Fraction(1)))))  # no variable is below 0
    return random.choice(
        (plain, Some((off, plain)), Every((plain, Below(Apply("-", (Unknown(0), Number(Fraction(99))))))))
    )


def _curved(random: Random) -> Pair:
    """Give a curve, a line that touches it from below at a point, and that the one be under the other by a gap."""
    at, gap = Fraction(random.randint(1, 4)), Fraction(1, random.choice((10, 1000, 10**6)))
    x, y = Unknown(0), Unknown(1)
    curve: Term = random.choice(
        (Power(x, 2), Apply("+", (Power(x, 2), Apply("*", (Power(x, 2), Number(Fraction(1)))))))
    )
    slope = 2 * at if isinstance(curve, Power) else 4 * at
    height = at**2 if isinstance(curve, Power) else 2 * at**2
    line = Apply("+", (Number(height - slope * at), Apply("*", (Number(slope), x))))
    variables = (Variable("x", "real", Fraction(0), Fraction(6)), Variable("y", "real", Fraction(-99), Fraction(99)))

    def problem(off: Fraction) -> Problem:
        above = Below(Apply("-", (curve, y)))
        below = Below(Apply("+", (Apply("-", (y, line)), Number(off))))
        return Problem(variables, (Constraint("ABOVE", above), Constraint("BELOW", below)))

    return problem(gap), problem(-gap)


def _bowl(random: Random) -> Pair:
    """Give a sum of convex curves, to be less than where they touch a plane, on the upper side of that plane."""
    size, gap = random.randint(2, 4), Fraction(1, random.choice((10, 1000, 10**6)))
    point = [Fraction(random.randint(1, 4)) for _ in range(size)]
    curve: Term = Number(Fraction(0))
    plane: Term = Number(Fraction(0))
    for at, touch in enumerate(point):
        one, height, slope = random.choice(_CURVES)(Unknown(at), touch)
        curve = Apply("+", (curve, Apply("-", (one, Number(height)))))
        off = Apply("-", (Unknown(at), Number(touch)))
        plane = Apply("+", (plane, Apply("*", (Number(slope), off))))
    variables = tuple(Variable(f"x{at}", "real", Fraction(1, 2), Fraction(6)) for at in range(size))

    def problem(off: Fraction) -> Problem:
        rules = Below(Apply("+", (curve, Number(off)))), Below(Apply("-", (Number(Fraction(0)), plane)))
        return Problem(variables, tuple(Constraint(f"R{at}", one) for at, one in enumerate(rules)))

    return problem(gap), problem(-gap)


def _square(x: Term, touch: Fraction) -> Touching:
    return Apply("+", (Power(x, 2), Apply("*", (x, x)))), 2 * touch**2, 4 * touch


def _fourth(x: Term, touch: Fraction) -> Touching:
    return Power(x, 4), touch**4, 4 * touch**3


def _inverse(x: Term, touch: Fraction) -> Touching:
    return Apply("/", (Number(Fraction(3)), x)), 3 / touch, -3 / touch**2


def _exponential(x: Term, touch: Fraction) -> Touching:
    return Apply("exp", (Apply("-", (x, Number(touch))),)), Fraction(1), Fraction(1)


def _logarithm(x: Term, touch: Fraction) -> Touching:
    return Apply("-", (x, Apply("log", (Apply("/", (x, Number(touch))),)))), touch, 1 - 1 / touch


def _greater(x: Term, touch: Fraction) -> Touching:
    return Apply("max", (Apply("-", (Number(touch), x)), Power(x, 2))), touch**2, 2 * touch


_CURVES: Final = (_square, _fourth, _inverse, _exponential, _logarithm, _greater)
"""Convex curves of a variable that is positive, each with its height and slope at a point."""
