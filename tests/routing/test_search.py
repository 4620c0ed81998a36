"""Plain problems: the best path, against networkx and against all routes."""

from __future__ import annotations

import networkx
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.routing.graph import Arc, Graph, Need
from harness.routing.planner import Planner, Route
from tests.routing import brute
from tests.routing.drawn import Asked, arc, graph, needed, questions

EDGES = st.lists(
    st.tuples(st.integers(0, 24), st.integers(0, 24), st.integers(1, 9)),
    max_size=90,
    unique_by=lambda edge: edge[:2],
)


def planned(some: Graph, goal: str, *held: str, required: int = 0, **supports: int) -> Route | None:
    """Plan under fresh weights."""
    planner = Planner(some)
    return planner.plan(needed(goal), dict.fromkeys(held, 0) | supports, planner.weights(), required)


def path(some: Graph, route: Route | None) -> list[str | None] | None:
    """Give the tools of a route."""
    return None if route is None else [some.arcs[at].tool for at in route.arcs]


@given(EDGES, st.sets(st.integers(0, 23), min_size=1, max_size=4))
def test_a_path_costs_what_networkx_says(edges: list[tuple[int, int, int]], held: set[int]) -> None:
    """The cost is the least distance from any fact held, and there is a route exactly where there is a path."""
    some = graph(*(Arc(f"t{v}", (Need((str(u),)),), (str(v),), cost) for u, v, cost in edges))
    other = networkx.DiGraph()
    other.add_nodes_from(range(25))
    other.add_weighted_edges_from(edges)
    distances = networkx.multi_source_dijkstra_path_length(other, held)
    route = planned(some, "24", *map(str, held))
    assert (route.cost if route else None) == distances.get(24)
    if route:
        assert route.at_least == route.cost == sum(some.arcs[at].cost for at in route.arcs)


@settings(max_examples=300)
@given(questions(plain=True))
def test_a_path_is_the_best_of_all_routes(asked: Asked) -> None:
    """Cost, calls, arcs, names along the route and order of arcs decide, in this order, with what is required."""
    planner = Planner(asked.graph)
    weights = asked.weights(planner)
    route = planner.plan(asked.needs, asked.held, weights, asked.required)
    by_arc = {at: weights[at] for at in range(len(asked.graph.arcs))}
    best = brute.best(asked.graph, asked.needs, asked.held, by_arc, asked.required)
    assert planner.problem(asked.needs).plain is not None
    if best is None:
        assert route is None
    else:
        assert route is not None
        assert (route.cost, route.arcs) == (best.key[0], best.key[-1])
        assert frozenset(route.leaves) == best.leaves


TIED = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 6), st.sampled_from("ABC"), st.just(1) | st.integers(1, 2)),
    min_size=10,
    max_size=20,
)


@settings(max_examples=300)
@given(TIED, st.sets(st.integers(0, 5), min_size=1, max_size=3))
def test_of_equal_paths_the_names_decide(edges: list[tuple[int, int, str, int]], held: set[int]) -> None:
    """Among all simple paths the route is the least by cost, length, names along it and arcs along it."""
    some = graph(*(Arc(tool, (Need((str(u),)),), (str(v),), cost) for u, v, tool, cost in edges))
    found = []
    stack: list[tuple[int, ...]] = [(at,) for at, edge in enumerate(edges) if edge[0] in held]
    while stack:
        arcs = stack.pop()
        here = edges[arcs[-1]][1]
        if here == 6:
            found.append((sum(edges[at][3] for at in arcs), len(arcs), [edges[at][2] for at in arcs], arcs))
        elif here not in {edges[at][0] for at in arcs}:
            stack += [(*arcs, at) for at, edge in enumerate(edges) if edge[0] == here]
    route = planned(some, "6", *map(str, held))
    assert (route.arcs if route else None) == (min(found)[3] if found else None)


def test_names_decide_along_the_route() -> None:
    """Of equal paths the one with the least name at the first difference is taken, wherever the searches meet."""
    some = graph(
        arc("A", "s", "a"), arc("B", "s", "b"), arc("Z", "a", "z"), arc("A", "b", "a2"), arc("E", "z", "g"),
        arc("E", "a2", "g"),
    )  # fmt: skip
    assert path(some, planned(some, "g", "s")) == ["A", "Z", "E"]
    late = graph(arc("B", "s", "b"), arc("A", "b", "g"), arc("A", "s", "a"), arc("B", "a", "g"))
    assert path(late, planned(late, "g", "s")) == ["A", "B"]


def test_fewest_calls_before_names() -> None:
    """A conclusion is no call."""
    some = graph(arc("A", "s", "a"), arc("B", "a", "g"), arc("Z", "s", "z"), arc(None, "z", "g"))
    assert path(some, planned(some, "g", "s")) == ["Z", None]


def test_what_is_held_is_not_made_again() -> None:
    """A write that has to be rested on is not left by going back to what was there before it."""
    some = graph(arc("pay", "s", "paid"), arc("look", "paid", "s"), arc("other", "s", "g"))
    assert path(some, planned(some, "g", s=0, paid=1)) == ["other"]
    assert planned(some, "g", required=1, s=0, paid=1) is None


def test_a_goal_that_is_held_needs_nothing() -> None:
    """Nothing is run for a goal that is held, unless it does not rest on what it has to."""
    some = graph(arc("A", "s", "g"))
    assert planned(some, "g", "s", "g") == Route((), 0, 0, ("g",))
    assert planned(some, "g", required=1, s=1, g=0) is None


def test_circles_without_cost_do_not_matter() -> None:
    """Conclusions that lead to each other are walked through once at most."""
    some = graph(arc(None, "s", "a", 0), arc(None, "a", "b", 0), arc(None, "b", "a", 0), arc(None, "b", "g", 0))
    route = planned(some, "g", "s")
    assert route is not None
    assert (route.arcs, route.cost) == ((0, 1, 3), 0)
