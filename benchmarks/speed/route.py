"""What a new plan costs when a tool on the route fails: its weight changes, and the best route is searched again.

``cs``, ``tb`` and ``cm`` are the graphs of Self-Healing Router (2603.01548); the others are random connected graphs of
so many tools, each with four neighbours, one goal, and routes from many places. ``any_change`` gives any tool any
factor instead, so that some routes are kept as they are; ``kept`` is the case where all of them are. ``derivation`` is
a goal with joins, alternatives and a quorum. Every figure is the median over single plans, in microseconds; networkx
answers the same questions about the same graphs, by Dijkstra's algorithm from one end and from both.
"""

from __future__ import annotations

import math
import random
import statistics
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final, NamedTuple

import networkx

from benchmarks.speed.measure import SEED, Figure, measured, report, side_by_side
from harness.routing.graph import Arc, Graph, Need, exact, shown
from harness.routing.planner import Planner

DEGREE: Final = 4
SIZES: Final = {1_000: 300, 10_000: 1_000}  # tools: microseconds that a new plan may take
PAPER_US: Final = 50
QUESTIONS: Final = 25

PAPER: Final = {
    "cs": "Start-CRM .1; CRM-Stripe .3; CRM-Razorpay .5; Stripe-Email .3; Stripe-SMS .4; Razorpay-Email .3;"
    "Razorpay-SMS .4; Email-Complete .1; SMS-Complete .1",
    "tb": "Start-Flight .3; Start-Train .5; Flight-Hotel .3; Flight-Hostel .4; Train-Hotel .3; Train-Hostel .4;"
    "Hotel-Car .3; Hotel-Bus .4; Hostel-Car .4; Hostel-Bus .3; Car-Payment .2; Bus-Payment .2; Payment-Confirm .1",
    "cm": "Start-Text .2; Start-Image .3; Start-Video .5; Text-Toxicity .2; Image-Toxicity .3; Video-Toxicity .4;"
    "Toxicity-Human .5; Toxicity-Auto .2; Human-Complete .1; Auto-Complete .1",
}


class Question(NamedTuple):
    """What is held, which tool of the best route fails, and what is asked for."""

    held: dict[str, int]
    tool: str
    needs: tuple[Need, ...]


def plain_graph(edges: Iterable[tuple[str, str, int]], goal: str) -> Graph:
    """Give a graph of plain edges with costs in millionths; the goal is no tool."""
    arcs = tuple(Arc(None if v == goal else v, (Need((u,)),), (v,), cost) for u, v, cost in edges)
    return Graph("plain", arcs, (), {}, {})


def paper_graph(name: str) -> tuple[Graph, str]:
    """Give a graph of the paper and its goal."""
    parted = [edge.replace("-", " ").split() for edge in PAPER[name].split(";")]
    return plain_graph([(u, v, exact(cost)) for u, v, cost in parted], parted[-1][1]), parted[-1][1]


def random_graph(tools: int, seed: int = SEED) -> tuple[Graph, str]:
    """Give a connected graph of tools with four neighbours each, costs of .5 to 5, and its goal."""
    plain = networkx.random_regular_graph(DEGREE, tools, seed=seed)
    assert networkx.is_connected(plain)
    chance = random.Random(seed)
    edges = [
        (f"t{u}", f"t{v}", chance.randint(500_000, 5_000_000)) for pair in plain.edges for u, v in (pair, pair[::-1])
    ]
    return plain_graph(edges, "t0"), "t0"


def joined_graph() -> Graph:
    """Give an order's way to its parcel: a join of three branches, a spare, three of five judges, two carriers."""
    arcs = [
        Arc("stock", (Need(("order",)),), ("stocked",), 100_000),
        Arc("stock_spare", (Need(("order",)),), ("stocked",), 200_000),
        Arc("fraud", (Need(("order",)),), ("cleared",), 300_000),
        Arc("pay", (Need(("order",)), Need(("cleared",))), ("paid",), 400_000),
        Arc("pay_spare", (Need(("order",)), Need(("cleared",))), ("paid",), 500_000),
    ]
    judges = tuple(f"judge{at}" for at in range(5))
    arcs += [Arc(judge, (Need(("order",)),), (judge,), 100_000 * (at + 2)) for at, judge in enumerate(judges)]
    arcs.append(Arc(None, (Need(judges, 3),), ("judged",), 0))
    ready = (Need(("stocked",)), Need(("paid",)), Need(("judged",)))
    arcs += [Arc(carrier, ready, (carrier,), cost) for carrier, cost in (("post", 300_000), ("courier", 500_000))]
    arcs.append(Arc("label", (Need(("post", "courier")),), ("shipped",), 100_000))
    return Graph("joined", tuple(arcs), ("order",), {}, {})


def questions(planner: Planner, goal: str, chance: random.Random) -> list[Question]:
    """Ask for a route from many places; a tool in the middle of the best one fails."""
    nodes = sorted({arc.needs[0].of[0] for arc in planner.graph.arcs} - {goal})
    needs, asked = (Need((goal,)),), list[Question]()
    while len(asked) < QUESTIONS:
        held = {chance.choice(nodes): 0}
        route = planner.plan(needs, held, planner.weights())
        tools = [tool for at in route.arcs if (tool := planner.graph.arcs[at].tool)] if route else []
        if tools:
            asked.append(Question(held, tools[len(tools) // 2], needs))
    return asked


def failing(planner: Planner, asked: list[Question]) -> float:
    """Time a tool's failure and the new plan."""
    weights, taken = planner.weights(), []
    for one in asked:
        planner.plan(one.needs, one.held, weights)
        start = time.perf_counter_ns()
        weights.bar(one.tool)
        planner.plan(one.needs, one.held, weights)
        taken.append(time.perf_counter_ns() - start)
        weights.admit(one.tool)
    return statistics.median(taken) / 1000


def changing(planner: Planner, asked: list[Question], *, rising: bool) -> float:
    """Time a change of any tool's factor and the plan after it; only rises off the route if ``rising``."""
    chance, weights, taken = random.Random(SEED), planner.weights(), []
    tools = sorted({arc.tool for arc in planner.graph.arcs if arc.tool})
    for one in asked:
        route = planner.plan(one.needs, one.held, weights)
        assert route
        on = {planner.graph.arcs[at].tool for at in route.arcs}
        tool = chance.choice([tool for tool in tools if tool not in on] if rising else tools)
        factor = weights.factor(tool) * 2 if rising else chance.randint(500, 10_000)
        start = time.perf_counter_ns()
        weights.scale(tool, factor)
        planner.plan(one.needs, one.held, weights)
        taken.append(time.perf_counter_ns() - start)
    return statistics.median(taken) / 1000


def peer(graph: Graph) -> Any:
    """Give the same graph to networkx; costs are whole numbers there too."""
    other = networkx.DiGraph()
    other.add_weighted_edges_from((arc.needs[0].of[0], arc.gives[0], arc.cost) for arc in graph.arcs)
    return other


def failing_peer(other: Any, asked: list[Question], route: Callable[..., Any]) -> float:
    """Time the same failure and the same question for networkx."""
    taken = []
    for one in asked:
        (held,), goal = one.held, one.needs[0].of[0]
        edges = [data for _, _, data in other.in_edges(one.tool, data=True)]
        weights = [data["weight"] for data in edges]
        start = time.perf_counter_ns()
        for data in edges:
            data["weight"] = math.inf
        route(other, held, goal)
        taken.append(time.perf_counter_ns() - start)
        for data, weight in zip(edges, weights, strict=True):
            data["weight"] = weight
    return statistics.median(taken) / 1000


def plain_figures(name: str, graph: Graph, goal: str, bar: int) -> dict[str, Figure]:
    """Measure one plain graph beside networkx."""
    planner, other = Planner(graph), peer(graph)
    asked = questions(planner, goal, random.Random(SEED))
    runs = {
        name: partial(failing, planner, asked),
        "networkx": partial(failing_peer, other, asked, networkx.dijkstra_path),
        "networkx_two_ended": partial(failing_peer, other, asked, networkx.bidirectional_dijkstra),
        "any_change": partial(changing, planner, asked, rising=False),
        "kept": partial(changing, planner, asked, rising=True),
    }
    taken = side_by_side(runs, "us")
    figures = {f"{name}_us": measured(taken[name], f"< {bar}")}
    figures |= {f"{name}_{run}_us": measured(taken[run]) for run in runs if run != name}
    for one in ("networkx", "networkx_two_ended"):
        figures[f"{name}_ratio_{one}"] = measured(taken[name].over(taken[one]))
    return figures


def main() -> None:
    figures: dict[str, Figure] = {}
    for name in PAPER:
        figures |= plain_figures(name, *paper_graph(name), PAPER_US)
    for tools, bar in SIZES.items():
        figures |= plain_figures(f"random_{tools}", *random_graph(tools), bar)
    planner = Planner(joined_graph())
    failures = [Question({"order": 0}, tool, (Need(("shipped",)),)) for tool in ("stock", "judge1", "post", "pay")]
    taken = side_by_side({"derivation": partial(failing, planner, failures * 5)}, "us")
    figures["derivation_us"] = measured(taken["derivation"])
    rows = [{"graph": name, "cost": shown(route.cost)} for name in PAPER if (route := _best(*paper_graph(name)))]
    report("route", figures, rows)


def _best(graph: Graph, goal: str) -> Any:
    planner = Planner(graph)
    return planner.plan((Need((goal,)),), {"Start": 0}, planner.weights())


if __name__ == "__main__":
    main()
