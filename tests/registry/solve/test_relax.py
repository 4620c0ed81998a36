"""How far one parameter has to give way, against thresholds that are known exactly."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import isclose, sqrt

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.registry.solve.checker import certainly, check_certificate
from harness.registry.solve.decide import Decision, Undecided, decide
from harness.registry.solve.problem import (
    Apply,
    Below,
    Condition,
    Constraint,
    Every,
    Number,
    Operation,
    Power,
    Problem,
    Some,
    Term,
    Unknown,
    Variable,
)
from harness.registry.solve.relax import (
    Relaxation,
    parameters_of,
    relax,
    rounded_middle,
    simplest,
    with_parameter,
    with_variable,
)

ONE = Fraction(1)


def number(value: str | Fraction, parameter: str = "") -> Number:
    """Give a number, perhaps a parameter's."""
    return Number(Fraction(value), parameter)


def of(operation: Operation, *terms: Term) -> Term:
    """Give an operation."""
    return Apply(operation, terms)


def driving() -> Problem:
    """Give the case of a car that sees 30 m: stop within sight, and do not brake hard to get there."""
    v = Unknown(0)
    metres = of("/", Power(of("/", v, number("3.6")), 2), of("*", number(2), of("*", number("0.4"), number("9.8"))))
    braking = of("/", of("-", number(120, "v0"), v), of("*", number(5, "window"), number("3.6")))
    return Problem(
        (Variable("v", "real", Fraction(0), Fraction(200)),),
        (
            Constraint("forward", Below(of("-", metres, number(30, "perception")), strict=True)),
            Constraint("rear", Below(of("-", braking, number(2, "a_max")))),
            Constraint("legal", Below(of("-", v, number(130, "limit")))),
        ),
    )


SPEED = 3.6 * sqrt(30 * 2 * 0.4 * 9.8)  # where the car sees just far enough
THRESHOLDS = {
    "perception": (84 / 3.6) ** 2 / (2 * 0.4 * 9.8),
    "a_max": (120 - SPEED) / 18,
    "window": (120 - SPEED) / 7.2,
    "v0": SPEED + 36,
}


def certified(problem: Problem, found: Relaxation) -> bool:
    """Tell whether both sides of a relaxation are certified, and next to each other."""
    assert found.feasible_at is not None
    assert found.witness is not None
    assert abs(found.feasible_at - found.infeasible_at) <= Fraction(2, 10**9) * abs(found.feasible_at)
    met = certainly(with_parameter(problem, found.parameter, found.feasible_at), found.witness)
    if found.ranged:
        below = with_variable(problem, found.parameter, *sorted((found.stated, found.infeasible_at)))
    else:
        below = with_parameter(problem, found.parameter, found.infeasible_at)
    return all(met.values()) and not check_certificate(below, found.certificate)


@pytest.mark.parametrize("ranged", [True, False])
@pytest.mark.parametrize("parameter", THRESHOLDS)
def test_thresholds_of_the_driving_case(parameter: str, ranged: bool) -> None:
    """Each is found from whichever side it lies on, to 1e-9, with a witness on one side and a proof on the other."""
    found = relax(driving(), parameter, decide, ranged=ranged)
    assert found.feasible_at is not None
    assert isclose(found.feasible_at, THRESHOLDS[parameter], rel_tol=2e-9)
    assert certified(driving(), found)


def test_a_parameter_that_is_in_no_conflict_never_helps() -> None:
    """That is proven without a search where the conflict does not speak of it."""
    found = relax(driving(), "limit", decide)
    assert found.never
    assert found.feasible_at is None
    assert found.calls == 1


def test_no_value_within_the_bounds_is_proven_for_all_of_them() -> None:
    """One certificate says it, of the problem in which the parameter is a variable."""
    found = relax(driving(), "perception", decide, (Fraction(1), Fraction(69)))
    assert found.never
    assert found.ranged
    assert (found.low, found.high) == (1, 69)
    assert found.feasible_at is None
    assert found.certificate["problem"] != driving().digest


def test_bounds_are_kept() -> None:
    """A value beyond them is not found, one within them is, and the stated value is always within."""
    assert relax(driving(), "perception", decide, (Fraction(31), Fraction(69))).low == 30
    assert relax(driving(), "perception", decide, (None, Fraction(70))).feasible_at is not None


def tent(parameter: str = "p") -> Problem:
    """Give a problem that is feasible for p from 2 to 3 and from 10 on only."""
    p, x = number("0.5", parameter), Unknown(0)
    between: Condition = Some(
        (Below(of("-", of("abs", of("-", p, number("2.5"))), number("0.5"))), Below(of("-", number(10), p)))
    )
    holds = Constraint("tent", between)
    return Problem((Variable("x", "real", Fraction(0), ONE),), (holds, Constraint("x", Below(of("-", x, p)))))


def test_ranged_finds_the_nearest_of_several_pieces() -> None:
    """Where feasible values come and go, only the question about whole stretches gives the first, and it proves it."""
    found = relax(tent(), "p", decide, (Fraction(0), Fraction(20)))
    assert found.ranged
    assert found.feasible_at is not None
    assert isclose(found.feasible_at, 2, rel_tol=2e-9)
    assert found.infeasible_at < 2


@settings(deadline=None, max_examples=50)
@given(
    st.fractions(Fraction(-9), Fraction(9), max_denominator=50),
    st.fractions(Fraction(1, 50), Fraction(3), max_denominator=50),
    st.booleans(),
    st.booleans(),
)
def test_linear_thresholds_are_enclosed(needed: Fraction, gap: Fraction, upwards: bool, strict: bool) -> None:
    """For x at least a and at most p the threshold is a, from above or from below, included or not."""
    stated = needed - gap if upwards else needed + gap
    x, p, a = Unknown(0), number(stated, "p"), number(needed)
    above, below = (of("-", a, x), of("-", x, p)) if upwards else (of("-", x, a), of("-", p, x))
    problem = Problem(
        (Variable("x", "real", Fraction(-20), Fraction(20)),),
        (Constraint("fixed", Below(above)), Constraint("free", Below(below, strict))),
    )
    found = relax(problem, "p", decide, (Fraction(-15), Fraction(15)))
    assert found.feasible_at is not None
    sides = (found.infeasible_at, found.feasible_at) if upwards else (found.feasible_at, found.infeasible_at)
    assert sides[0] <= needed <= sides[1]
    assert abs(sides[1] - sides[0]) <= Fraction(3, 10**9) * max(abs(sides[0]), abs(sides[1]), abs(stated) / 1000)


def test_what_is_undecided_near_the_threshold_is_named() -> None:
    """The two sides close in on what cannot be decided, and say where that is."""

    def unsure(problem: Problem) -> Decision:
        p = parameters_of(problem).get("perception", Fraction(0))
        ranged = problem.variables[-1].name.startswith("params.")
        return Undecided("boxes", None) if ranged or 69 < p < 70 else decide(problem)

    found = relax(driving(), "perception", unsure)
    assert found.undecided is not None
    assert found.feasible_at is not None
    assert found.infeasible_at <= 69 < found.undecided[0] <= found.undecided[1] < 70 <= found.feasible_at
    assert 69 - found.infeasible_at < Fraction(1, 10**6)
    assert found.feasible_at - 70 < Fraction(1, 10**6)


def test_where_ranges_are_undecided_single_values_are_asked() -> None:
    """Without an answer about all values at once, growing distances find the threshold; nothing is called never."""

    def points_only(problem: Problem) -> Decision:
        ranged = problem.variables[-1].name.startswith("params.")
        return Undecided("boxes", None) if ranged else decide(problem)

    found = relax(driving(), "perception", points_only, (Fraction(1), Fraction(1000)))
    assert found.feasible_at is not None
    assert isclose(found.feasible_at, THRESHOLDS["perception"], rel_tol=2e-9)
    nothing = relax(driving(), "perception", points_only, (Fraction(1), Fraction(60)))
    assert (nothing.feasible_at, nothing.never) == (None, False)


def test_there_is_nothing_to_relax() -> None:
    """A feasible problem, and a parameter that nothing speaks of, are refused."""
    feasible = replace(driving(), constraints=driving().constraints[:1])
    with pytest.raises(UsageError, match="nothing to relax: feasible"):
        relax(feasible, "perception", decide)
    with pytest.raises(UsageError, match="'friction'"):
        relax(driving(), "friction", decide)


numbers = st.fractions(Fraction(-1000), Fraction(1000), max_denominator=10**6)


@given(numbers, numbers)
def test_simple_numbers_between(one: Fraction, other: Fraction) -> None:
    """The simplest lies between, with the smallest denominator; a rounded middle lies near the middle."""
    low, high = sorted((one, other))
    found = simplest(low, high)
    assert low <= found <= high
    for denominator in range(1, min(found.denominator, 300)):
        assert -(-low * denominator // 1) > high * denominator
    if low != high:
        assert abs(rounded_middle(low, high) - (low + high) / 2) <= (high - low) / 8


# --- whole numbers ----------------------------------------------------------------------------------------------------


def pieces(stated: Fraction, ends: list[tuple[Fraction, Fraction]]) -> Problem:
    """Give a problem that is feasible where a parameter lies in one of some intervals."""
    p = number(stated, "p")
    inside = (Every((Below(of("-", number(low), p)), Below(of("-", p, number(high))))) for low, high in ends)
    return Problem((Variable("x", "real", Fraction(0), ONE),), (Constraint("inside", Some(tuple(inside))),))


intervals = st.tuples(
    st.fractions(-30, 30, max_denominator=4), st.fractions(Fraction(0), Fraction(5), max_denominator=4)
).map(lambda one: (one[0], one[0] + one[1]))


@settings(deadline=None, max_examples=60)
@given(st.integers(-12, 12), st.lists(intervals, min_size=1, max_size=3))
def test_a_whole_parameter_goes_to_the_nearest_whole_number(stated: int, ends: list[tuple[Fraction, Fraction]]) -> None:
    """Nearest of all whole numbers in the bounds, counted one by one; where there is none, that is proven."""
    fitting = [one for one in range(-20, 21) if any(low <= one <= high for low, high in ends)]
    problem = pieces(Fraction(stated), ends)
    assume(stated not in fitting)
    found = relax(problem, "p", decide, (Fraction(-20), Fraction(20)), whole=True)
    if not fitting:
        assert (found.never, found.feasible_at) == (True, None)
        return
    assert found.feasible_at in fitting
    assert abs(found.feasible_at - stated) == min(abs(one - stated) for one in fitting)
    assert abs(found.feasible_at - found.infeasible_at) == 1
    assert found.sure
    below = with_variable(problem, "p", *sorted((found.stated, found.infeasible_at)), whole=True)
    assert not check_certificate(below if found.ranged else problem, found.certificate)


@pytest.mark.parametrize("ranged", [True, False])
def test_a_threshold_between_whole_numbers_is_rounded_away(ranged: bool) -> None:
    """At 69.4 m of sight the next whole metre does, the one before is certified not to; decimals in bounds are cut."""
    found = relax(driving(), "perception", decide, (Fraction("0.5"), Fraction("99.5")), whole=True, ranged=ranged)
    assert (found.infeasible_at, found.feasible_at, found.low, found.high) == (69, 70, 1, 99)
    assert (found.ranged, found.undecided) == (ranged, None)


def test_whole_values_are_asked_where_ranges_are_undecided() -> None:
    """Growing distances are whole too, and close in on the same neighbours."""

    def points_only(problem: Problem) -> Decision:
        p = parameters_of(problem).get("perception", ONE)
        assert p.denominator == 1
        ranged = problem.variables[-1].name.startswith("params.")
        return Undecided("boxes", None) if ranged else decide(problem)

    found = relax(driving(), "perception", points_only, whole=True)
    assert (found.infeasible_at, found.feasible_at, found.ranged) == (69, 70, False)


# --- across 0 ---------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=30)
@given(
    st.fractions(Fraction(1, 50), Fraction(9), max_denominator=50),
    st.fractions(Fraction(0), Fraction(9), max_denominator=50),
    st.booleans(),
)
def test_what_lies_across_0_is_found(gap: Fraction, needed: Fraction, upwards: bool) -> None:
    """For x at least a, 0 or more, and at most p below 0, without a range: the threshold is a; and the mirror image."""
    sign = 1 if upwards else -1
    x, p = Unknown(0), number(-sign * gap, "p")
    sides = (of("-", number(sign * needed), x), of("-", x, p))
    turned = sides if upwards else tuple(of("-", *reversed(one.terms)) for one in sides if isinstance(one, Apply))
    problem = Problem(
        (Variable("x", "real", Fraction(-20), Fraction(20)),),
        (Constraint("fixed", Below(turned[0])), Constraint("free", Below(turned[1]))),
    )
    assume(needed <= 1000 * gap)
    found = relax(problem, "p", decide)
    assert found.feasible_at is not None
    assert sign * found.infeasible_at < needed <= sign * found.feasible_at
    assert abs(found.feasible_at - found.infeasible_at) <= Fraction(3, 10**9) * max(needed, gap)
    assert -1000 * gap in (found.low, -found.high)


def test_0_is_not_crossed_for_what_the_own_side_has() -> None:
    """Farther away on its own side goes before nearer across, and a bound that is stated is kept."""
    near, far = (Fraction(-2), Fraction(-1)), (Fraction(50), Fraction(60))
    assert relax(pieces(ONE, [near, far]), "p", decide).feasible_at == 50
    crossed = relax(pieces(ONE, [near]), "p", decide)
    assert crossed.feasible_at is not None
    assert isclose(crossed.feasible_at, -1)
    assert (crossed.low, crossed.high) == (-1000, 1000)
    kept = relax(pieces(ONE, [near]), "p", decide, (Fraction(0), None))
    assert (kept.never, kept.low, kept.high) == (True, 0, 1000)


def test_never_tells_the_range_that_was_certified() -> None:
    """Both sides of 0 where they are proven, and only its own where what lies across is not decided."""
    beyond = pieces(Fraction(-3), [(Fraction(9000), Fraction(9001))])
    found = relax(beyond, "p", decide)
    assert (found.never, found.low, found.high) == (True, -3000, 3000)
    assert not check_certificate(with_variable(beyond, "p", found.low, found.high), found.certificate)

    def one_sided(problem: Problem) -> Decision:
        last = problem.variables[-1]
        crosses = last.name == "params.p" and last.low < 0 < last.high
        return Undecided("boxes", None) if crosses else decide(problem)

    found = relax(beyond, "p", one_sided)
    assert (found.never, found.low, found.high) == (True, -3000, Fraction(-3, 1000))
    at_zero = relax(pieces(Fraction(-3), [(Fraction(0), ONE)]), "p", one_sided)
    assert at_zero.feasible_at == 0
