"""Graphs, goals, facts and tools as they are named on the command line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

import typer

from harness.adapters.registries import load_registry
from harness.errors import UsageError
from harness.registry.complaint import nearest
from harness.registry.graph.ways import arguments_of
from harness.routing.graph import Goal, Graph

GraphName = Annotated[str, typer.Argument(metavar="GRAPH", help="A registry with a graph: a file or a shipped one.")]
GoalName = Annotated[str | None, typer.Option("--goal", metavar="GOAL", help="By default the first, the most wanted.")]
Have = Annotated[
    list[str] | None, typer.Option("--have", metavar="FACT", help="A fact that is held already; may be repeated.")
]


def load_graph(name: str) -> Graph:
    """Load the graph of a registry; UsageError where it has none, RegistryError for what is wrong inside."""
    graph = load_registry(name).graph
    if graph is None:
        raise UsageError("the registry has no graph", where=name, cure="give it one under graph:, see docs/graph.md")
    return graph


def goal_of(graph: Graph, name: str | None) -> Goal:
    """Give a goal by name, without one the first; UsageError for a name that the graph does not have."""
    name = next(iter(graph.goals), None) if name is None else name
    if name is None:
        raise UsageError("the graph states no goal", where=graph.name, cure="state one: goals: {NAME: [FACT]}")
    return graph.goals[known([name], graph.goals, "goal", graph.name)[0]]


def facts_held(graph: Graph, goal: Goal, have: Sequence[str]) -> list[str]:
    """Give the facts that a route begins with: those handed in, and those said to be held.

    UsageError for a fact that the graph does not know.
    """
    every = {fact for arc in graph.arcs for need in arc.needs for fact in need.of}
    every |= {fact for arc in graph.arcs for fact in arc.gives}
    known(have, every, "fact", graph.name)
    return list(dict.fromkeys([*graph.start, *arguments_of(goal), *have]))


def known(names: Sequence[str], among: Iterable[str], what: str, where: str) -> Sequence[str]:
    """Give the names back; UsageError with the nearest one for the first that is not among those there are."""
    there = list(among)
    for name in names:
        if name not in there:
            cure = nearest(name, there) or f"it has: {', '.join(sorted(there)) or 'none'}"
            raise UsageError(f"the graph has no {what} {name!r}", where=where, cure=cure)
    return names
