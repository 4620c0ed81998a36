"""Several parameters that give way together, against shares and curves that are known exactly."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import ceil, isclose, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.registry.solve.checker import certainly, check_certificate
from harness.registry.solve.decide import Decision, Undecided, decide
from harness.registry.solve.joint import Joint, joint, pareto, sharing
from harness.registry.solve.moving import Bounds, Move
from harness.registry.solve.problem import Problem
from harness.registry.solve.relax import relax, with_parameter, with_variable
from harness.registry.solve.trade import Menu, trading
from tests.registry.solve.problems import X, driving, integer, number, problem, reactor, real

RANGES: Bounds = {
    "tau_max": (Fraction(1), Fraction(600)),
    "I_max": (Fraction(0), Fraction(1)),
    "X_min": (Fraction(0), Fraction(1)),
}


def after(one: Problem, moves: tuple[Move, ...]) -> Problem:
    """Give the problem with the parameters where moves take them."""
    for move in moves:
        one = with_parameter(one, move.parameter, move.value)
    return one


def certified(asked: Problem, found: Joint, bounds: Bounds | None = None) -> bool:
    """Tell whether the witness meets the moved constraints, and the proof covers every smaller share, either way."""
    assert found.ranged
    assert found.witness is not None
    shares = with_variable(sharing(asked, found.parameters, bounds), ":share", Fraction(0), found.infeasible_at)
    met = certainly(after(asked, found.moves), found.witness)
    return all(met.values()) and not check_certificate(shares, found.certificate)


@pytest.mark.parametrize(
    ("names", "share", "ways"),
    [(("tau_max", "I_max"), 0.144014, (1, 1)), (("tau_max", "I_max", "X_min"), 0.020163, (1, 1, -1))],
)
def test_shares_of_the_reactor(names: tuple[str, ...], share: float, ways: tuple[int, ...]) -> None:
    """Limits go up and the conversion down, which nobody has said; both sides are certified."""
    found = joint(reactor(), names, decide, RANGES)
    assert found.feasible_at is not None
    assert isclose(found.feasible_at, share, abs_tol=1e-6)
    assert found.feasible_at - found.infeasible_at < Fraction(1, 10**9)
    assert tuple((one.value > one.stated) - (one.value < one.stated) for one in found.moves) == ways
    assert {abs(one.value / one.stated - 1) for one in found.moves} == {found.feasible_at}
    assert certified(reactor(), found, RANGES)


@settings(deadline=None, max_examples=25)
@given(
    st.fractions(Fraction(1, 10), Fraction(9), max_denominator=50),
    st.fractions(Fraction(1, 10), Fraction(9), max_denominator=50),
    st.booleans(),
)
def test_a_share_that_is_known_exactly(least: Fraction, gap: Fraction, turned: bool) -> None:
    """At least a, at most b: both meet at the share (a - b) / (a + b), whichever of the two is named first."""
    low, high = least + gap, least
    x = X(0)
    asked = problem([real("x", -99, 99)], low=number(low, "a") - x <= 0, high=x - number(high, "b") <= 0)
    found = joint(asked, ("b", "a") if turned else ("a", "b"), decide)
    exact = (low - high) / (low + high)
    assert found.feasible_at is not None
    assert found.infeasible_at <= exact <= found.feasible_at <= exact + Fraction(1, 10**8)
    assert certified(asked, found)


def test_no_share_within_the_bounds() -> None:
    """Where one parameter reaches its end before the share suffices, that is proven for every share up to there."""
    found = joint(driving(), ("perception", "a_max"), decide, {"perception": (Fraction(1), Fraction(40))})
    assert (found.never, found.feasible_at) == (True, None)
    assert found.limit == Fraction(29, 30)  # as far as perception could go down
    narrow = {"perception": (Fraction(20), Fraction(40)), "a_max": (Fraction(1), Fraction(3))}
    found = joint(driving(), ("perception", "a_max"), decide, narrow)
    assert (found.never, found.limit) == (True, Fraction(1, 3))


def front(asked: Problem, menu: Menu, bounds: Bounds | None = None) -> list[tuple[Fraction, Fraction]]:
    """Give the values on a menu, once all that it claims is certified anew."""
    values = []
    for offer in menu.offers:
        assert all(certainly(after(asked, offer.moves), offer.witness).values())
        for proof in offer.proofs:
            assert not check_certificate(trading(asked, menu.parameters, proof.amounts, bounds), proof.certificate)
            amounts = [abs(one.value - one.stated) for one in offer.moves]
            slack = [menu.step, Fraction(2, 10**9) * offer.moves[1].value]
            assert all(one >= most - near for one, most, near in zip(proof.amounts, amounts, slack, strict=True))
        values.append((offer.moves[0].value, offer.moves[1].value))
    return values


def test_the_menu_of_the_driving_case_lies_on_its_curve() -> None:
    """Sight bought with braking: each offer is where the two limits touch, and the ends are the relaxations alone."""
    asked = driving()
    menu = pareto(asked, "perception", "a_max", decide)
    offers = front(asked, menu)
    assert len(offers) == 5
    assert all(one.tight for one in menu.offers)
    for sight, braking in offers:
        assert isclose(braking, (120 - 3.6 * sqrt(sight * 2 * 0.4 * 9.8)) / 18, rel_tol=1e-8)
    assert offers[0] == (30, relax(asked, "a_max", decide).feasible_at)
    assert offers[-1] == (relax(asked, "perception", decide).feasible_at, 2)
    assert menu.undecided == ()


@settings(deadline=None, max_examples=8)
@given(
    st.fractions(Fraction(1, 10), Fraction(9), max_denominator=50),
    st.fractions(Fraction(1, 10), Fraction(9), max_denominator=50),
    st.integers(0, 4),
)
def test_two_limits_that_pass_each_other_share_the_gap(least: Fraction, gap: Fraction, between: int) -> None:
    """At least a, at most b: on every offer the two moves add up to the gap between, the one down and the other up."""
    x = X(0)
    asked = problem([real("x", -99, 99)], low=number(least + gap, "a") - x <= 0, high=x - number(least, "b") <= 0)
    bounds: Bounds = {"a": (Fraction(0), Fraction(20)), "b": (Fraction(0), Fraction(20))}
    menu = pareto(asked, "a", "b", decide, bounds, between=between)
    offers = front(asked, menu, bounds)
    assert len(offers) == between + 2
    assert all(one.tight for one in menu.offers)
    for low, high in offers:
        assert low <= high <= low + Fraction(1, 10**7)
        assert least <= high
        assert low <= least + gap


def test_a_menu_of_whole_numbers_has_no_offer_twice() -> None:
    """Replicas against budget: one offer for each number of replicas, though it was asked for values between."""
    n = X(0)
    asked = problem(
        [integer("n", 0, 1000)],
        enough=number(5, "least") - n <= 0,
        paid=n * 450 - number(1200, "budget") <= 0,
    )
    menu = pareto(asked, "least", "budget", decide, {"least": (Fraction(0), Fraction(100))})
    assert front(asked, menu, {"least": (Fraction(0), Fraction(100))}) == [(5, 2250), (4, 1800), (3, 1350), (2, 1200)]


def test_where_neither_alone_suffices_the_menu_begins_where_both_do() -> None:
    """For x at least a and y at least b, x + y at most c with both in ranges: the ends are where a range ends."""
    x, y = X(0), X(1)
    asked = problem(
        [real("x", 0, 20), real("y", 0, 20)],
        a=number(8, "a") - x <= 0,
        b=number(8, "b") - y <= 0,
        c=x + y <= 10,
    )
    bounds: Bounds = {"a": (Fraction(4), Fraction(9)), "b": (Fraction(5), Fraction(9))}
    menu = pareto(asked, "a", "b", decide, bounds)
    offers = front(asked, menu, bounds)
    assert (offers[0], offers[-1]) == ((5, 5), (4, 6))
    assert all(one + other == 10 for one, other in offers)
    assert all(after[0] < before[0] and after[1] > before[1] for before, after in pairwise(offers))
    none = pareto(asked, "a", "b", decide, {"a": (Fraction(7), Fraction(9)), "b": (Fraction(7), Fraction(9))})
    assert (none.offers, none.never, none.undecided) == ((), True, ())


def test_what_cannot_be_decided_is_no_offer() -> None:
    """An oracle that knows nothing of values between leaves them undecided, and calls nothing impossible."""

    def unsure(asked: Problem) -> Decision:
        return decide(asked) if asked.variables[-1].name == "v" else Undecided("boxes", None)

    menu = pareto(driving(), "perception", "a_max", unsure)
    assert (menu.offers, menu.never) == ((), False)
    assert menu.undecided
    found = joint(driving(), ("perception", "a_max"), unsure)
    assert (found.feasible_at, found.never, found.moves) == (None, False, ())


def test_the_same_offers_each_time() -> None:
    """Nothing depends on what was asked before."""
    assert pareto(driving(), "perception", "a_max", decide) == pareto(driving(), "perception", "a_max", decide)


def test_mistakes_are_named() -> None:
    """An unknown parameter, one twice, one that is 0, and a problem that is feasible."""
    with pytest.raises(UsageError, match="no constraint speaks of the parameter 'sight'"):
        joint(driving(), ("sight",), decide)
    with pytest.raises(UsageError, match="in exchange for itself"):
        pareto(driving(), "a_max", "a_max", decide)
    zero = problem([real("x", 0, 9)], a=X(0) - number(0, "p") < 0, b=X(0) > number(3, "q"))
    with pytest.raises(UsageError, match="p is 0"):
        joint(zero, ("p", "q"), decide)
    for found in (joint, pareto):
        with pytest.raises(UsageError, match="nothing to relax"):
            found(driving(90), *([("perception", "a_max")] if found is joint else ["perception", "a_max"]), decide)  # type: ignore[operator]


# --- whole numbers ----------------------------------------------------------------------------------------------------

ROSTER: Bounds = {"nurses": (Fraction(1), Fraction(40)), "hours": (Fraction(1), Fraction(400))}


def roster(need: int, nurses: int, hours: int) -> Problem:
    """Give a problem in which a number of nurses, at so many hours each, have to be enough."""
    work = number(nurses, "nurses") * number(hours, "hours")
    return problem([real("x", 0, 9999)], needed=X(0) >= need, there=X(0) - work <= 0)


whole_rosters = st.tuples(st.integers(2, 12), st.integers(10, 50), st.integers(1, 150))


@settings(deadline=None, max_examples=15)
@given(whole_rosters, st.sampled_from([{"nurses"}, {"nurses", "hours"}]))
def test_whole_parameters_move_by_no_more_than_the_share(numbers: tuple[int, int, int], whole: set[str]) -> None:
    """The least share of all that whole numbers of nurses, and of hours, allow, counted one by one."""
    nurses, hours, missing = numbers
    asked = roster(nurses * hours + missing, nurses, hours)
    shares = []
    for more in range(nurses, 41):
        wanted = Fraction(nurses * hours + missing, more)
        wanted = Fraction(ceil(wanted)) if "hours" in whole else wanted
        shares.append(max(Fraction(more, nurses) - 1, wanted / hours - 1))
    found = joint(asked, ("nurses", "hours"), decide, ROSTER, whole=whole)
    if found.feasible_at is None:
        assert found.never
        assert min(shares) > found.limit
        return
    assert found.infeasible_at < min(shares) <= found.feasible_at <= min(shares) + Fraction(1, 10**8)
    assert all(one.value.denominator == 1 for one in found.moves if one.parameter in whole)
    assert all(abs(one.value - one.stated) <= abs(one.stated) * found.feasible_at for one in found.moves)
    assert found.witness is not None
    assert all(certainly(after(asked, found.moves), found.witness).values())


@settings(deadline=None, max_examples=8)
@given(whole_rosters)
def test_a_menu_of_two_whole_parameters(numbers: tuple[int, int, int]) -> None:
    """Every offer is of whole numbers, and on none of them less of one would do with no more of the other."""
    nurses, hours, missing = numbers
    need = nurses * hours + missing
    asked = roster(need, nurses, hours)
    menu = pareto(asked, "nurses", "hours", decide, ROSTER, whole={"nurses", "hours"})
    assert menu.ends == ((1, 40), (1, 400))
    assert menu.offers
    for offer in menu.offers:
        one, other = (int(move.value) for move in offer.moves)
        assert (one, other) == tuple(move.value for move in offer.moves)
        assert one * other >= need
        assert one == nurses or (one - 1) * other < need
        assert other == hours or one * (other - 1) < need
        assert offer.tight
        for proof in offer.proofs:
            below = trading(asked, menu.parameters, proof.amounts, ROSTER, {"nurses", "hours"})
            assert not check_certificate(below, proof.certificate)


def test_a_field_may_be_called_like_what_moves() -> None:
    """A field move.p of the artifact is not mistaken for the move of the parameter p."""
    asked = problem([real("move.p", 5, 9), real("way.p", 5, 9)], a=X(0) + X(1) - number(4, "p") * number(2, "q") <= 0)
    found = joint(asked, ("p", "q"), decide, whole={"q"})
    assert found.feasible_at is not None
    assert isclose(found.feasible_at, 1 / 4, rel_tol=1e-6)
    assert [one.value for one in found.moves] == [5, 2]
