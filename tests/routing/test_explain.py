"""Explanations: what a route costs and why, what comes next, and what is in the way."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings

from benchmarks.speed.route import paper_graph
from harness.routing.explain import Explanation, Step, explain
from harness.routing.graph import Need, shown
from harness.routing.planner import Planner
from tests.routing import brute
from tests.routing.drawn import Asked, arc, graph, needed, questions


def of_paper(name: str, *, barred: dict[str, str] | None = None, factors: dict[str, int] | None = None) -> Explanation:
    """Explain the route of one of the paper's graphs."""
    some, goal = paper_graph(name)
    planner = Planner(some)
    weights = planner.weights()
    for tool in barred or {}:
        weights.bar(tool)
    for tool, factor in (factors or {}).items():
        weights.scale(tool, factor)
    return explain(planner, (Need((goal,)),), {"Start": 0}, weights, reasons=barred or {})


def test_a_route_is_explained_in_lines() -> None:
    """Each step with its weight, the next best route with what differs, and what is barred with the reason given."""
    assert of_paper("cs", barred={"Stripe": "3 timeouts", "Elsewhere": "gone"}, factors={"Email": 1500}).lines() == [
        "CRM → Razorpay → SMS → Complete  cost 1.1",
        "    CRM  0.1",
        "    Razorpay  0.5",
        "    SMS  0.4",
        "    Complete  0.1",
        "next best: CRM → Razorpay → Email → Complete  cost 1.15 (0.05 more): Email instead of SMS",
        "not to be used: Stripe (3 timeouts)",
    ]


def test_the_next_best_is_the_cheapest_of_the_others() -> None:
    """Of the routes that avoid one arc or another the cheapest is told, and of equal ones that of the least names."""
    line = (
        "next best: Flight → Hostel → Bus → Payment → Confirm  cost 1.3 (0.1 more): Hostel, Bus instead of Hotel, Car"
    )
    assert of_paper("tb").lines()[-1] == line


def test_a_factor_is_shown() -> None:
    """A weight that is not its base says how it comes about."""
    assert "    Email  0.36 = 0.3 × 1.2" in of_paper("cs", factors={"Email": 1200}).lines()


def test_a_route_is_explained_as_data() -> None:
    """The same as JSON, costs as a reader writes them."""
    said = of_paper("cm", barred={"Auto": ""}).facts()
    assert json.loads(json.dumps(said)) == said
    assert said["path"] == ["Text", "Toxicity", "Human", "Complete"]
    assert (said["cost"], said["at_least"], said["from"]) == (1.0, 1, ["Start"])
    assert said["steps"][0] == {"name": "Text", "weight": 0.2, "base": 0.2, "factor": 1.0}
    assert said["other"] == {
        "path": ["Image", "Toxicity", "Human", "Complete"],
        "cost": 1.2,
        "without": ["Text"],
        "instead": ["Image"],
    }
    assert said["barred"] == {"Auto": ""}


def test_no_route_says_what_is_missing() -> None:
    """Where there is no route, the facts that nothing leads to are named, and what is barred."""
    said = of_paper("tb", barred={"Payment": "refused"})
    assert said.lines() == ["no route: nothing leads to Confirm", "not to be used: Payment (refused)"]
    assert said.facts() == {"path": None, "missing": ["Confirm"], "barred": {"Payment": "refused"}}


def test_no_route_for_what_was_done() -> None:
    """Where the goal could be had, only not on what has to be rested on, no fact is missing."""
    some = graph(arc("A", "s", "g"))
    planner = Planner(some)
    said = explain(planner, needed("g"), {"s": 0}, planner.weights(), 1)
    assert said.lines() == ["no route: nothing leads to what it has to rest on"]


@pytest.mark.parametrize(("held", "line"), [("s", "no other route"), ("g", "nothing to do: the goal is reached")])
def test_there_may_be_nothing_else(held: str, line: str) -> None:
    """A route without an alternative says so, and a goal that is held needs none."""
    planner = Planner(graph(arc("A", "s", "g")))
    assert explain(planner, needed("g"), {held: 0}, planner.weights()).lines()[-1] == line


def test_what_is_not_proven_is_said() -> None:
    """A route whose proof the budget did not allow for is given with the bound that is proven."""
    said = Explanation((Step("A", 500_000, 500_000, 1000),), 500_000, 400_000)
    assert said.facts()["at_least"] == 0.4
    assert said.lines()[0] == "A  cost 0.5; no route costs less than 0.4"


def test_other_facts_make_another_route() -> None:
    """A route may differ from the best one only in what its tools are run on."""
    planner = Planner(graph(arc("A", "s", "g", 2), arc("A", "t", "g", 2)))
    said = explain(planner, needed("g"), {"s": 0, "t": 0}, planner.weights())
    assert said.lines()[-1] == "next best: A  cost 0.2 (as much): the same steps from other facts"


@settings(max_examples=150)
@given(questions(plain=False, arcs_at_most=6))
def test_the_next_best_is_the_best_that_avoids_an_arc(asked: Asked) -> None:
    """No route that lacks an arc of the best one costs less than the next best, and it is there if one is."""
    planner = Planner(asked.graph)
    weights = asked.weights(planner)
    said = explain(planner, asked.needs, asked.held, weights, asked.required)
    if said.steps is None:
        return
    best = planner.plan(asked.needs, asked.held, weights, asked.required)
    assert best is not None
    by_arc = {at: weights[at] for at in range(len(asked.graph.arcs))}
    found = brute.routes(asked.graph, asked.needs, asked.held, by_arc, asked.required)
    costs = [one.key[0] for one in found if not set(best.arcs) <= one.arcs]
    assert (said.other.cost if said.other else None) == min(costs, default=None)
    assert sum(step.weight for step in said.steps) == said.cost
    assert said.facts()["cost"] == shown(best.cost)
