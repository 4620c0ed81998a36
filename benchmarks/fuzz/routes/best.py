"""The best route by brute force: every set of arcs in the order of its cost, until one is a route.

A route is a set of arcs and of held facts, its leaves, that lead to the goal, and no longer do when any arc or leaf is
left out; no held fact is made again. Of all routes the best has the least cost, then the fewest calls, then the fewest
arcs, then the least names.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from benchmarks.fuzz.routes.case import Need, Way

Support = frozenset[int]
"""The committed writes that a fact rests on, by number."""


class Best(NamedTuple):
    """A best route: its cost, the numbers of its calls and of its arcs, its names, and its arcs by index.

    ``leaves`` are all the sets of held facts that it can begin with.
    """

    cost: int
    calls: int
    arcs: int
    names: tuple[str, ...]
    ways: tuple[int, ...]
    leaves: tuple[frozenset[str], ...] = ()


def best_route(
    ways: Sequence[Way],
    usable: Collection[int],
    held: Mapping[str, Support],
    goal: tuple[Need, ...],
    required: Support = frozenset(),
    *,
    along: bool = False,
) -> Best | None:
    """Give the best route from the facts held that rests on all ``required`` writes; None where there is none.

    ``usable`` are the arcs that may be called. Equally good routes are told apart by their names, ``along`` the route
    or sorted. Takes time exponential in the number of usable arcs that matter.
    """
    if required - frozenset().union(*held.values()):
        return None
    search = _Search([(index, ways[index]) for index in sorted(usable)], held, goal)
    if not search.reaches(search.all):
        return None
    found: list[tuple[Best, int]] = []
    for cost, calls, state in search.states(beyond_goal=bool(required)):
        if found and (cost, calls) > found[0][0][:2]:
            break
        if search.is_route(state, required):
            names, indices = search.names(state, along=along), search.indices(state)
            found.append((Best(cost, calls, state.bit_count(), names, indices), state))
    if not found:
        return None
    best, state = min(found)
    return best._replace(leaves=tuple(search.leaves(state, required)))


class _Search:
    """Sets of arcs as bit masks; facts too."""

    def __init__(self, ways: list[tuple[int, Way]], held: Mapping[str, Support], goal: tuple[Need, ...]) -> None:
        bits: dict[str, int] = {}

        def mask(facts: Iterable[str]) -> int:
            return sum({1 << bits.setdefault(fact, len(bits)) for fact in facts})

        self.ways = _relevant(ways, held, goal)
        self.held = mask(held)
        self._supports = held
        self._bits = {fact: mask([fact]) for fact in held}
        self._needs = [[(mask(of), least) for of, least in way.needs] for _, way in self.ways]
        self._gives = [mask(way.gives) for _, way in self.ways]
        self._goal = [(mask(of), least) for of, least in goal]
        self.all = (1 << len(self.ways)) - 1

    def reaches(self, state: int, leaves: int | None = None) -> bool:
        """Say whether a set of arcs leads from some held facts (all, if not said) to the goal."""
        return _met(self._goal, self._closure(state, self.held if leaves is None else leaves))

    def is_route(self, state: int, required: Support) -> bool:
        """Say whether a set of arcs is a route from leaves that rest on all ``required`` writes."""
        if not self.reaches(state):
            return False
        if not required:
            return not any(self.reaches(state ^ (1 << one)) for one in self._members(state))
        return next(self.leaves(state, required), None) is not None

    def leaves(self, state: int, required: Support) -> Iterator[frozenset[str]]:
        """Give the sets of held facts that rest on all ``required`` writes and make a route of a set of arcs."""
        asked = [of for one in self._members(state) for of, _ in self._needs[one]] + [of for of, _ in self._goal]
        bits = {fact: bit for fact, bit in self._bits.items() if any(bit & of for of in asked)}
        for count in range(len(bits) + 1):
            for facts in combinations(bits, count):
                rests = Support().union(*(self._supports[fact] for fact in facts))
                if required <= rests and self._is_minimal(state, sum(bits[fact] for fact in facts)):
                    yield frozenset(facts)

    def _is_minimal(self, state: int, leaves: int) -> bool:
        single = [bit for bit in self._bits.values() if bit & leaves]
        return (
            self.reaches(state, leaves)
            and not any(self.reaches(state, leaves ^ bit) for bit in single)
            and not any(self.reaches(state ^ (1 << one), leaves) for one in self._members(state))
        )

    def states(self, *, beyond_goal: bool) -> Iterable[tuple[int, int, int]]:
        """Give every set of arcs that can be run, cheapest first, as cost, calls and set.

        Sets that go on from the goal are given where what is held could have led there without using what it has to.
        """
        queue = [(0, 0, 0, self.held)]
        seen = {0}
        while queue:
            cost, calls, state, have = heapq.heappop(queue)
            yield cost, calls, state
            if not beyond_goal and _met(self._goal, have):
                continue
            for one, (_, way) in enumerate(self.ways):
                after, gives = state | 1 << one, self._gives[one]
                if gives & ~have and after not in seen and _met(self._needs[one], have):
                    seen.add(after)
                    heapq.heappush(queue, (cost + way.cost, calls + (way.tool is not None), after, have | gives))

    def names(self, state: int, *, along: bool) -> tuple[str, ...]:
        """Give the names of a set of arcs, sorted or in the order in which they run."""
        members = self._members(state)
        if not along:
            return tuple(sorted(self.ways[one][1].name for one in members))
        ran: list[str] = []
        have = self.held
        while members:
            ready = next(one for one in members if _met(self._needs[one], have))
            members.remove(ready)
            have |= self._gives[ready]
            ran.append(self.ways[ready][1].name)
        return tuple(ran)

    def indices(self, state: int) -> tuple[int, ...]:
        """Give a set of arcs as the caller knows them."""
        return tuple(self.ways[one][0] for one in self._members(state))

    def _members(self, state: int) -> list[int]:
        return [one for one in range(len(self.ways)) if state >> one & 1]

    def _closure(self, state: int, leaves: int) -> int:
        have, left = leaves, self._members(state)
        while True:
            ready = [one for one in left if _met(self._needs[one], have)]
            if not ready:
                return have
            for one in ready:
                have |= self._gives[one] & ~self.held
            left = [one for one in left if one not in ready]


def _met(needs: list[tuple[int, int]], have: int) -> bool:
    return all((have & of).bit_count() >= least for of, least in needs)


def _relevant(ways: list[tuple[int, Way]], held: Collection[str], goal: tuple[Need, ...]) -> list[tuple[int, Way]]:
    """Leave out arcs that give nothing which the goal, or an arc that matters, could want."""
    wanted = {fact for of, _ in goal for fact in of} - set(held)
    kept: list[tuple[int, Way]] = []
    rest = ways
    while True:
        more = [(index, way) for index, way in rest if wanted.intersection(way.gives)]
        if not more:
            return sorted(kept)
        kept += more
        wanted |= {fact for _, way in more for of, _ in way.needs for fact in of} - set(held)
        rest = [one for one in rest if one not in more]


def is_plain(ways: Sequence[Way], goal: tuple[Need, ...]) -> bool:
    """Say whether every arc that could matter has one need of one fact, and one gift, and the goal is one fact."""
    matter = [way for _, way in _relevant(list(enumerate(ways)), (), goal)]
    single = all(len(way.needs) == len(way.gives) == len(way.needs[0][0]) == 1 for way in matter)
    return single and len(goal) == len(goal[0][0]) == 1
