"""Deciding a problem: what is certified, what is left open, and that no answer is ever wrong."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.speed.solve import generated
from harness.registry.solve.certificate import dump, load
from harness.registry.solve.checker import certainly, check_certificate
from harness.registry.solve.contract import clause_of
from harness.registry.solve.decide import Budget, Decision, Feasible, Infeasible, Undecided, decide
from harness.registry.solve.problem import Condition, Problem, Variable
from harness.registry.solve.sample import excess_of
from harness.registry.solve.search import Search
from tests.registry.solve.problems import (
    X,
    apply,
    choice,
    driving,
    every,
    exp,
    integer,
    number,
    problem,
    reactor,
    real,
    some,
)

x, y, z = X(0), X(1), X(2)
SQUARE = [real("x", -10, 10), real("y", -10, 10)]
QUARTER = [real("x", 0, 4), real("y", 0, 4)]
CUBE = [real("x", 0, 9), real("y", 0, 9), real("z", 0, 9)]
MODES = [choice("mode", "slow", "fast", "off"), real("v", 0, 10)]


def tiny(power: int) -> Any:
    """Give a power of ten below one, exactly."""
    return number(Fraction(1, 10**power))


def sight(v: Fraction) -> Fraction:
    """Give the perception in which a vehicle at this speed just stops."""
    return (v / Fraction("3.6")) ** 2 / (2 * Fraction("0.4") * Fraction("9.8"))


def told(decision: Decision) -> str:
    """Give the answer as one word."""
    return type(decision).__name__


def certified(given_problem: Problem, decision: Decision) -> bool:
    """Say whether the checker, asked anew, stands behind a decision."""
    if isinstance(decision, Feasible):
        return all(certainly(given_problem, decision.point).values())
    return not isinstance(decision, Infeasible) or check_certificate(given_problem, decision.certificate) == ""


def test_driving_at_30_m_is_infeasible_by_its_two_rules() -> None:
    """No speed both stops in 30 m and brakes gently, and the certificate is replayed and uses both rules."""
    found = decide(driving(30))
    assert isinstance(found, Infeasible)
    assert found.core == ("forward", "rear")
    assert check_certificate(driving(30), found.certificate) == ""


def test_driving_at_90_m_has_a_speed_in_its_window() -> None:
    """The witness lies in [84, 95.6273)."""
    found = decide(driving(90))
    assert isinstance(found, Feasible)
    assert 84 <= found.point[0] < Fraction("95.6273")


def test_reactor_is_infeasible_at_120_s_by_three_rules() -> None:
    """Conversion, impurity and residence time contradict each other; the other rules are not in the core."""
    found = decide(reactor(120))
    assert isinstance(found, Infeasible)
    assert found.core == ("C1", "C2", "C4")


@pytest.mark.parametrize("longest_s", [158, 165, 170, 175, 180])
def test_reactor_is_feasible_above_158_s(longest_s: int) -> None:
    """A temperature and a residence time that certainly fit are found, also where they lie in a sliver."""
    found = decide(reactor(longest_s))
    assert isinstance(found, Feasible)
    assert certified(reactor(longest_s), found)


EXACT: dict[str, tuple[Problem, str]] = {
    "gap of 1e-9": (driving(sight(84 - Fraction(1, 10**9))), "Infeasible"),
    "gap of 1e-12": (driving(sight(84 - Fraction(1, 10**12))), "Infeasible"),
    "window of 1e-9": (driving(sight(84 + Fraction(1, 10**9))), "Feasible"),
    "window of 1e-12": (driving(sight(84 + Fraction(1, 10**12))), "Feasible"),
    "strict against not": (problem(SQUARE, a=x >= 5, b=x < 5), "Infeasible"),
    "strict against not at a decimal": (problem(SQUARE, a=x >= 0.1, b=x < 0.1), "Infeasible"),
    "one point": (problem(SQUARE, a=x >= 0.1, b=x <= 0.1), "Feasible"),
    "mean and product, 1e-9": (problem(QUARTER, a=x * y >= 4, b=x + y <= 4 - tiny(9)), "Infeasible"),
    "mean and product, 1e-12": (problem(QUARTER, a=x * y >= 4, b=x + y <= 4 - tiny(12)), "Infeasible"),
    "mean and product, touching": (problem(QUARTER, a=x * y >= 4, b=x + y <= 4), "Feasible"),
    "tangent of exp, 1e-12": (problem([real("x", -1, 1)], a=exp(x) - 1 - x <= -tiny(12)), "Infeasible"),
    "cycle, 1e-12": (problem(CUBE, a=x - y >= 0.1, b=y - z >= 0.2, c=z - x >= -0.3 + tiny(12)), "Infeasible"),
    "cycle, closed": (problem(CUBE, a=x - y >= 0.1, b=y - z >= 0.2, c=z - x >= -0.3), "Feasible"),
    "cycle, strict": (problem(CUBE, a=x - y >= 0.1, b=y - z >= 0.2, c=z - x > -0.3), "Infeasible"),
    "circle and line": (problem(SQUARE, a=x**2 + y**2 <= 1, b=3 * x + 4 * y >= 5), "Feasible"),
    "circle beyond line": (problem(SQUARE, a=x**2 + y**2 <= 1, b=3 * x + 4 * y >= 5 + tiny(9)), "Infeasible"),
    "outside and inside": (
        problem(SQUARE, a=apply("abs", x) >= 2, b=apply("abs", x - 1) < 1),
        "Infeasible",
    ),
    "undefined logarithm": (problem([real("x", -2, -1)], a=apply("log", x) <= 100), "Infeasible"),
    "undefined quotient": (problem([real("x", 0, 0)], a=1 / x <= 5), "Infeasible"),
    "replicas": (problem([integer("n", 0, 100)], a=x >= 5, b=450 * x <= 1200), "Infeasible"),
    "replicas, more money": (problem([integer("n", 0, 100)], a=x >= 5, b=450 * x <= 2250), "Feasible"),
    "sum that 3 divides": (
        problem([integer("n", 0, 100), integer("m", 0, 100)], a=(3 * x + 6 * y).equals(100)),
        "Infeasible",
    ),
    "mode out of reach": (
        problem(MODES, a=some(x.equals(1), y <= 2), b=some(x.differs(1), every(y >= 20, y <= 30)), c=y >= 3),
        "Infeasible",
    ),
    "mode in reach": (
        problem(MODES, a=some(x.equals(1), y <= 2), b=some(x.differs(1), y >= 2), c=y >= 3),
        "Feasible",
    ),
    "no mode left": (problem(MODES, a=x.differs(0), b=x.differs(1), c=x.differs(2)), "Infeasible"),
    "no alternative": (problem(SQUARE, a=some()), "Infeasible"),
    "nothing asked": (problem(SQUARE, a=every()), "Feasible"),
    "no rules": (problem(SQUARE), "Feasible"),
}


@pytest.mark.parametrize("name", EXACT)
def test_near_degenerate_problems_are_decided_right(name: str) -> None:
    """Gaps of 1e-9 and 1e-12, strict against non-strict, touching curves at decimal points: decided, and certified."""
    given_problem, want = EXACT[name]
    found = decide(given_problem)
    assert told(found) == want
    assert certified(given_problem, found)


@pytest.mark.parametrize(
    "touching",
    [
        problem([real("x", 0, 2)], a=(x * x).equals(2)),
        problem([real("x", 0, 2)], a=x * x <= 2, b=x * x >= 2),
        problem(QUARTER, a=x * y >= 3, b=(x + y) ** 2 <= 12),
    ],
)
def test_what_only_touches_at_no_float_is_undecided(touching: Problem) -> None:
    """Where curves touch at an irrational point neither side is claimed; the nearest point is told with its margins."""
    found = decide(touching)
    assert isinstance(found, Undecided)
    assert found.reason
    assert found.point is not None
    assert set(found.margins) == {one.name for one in touching.constraints}
    assert min(found.margins.values()) > -1e-3


def test_a_budget_that_is_used_up_is_told() -> None:
    """With too few boxes the answer is undecided, with its reason, and what was spent is near the budget."""
    hard = problem(
        [real(f"x{at}", 0, 4) for at in range(5)],
        a=x * y * z * X(3) * X(4) >= 1,
        b=x + y + z + X(3) + X(4) <= 4.999,
    )
    found = decide(hard, Budget(boxes=50))
    assert isinstance(found, Undecided)
    assert "budget" in found.reason
    assert found.spent.boxes <= 52


def test_a_variable_without_values_is_certified() -> None:
    """A whole number between 1/5 and 4/5 does not exist, and no rule is needed to say so."""
    between = Problem((real("x", 0, 1), Variable("n", "integer", Fraction(1, 5), Fraction(4, 5))), ())
    found = decide(between)
    assert isinstance(found, Infeasible)
    assert found.core == ()
    assert found.certificate["tree"] == ["hollow", 1]
    assert load(dump(found.certificate)) == found.certificate
    for place, reason in ((0, "x has values"), (2, "place of no variable")):
        assert reason in check_certificate(between, {**found.certificate, "tree": ["hollow", place]})


def test_a_single_point_is_judged_as_it_is() -> None:
    """Where every variable is fixed the point is the answer, in exact numbers and without a search."""
    third = Fraction(1, 3)
    domain = [real("x", third, third)]
    for rules, expected in (({"a": (3 * x).equals(1)}, "Feasible"), ({"a": x > -1, "b": 3 * x > 1}, "Infeasible")):
        found = decide(problem(domain, **rules))
        assert told(found) == expected
        assert found.spent.boxes == 0
        assert certified(problem(domain, **rules), found)


def test_an_overflowing_search_is_undecided_and_does_not_raise() -> None:
    """Numbers beyond floats end in an answer."""
    huge = problem(SQUARE, a=x * number(10**400) >= 1, b=x <= -1)
    assert told(decide(huge)) in {"Undecided", "Infeasible"}


def test_long_sums_are_decided() -> None:
    """A sum of a hundred and fifty terms is decided, though it nests as deep."""
    total = x
    for _ in range(150):
        total = total + x
    assert told(decide(problem([real("x", 0, 1)], a=total >= 152))) == "Infeasible"


@pytest.mark.parametrize("count", [300, 5_000])
def test_a_problem_that_nests_too_deep_is_undecided_and_does_not_raise(count: int) -> None:
    """Terms as deep as no registry can state them end in an answer that says so."""
    total = x
    for _ in range(count):
        total = total + x
    found = decide(problem([real("x", 0, 1)], a=total >= count + 2))
    assert isinstance(found, Undecided)
    assert "deep" in found.reason


def test_precision_belongs_to_one_thread() -> None:
    """Questions asked at once in four threads, which want different precisions, are answered as one by one."""
    names = ("tangent of exp, 1e-12", "gap of 1e-12", "mean and product, 1e-12", "undefined logarithm")
    alone = [decide(EXACT[name][0]) for name in names]
    with ThreadPoolExecutor(4) as threads:
        together = [*threads.map(lambda name: decide(EXACT[name][0]), names * 5)]
    assert together == alone * 5


def test_the_same_problem_gives_the_same_bytes() -> None:
    """A decision repeats to the byte, with compiled rules forgotten or not."""
    first = decide(EXACT["mean and product, 1e-9"][0])
    clause_of.cache_clear()
    excess_of.cache_clear()
    second = decide(EXACT["mean and product, 1e-9"][0])
    assert isinstance(first, Infeasible)
    assert isinstance(second, Infeasible)
    assert dump(first.certificate) == dump(second.certificate)
    assert load(dump(first.certificate)) == first.certificate
    assert first == second


def test_the_core_alone_is_infeasible() -> None:
    """What is left out of the core does not matter: the problem of the core alone is infeasible too."""
    for one in generated(1, 3):
        if not one.feasible:
            found = decide(one.problem)
            assert isinstance(found, Infeasible)
            assert told(decide(one.problem.only(frozenset(found.core)))) == "Infeasible"


def test_generated_sets_are_decided_as_planted() -> None:
    """Sets of 5 to 50 mixed rules over 2 to 10 variables, and their infeasible twins: none wrong, none undecided."""
    for one in generated(2, 11):
        found = decide(one.problem)
        assert told(found) == ("Feasible" if one.feasible else "Infeasible")
        assert certified(one.problem, found)


# --- laws ---------------------------------------------------------------------------------------------------------

whole = st.integers(-4, 4)


def _terms() -> Any:
    """Give strategies of terms over two whole variables and a choice."""
    leaves = st.one_of(whole.map(number), st.integers(0, 2).map(X))
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(inner, inner).map(lambda two: two[0] + two[1]),
            st.tuples(inner, inner).map(lambda two: two[0] - two[1]),
            st.tuples(inner, inner).map(lambda two: two[0] * two[1]),
            st.tuples(inner, inner).map(lambda two: two[0] / two[1]),
            st.tuples(inner, st.integers(-2, 3)).map(lambda pair: pair[0] ** pair[1]),
            inner.map(lambda one: apply("abs", one)),
            st.tuples(inner, inner).map(lambda two: apply("min", *two)),
            st.tuples(inner, inner).map(lambda two: apply("max", *two)),
        ),
        max_leaves=5,
    )


def _atoms() -> Any:
    return st.tuples(_terms(), st.sampled_from(["<=", "<", "==", "!="]), whole).map(_atom)


def _atom(parts: Any) -> Condition:
    term, how, limit = parts
    compared: dict[str, Condition] = {
        "<=": term <= limit,
        "<": term < limit,
        "==": term.equals(limit),
        "!=": term.differs(limit),
    }
    return compared[how]


conditions = st.recursive(
    _atoms(),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: every(*parts)),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: some(*parts)),
    ),
    max_leaves=4,
)


@settings(max_examples=75, deadline=None)
@given(st.lists(conditions, min_size=1, max_size=4))
def test_whole_numbers_are_decided_as_by_trying_all(rules: list[Condition]) -> None:
    """Over small whole domains every problem is decided, and as the checker judges all points one by one."""
    domain = [integer("n", -3, 3), integer("m", -2, 4), choice("c", "a", "b", "c")]
    given_problem = problem(domain, **{f"r{at}": rule for at, rule in enumerate(rules)})
    points = itertools.product(*(range(int(one.low), int(one.high) + 1) for one in domain))
    met = [all(certainly(given_problem, tuple(map(Fraction, point))).values()) for point in points]
    assert told(decide(given_problem)) == ("Feasible" if any(met) else "Infeasible")


def test_narrowing_never_loses_a_solution() -> None:
    """A point that certainly meets all rules stays in the whole box when that is narrowed."""
    seen = 0
    for one in generated(1, 17):
        if one.feasible:
            found = decide(one.problem)
            assert isinstance(found, Feasible)
            search = Search(one.problem)
            search.start()
            seen += 1
            assert search.proof is None
            for low, value, high in zip(search.root.lows, found.point, search.root.highs, strict=True):
                assert low <= value <= high
    assert seen == 12


@pytest.mark.parametrize(
    "rule",
    [
        apply("log", exp(x - 800)) >= -802,
        apply("log", number(Fraction(1, 10**200)) ** 7 * (x + 2)) <= 0,
        apply("log", number(Fraction(1, 10**200)) * number(Fraction(1, 10**200)) * (x + 2)) <= 0,
        apply("log", number(Fraction(1, 10**300)) / (number(10**300) + x)) <= 0,
    ],
)
def test_what_is_too_small_for_floats_is_not_0(rule: Condition) -> None:
    """A logarithm of such a number is defined, and the search does not lose the points that meet the rule."""
    given_problem = problem([real("x", 0, 1)], a=rule)
    search = Search(given_problem)
    search.start()
    assert search.proof is None
    assert told(decide(given_problem)) != "Infeasible"
