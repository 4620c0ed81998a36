"""Sets on the edge: gaps and windows down to 1e-15, limits that touch, strict against not, values that no fraction is.

The truth of each is known exactly, by the reason that stands in its name or beside it.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache
from typing import Any, Final

import pytest

from harness.registry.solve.checker import certainly, check_certificate
from harness.registry.solve.decide import Budget, Decision, Feasible, Undecided, decide
from harness.registry.solve.problem import Problem
from tests.registry.solve.problems import (
    T,
    X,
    apply,
    choice,
    driving,
    exp,
    integer,
    number,
    problem,
    real,
    some,
)

x, y, z = X(0), X(1), X(2)
LINE: Final = [real("x", -2, 2)]
SQUARE: Final = [real("x", -4, 4), real("y", -4, 4)]
CUBE: Final = [real("x", 0, 9), real("y", 0, 9), real("z", 0, 9)]
WHOLE: Final = [integer("n", 1, 400), integer("m", 1, 400)]
GUARDED: Final = [real("x", -4, 4), choice("mode", "slow", "fast", "off")]


def tiny(power: int) -> T:
    """Give a power of ten below one, exactly."""
    return number(Fraction(1, 10**power))


def sight(v: Fraction) -> Fraction:
    """Give the perception in which a vehicle at this speed just stops."""
    return (v / Fraction("3.6")) ** 2 / (2 * Fraction("0.4") * Fraction("9.8"))


def e_to(power: int, apart: Fraction) -> T:
    """Give e to a power to 50 digits, and so much more."""
    with localcontext() as context:
        context.prec = 60
        return number(Fraction(+Decimal(power).exp()) + apart)


def at(power: int) -> Fraction:
    """Give a power of ten below one."""
    return Fraction(1, 10**power)


def ring(count: int, apart: Fraction) -> Problem:
    """Give a cycle of variables, each a tenth above the next, the last below the first by all that and some more."""
    steps = {f"r{one}": X(one) - X(one + 1) >= 0.1 for one in range(count - 1)}
    last = X(count - 1) - X(0) >= number(apart - Fraction(count - 1, 10))
    return problem([real(f"x{one}", 0, 9) for one in range(count)], **steps, last=last)


def root(value: Any) -> T:
    """Give a square root."""
    return apply("sqrt", value)


YES, NO = "feasible", "infeasible"

DEGENERATE: dict[str, tuple[Problem, str]] = {
    # driving: v >= 84 behind, v < 84 + w ahead
    "driving, gap 1e-9": (driving(sight(84 - at(9))), NO),
    "driving, gap 1e-12": (driving(sight(84 - at(12))), NO),
    "driving, gap 1e-15": (driving(sight(84 - at(15))), NO),
    "driving, no gap, strict": (driving(sight(Fraction(84))), NO),
    "driving, window 1e-9": (driving(sight(84 + at(9))), YES),
    "driving, window 1e-12": (driving(sight(84 + at(12))), YES),
    "driving, window 1e-15": (driving(sight(84 + at(15))), YES),
    # linear cycles
    "cycle of 3, gap 1e-14": (ring(3, at(14)), NO),
    "cycle of 3, gap 1e-15": (ring(3, at(15)), NO),
    "cycle of 6, gap 1e-14": (ring(6, at(14)), NO),
    "cycle of 3, window 1e-15": (ring(3, -at(15)), YES),
    "cycle of 3, closed": (ring(3, Fraction(0)), YES),
    "cycle of 6, closed": (ring(6, Fraction(0)), YES),
    "cycle of 3, strict": (problem(CUBE, a=x - y >= 0.1, b=y - z >= 0.2, c=z - x > -0.3), NO),
    # means
    "product and mean, 1e-9": (problem(SQUARE, s=x >= 0, a=x * y >= 4, b=x + y <= 4 - tiny(9)), NO),
    "product and mean, 1e-14": (problem(SQUARE, s=x >= 0, a=x * y >= 4, b=x + y <= 4 - tiny(14)), NO),
    "product and mean, touching": (problem(SQUARE, s=x >= 0, a=x * y >= 4, b=x + y <= 4), YES),
    "product and mean, strict": (problem(SQUARE, s=x >= 0, a=x * y > 4, b=x + y <= 4), NO),
    "product and mean, irrational": (problem(SQUARE, s=x >= 0, a=x * y >= 3, b=x + y <= 2 * root(3)), YES),
    "product and mean, irrational, strict": (problem(SQUARE, s=x >= 0, a=x * y > 3, b=x + y <= 2 * root(3)), NO),
    "three and their mean, 1e-9": (problem(CUBE, a=x * y * z >= 1, b=x + y + z <= 3 - tiny(9)), NO),
    "three and their mean, touching": (problem(CUBE, a=x * y * z >= 1, b=x + y + z <= 3), YES),
    # circles and lines
    "circle and line, touching": (problem(SQUARE, a=x**2 + y**2 <= 1, b=3 * x + 4 * y >= 5), YES),
    "circle and line, strict": (problem(SQUARE, a=x**2 + y**2 <= 1, b=3 * x + 4 * y > 5), NO),
    "circle and line, 1e-13": (problem(SQUARE, a=x**2 + y**2 <= 1, b=3 * x + 4 * y >= 5 + tiny(13)), NO),
    "circle and diagonal, irrational": (problem(SQUARE, a=x**2 + y**2 <= 1, b=x + y >= root(2)), YES),
    "circle and diagonal, irrational, strict": (problem(SQUARE, a=x**2 + y**2 <= 1, b=x + y > root(2)), NO),
    # roots of two
    "x x = 2": (problem(LINE, a=(x * x).equals(2)), YES),
    "x x = 2, twice": (problem(LINE, a=x * x >= 2, b=x * x <= 2), YES),
    "x x = 2 above its decimals": (problem(LINE, a=x * x <= 2, b=x >= number(Fraction("1.4142135623730951"))), NO),
    "x x within 1e-15 below 2": (problem(LINE, a=x * x < 2, b=x * x > 2 - tiny(15)), YES),
    # touching away from floats
    "square and line at a tenth": (problem(LINE, a=(x - 0.1) ** 2 <= 0, b=x * 10 > 1), NO),
    "greater of two, gap 1e-14": (problem(SQUARE, a=apply("max", x, y) <= 1, b=x + y >= 2 + tiny(14)), NO),
    "greater of two, touching": (problem(SQUARE, a=apply("max", x, y) <= 0.1, b=x + y >= 0.2), YES),
    "distances, touching": (problem(LINE, a=apply("abs", x) >= 0.7, b=apply("abs", x - 0.3) <= 0.4), YES),
    "distances, strict": (problem(LINE, a=apply("abs", x) > 0.7, b=apply("abs", x - 0.3) <= 0.4), NO),
    "reciprocal, strict": (problem(LINE, a=1 / x >= 10, b=x > 0.1), NO),
    "mode and limit, strict": (
        problem(GUARDED, a=some(y.equals(0), x < 0.1), b=some(y.differs(0), x <= 0.05), c=x >= 0.1),
        NO,
    ),
    # exponentials
    "exp x - 1 - x, 1e-12 beyond its most": (problem([real("x", -1, 1)], a=exp(x) - 1 - x >= e_to(1, at(12)) - 2), NO),
    "exp x - 1 - x, 1e-12 within its most": (
        problem([real("x", -1, 1)], a=exp(x) - 1 - x >= e_to(1, -at(12)) - 2),
        YES,
    ),
    "exp below its tangent by 1e-13": (problem(LINE, a=exp(x) <= 1 + x - tiny(13)), NO),
    "exp at its tangent": (problem(LINE, a=exp(x) <= 1 + x), YES),
    "exp below its tangent, strict": (problem(LINE, a=exp(x) < 1 + x), NO),
    "logarithm above its tangent by 1e-12": (problem([real("x", 0, 4)], a=apply("log", x) >= x - 1 + tiny(12)), NO),
    "exp both ways, 1e-12": (problem(LINE, a=exp(x) + exp(-x) <= 2 - tiny(12)), NO),
    "x exp -x, 1e-12 beyond its most": (problem([real("x", 0, 4)], a=x * exp(-x) >= e_to(-1, at(12))), NO),
    # whole numbers
    "n n = 2 m m": (problem(WHOLE, a=(x * x).equals(2 * y * y)), NO),
    "3 n + 6 m = 100": (problem(WHOLE, a=(3 * x + 6 * y).equals(100)), NO),
    "n n = 2 m m + 1, n above 50": (problem(WHOLE, a=(x * x).equals(2 * y * y + 1), b=x > 50), YES),
    "n n = 2 m m + 1, n above 99": (problem(WHOLE, a=(x * x).equals(2 * y * y + 1), b=x > 99), NO),
    "n over 3, strict": (problem(WHOLE, a=x / 3 > 1, b=x < 4), NO),
}


@cache
def decided(name: str) -> Decision:
    """Decide a case, once."""
    return decide(DEGENERATE[name][0])


@pytest.mark.parametrize("name", DEGENERATE)
def test_no_case_on_the_edge_is_decided_wrong(name: str) -> None:
    """What is certified is true and the checker stands behind it; what z3 leans to without a proof is true too."""
    given_problem, truth = DEGENERATE[name]
    found = decided(name)
    if isinstance(found, Undecided):
        assert found.leaning in ("", truth)
    elif isinstance(found, Feasible):
        assert truth == YES
        assert all(certainly(given_problem, found.point).values())
    else:
        assert truth == NO
        assert check_certificate(given_problem, found.certificate) == ""


def test_few_cases_on_the_edge_stay_open() -> None:
    """Of 50 cases at most one in ten has neither a certified answer nor evidence, and three in four are certified."""
    assert len(DEGENERATE) >= 50
    undecided = [one for name in DEGENERATE if isinstance(one := decided(name), Undecided)]
    assert sum(not one.leaning for one in undecided) <= len(DEGENERATE) // 10
    assert len(undecided) <= len(DEGENERATE) // 4


@pytest.mark.parametrize("name", ["x x = 2", "product and mean, irrational", "circle and diagonal, irrational"])
def test_a_solution_that_no_fraction_is_is_evidence_only(name: str) -> None:
    """Such a set is not called feasible, as there is no point to show, and z3 says that it is."""
    found = decided(name)
    assert isinstance(found, Undecided)
    assert found.leaning == YES


@pytest.mark.parametrize("name", ["product and mean, strict", "reciprocal, strict"])
def test_what_only_z3_refutes_is_not_called_infeasible(name: str) -> None:
    """There is no certificate to replay, so it stays undecided, with what z3 says beside it; without z3 it is open."""
    found = decided(name)
    assert isinstance(found, Undecided)
    assert found.leaning == NO
    alone = decide(DEGENERATE[name][0], Budget(resources=0))
    assert isinstance(alone, Undecided)
    assert alone.leaning == ""
