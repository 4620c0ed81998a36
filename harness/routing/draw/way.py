"""Which arcs of a graph a run went along, found again from the names of the tools that served."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from harness.routing.graph import Graph, Need


class Way(NamedTuple):
    """The arcs that were gone along, each with the facts it used; every fact that was held, and which came when."""

    arcs: dict[int, frozenset[str]]
    held: dict[str, int]

    def meets(self, needs: Iterable[Need]) -> frozenset[str] | None:
        """Give the facts that meet some needs, of several those held last; None where they are not met."""
        used = list[str]()
        for need in needs:
            facts = sorted((fact for fact in need.of if fact in self.held), key=lambda fact: -self.held[fact])
            if len(facts) < need.least:
                return None
            used += facts[: need.least]
        return frozenset(used)

    def take(self, graph: Graph, arc: int, used: frozenset[str]) -> None:
        """Go along an arc."""
        self.arcs[arc] = self.arcs.get(arc, frozenset()) | used
        for fact in graph.arcs[arc].gives:
            self.held.setdefault(fact, len(self.held))


def way_taken(graph: Graph, tools: Sequence[str]) -> Way:
    """Give the way that calls of these tools, in this order, went.

    Of several arcs of a tool, the one that gave something new, then the one that used the newest fact: names alone do
    not always tell. What nothing gives counts as handed in. O(calls × arcs).
    """
    given = {fact for arc in graph.arcs for fact in arc.gives}
    wanted = [fact for needs in all_needs(graph) for need in needs for fact in need.of]
    handed = [name for goal in graph.goals.values() for name in (goal.arguments or {}).get("properties", {})]
    free = [*graph.start, *handed, *(fact for fact in wanted if fact not in given)]
    way = Way({}, {fact: at for at, fact in enumerate(dict.fromkeys(free))})
    _conclude(graph, way)
    for tool in tools:
        able = [
            (way.held.keys() >= set(arc.gives), -max((way.held[fact] for fact in used), default=-1), index)
            for index, arc in enumerate(graph.arcs)
            if arc.tool == tool and (used := way.meets(arc.needs)) is not None
        ]
        if able:
            *_, index = min(able)
            way.take(graph, index, way.meets(graph.arcs[index].needs) or frozenset())
            _conclude(graph, way)
    return way


def all_needs(graph: Graph) -> Iterator[tuple[Need, ...]]:
    """Yield what each arc and each goal asks for."""
    yield from (arc.needs for arc in graph.arcs)
    yield from (goal.needs for goal in graph.goals.values())


def _conclude(graph: Graph, way: Way) -> None:
    """Go along every conclusion that follows, and those that follow from it."""
    left = [index for index, arc in enumerate(graph.arcs) if arc.tool is None and index not in way.arcs]
    able: list[int] | None = None
    while able is None or able:
        able = [index for index in left if way.meets(graph.arcs[index].needs) is not None]
        for index in able:
            way.take(graph, index, way.meets(graph.arcs[index].needs) or frozenset())
        left = [index for index in left if index not in able]
