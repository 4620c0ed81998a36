"""The weight of every arc while one route is under way: its base cost times its tool's factor, or barred.

A weight is kept as a *step*, one whole number that orders by cost, then by calls, then by arcs, so that the least sum
of steps is the least route up to names. Steps are positive even where a cost is zero: an arc more is never free.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple

from harness.routing.graph import Graph

UNSCALED: Final = 1000
"""The factor 1, in thousandths."""

BARRED: Final = 1 << 256
"""The step of an arc that may not be used: above every sum of others."""

_LOGGED: Final = 64  # changes that are told; after more of them a route is searched anew


class Change(NamedTuple):
    """One arc's step before and after."""

    arc: int
    before: int
    after: int


class Weights:
    """Hold the weight of every arc of a graph, by index; what changes is told by tool.

    ``steps`` is for searches, which only read it. A change costs O(arcs of that tool), a copy O(arcs of the graph).
    Belongs to one route; not to be shared by threads.
    """

    def __init__(self, graph: Graph) -> None:
        self._width = len(graph.arcs).bit_length()
        self._graph = graph
        self._of: dict[str, list[int]] = {}
        for at, arc in enumerate(graph.arcs):
            if arc.tool is not None:
                self._of.setdefault(arc.tool, []).append(at)
        self._factors: dict[str, int] = {}
        self._barred: set[str] = set()
        self.steps = [self._step(at) for at in range(len(graph.arcs))]
        self._log: deque[Change] = deque(maxlen=_LOGGED)
        self.changes = 0
        self.kept: object = None  # the last route found under these weights, for whoever plans

    def __getitem__(self, arc: int) -> int | None:
        """Give an arc's weight in millionths; None where it is barred."""
        step = self.steps[arc]
        return None if step >= BARRED else self.cost(step)

    def cost(self, steps: int) -> int:
        """Give the cost in millionths of a sum of steps."""
        return steps >> 2 * self._width

    def factor(self, tool: str) -> int:
        """Give a tool's factor in thousandths."""
        return self._factors.get(tool, UNSCALED)

    @property
    def barred(self) -> frozenset[str]:
        """The tools that may not be used."""
        return frozenset(self._barred)

    def bar(self, tool: str) -> None:
        """Take a tool out of every route; one that has no arc is remembered all the same."""
        self._barred.add(tool)
        self._refresh(tool)

    def admit(self, tool: str) -> None:
        """Let a barred tool be used again, at the factor it had."""
        self._barred.discard(tool)
        self._refresh(tool)

    def scale(self, tool: str, factor: int) -> None:
        """Set a tool's factor, in thousandths; ValueError for one that is not positive."""
        if factor <= 0:
            raise ValueError(f"the factor of {tool} is {factor}; it has to be positive")
        self._factors[tool] = factor
        self._refresh(tool)

    def without(self, arcs: Iterable[int]) -> Weights:
        """Give a copy in which some arcs are barred, whatever becomes of their tools."""
        other = self.copy()
        for at in arcs:
            other.steps[at] = BARRED
        return other

    def copy(self) -> Weights:
        """Give the same weights, to be changed apart."""
        other = object.__new__(Weights)
        other.__dict__.update(self.__dict__)
        other.steps, other._log = self.steps.copy(), deque(maxlen=_LOGGED)
        other._factors, other._barred = self._factors.copy(), self._barred.copy()
        other.changes, other.kept = 0, None
        return other

    def since(self, changes: int) -> list[Change] | None:
        """Give what has changed since there were so many changes, oldest first; None where that is no longer known."""
        wanted = self.changes - changes
        if wanted > len(self._log):
            return None
        return [self._log[at] for at in range(len(self._log) - wanted, len(self._log))]

    def _refresh(self, tool: str) -> None:
        for at in self._of.get(tool, ()):
            before, after = self.steps[at], self._step(at)
            if before != after:
                self.steps[at] = after
                self._log.append(Change(at, before, after))
                self.changes += 1

    def _step(self, at: int) -> int:
        arc, width = self._graph.arcs[at], self._width
        if arc.tool is None:
            return (arc.cost << 2 * width) + 1
        if arc.tool in self._barred:
            return BARRED
        # rounded up to a millionth, so that no positive cost becomes zero
        weight = -(-arc.cost * self._factors.get(arc.tool, UNSCALED) // UNSCALED)
        return (weight << 2 * width) + (1 << width) + 1
