"""Plans: the paper's graphs, and routes that are kept where nothing better can have come up."""

from __future__ import annotations

from unittest.mock import patch

import networkx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.speed.route import paper_graph, peer, random_graph
from harness.routing.graph import Need
from harness.routing.planner import Planner, Route
from tests.routing.drawn import TOOLS, Asked, arc, graph, needed, questions

CHANGES = st.lists(st.tuples(st.sampled_from(TOOLS), st.none() | st.integers(500, 5000)), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("name", "down", "path", "cost"),
    [
        ("cs", [], "CRM Stripe Email Complete", 800_000),
        ("cs", ["Stripe"], "CRM Razorpay Email Complete", 1_000_000),
        ("cs", ["Stripe", "Email"], "CRM Razorpay SMS Complete", 1_100_000),
        ("cs", ["Stripe", "Razorpay"], None, 0),
        ("tb", [], "Flight Hotel Car Payment Confirm", 1_200_000),
        ("tb", ["Flight", "Hotel", "Car"], "Train Hostel Bus Payment Confirm", 1_500_000),
        ("tb", ["Hotel", "Car"], "Flight Hostel Bus Payment Confirm", 1_300_000),
        ("tb", ["Payment"], None, 0),
        ("cm", [], "Text Toxicity Auto Complete", 700_000),
        ("cm", ["Text", "Auto"], "Image Toxicity Human Complete", 1_200_000),
    ],
)
def test_the_graphs_of_the_paper(name: str, down: list[str], path: str | None, cost: int) -> None:
    """Whatever is down, the route is the paper's and costs what its edges do."""
    some, goal = paper_graph(name)
    planner = Planner(some)
    weights = planner.weights()
    for tool in down:
        weights.bar(tool)
    route = planner.plan((Need((goal,)),), {"Start": 0}, weights)
    if path is None:
        assert route is None
    else:
        assert route is not None
        assert " ".join(some.arcs[at].gives[0] for at in route.arcs) == path
        assert (route.cost, route.leaves) == (cost, ("Start",))


@pytest.mark.parametrize("plain", [True, False])
@given(st.data(), CHANGES)
def test_what_is_kept_is_what_would_be_found(
    plain: bool, data: st.DataObject, changes: list[tuple[str, int | None]]
) -> None:
    """After any changes of weights a planner that may keep its route answers as one that has never planned before."""
    asked: Asked = data.draw(questions(plain=plain, arcs_at_most=9))
    planner = Planner(asked.graph)
    weights = asked.weights(planner)
    for tool, factor in changes:
        if factor is None:
            weights.bar(tool)
        else:
            weights.admit(tool)
            weights.scale(tool, factor)
        kept = planner.plan(asked.needs, asked.held, weights, asked.required)
        assert kept == Planner(asked.graph).plan(asked.needs, asked.held, weights.copy(), asked.required)


@pytest.mark.parametrize("plain", [True, False])
def test_a_harmless_change_is_not_searched_for(plain: bool) -> None:
    """A rise off the route and a fall on it keep the route without a search; a rise on it and a fall off it do not."""
    some = graph(arc("A", "s" if plain else "s t", "a", 2), arc("B", "a", "g", 2), arc("Z", "s", "g", 5))
    planner = Planner(some)
    weights = planner.weights()

    def plan() -> Route | None:
        return planner.plan(needed("g"), {"s": 0, "t": 0}, weights)

    assert plan() is not None
    with patch.object(planner, "_searched", side_effect=AssertionError("searched")):
        weights.scale("Z", 2000)
        weights.scale("A", 500)
        route = plan()
        assert route is not None
        assert (route.arcs, route.cost, route.at_least) == ((0, 1), 300_000, 300_000)
        for tool, factor in (("A", 900), ("Z", 900)):
            weights.scale(tool, factor)
            with pytest.raises(AssertionError, match="searched"):
                plan()


def test_a_kept_route_is_kept_for_its_question() -> None:
    """Other facts, another goal and another requirement are searched for anew."""
    some = graph(arc("A", "s", "a"), arc("B", "a", "g"))
    planner = Planner(some)
    weights = planner.weights()
    held = {"s": 0, "a": 1}
    assert _arcs(planner.plan(needed("g"), {"s": 0}, weights)) == (0, 1)
    assert _arcs(planner.plan(needed("g"), held, weights)) == (1,)
    assert _arcs(planner.plan(needed("a"), {"s": 0}, weights)) == (0,)
    assert _arcs(planner.plan(needed("a"), {"s": 0}, weights, 1)) is None


def _arcs(route: Route | None) -> tuple[int, ...] | None:
    return route and route.arcs


def test_a_long_path_is_found() -> None:
    """A route may be as long as the graph."""
    some = graph(*(arc(f"t{at}", f"f{at}", f"f{at + 1}") for at in range(3000)))
    planner = Planner(some)
    route = planner.plan(needed("f3000"), {"f0": 0}, planner.weights())
    assert route is not None
    assert route.arcs == tuple(range(3000))


def test_a_large_graph_heals_until_nothing_is_left() -> None:
    """On a thousand tools that fail one by one each route is as good as networkx's, until neither finds one."""
    some, goal = random_graph(1_000)
    other, planner = peer(some), Planner(some)
    weights, plans = planner.weights(), 0
    while route := planner.plan((Need((goal,)),), {"t500": 0}, weights):
        assert route.cost == networkx.dijkstra_path_length(other, "t500", goal)
        used = [some.arcs[at].needs[0].of[0] for at in route.arcs[1:]]
        failed = used[len(used) // 2]
        weights.bar(failed)
        other.remove_node(failed)
        plans += 1
    assert plans > 10
    assert not networkx.has_path(other, "t500", goal)
