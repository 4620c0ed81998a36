"""``harness route plan GRAPH``: the route to a goal, and why it is the best."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from harness.cli.options import AsJson
from harness.cli.output import emit
from harness.cli.route.loading import GoalName, GraphName, Have, facts_held, goal_of, known, load_graph
from harness.routing.binding import Bindings
from harness.routing.explain import Explanation, explain
from harness.routing.graph import Goal, Graph
from harness.routing.orders import Ask, Begin
from harness.routing.planner import Planner
from harness.routing.router import Router


def command(
    graph: GraphName,
    goal: GoalName = None,
    have: Have = None,
    fail: Annotated[
        list[str] | None,
        typer.Option("--fail", metavar="TOOL", help="A tool that is down, with its domain; may be repeated."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the route to a goal with what each step costs, the next best route, and what is not to be used.

    Where there is no route: what stands in the way, and which goals can be had all the same; exit 1. Nothing is called.
    """
    loaded = load_graph(graph)
    wanted = goal_of(loaded, goal)
    facts = facts_held(loaded, wanted, have or [])
    down = _down(loaded, known(fail or [], loaded.tools, "tool", loaded.name))
    planner = Planner(loaded)
    why = _explained(planner, wanted, facts, down)
    said: dict[str, Any] = {"graph": loaded.name, "goal": wanted.name, "have": facts, **why.facts()}
    lines = [f"to {wanted.name}, from {', '.join(facts) or 'nothing'}", *why.lines()]
    if why.steps is None:
        said["deadlock"] = _deadlock(planner, wanted, facts, down)
        lines += _told(said["deadlock"])
    emit(said, lines, as_json)
    raise typer.Exit(1 if why.steps is None else 0)


def _explained(planner: Planner, goal: Goal, facts: list[str], down: Mapping[str, str]) -> Explanation:
    weights = planner.weights()
    for tool in down:
        weights.bar(tool)
    return explain(planner, goal.needs, dict.fromkeys(facts, 0), weights, reasons=down)


def _down(graph: Graph, failed: Sequence[str]) -> dict[str, str]:
    """Give the tools that are not to be used, and why: those that are down, and what shares their domain."""
    down = dict.fromkeys(failed, "down")
    for tool in failed:
        domain = graph.tools[tool].domain
        for other, spec in graph.tools.items():
            if domain is not None and spec.domain == domain:
                down.setdefault(other, f"{tool} of its domain {domain} is down")
    return down


def _deadlock(planner: Planner, goal: Goal, facts: list[str], down: Mapping[str, str]) -> dict[str, Any]:
    """Give the deadlock that a route would end in, as whoever is asked would be told."""
    graph = planner.graph
    router = Router(graph, goal, dict.fromkeys(facts), planner=planner, bindings=Bindings(graph), forbidden=down)
    (deadlock,) = (order.deadlock for order in router.step(Begin(0, {})) if isinstance(order, Ask))
    return deadlock


def _told(deadlock: dict[str, Any]) -> Iterator[str]:
    for tool, barred in deadlock["blocked"].items():
        yield f"in the way: {tool} ({barred['why']})"
    for one in deadlock["goals"]:
        yield f"still possible: {one['goal']}  {' → '.join(one['path']) or 'nothing to do'}  cost {one['cost']:g}"
    if not deadlock["goals"]:
        yield "no other goal can be had"
