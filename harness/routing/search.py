"""The best path of a plain problem: every arc has one need and one gift, so a route is a path.

Dijkstra's algorithm from both ends, over whole numbers, and exact: it goes on until every best path is known, and of
those the one is taken whose names come first. A path's cost is the sum of its steps (harness.routing.weights).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from harness.routing.weights import BARRED

Links = Sequence[Sequence[tuple[int, int]]]
"""For each fact, by number: the arcs on one side of it, each with the fact at the arc's other end."""


class Plain(NamedTuple):
    """A plain problem: ``after`` are the arcs that need a fact, ``before`` those that give it; ``names`` by arc."""

    after: Links
    before: Links
    goal: int
    names: Sequence[str]


class _Met(NamedTuple):
    """What both ends know: the sums from the start (``behind``) and to the goal (``ahead``), and the least of all."""

    behind: dict[int, int]
    ahead: dict[int, int]
    best: int
    meets: list[int]


def best_path(plain: Plain, steps: Sequence[int], sources: Iterable[int], closed: Iterable[int]) -> list[int] | None:
    """Give the arcs of the best path from any source to the goal; None where there is no path.

    No path enters a source or a ``closed`` fact: what is held is not made again. The goal must be none of them.
    O((facts + arcs) log facts) at worst; on random graphs about the square root of it.
    """
    starts = dict.fromkeys(sources, 0)
    barred = {fact: -1 for fact in closed if fact not in starts}  # below every sum, so that nothing improves on it
    met = _meet(plain, steps, barred | starts, {**barred, plain.goal: 0})
    return None if met.best >= BARRED else _walk(plain, steps, starts, met)


def _meet(plain: Plain, steps: Sequence[int], behind: dict[int, int], ahead: dict[int, int]) -> _Met:
    """Search from both ends; ``meets`` are the facts from which some best path steps over to the far side.

    Both sides stop when the sums of their nearest open facts together reach the best. Then each fact of a best path is
    settled from one side, or just open on both. Where it steps from facts settled from the start to one of the others,
    the arc was looked at from its later end, when the sum at the other end was known: there the paths meet.
    """
    near, far = [(0, at) for at, so_far in behind.items() if so_far == 0], [(0, plain.goal)]
    sides = ((near, plain.after, behind, ahead), (far, plain.before, ahead, behind))
    best, meets = BARRED, list[int]()
    while near and far and near[0][0] + far[0][0] < best:
        forward = len(near) <= len(far)
        heap, links, known, beyond = sides[0] if forward else sides[1]
        so_far, here = heappop(heap)
        if so_far > known[here]:
            continue
        for arc, there in links[here]:
            total = so_far + steps[arc]
            if total > best:
                continue
            old = known.get(there)
            if old is None or total < old:
                known[there] = total
                heappush(heap, (total, there))
            elif total > old:
                continue
            rest = beyond.get(there)
            if rest is not None and total + rest <= best:
                if total + rest < best:
                    best, meets = total + rest, []
                meets.append(here if forward else there)
    return _Met(behind, ahead, best, meets)


def _walk(plain: Plain, steps: Sequence[int], starts: Iterable[int], met: _Met) -> list[int]:
    """Walk all best paths at once, taking the least name at each step; among equal names, the arcs listed first.

    Steps are positive and paths of equal sums have equally many arcs, so all of them arrive at the same step.
    """
    marked = _near_halves(plain, steps, met)
    front: dict[int, list[int]] = {at: [] for at in starts if at in marked}
    total = dict.fromkeys(front, 0)
    while plain.goal not in front:
        found: list[tuple[str, list[int], int]] = []
        for here, path in front.items():
            for arc, there in plain.after[here]:
                so_far = total[here] + steps[arc]
                near = there in marked and met.behind[there] == so_far
                if near or (so_far <= met.best and met.ahead.get(there) == met.best - so_far):
                    found.append((plain.names[arc], [*path, arc], there))
                    total[there] = so_far
        found.sort()
        front = {there: path for name, path, there in reversed(found) if name == found[0][0]}
    return front[plain.goal]


def _near_halves(plain: Plain, steps: Sequence[int], met: _Met) -> set[int]:
    """Give the facts on the near halves of best paths: where the paths meet, and all that lead there."""
    marked, stack = set(met.meets), list(met.meets)
    while stack:
        here = stack.pop()
        for arc, there in plain.before[here]:
            so_far = met.behind.get(there, -1)
            if 0 <= so_far == met.behind[here] - steps[arc] and there not in marked:
                marked.add(there)
                stack.append(there)
    return marked
