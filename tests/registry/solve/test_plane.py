"""Planes lie below a weighted sum on all of a box, spoilt ones prove nothing, and they close what boxes cannot."""

from __future__ import annotations

import copy
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from operator import add
from random import Random
from typing import Any

import pytest
from flint import arb, ctx
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.registry.solve.ball import Balls, Inexact
from harness.registry.solve.bound import steps_of
from harness.registry.solve.certificate import dump, load
from harness.registry.solve.checker import check_certificate
from harness.registry.solve.decide import Infeasible, decide
from harness.registry.solve.plane import least_by_planes
from harness.registry.solve.problem import Apply, Number, Power, Problem, Term
from tests.registry.solve.problems import T, X, every, exp, number, problem, real, some
from tests.registry.solve.terms import NoValue, TooWild, a_box, a_number, a_point, a_term, exact, near

RATIONAL = ("+", "*", "-", "/", "abs", "min", "max")
SAMPLES = 1_000
x, y = X(0), X(1)
GAPS = (Fraction(1, 20), Fraction(1, 1000), Fraction(1, 10_000))


def total(terms: list[T]) -> T:
    """Give a sum."""
    return reduce(add, terms)


def summed(weighted: list[tuple[Term, Fraction]]) -> Term:
    """Give a weighted sum as one term."""
    parts = [Apply("*", (Number(weight), term)) for term, weight in weighted]
    return reduce(lambda one, two: Apply("+", (one, two)), parts)


def low_of(balls: Balls, weighted: list[tuple[Term, Fraction]], box: Any, point: Any) -> Any:
    """Give how low planes say that a weighted sum can be."""
    with balls.precision():
        return least_by_planes(balls, [(steps_of(term), weight) for term, weight in weighted], box, point)


def a_weighted_sum(random: Random, operations: tuple[str, ...]) -> list[tuple[Term, Fraction]]:
    """Give terms with weights, often the same term twice."""
    terms = [a_term(random, random.randint(1, 4), operations) for _ in range(random.randint(1, 3))]
    return [(random.choice(terms), a_number(random)) for _ in range(random.randint(1, 4))]


# --- the bound --------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**63).map(Random))
def test_no_sampled_value_is_below_exact_planes(random: Random) -> None:
    """Of random rational terms, at a thousand points of a box, none is less than planes through any point allow."""
    weighted, box = a_weighted_sum(random, RATIONAL), a_box(random)
    term, anywhere = summed(weighted), a_point(random, a_box(random))
    for point in (a_point(random, box), anywhere):
        try:
            low = low_of(Balls(0), weighted, box, point)
        except Inexact:
            continue
        for _ in range(SAMPLES // 2):
            try:
                value = exact(term, a_point(random, box))
            except NoValue:
                continue
            assert low is not None
            assert value >= low


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**63).map(Random))
def test_no_sampled_value_is_below_rounded_planes(random: Random) -> None:
    """The same of all operations at 64 bits and more, against sixty decimals."""
    weighted, box, bits = (
        a_weighted_sum(random, (*RATIONAL, "exp", "log", "sqrt")),
        a_box(random),
        random.choice((64, 256)),
    )
    term = summed(weighted)
    try:
        low = low_of(Balls(bits), weighted, box, a_point(random, box))
    except Inexact:
        return
    for _ in range(100):
        at = a_point(random, box)
        try:
            value = near(term, at)
        except (NoValue, TooWild):
            continue
        assert low is not None
        with ctx.workprec(400):
            assert not low > arb(str(value)) + (1 + arb(str(abs(value)))) * arb(10) ** -40


CURVES = [
    lambda u: exp(u),
    lambda u: number(0) - exp(u),
    lambda u: T(Apply("log", (u.term,))),
    lambda u: number(0) - T(Apply("sqrt", (u.term,))),
    lambda u: T(Power(u.term, 3)),
    lambda u: T(Power(u.term, -1)),
    lambda u: T(Power(u.term, -2)) * -1,
    lambda u: T(Apply("abs", ((u - 2).term,))),
    lambda u: u * (u + y),
]


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("touch", ["1/2", "2", "3"])
def test_a_curve_has_a_tangent_or_a_chord(curve: Any, touch: str) -> None:
    """Over x from 1/2 to 3, less a line, no value is below the plane, wherever it touches."""
    box = ((Fraction(1, 2), Fraction(3)), (Fraction(1), Fraction(1)))
    term = (curve(x) - x / 3).term
    low = low_of(Balls(128), [(term, Fraction(1))], box, (Fraction(touch), Fraction(1)))
    values = [
        near(term, (Fraction(1, 2) + Fraction(5, 2) * Fraction(at, SAMPLES), Fraction(1))) for at in range(SAMPLES + 1)
    ]
    assert Decimal(str(float(low))) <= min(values) + Decimal("1e-12")


@settings(max_examples=200, deadline=None)
@given(*(st.fractions(-20, 20, max_denominator=50) for _ in range(4)))
def test_a_parabola_is_bounded_exactly(c: Fraction, d: Fraction, one: Fraction, two: Fraction) -> None:
    """The sum of c x x, from two terms, and d x has the least value that completing the square gives."""
    low, high = min(one, two), max(one, two)
    vertex = min(max(-d / (2 * c), low), high) if c > 0 else low
    parabola = [((number(d) * x + 3 * x * x).term, Fraction(1)), (Power(x.term, 2), c - 3)]
    ends = [c * at * at + d * at for at in (low, high, vertex)]
    assert low_of(Balls(0), parabola, ((low, high),), (vertex,)) == min(ends)


def test_what_cancels_is_gone() -> None:
    """Equal curves of opposite signs leave nothing, however they are written."""
    weighted = [((x * y + exp(x)).term, Fraction(2)), ((y * (2 * x) + exp(x) * 2 - 1).term, Fraction(-1))]
    box = ((Fraction(-9), Fraction(9)),) * 2
    assert low_of(Balls(64), weighted, box, (Fraction(1), Fraction(0))) == 1


def test_a_point_where_a_term_is_undefined_proves_nothing() -> None:
    """The tangent of 1 / x at 0 is none, and neither is that of a logarithm; a root is there, without a slope."""
    box = ((Fraction(-1), Fraction(1)),)
    for term in (1 / x, T(Apply("log", (x.term,)))):
        with pytest.raises(Inexact):
            low_of(Balls(64), [(term.term, Fraction(1))], box, (Fraction(0),))
    assert low_of(Balls(64), [(Apply("sqrt", (x.term,)), Fraction(1))], box, (Fraction(0),)) <= 0


# --- the leaf ---------------------------------------------------------------------------------------------------------


def losses(coefficients: tuple[int, ...], most: Any, least: Any, harmless: int = 0) -> Problem:
    """Give a convex quadratic against its own linear bound, which is that of Cauchy and Schwarz."""
    xs = [X(at) for at in range(len(coefficients))]
    rules = {
        "LOSS": total([c * one**2 for c, one in zip(coefficients, xs, strict=True)]) <= number(most),
        "LOAD": total([c * one for c, one in zip(coefficients, xs, strict=True)]) >= number(least),
    }
    rules |= {f"H{at}": (at % 3 + 1) * xs[at % 4] + xs[(at + 1) % 4] <= 50 + at for at in range(harmless)}
    return problem([real(f"x{at}", 0, 10) for at in range(len(xs))], **rules)


NARROW = losses((3, 3, 2, 2), "72.899999999", 27)
PLANES = ["planes", ["27/10"] * 4, [[0, [], "1"], [1, [], "27/5"]]]


def answer(of: Problem, tree: Any) -> str:
    """Give why a tree proves nothing of a problem."""
    return check_certificate(of, {"format": "infeasible/1", "problem": of.digest, "tree": tree})


def test_one_leaf_is_enough_for_a_convex_set() -> None:
    """A gap of 1e-9 is closed on the whole box, also from a file; where the limit is reached there is a point."""
    assert answer(NARROW, PLANES) == ""
    given_certificate = {"format": "infeasible/1", "problem": NARROW.digest, "tree": PLANES}
    assert check_certificate(NARROW, load(dump(given_certificate))) == ""
    assert "not certainly positive" in answer(losses((3, 3, 2, 2), "72.9", 27), PLANES)


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ((1, 0), "26/10", "not certainly positive"),
        ((1,), ["27/10"] * 3, "no split"),
        ((1,), ["27/10"] * 5, "no split"),
        ((1,), "27/10", "no split"),
        ((1, 2), "nan", "is no fraction"),
        ((1, 2), 2.7, "is no fraction"),
        ((2, 0, 2), "-1", "is negative"),
        ((2, 0, 2), "0", "not certainly positive"),
        ((2, 1, 2), "27/4", "not certainly positive"),
        ((2, 1, 0), 2, "the place of no constraint"),
        ((2, 1, 1), [0], "past an atom"),
        ((2, 1), [1, []], "a weight is"),
        ((2,), [], "not certainly positive"),
        ((2,), {}, "no split"),
    ],
)
def test_a_spoilt_leaf_is_rejected(path: tuple[int, ...], value: Any, reason: str) -> None:
    """Another point, another weight, one number too few: each is refused with its reason."""
    tree = copy.deepcopy(PLANES)
    holder: Any = tree
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    assert reason in answer(NARROW, tree)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**63).map(Random))
def test_no_leaf_passes_for_a_set_that_has_a_point(random: Random) -> None:
    """Whatever the point and the weights, planes refute no set that is written around a point of its box."""
    box = a_box(random)
    at = a_point(random, box)
    terms = [a_term(random, random.randint(1, 3), RATIONAL) for _ in range(random.randint(1, 3))]
    try:
        conditions = {f"c{place}": T(term) <= number(exact(term, at)) for place, term in enumerate(terms)}
    except NoValue:
        return
    of = problem([real(f"x{place}", *ends) for place, ends in enumerate(box)], **conditions)
    for _ in range(10):
        weights = [[place, [], str(abs(a_number(random)))] for place in range(len(terms))]
        touch = [str(value) for value in random.choice((at, a_point(random, box)))]
        assert answer(of, ["planes", touch, weights])


def test_a_leaf_weighs_only_what_has_to_hold() -> None:
    """An alternative counts where the other one is false on the box, as in any weighted sum."""
    for low, reason in ((0, ""), (-2, "not the only one left")):
        of = problem(
            [real("x", low, 9), real("y", -9, 9)], a=some(x <= -1, every(x * x <= y)), b=y <= 2 * x - Fraction(11, 10)
        )
        assert reason in answer(of, ["planes", ["1", "0"], [[0, [1, 0], "1"], [1, [], "1"]]])
        assert bool(answer(of, ["planes", ["1", "0"], [[0, [1, 0], "1"], [1, [], "1"]]])) == bool(reason)


# --- what is decided by it --------------------------------------------------------------------------------------------


def ring(count: int, gap: Fraction) -> Problem:
    """Give exponentials of differences around a ring, of product 1, to be less than their mean allows."""
    steps = [exp(X(at) - X((at + 1) % count)) for at in range(count)]
    return problem([real(f"x{at}", -3, 3) for at in range(count)], a=total(steps) <= count - number(gap))


def rotated(count: int, gap: Fraction, seed: int) -> Problem:
    """Give exponentials of sums that add up to 0, to be less than their mean allows."""
    random = Random(seed)
    rows = [[random.randint(-2, 2) for _ in range(count)] for _ in range(count)]
    rows.append([-sum(column) for column in zip(*rows, strict=True)])
    terms = [exp(total([number(c) * X(at) for at, c in enumerate(row)])) for row in rows]
    return problem([real(f"x{at}", -2, 2) for at in range(count)], a=total(terms) <= len(rows) - number(gap))


def means(count: int, gap: Fraction) -> Problem:
    """Give squares whose mean is at most 1, and a mean that is more."""
    xs = [X(at) for at in range(count)]
    variables = [real(f"x{at}", -2, 2) for at in range(count)]
    return problem(variables, a=total([one**2 for one in xs]) <= count, b=total(xs) >= count + number(gap))


def closed(of: Problem, boxes: int) -> None:
    """Assert that a set is certified infeasible within so many boxes."""
    found = decide(of)
    assert isinstance(found, Infeasible)
    assert check_certificate(of, found.certificate) == ""
    assert found.spent.boxes <= boxes


@pytest.mark.parametrize("harmless", [0, 20])
def test_a_quadratic_against_its_linear_bound_takes_few_boxes(harmless: int) -> None:
    """Gaps of a thousandth and of 1e-11 of it, which took more than 1,000 and 6,000 boxes by halving alone."""
    closed(losses((3, 1, 1, 2), "106.37", "27.3", harmless), 20)
    closed(losses((3, 3, 2, 2), "72.899999999", 27, harmless), 60)


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("count", [3, 4, 5])
def test_convex_sets_take_few_boxes_at_any_gap(count: int, gap: Fraction) -> None:
    """Sums of exponentials are refuted as soon as planes are tried, means in a handful of boxes."""
    for of in (ring(count, gap), rotated(count, gap, 0), rotated(count, gap, 1)):
        closed(of, 12)
    closed(means(count, gap), 60)


def test_strict_rules_that_touch_are_certified() -> None:
    """Where the sum is 0 and one rule is strict, the tangent at the exact point refutes the set."""
    closed(problem([real("x", -1, 1)], a=exp(x) - 1 - x < 0), 400)
    closed(problem([real("x", -2, 2), real("y", -2, 2)], a=x**2 + y**2 <= 1, b=3 * x + 4 * y > 5), 60)
