"""What a goal's needs ask of a graph, in numbers: only the arcs that can matter, compiled once for each goal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from harness.routing.graph import Arc, Graph, Need
from harness.routing.search import Plain

GOAL: Final = 0
"""The number of the arc that stands for the goal: it has the goal's needs, and gives nothing."""


class Net(NamedTuple):
    """An AND/OR problem in numbers; arc 0 is the goal.

    By fact: the needs that it can meet (``wants``). By need: the arc that has it (``owner``), how many facts it asks
    for (``least``). By arc: its needs (``asks``), how many they are (``waits``), and the facts it gives (``gives``).
    """

    wants: list[list[int]]
    owner: list[int]
    least: list[int]
    asks: list[list[int]]
    waits: list[int]
    gives: list[tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Problem:
    """The part of a graph that can serve some needs; ``arcs`` are indices into the graph's, in order.

    ``plain`` is there where every one of these arcs has one fact as its need and one as its gift, and so has the goal.
    """

    arcs: tuple[int, ...]
    facts: Mapping[str, int]
    names: tuple[str, ...]
    net: Net
    plain: Plain | None


def name_of(arc: Arc) -> str:
    """Give the name of an arc on a route: its tool's, or what a conclusion concludes."""
    return arc.tool if arc.tool is not None else arc.gives[0]


def compiled(graph: Graph, names: tuple[str, ...], givers: Mapping[str, list[int]], needs: tuple[Need, ...]) -> Problem:
    """Compile what can serve some needs, from the names of the graph's arcs and the arcs that give each fact.

    An arc is relevant if the goal asks for a gift of it, or a relevant arc does. O(needs of the relevant arcs).
    """
    arcs, facts = _relevant(graph, givers, needs)
    numbers = {fact: at for at, fact in enumerate(sorted(facts))}
    plain = None
    if _one_fact(needs) and all(_one_fact(graph.arcs[at].needs) and len(graph.arcs[at].gives) == 1 for at in arcs):
        after: list[list[tuple[int, int]]] = [[] for _ in numbers]
        before: list[list[tuple[int, int]]] = [[] for _ in numbers]
        for at in arcs:
            arc = graph.arcs[at]
            here, there = numbers[arc.needs[0].of[0]], numbers[arc.gives[0]]
            after[here].append((at, there))
            before[there].append((at, here))
        plain = Plain(after, before, numbers[needs[0].of[0]], names)
    return Problem(arcs, numbers, names, _net(graph, arcs, numbers, needs), plain)


def _relevant(
    graph: Graph, givers: Mapping[str, list[int]], needs: tuple[Need, ...]
) -> tuple[tuple[int, ...], set[str]]:
    facts = set(_facts(needs))
    stack, arcs = list(facts), set[int]()
    while stack:
        for at in givers.get(stack.pop(), ()):
            if at not in arcs:
                arcs.add(at)
                new = set(_facts(graph.arcs[at].needs)) - facts
                facts |= new
                stack.extend(new)
    return tuple(sorted(arcs)), facts


def _net(graph: Graph, arcs: tuple[int, ...], numbers: Mapping[str, int], needs: tuple[Need, ...]) -> Net:
    net = Net([[] for _ in numbers], [], [], [], [], [()])
    for number, asked in enumerate([needs, *(graph.arcs[at].needs for at in arcs)]):
        wanted = [need for need in asked if need.least > 0]
        net.asks.append(list(range(len(net.owner), len(net.owner) + len(wanted))))
        net.waits.append(len(wanted))
        for need in wanted:
            for fact in dict.fromkeys(need.of):
                net.wants[numbers[fact]].append(len(net.owner))
            net.owner.append(number)
            net.least.append(need.least)
    # a gift that nothing relevant asks for is left out
    net.gives.extend(tuple(numbers[fact] for fact in graph.arcs[at].gives if fact in numbers) for at in arcs)
    return net


def _facts(needs: Iterable[Need]) -> list[str]:
    return [fact for need in needs for fact in need.of]


def _one_fact(needs: tuple[Need, ...]) -> bool:
    return len(needs) == 1 and len(needs[0].of) == 1 and needs[0].least == 1
