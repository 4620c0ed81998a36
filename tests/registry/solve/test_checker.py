"""Certificates prove what they claim or are rejected with a reason; points are judged certainly or not at all."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.registry.solve import checker
from harness.registry.solve.certificate import Rejected, dump, load, rational
from harness.registry.solve.checker import certainly, check_certificate
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
from tests.registry.solve.terms import NoValue, a_box, a_point, a_term, exact

X, Y = Unknown(0), Unknown(1)
randoms = st.integers(0, 2**63).map(Random)


def n(value: Any) -> Number:
    """Give a number."""
    return Number(Fraction(value))


def minus(one: Term, two: Term) -> Term:
    """Give a difference."""
    return Apply("-", (one, two))


def times(*terms: Term) -> Term:
    """Give a product."""
    product = terms[0]
    for term in terms[1:]:
        product = Apply("*", (product, term))
    return product


def over(one: Term, two: Term) -> Term:
    """Give a quotient."""
    return Apply("/", (one, two))


def real(name: str, low: Any, high: Any) -> Variable:
    """Give a variable of real numbers."""
    return Variable(name, "real", Fraction(low), Fraction(high))


def whole(name: str, low: Any, high: Any) -> Variable:
    """Give a variable of whole numbers."""
    return Variable(name, "integer", Fraction(low), Fraction(high))


def problem(variables: list[Variable], *conditions: Condition) -> Problem:
    """Give a problem whose constraints are named c0, c1 and so on."""
    constraints = tuple(Constraint(f"c{index}", condition) for index, condition in enumerate(conditions))
    return Problem(tuple(variables), constraints)


def certificate(of: Problem, tree: Any) -> dict[str, Any]:
    """Give a tree as a certificate of a problem."""
    return {"format": "infeasible/1", "problem": of.digest, "tree": tree}


def driving(perception: int) -> Problem:
    """Brake before what is seen, and be no slower than the traffic behind allows."""
    braking = over(Power(over(X, n("3.6")), 2), times(n(2), n("0.4"), n("9.8")))
    slower = over(minus(n(120), X), times(n(5), n("3.6")))
    return problem(
        [real("v", 0, 120)], Below(minus(braking, n(perception)), strict=True), Below(minus(slower, n("2.0")))
    )


def reactor(seconds: int) -> Problem:
    """Conversion, impurity, temperature, residence time, production, heat and pressure of a flow reactor."""
    kelvin = Apply("+", (X, n("273.15")))
    rate = times(n("2.5e8"), Apply("exp", (over(n(-72000), times(n("8.314"), kelvin)),)))
    conversion = minus(n(1), Apply("exp", (times(n(-1), rate, Y),)))
    flow = over(n("37.7e-6"), Y)
    pressure = over(times(n(128), n("8e-4"), flow, n(12)), times(n("3.14159265"), Power(n("2e-3"), 4)))
    return problem(
        [real("T", 0, 200), real("tau", 1, 600)],
        Below(minus(n("0.95"), conversion)),
        Below(minus(times(n("0.35"), Power(rate, 2), Y), n("0.02"))),
        Below(minus(X, n(150))),
        Below(minus(Y, n(seconds))),
        Below(minus(n(5), times(n("0.576e6"), n(60), flow, conversion))),
        Below(minus(times(flow, n(2000), conversion, n(85000)), n(1508))),
        Below(minus(pressure, n("15e5"))),
    )


DRIVING = ["split", 0, "70", ["refuted", 1], ["refuted", 0]]


def cut(of: Problem, box: Any, limit: int = 14) -> Any:
    """Cut a box in halves until a constraint is refuted; past a depth claim that one is, whether or not it is so."""
    judge = checker._Judge()
    for index, one in enumerate(of.constraints):
        if judge.holds(one.condition, box) is False:
            return ["refuted", index]
    if not limit:
        return ["refuted", 0]
    widths = [(high - low) / (v.high - v.low or 1) for v, (low, high) in zip(of.variables, box, strict=True)]
    widest = widths.index(max(widths))
    low, high = box[widest]
    middle = (low + high) / 2
    halves = [(*box[:widest], half, *box[widest + 1 :]) for half in ((low, middle), (middle, high))]
    return ["split", widest, str(middle), *(cut(of, half, limit - 1) for half in halves)]


@pytest.fixture(scope="module")
def reacting() -> Any:
    """Give the tree of a certificate of the reactor at 120 s."""
    of = reactor(120)
    return cut(of, tuple((one.low, one.high) for one in of.variables))


# --- what is proved ---------------------------------------------------------------------------------------------------


def test_driving_at_30_m_is_infeasible() -> None:
    """Below 70 km/h the traffic behind is endangered, above it the way is too short: one split."""
    of = driving(30)
    assert check_certificate(of, certificate(of, DRIVING)) == ""


@pytest.mark.parametrize(("at", "proves"), [("55.3", True), ("83.9", True), ("55.2", False), ("84.1", False)])
def test_the_split_may_be_anywhere_in_the_gap(at: str, proves: bool) -> None:
    """55.2104 to 84 is where both fail; a split outside leaves one half with a point that its constraint allows."""
    of = driving(30)
    tree = ["split", 0, str(Fraction(at)), ["refuted", 1], ["refuted", 0]]
    assert (check_certificate(of, certificate(of, tree)) == "") == proves


def test_the_reactor_at_120_s_is_infeasible(reacting: Any) -> None:
    """Halving is enough, and conversion, impurity and residence time alone refute every piece."""
    of = reactor(120)
    assert check_certificate(of, certificate(of, reacting)) == ""
    assert {node[1] for node in nodes(reacting) if node[0] == "refuted"} <= {0, 1, 3}


def test_a_certificate_does_not_pass_for_the_feasible_twin(reacting: Any) -> None:
    """90 m and 180 s have solutions: by its digest, and with the digest forged by its proof, it is rejected."""
    for false, true, tree in [(driving(90), driving(30), DRIVING), (reactor(180), reactor(120), reacting)]:
        assert "another problem" in check_certificate(false, certificate(true, tree))
        assert "is not refuted on" in check_certificate(false, certificate(false, tree))


SUM = Apply("+", (X, Y))
UNIT = [real("x", 0, 1), real("y", 0, 1)]


@pytest.mark.parametrize("gap", [Fraction(1, 10**3), Fraction(1, 10**9), Fraction(1, 10**18), Fraction(1, 10**60)])
@pytest.mark.parametrize("strict", [False, True])
def test_linear_gaps_of_any_size(gap: Fraction, strict: bool) -> None:
    """x + y up to 3/10 and from 3/10 + gap: the weights 1 and 1 prove it for any gap, and never for a gap below 0."""
    for sign in (1, -1):
        of = problem(UNIT, Below(minus(SUM, n("0.3")), strict), Below(minus(Number(Fraction(3, 10) + sign * gap), SUM)))
        answer = check_certificate(of, certificate(of, ["weights", [[0, [], "1"], [1, [], "1"]]]))
        assert (answer == "") == (sign > 0)


def test_a_gap_of_nothing_is_proved_by_strictness_alone() -> None:
    """x + y < 3/10 <= x + y has no point; with <= it has, and the strict one must have a weight."""
    for strict in (True, False):
        of = problem(
            UNIT, Below(minus(SUM, n("0.3")), strict), Below(minus(n("0.3"), SUM)), Below(minus(X, n(9)), True)
        )
        proof = check_certificate(of, certificate(of, ["weights", [[0, [], "1/2"], [1, [], "1/2"], [2, [], "0"]]]))
        assert (proof == "") == strict


def test_curves_that_touch_apart_by_a_billionth() -> None:
    """exp x >= 1 + x: to ask for less is refuted near 0 by the mean value, where plain intervals are too wide."""
    of = problem(
        [real("x", "-1/1000000", "1/1000000")],
        Below(Apply("+", (minus(Apply("exp", (X,)), Apply("+", (X, n(1)))), n("1e-9")))),
    )
    assert check_certificate(of, certificate(of, ["weights", [[0, [], "1"]]])) == ""
    assert "is not refuted" in check_certificate(of, certificate(of, ["refuted", 0]))


def test_whole_numbers_split_between_them() -> None:
    """2 x == 7 for x in 0..9: up to 3 it is less, from 4 more; for a real x there is nothing to find."""
    tree = ["split", 0, "7/2", ["refuted", 0], ["refuted", 0]]
    condition = Equal(minus(times(n(2), X), n(7)))
    of = problem([whole("x", 0, 9)], condition)
    assert check_certificate(of, certificate(of, tree)) == ""
    of = problem([real("x", 0, 9)], condition)
    assert "is not refuted" in check_certificate(of, certificate(of, tree))


@pytest.mark.parametrize("at", ["3", "7/2", "4", "9/2"])
def test_no_whole_number_is_lost_in_a_split(at: str) -> None:
    """x == 4 has a solution: wherever the split is, one half holds it; a split that leaves a half empty is none."""
    of = problem([whole("x", 0, 9)], Equal(minus(X, n(4))))
    assert "is not refuted" in check_certificate(of, certificate(of, ["split", 0, at, ["refuted", 0], ["refuted", 0]]))
    for past in ("-1", "-1/2", "9", "19/2"):
        tree = ["split", 0, past, ["refuted", 0], ["refuted", 0]]
        assert "does not split" in check_certificate(of, certificate(of, tree))


def test_whole_numbers_lie_between_whole_bounds() -> None:
    """Between 1/2 and 5/2 are 1 and 2 only."""
    of = problem([whole("x", "1/2", "5/2")], Some((Below(X), Below(minus(n("2.1"), X)))))
    assert check_certificate(of, certificate(of, ["refuted", 0])) == ""
    of = problem([whole("x", "1/3", "2/3")], Below(X))
    assert "no value between" in check_certificate(of, certificate(of, ["refuted", 0]))
    assert check_certificate(of, certificate(of, ["hollow", 0])) == ""


def test_an_alternative_counts_where_it_is_the_only_one_left() -> None:
    """x <= -1 or x + y <= 1, against x + y >= 2: the first is false on the box, so the second has to hold."""
    guard = Some((Below(Apply("+", (X, n(1)))), Every((Below(minus(SUM, n(1))),))))
    tree = ["weights", [[0, [1, 0], "1"], [1, [], "1"]]]
    of = problem([real("x", 0, 9), real("y", -9, 9)], guard, Below(minus(n(2), SUM)))
    assert check_certificate(of, certificate(of, tree)) == ""
    of = problem([real("x", -2, 9), real("y", -9, 9)], guard, Below(minus(n(2), SUM)))
    assert "not the only one left" in check_certificate(of, certificate(of, tree))


def test_equalities_may_weigh_less_than_nothing() -> None:
    """x = y with x >= y + 1 needs a negative weight of the equality, which says both directions."""
    of = problem(UNIT, Equal(minus(X, Y)), Below(minus(Apply("+", (Y, n(1))), X)))
    assert check_certificate(of, certificate(of, ["weights", [[0, [], "1"], [1, [], "1"]]])) == ""
    of = problem(UNIT, Equal(minus(Y, X)), Below(minus(Apply("+", (Y, n(1))), X)))
    assert check_certificate(of, certificate(of, ["weights", [[0, [], "-1"], [1, [], "1"]]])) == ""
    of = problem(UNIT, Equal(minus(Y, X), differs=True), Below(minus(Apply("+", (Y, n(1))), X)))
    assert "does not end at" in check_certificate(of, certificate(of, ["weights", [[0, [], "-1"], [1, [], "1"]]]))


@pytest.mark.parametrize(
    ("condition", "refuted"),
    [
        (Below(Apply("log", (minus(X, n(5)),))), True),  # undefined everywhere is false everywhere
        (Below(Apply("sqrt", (minus(X, n("1/2")),))), False),  # 0 at 1/2
        (Below(Apply("sqrt", (minus(X, n("1/2")),)), strict=True), True),  # where it is defined it is not below 0
        (Below(over(n(1), X)), True),  # undefined at 0, positive elsewhere
        (Below(over(n(-1), X)), False),
        (Equal(Apply("exp", (X,))), True),
        (Equal(minus(X, X), differs=True), False),  # intervals do not see that it is 0
        (Equal(times(n(0), X), differs=True), True),
        (Equal(times(n(0), over(X, n(0)))), True),  # 0 times the undefined is undefined
        (Equal(over(n(1), n(0)), differs=True), True),  # so undefined is no difference either
        (Every(()), False),
        (Some(()), True),
        (Every((Below(X), Below(minus(n(2), X)))), True),
        (Some((Below(X), Below(minus(n(2), X)))), False),
        (Some((Below(minus(n(3), X)), Below(minus(n(2), X)))), True),
    ],
)
def test_what_one_constraint_alone_refutes(condition: Condition, refuted: bool) -> None:
    """Over x in [0, 1]: undefined atoms are false, Every falls with one part, Some with all."""
    of = problem([real("x", 0, 1)], condition)
    assert (check_certificate(of, certificate(of, ["refuted", 0])) == "") == refuted


def test_the_mean_value_needs_terms_that_are_defined_everywhere() -> None:
    """1/x at -1 and 1 has slopes of one sign and jumps between: no proof crosses the pole."""
    of = problem([real("x", -1, 1)], Below(Apply("+", (over(n(1), X), n(-5)))))
    assert "not certainly positive" in check_certificate(of, certificate(of, ["weights", [[0, [], "1"]]]))


# --- what is rejected -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tree", "reason"),
    [
        (["split", 0, "121", ["refuted", 1], ["refuted", 0]], "121 does not split v between 0 and 120"),
        (["split", 0, "-1/2", ["refuted", 1], ["refuted", 0]], "-1/2 does not split v"),
        (["split", 1, "70", ["refuted", 1], ["refuted", 0]], "1 is the place of no variable; there are 1"),
        (["split", -1, "70", ["refuted", 1], ["refuted", 0]], "-1 is the place of no variable"),
        (["split", True, "70", ["refuted", 1], ["refuted", 0]], "True is the place of no variable"),
        (["split", 0, 70, ["refuted", 1], ["refuted", 0]], "70 is no fraction"),
        (["split", 0, "70.0", ["refuted", 1], ["refuted", 0]], "'70.0' is no fraction"),
        (["split", 0, "nan", ["refuted", 1], ["refuted", 0]], "'nan' is no fraction"),
        (["split", 0, "7٠", ["refuted", 1], ["refuted", 0]], "is no fraction"),
        (["split", 0, "70\n", ["refuted", 1], ["refuted", 0]], "is no fraction"),
        (["split", 0, "1/0", ["refuted", 1], ["refuted", 0]], "divides by 0"),
        (["split", 0, "9" * 5000, ["refuted", 1], ["refuted", 0]], "is no fraction"),
        (["split", 0, "70", ["refuted", 1]], "no split, refuted, weights, planes or hollow"),
        (["split", 0, "70", ["refuted", 0], ["refuted", 1]], "node 2: c0 is not refuted on 0 <= v <= 70"),
        (["split", 0, "70", ["refuted", 2], ["refuted", 0]], "2 is the place of no constraint"),
        (["split", 0, "70", ["refuted", []], ["refuted", 0]], "a list is the place of no constraint"),
        (["split", 0, "70", None, None], "no split, refuted, weights, planes or hollow"),
        (["true"], "no split, refuted, weights, planes or hollow"),
        ([], "no split, refuted, weights, planes or hollow"),
        ("refuted", "no split, refuted, weights, planes or hollow"),
        (["weights", []], "not certainly positive"),
        (["weights", [[0, [], "1"]]], "not certainly positive"),
        (["weights", [[0, [], "-1"]]], "weight -1 is negative"),
        (["weights", [[0, [0], "1"]]], "past an atom"),
        (["weights", [[0, {}, "1"]]], "a weight is [constraint, path, p/q]"),
        (["weights", [[0, []]]], "a weight is [constraint, path, p/q]"),
        (["weights", [[0, [], "1"]] * 10_001], "no split, refuted, weights, planes or hollow"),
    ],
)
def test_a_wrong_node_is_named(tree: Any, reason: str) -> None:
    """Each rejection says which node it is and why."""
    of = driving(30)
    answer = check_certificate(of, certificate(of, tree))
    assert reason in answer
    assert answer.startswith("node ")


@pytest.mark.parametrize("bad", [None, [], "", {}, {"format": "infeasible/1"}, {"tree": DRIVING, "extra": 1}])
def test_what_is_no_certificate_is_rejected(bad: Any) -> None:
    """Nothing but an object of the three fields is read."""
    assert "has the fields" in check_certificate(driving(30), bad)


def test_format_and_problem_must_be_these() -> None:
    """Another version may mean something else, and another problem may have a solution."""
    of = driving(30)
    assert "format is not" in check_certificate(of, certificate(of, DRIVING) | {"format": "infeasible/2"})
    assert "another problem" in check_certificate(of, certificate(of, DRIVING) | {"problem": "0" * 64})
    assert "another problem" in check_certificate(of, certificate(of, DRIVING) | {"problem": None})


def test_depth_is_no_matter_of_the_stack_and_has_a_limit() -> None:
    """10,000 splits in a row are walked, 30,000 refused; a tree that holds itself comes to an end."""
    of = driving(30)
    assert check_certificate(of, certificate(of, deep(10_000))) == ""
    assert "deeper than" in check_certificate(of, certificate(of, deep(30_000)))
    tree: Any = ["split", 0, "0", ["refuted", 1]]
    tree.append(tree)
    assert "deeper than" in check_certificate(of, certificate(of, tree))


def deep(count: int) -> Any:
    """Give a proof of driving at 30 m that takes away thin slices first, one split each."""
    tree: Any = DRIVING
    for step in reversed(range(count)):
        tree = ["split", 0, str(Fraction(step, 1000)), ["refuted", 1], tree]
    return tree


@pytest.mark.parametrize(
    "of",
    [
        problem([Variable("x", "real", float("-inf"), Fraction(1))], Below(n(1))),
        problem([Variable("x", "real", Fraction(0), float("nan"))], Below(n(1))),
        problem([real("x", 0, 1)], Below(Apply("sin", (X,)))),
        problem([real("x", 0, 1)], Below(Unknown(5))),
        problem([real("x", 1, 0)], Below(n(1))),
    ],
)
def test_a_problem_without_meaning_is_not_infeasible(of: Problem) -> None:
    """Infinite bounds, unknown operations and variables, and bounds the wrong way round prove nothing."""
    assert check_certificate(of, certificate(of, ["refuted", 0])) != ""


def test_a_problem_too_deep_for_a_digest_is_rejected() -> None:
    """It is no crash: what cannot be followed proves nothing."""
    term: Term = X
    for _ in range(100_000):
        term = Apply("+", (term, n(1)))
    of = problem([real("x", 0, 1)], Below(term))
    assert "cannot be followed" in check_certificate(of, {"format": "infeasible/1", "problem": "", "tree": []})


# --- mutations --------------------------------------------------------------------------------------------------------


def nodes(tree: Any) -> Iterator[Any]:
    """Give all nodes of a tree."""
    yield tree
    if tree[0] == "split":
        yield from nodes(tree[3])
        yield from nodes(tree[4])


def mutated(random: Random, tree: Any) -> Any:
    """Give a tree with one to three changes: nodes dropped or swapped, splits, places and weights changed."""
    tree = copy.deepcopy(tree)
    for _ in range(random.randint(1, 3)):
        node = random.choice(list(nodes(tree)))
        if node[0] == "split":
            at = Fraction(node[2])
            change: Callable[[], Any] = random.choice(
                [
                    lambda node=node: node.__setitem__(slice(3, 5), [node[4], node[3]]),
                    lambda node=node: node.__setitem__(slice(None), random.choice(node[3:])),
                    lambda node=node: node.__setitem__(1, random.randint(0, 2)),
                    lambda node=node, at=at: node.__setitem__(2, str(at * random.choice((0, -1, 2, Fraction(9, 10))))),
                    lambda node=node, at=at: node.__setitem__(2, str(at + Fraction(random.randint(-99, 99), 100))),
                ]
            )
            change()
        elif node[0] == "refuted":
            node[1] = random.randint(0, 6)
            if random.random() < 0.2:
                node[:] = ["weights", [[random.randint(0, 6), [], str(random.randint(-1, 3))] for _ in range(2)]]
        elif node[1]:
            entry = random.choice(node[1])
            entry[2] = str(Fraction(entry[2]) * random.choice((0, 1, -1, 2, Fraction(1, 2))))
    return tree


def test_no_mutation_makes_a_feasible_problem_infeasible(reacting: Any) -> None:
    """1,000 mutations each of the certificates of driving, reactor and a linear set, offered for feasible twins."""
    linear = ["weights", [[0, [], "1"], [1, [], "1"]]]
    twin = problem(UNIT, Below(minus(SUM, n("0.3"))), Below(minus(n("0.3"), SUM)))
    random = Random(20)
    for of, tree in [(driving(90), DRIVING), (reactor(180), reacting), (twin, linear)]:
        for _ in range(1000):
            assert check_certificate(of, certificate(of, mutated(random, tree))) != ""


def test_a_mutation_with_a_false_leaf_is_rejected(reacting: Any) -> None:
    """Also on infeasible problems, 1,050 times: where a point of a leaf's box meets the constraint that it refutes."""
    random = Random(21)
    for of, tree, count in [(driving(30), DRIVING, 1000), (reactor(120), reacting, 50)]:
        false = 0
        while false < count:
            tried = mutated(random, tree)
            if wrong := false_leaf(random, of, tried):
                false += 1
                assert check_certificate(of, certificate(of, tried)) != "", wrong


def false_leaf(random: Random, of: Problem, tree: Any) -> Any:
    """Give a leaf that is wrong at a sampled point of its box, if one is found."""
    waiting = [(tree, tuple((one.low, one.high) for one in of.variables))]
    while waiting:
        node, box = waiting.pop()
        if node[0] == "split" and node[1] < len(box) and box[node[1]][0] <= Fraction(node[2]) <= box[node[1]][1]:
            low, high = box[node[1]]
            at = Fraction(node[2])
            parts = [(*box[: node[1]], part, *box[node[1] + 1 :]) for part in ((low, at), (at, high))]
            waiting += zip(node[3:], parts, strict=True)
        elif node[0] == "refuted" and node[1] < len(of.constraints):
            point = a_point(random, box)
            if all(certainly(of.only(frozenset({f"c{node[1]}"})), point).values()):
                return node, point
    return None


@settings(max_examples=250, deadline=None)
@given(randoms)
def test_a_point_that_meets_all_constraints_is_never_refuted(random: Random) -> None:
    """Constraints planted around a point of the box, some touching it: no constraint and no weights are proof."""
    rational_operations = ("+", "-", "*", "/", "abs", "min", "max")
    box = a_box(random)
    point = a_point(random, box)
    conditions: list[Condition] = []
    while len(conditions) < 3:
        term = a_term(random, random.randint(1, 3), rational_operations)
        try:
            value = exact(term, point)
        except NoValue:
            continue
        slack = random.choice((0, 0, Fraction(1, 10**30), 1))
        sign = random.choice((1, -1))
        distance = times(n(sign), minus(term, Number(value + sign * slack)))
        atom = Below(distance, strict=bool(slack) and random.random() < 0.5)
        same = Equal(minus(term, Number(value)))
        conditions.append(random.choice((atom, atom, Every((atom,)), Some((Below(n(1)), atom)), same)))
    of = problem([real(f"v{index}", *side) for index, side in enumerate(box)], *conditions)
    paths = {Below: [], Every: [0], Some: [1], Equal: []}
    for index in range(3):
        assert check_certificate(of, certificate(of, ["refuted", index])) != ""
    for _ in range(5):
        weights = [[index, paths[type(one)], str(abs(random.randint(0, 5)))] for index, one in enumerate(conditions)]
        assert check_certificate(of, certificate(of, ["weights", weights])) != ""
    assert set(certainly(of, point).values()) == {True}


# --- points -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("v", "forward", "rear"),
    [("84", True, True), ("95.627", True, True), ("95.6273", False, True), ("83.999", True, False)],
)
def test_points_of_driving_at_90_m(v: str, forward: bool, rear: bool) -> None:
    """The window is [84, 95.6273): the edge at 84 is exact and belongs to it."""
    assert certainly(driving(90), (Fraction(v),)) == {"c0": forward, "c1": rear}


def test_the_published_point_of_the_reactor() -> None:
    """97 degrees and 175 s meet all seven limits at 180 s, and not the one on time at 120 s."""
    point = (Fraction(97), Fraction(175))
    assert set(certainly(reactor(180), point).values()) == {True}
    assert [name for name, holds in certainly(reactor(120), point).items() if not holds] == ["c3"]


def test_rational_edges_are_decided_and_irrational_ones_are_not() -> None:
    """x <= 1/10 at 1/10 is certain; log of exp of 1/3 against 1/3 is never decided by rounding."""
    tenth = (Fraction(1, 10),)
    for strict, expected in [(False, True), (True, False)]:
        of = problem([real("x", 0, 1)], Below(minus(X, n("1/10")), strict))
        assert certainly(of, tenth) == {"c0": expected}
    same = minus(Apply("log", (Apply("exp", (X,)),)), X)
    of = problem([real("x", 0, 1)], Below(same), Below(same, strict=True), Equal(same), Equal(same, differs=True))
    assert set(certainly(of, (Fraction(1, 3),)).values()) == {None}


def test_what_may_be_undefined_is_never_certain() -> None:
    """The root of log(exp x) - x is 0, but rounding cannot tell that it is defined; of 1 more it can."""
    zero = minus(Apply("log", (Apply("exp", (X,)),)), X)
    roots = [Below(minus(Apply("sqrt", (Apply("+", (zero, n(more))),)), n(2))) for more in (0, 1)]
    assert certainly(problem([real("x", 0, 1)], *roots), (Fraction(1, 3),)) == {"c0": None, "c1": True}


@pytest.mark.parametrize("digits", [5, 15, 30, 100, 300])
def test_precision_rises_until_a_comparison_is_decided(digits: int) -> None:
    """exp(1) against its own value, a hair more and a hair less, to 300 digits."""
    from decimal import Decimal, localcontext

    with localcontext() as context:
        context.prec = 330
        e = Fraction(Decimal(1).exp())
    for sign in (1, -1):
        of = problem([real("x", 0, 1)], Below(minus(Apply("exp", (X,)), Number(e + sign * Fraction(1, 10**digits)))))
        assert certainly(of, (Fraction(1),)) == {"c0": sign > 0}


def test_constraints_of_one_name_count_as_one() -> None:
    """A name is met where all its constraints are; one that is false, or open, is never hidden by the next."""
    no, yes = Constraint("c", Below(n(1))), Constraint("c", Below(n(-1)))
    for constraints in [(no, yes), (yes, no)]:
        assert certainly(Problem((real("x", 0, 1),), constraints), (Fraction(0),)) == {"c": False}


@pytest.mark.parametrize(
    ("point", "reason"),
    [
        ((), "0 values"),
        ((Fraction(2), Fraction(0)), "v = 2 is not between 0 and 1"),
        ((Fraction(1), Fraction(1, 2)), "n = 1/2 is no whole number"),
        ((0.5, Fraction(1)), "v = 0.5 is no exact number"),
    ],
)
def test_a_point_outside_the_domains_is_the_callers_mistake(point: Any, reason: str) -> None:
    """A point that no artifact can have is not judged."""
    of = problem([real("v", 0, 1), whole("n", 0, 3)], Below(n(-1)))
    with pytest.raises(UsageError, match=reason):
        certainly(of, point)


# --- on disk ----------------------------------------------------------------------------------------------------------


def test_a_certificate_comes_back_from_disk_as_it_was(reacting: Any) -> None:
    """Any depth: JSON that nests 5,000 lists is refused by most readers, lines are not."""
    for of, tree in [(driving(30), DRIVING), (reactor(120), reacting), (driving(30), deep(5_000))]:
        written = dump(certificate(of, tree))
        assert dump(load(written)) == written
        assert check_certificate(of, load(written)) == ""
        assert all(json.loads(line) for line in written.splitlines())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda lines: [], "no JSON"),
        (lambda lines: ["[]", *lines[1:]], "no header"),
        (lambda lines: lines[:-1], "1 nodes are missing"),
        (lambda lines: [*lines, '["refuted",0]'], "no node has a place here"),
        (lambda lines: [*lines[:-1], '["refuted",'], "certificate:4: no JSON"),
        (lambda lines: [*lines[:-1], "NaN"], "no JSON"),
        (lambda lines: [*lines[:-1], "[" * 100_000], "no JSON"),
    ],
)
def test_a_broken_file_is_named_by_line(change: Any, reason: str) -> None:
    """Cut off, added to or scribbled on, it is the reader's mistake, with the place."""
    lines = dump(certificate(driving(30), DRIVING)).decode().splitlines()
    with pytest.raises(UsageError, match=reason):
        load("\n".join(change(lines)).encode())


@given(st.fractions())
def test_fractions_are_read_as_written(value: Fraction) -> None:
    """What str writes of a fraction is read back, and nothing looser."""
    assert rational(str(value)) == value
    for loose in (f" {value}", f"+{value}", f"{value}.", f"{value}/", f"{value}e1"):
        with pytest.raises(Rejected):
            rational(loose)
