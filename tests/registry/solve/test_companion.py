"""What z3 is told of a problem and what it answers: never against the checker, and the same on any day."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.registry.solve.checker import certainly
from harness.registry.solve.companion import ask
from harness.registry.solve.problem import Condition, Problem
from tests.registry.solve.logic import features, pigeons, sat
from tests.registry.solve.problems import X, apply, choice, exp, integer, number, problem, real, some
from tests.registry.solve.test_decide import conditions

LIMIT = 3_000_000
x, y = X(0), X(1)
LINE = [real("x", -2, 2)]


@settings(max_examples=75, deadline=None)
@given(st.lists(conditions, min_size=1, max_size=4))
def test_z3_says_of_whole_numbers_what_trying_all_says(rules: list[Condition]) -> None:
    """Over small whole domains its answer is that of the checker for all points, undefined quotients included."""
    domain = [integer("n", -3, 3), integer("m", -2, 4), choice("c", "a", "b", "c")]
    given_problem = problem(domain, **{f"r{at}": rule for at, rule in enumerate(rules)})
    points = itertools.product(*(range(int(one.low), int(one.high) + 1) for one in domain))
    met = any(all(certainly(given_problem, tuple(map(Fraction, point))).values()) for point in points)
    told = ask(given_problem, LIMIT)
    assert told.answer in ("unknown", "feasible" if met else "infeasible")
    assert all(all(certainly(given_problem, point).values()) for point in told.points)


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        (apply("sqrt", x) <= -0.1, "infeasible"),
        (apply("sqrt", x) >= 1.5, "infeasible"),
        (apply("sqrt", x - 2) <= 0, "feasible"),
        (1 / x <= -1, "feasible"),
        ((1 / x - 1 / x).equals(0), "feasible"),
        (some((x / x).differs(1), x > 2), "infeasible"),
        (x**-2 < 0.25, "infeasible"),
        (x**0 > 1, "infeasible"),
        (apply("max", x, apply("abs", x)) < 0, "infeasible"),
        (apply("min", x, -x) > 0, "infeasible"),
        (x**12 > 4096, "infeasible"),
        (x**13 > 8192, "unknown"),
        (exp(x) <= -1, "unknown"),
    ],
)
def test_undefined_terms_and_terms_beyond_z3(rule: Condition, answer: str) -> None:
    """An atom is false where its term is undefined; of powers and exponentials that z3 is not told nothing is said."""
    assert ask(problem(LINE, a=rule), LIMIT).answer == answer


def test_a_whole_quotient_is_not_rounded() -> None:
    """7 / 2 is three and a half, also between whole numbers."""
    domain = [integer("n", 7, 7), integer("m", 2, 2)]
    assert ask(problem(domain, a=(x / y).equals(3.5)), LIMIT).points == ((7, 2),)
    assert ask(problem(domain, a=(x / y).equals(3)), LIMIT).answer == "infeasible"


def test_what_is_left_out_is_never_called_feasible() -> None:
    """The rest refutes a problem, but does not show that it can be met."""
    assert ask(problem(LINE, a=exp(x) <= -1, b=x >= 1), LIMIT).answer == "unknown"
    assert ask(problem(LINE, a=exp(x) <= -1, b=x * x < 0), LIMIT).answer == "infeasible"


def test_beyond_four_curved_variables_only_what_is_linear_is_told() -> None:
    """A product of five is left out, for z3 might take minutes over it; what the rest says still counts."""
    five = [real(f"x{at}", 0, 4) for at in range(5)]
    product = x * y * X(2) * X(3) * X(4) > 0
    assert ask(problem(five, a=product), LIMIT).answer == "unknown"
    assert ask(problem(five, a=product, b=x + y >= 3, c=x + y < 3), LIMIT).answer == "infeasible"
    assert ask(problem(five[:4], a=x * y * X(2) * X(3) > 256), LIMIT).answer == "infeasible"


def test_points_near_an_irrational_solution_are_given() -> None:
    """In a window of 1e-30 around the root of two one of them is a solution, and certainly."""
    least = number(Fraction(1, 10**30))
    given_problem = problem(LINE, a=x * x < 2, b=x * x > 2 - least, c=x > 0)
    told = ask(given_problem, LIMIT)
    assert told.answer == "feasible"
    assert any(all(certainly(given_problem, point).values()) for point in told.points)


def test_too_few_resources_are_unknown() -> None:
    """Seven pigeons in six holes are beyond a hundred thousand resources, and within thirty million."""
    assert ask(pigeons(7, 6), 100_000).answer == "unknown"
    assert ask(pigeons(7, 6), 30_000_000).answer == "infeasible"


@pytest.mark.parametrize("given_problem", [sat(30, 3, 1), features(2), problem(LINE, a=x * x >= 2, b=x * x <= 2)])
def test_an_answer_does_not_depend_on_what_was_asked_before(given_problem: Problem) -> None:
    """The same points come again, whatever z3 did in between."""
    first = ask(given_problem, LIMIT)
    ask(sat(20, 5, 7), LIMIT)
    assert first.points
    assert ask(given_problem, LIMIT) == first
