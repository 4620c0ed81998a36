"""Derivations: joins, alternatives, quorums and what has to be rested on, against all routes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.routing.bound import above, below
from harness.routing.graph import Arc, Graph, Need
from harness.routing.planner import Planner, Route
from tests.routing import brute
from tests.routing.drawn import Asked, arc, graph, needed, questions


def planned(some: Graph, goal: str, *held: str, required: int = 0, **supports: int) -> Route | None:
    """Plan under fresh weights."""
    planner = Planner(some)
    return planner.plan(needed(goal), dict.fromkeys(held, 0) | supports, planner.weights(), required)


def tools(some: Graph, route: Route | None) -> list[str | None]:
    """Give the tools of a route, in run order."""
    assert route is not None
    return [some.arcs[at].tool for at in route.arcs]


def large(chance: random.Random, facts: int, arcs: int) -> Graph:
    """Give a random graph in which arcs lead from earlier facts to later ones."""
    made = []
    for at in range(arcs):
        gift = at if 3 <= at < facts else chance.randint(3, facts - 1)
        needs = []
        for _ in range(chance.choice([1, 1, 2, 3])):
            of = tuple({f"f{chance.randint(max(0, gift - 20), gift - 1)}" for _ in range(chance.choice([1, 1, 2, 3]))})
            needs.append(Need(of, chance.randint(1, len(of))))
        made.append(Arc(f"t{at}", tuple(needs), (f"f{gift}",), chance.randint(1, 50) * 100_000))
    return graph(*made)


@settings(max_examples=200)
@given(questions(plain=False) | questions(plain=False, tied=True))
def test_a_derivation_is_the_best_of_all_routes(asked: Asked) -> None:
    """On small graphs the route is the least of all by cost, calls, arcs, sorted names and arcs, and proven to be."""
    planner = Planner(asked.graph)
    weights = asked.weights(planner)
    route = planner.plan(asked.needs, asked.held, weights, asked.required)
    by_arc = {at: weights[at] for at in range(len(asked.graph.arcs))}
    found = list(brute.routes(asked.graph, asked.needs, asked.held, by_arc, asked.required))
    if route is None:
        assert not found
        return
    best = min(found, key=lambda one: one.key)
    assert (frozenset(route.arcs), route.cost, route.at_least) == (best.arcs, best.key[0], best.key[0])
    assert (frozenset(route.arcs), frozenset(route.leaves)) in {(one.arcs, one.leaves) for one in found}


@given(questions(plain=False, arcs_at_most=12))
def test_a_route_can_be_run_in_its_order(asked: Asked) -> None:
    """Each arc's needs are met by the leaves and by what the arcs before it give, and in the end the goal's are."""
    planner = Planner(asked.graph)
    route = planner.plan(asked.needs, asked.held, asked.weights(planner), asked.required)
    if route is None:
        return
    facts, support = set(route.leaves), 0
    assert facts <= set(asked.held)
    for leaf in route.leaves:
        support |= asked.held[leaf]
    for at in route.arcs:
        assert brute.met(asked.graph.arcs[at].needs, facts)
        facts |= set(asked.graph.arcs[at].gives) - set(asked.held)
    assert brute.met(asked.needs, facts)
    assert not asked.required & ~support


@given(questions(plain=False))
def test_both_bounds_hold(asked: Asked) -> None:
    """Nothing that serves the goal costs less than the lower bound, and every cut is met by whatever serves it."""
    problem = Planner(asked.graph).problem(asked.needs)
    prices = {at + 1: asked.graph.arcs[arc].cost + 1 for at, arc in enumerate(problem.arcs)}
    bound = below(problem.net, (), prices, 10**12)
    upper = above(problem.net, prices)
    every = [
        {problem.arcs.index(at) + 1 for at in found.arcs}
        for found in brute.routes(asked.graph, asked.needs, {}, dict.fromkeys(range(len(asked.graph.arcs)), 1))
    ]
    assert (bound is None) == (upper is None) == (not every)
    for arcs in every:
        assert bound is not None
        assert bound.least <= sum(prices[arc] for arc in arcs)
        assert all(arcs & set(cut) for cut in bound.cuts)


def test_what_two_joins_use_is_paid_once() -> None:
    """A shared arc counts once, although each of the joins alone would do without it."""
    some = graph(
        arc("A", "s", "a", 3), arc("B", "s", "b", 3), arc("C", "s", "c", 5),
        arc("L", "a|c", "l", 1), arc("R", "b|c", "r", 1),
    )  # fmt: skip
    route = planned(some, "l r", "s")
    assert route is not None
    assert (sorted(filter(None, tools(some, route))), route.cost, route.at_least) == (["C", "L", "R"], 700_000, 700_000)


@pytest.mark.parametrize(("size", "least"), [(3, 2), (5, 3), (9, 4)])
def test_a_quorum_takes_the_cheapest(size: int, least: int) -> None:
    """Of independent voters the cheapest ones are called, and no more than are asked for."""
    names = [f"m{at}" for at in range(size)]
    some = graph(*(arc(name, "s", name, size - at) for at, name in enumerate(names)))
    route = planned(some, f"{least}:{','.join(names)}", "s")
    assert route is not None
    assert (sorted(filter(None, tools(some, route))), route.at_least) == (names[-least:], route.cost)


def test_sorted_names_decide_between_equal_sets() -> None:
    """Where a need is a join, sets are compared by their sorted names."""
    some = graph(arc("B", "s", "x"), arc("C", "s", "y"), arc("A", "s", "z"), arc("D", "s", "w"), arc("E", "s s2", "q"))
    assert sorted(filter(None, tools(some, planned(some, "x|z y|w", "s")))) == ["A", "C"]


def test_among_arcs_of_one_tool_the_first_is_taken() -> None:
    """Where even the names are equal, the arcs that the graph lists first decide."""
    some = graph(arc("A", "s", "z"), arc("A", "s", "a"), arc("B", "s", "b"))
    route = planned(some, "z|a b", "s")
    assert route is not None
    assert sorted(route.arcs) == [0, 2]


def test_having_more_of_the_least_name_comes_first() -> None:
    """Sorted names are compared one by one: A, D, D comes before B, B, B, however many the others are."""
    wanted = [("A", "x"), ("D", "y"), ("D", "z"), ("B", "p"), ("B", "q"), ("B", "r"), ("C", "unused")]
    for order in (wanted, wanted[::-1]):
        some = graph(
            *(arc(tool, "s", fact) for tool, fact in order), arc(None, "x y z", "g", 0), arc(None, "p q r", "g", 0)
        )
        route = planned(some, "g s unused", "s")
        assert sorted(filter(None, tools(some, route))) == ["A", "C", "D", "D"]


def test_a_need_of_none_is_met_and_one_of_too_many_is_not() -> None:
    """What is asked for zero times needs no fact; more than there are is never had."""
    some = graph(Arc("A", (Need(("x",), 0), Need(("s",))), ("a",)), Arc("B", (Need(("s",), 2),), ("b",)))
    assert tools(some, planned(some, "a", "s")) == ["A"]
    assert planned(some, "b", "s") is None


def test_a_tool_without_needs_can_begin() -> None:
    """An arc that needs nothing is run without anything being held."""
    some = graph(arc("A", "", "a"), arc("B", "a", "g"))
    assert tools(some, planned(some, "g")) == ["A", "B"]


def test_a_payment_made_is_used() -> None:
    """What a committed write gave is rested on though another way is cheaper now; without its support it is not."""
    some = graph(arc("free", "s", "ok", 1), arc("use", "paid", "ok", 9), arc("ship", "ok s", "g", 1))
    assert tools(some, planned(some, "g", s=0, paid=1)) == ["free", "ship"]
    route = planned(some, "g", required=1, s=0, paid=1)
    assert tools(some, route) == ["use", "ship"]
    assert route is not None
    assert route.leaves == ("paid", "s")
    assert planned(some, "g", required=2, s=0, paid=1) is None


def test_a_detour_only_to_use_something_is_no_route() -> None:
    """An arc that the goal could do without is not run, whatever it would rest on."""
    some = graph(arc("A", "s", "a"), arc("B", "paid", "b"), arc("G", "a", "g"), arc("H", "a b", "h"))
    assert planned(some, "g", required=1, s=0, paid=1) is None


@pytest.mark.parametrize("seed", range(6))
def test_a_small_budget_gives_a_route_and_an_honest_bound(seed: int) -> None:
    """A search cut short gives a bound not above the best cost and a route not below it, and the same ones again."""
    some = large(random.Random(seed), 30, 60)
    held, goal = {f"f{at}": 0 for at in range(3)}, needed("f29 f28")
    short, long = Planner(some, budget=0), Planner(some, budget=3_000_000)
    first, best = short.plan(goal, held, short.weights()), long.plan(goal, held, long.weights())
    assert first == Planner(some, budget=0).plan(goal, held, short.weights())
    assert first is not None
    assert best is not None
    assert best.at_least == best.cost
    assert first.at_least <= best.cost <= first.cost


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_a_bound_is_never_above_the_cost(seed: int) -> None:
    """On large graphs with joins and quorums the proven bound is at most the cost, and more than nothing."""
    some = large(random.Random(seed), 60, 150)
    planner = Planner(some, budget=2_000)
    route = planner.plan(needed("f59 f58"), {f"f{at}": 0 for at in range(3)}, planner.weights())
    if route is not None:
        assert 0 < route.at_least <= route.cost == sum(some.arcs[at].cost for at in route.arcs)
