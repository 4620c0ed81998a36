"""What has to happen: an independent simulation of a route through a plain weighted graph.

Written from the published facts alone; it knows nothing of the router and shares no code with it. The rules: faults are
found only when a tool is called; after a failure the rest is planned anew from what has been reached; a committed
write is never done twice, and never left behind without being undone; where no way is left, that is said, and what can
be undone is undone, last things first.

Plans are found by trying every path, so graphs have to be small: O(paths) for each plan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final, Literal, NamedTuple

Kind = Literal["read", "undoable", "final"]
Mood = Literal["ok", "refused", "late", "lost"]
End = Literal["served", "escalated", "in doubt"]

START: Final = "Start"


@dataclass(frozen=True)
class Case:
    """A graph, what its tools are, and what is wrong with the world.

    ``edges`` cost whole numbers (tenths, in the published graphs); a node is reached by calling the tool of its name,
    the goal by nothing. A tool that is not in ``kinds`` is a read. ``moods`` says what becomes of the calls of a tool,
    one after another, the last for ever: it answers, refuses the connection, commits and times out (``late``), or
    times out and has done nothing (``lost``). A call is tried again ``retries`` times. ``keyed`` writes carry a key
    that makes them happen once; of ``probed`` ones a look tells whether they happened. Tools of one ``domain`` go down
    together.
    """

    edges: tuple[tuple[str, str, int], ...]
    goal: str
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    moods: Mapping[str, tuple[Mood, ...]] = field(default_factory=dict)
    retries: int = 0
    keyed: frozenset[str] = frozenset()
    probed: frozenset[str] = frozenset()
    domains: Mapping[str, str] = field(default_factory=dict)

    @property
    def tools(self) -> tuple[str, ...]:
        """Name the tools of the graph, in the order of their first edge."""
        nodes = dict.fromkeys(node for one, other, _ in self.edges for node in (one, other))
        return tuple(node for node in nodes if node not in (START, self.goal))


class Outcome(NamedTuple):
    """What a run comes to, predicted or seen.

    ``path`` holds the tools that the result rests on, or, where there is none, those that answered; ``attempts`` every
    call in order, those that undo apart in ``undone``; ``found`` counts calls that failed, ``replans`` plans that were
    made because of one; ``net`` what the world has more than before, by tool.
    """

    end: End
    path: tuple[str, ...]
    attempts: tuple[str, ...]
    found: int
    replans: int
    undone: tuple[str, ...]
    net: dict[str, int]


class Way(NamedTuple):
    """A path from ``start``, a node that has been reached, to the goal; smaller is better."""

    cost: int
    hops: int
    nodes: tuple[str, ...]
    start: str


def predict(case: Case) -> Outcome:
    """Say what has to happen."""
    return _Run(case).result()


class _Run:
    def __init__(self, case: Case) -> None:
        self.case = case
        self.barred: set[str] = set()
        self.rests_on: dict[str, frozenset[str]] = {START: frozenset()}  # by node reached: the writes behind it
        self.way_to: dict[str, tuple[str, ...]] = {START: ()}
        self.committed: list[str] = []
        self.answered: list[str] = []
        self.attempts: list[str] = []
        self.undone: list[str] = []
        self.found = self.replans = 0
        self.net: Counter[str] = Counter()

    def result(self) -> Outcome:
        way = self._plan()
        while way is not None:
            failed = self._walk(way)
            if failed is None:
                return self._outcome("served", self.way_to[self.case.goal])
            if failed == "doubt":
                return self._outcome("in doubt", tuple(self.answered))
            way = self._plan()
            self.replans += way is not None
        for tool in reversed([one for one in self.committed if self._undoable(one)]):
            self._undo(tool)
        return self._outcome("escalated", tuple(self.answered))

    def _outcome(self, end: End, path: tuple[str, ...]) -> Outcome:
        net = {tool: count for tool, count in sorted(self.net.items()) if count}
        return Outcome(end, path, tuple(self.attempts), self.found, self.replans, tuple(self.undone), net)

    def _plan(self) -> Way | None:
        """Give the best way on, after undoing as little as it takes; None where there is none."""
        can = [tool for tool in self.committed if self._undoable(tool)]
        for size in range(len(can) + 1):
            # among equally good choices the writes that were committed last
            choices = [frozenset(one) for one in combinations(reversed(can), size)]
            ways = [(way, given_up) for given_up in choices if (way := self._best(given_up))]
            if ways:
                way, given_up = min(ways, key=lambda one: one[0].cost)
                for tool in [one for one in reversed(self.committed) if one in given_up]:
                    self._undo(tool)
                return way
        return None

    def _best(self, given_up: frozenset[str]) -> Way | None:
        kept = set(self.committed) - given_up
        starts = [node for node, writes in self.rests_on.items() if kept <= writes and not writes & given_up]
        return min((way for start in starts for way in self._ways(Way(0, 0, (), start))), default=None)

    def _ways(self, so_far: Way) -> Iterator[Way]:
        cost, hops, nodes, start = so_far
        here = nodes[-1] if nodes else start
        if here == self.case.goal:
            yield so_far
            return
        for one, other, weight in self.case.edges:
            free = other not in self.rests_on and other not in self.barred and other not in nodes
            if one == here and free:
                yield from self._ways(Way(cost + weight, hops + 1, (*nodes, other), start))

    def _walk(self, way: Way) -> Literal["down", "doubt"] | None:
        here = way.start
        for node in way.nodes:
            failed = None if node == self.case.goal else self._call(node)
            if failed is not None:
                return failed
            self.rests_on[node] = self.rests_on[here] | ({node} & set(self.committed))
            self.way_to[node] = (*self.way_to[here], *({node} - {self.case.goal}))
            here = node
        return None

    def _call(self, tool: str) -> Literal["down", "doubt"] | None:
        writes = self.case.kinds.get(tool, "read") != "read"
        doubt = False  # whether an attempt may have happened, for all that the caller knows
        for tries in range(self.case.retries + 1):
            mood = self._mood(tool)
            self.attempts.append(tool)
            happened = mood in ("ok", "late")
            if writes and happened and not (tool in self.case.keyed and tool in self.committed):
                self.net[tool] += 1
                self.committed.append(tool)
            if mood == "ok":
                self.answered.append(tool)
                return None
            self.found += 1
            doubt |= writes and mood in ("late", "lost")
            if doubt and (tries == self.case.retries or tool not in self.case.keyed):
                if tool not in self.case.probed:
                    return "doubt"
                if tool in self.committed:
                    return None
                doubt = False
        domains = self.case.domains
        self.barred |= {tool, *(one for one in domains if domains[one] == domains.get(tool))}
        return "down"

    def _mood(self, tool: str) -> Mood:
        moods = self.case.moods.get(tool, ("ok",))
        return moods[min(self.attempts.count(tool), len(moods) - 1)]

    def _undoable(self, tool: str) -> bool:
        return self.case.kinds.get(tool) == "undoable"

    def _undo(self, tool: str) -> None:
        self.committed.remove(tool)
        self.undone.append(tool)
        self.net[tool] -= 1
        for node in [node for node, writes in self.rests_on.items() if tool in writes]:
            del self.rests_on[node]
