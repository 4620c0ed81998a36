"""What a derivation costs at least and, roughly, at most: the two bounds that a search for the best one closes.

From below: a *cut* is a set of arcs of which every derivation uses one. Let some arcs be used, as many as do not serve
the goal; whatever derives it uses one of the others. The least price in a cut has to be paid; it is taken off every
price in it, and the next cut is sought among what is left, so that no price is counted twice. Holds for quorums too,
for it rests only on more arcs reaching no fewer facts. Haslum, Slaney and Thiébaux, "Minimal Landmarks for Optimal
Delete-Free Planning" (2012), section 3.

From above: Knuth, "A Generalization of Dijkstra's Algorithm" (1977), with sums. A fact that several joins use is
counted once for each of them, so the derivation found is not always the best; it is priced with each arc once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from harness.routing.problem import GOAL, Net
from harness.routing.reach import Reach


class Below(NamedTuple):
    """A lower bound, and the cuts it rests on, in the order found; ``work`` as in Reach."""

    least: int
    cuts: list[list[int]]
    work: int


def below(net: Net, free: Iterable[int], prices: Mapping[int, int], enough: int) -> Below | None:
    """Bound from below what has to be paid beside the ``free`` arcs; None where nothing serves the goal.

    ``prices`` are the positive prices of the other arcs that may be used. Stops early once the bound is ``enough``.
    """
    left = dict(prices)
    ground = Reach(net, free)
    least, cuts = 0, list[list[int]]()
    while not ground.served and least < enough:
        found = cut(ground, sorted(left, key=lambda arc: (left[arc], arc)))
        if not found:
            return None
        cuts.append(found)
        paid = min(left[arc] for arc in found)
        least += paid
        for arc in found:
            left[arc] -= paid
            if not left[arc]:
                del left[arc]
                ground.use(arc)
    return Below(least, cuts, ground.work)


def cut(ground: Reach, arcs: Iterable[int]) -> list[int]:
    """Give arcs of which everything that serves the goal uses one; empty where nothing serves it.

    The arcs are let in one by one unless that would serve the goal: what stays out is the cut. Cheap ones first, so
    that the cut is dear. ``ground``, which must not serve the goal yet, is left as it was.
    """
    mark, out, tried = len(ground.trail), list[int](), list[int]()
    for arc in arcs:
        before = len(ground.trail)
        if ground.use(arc):
            ground.back(before)
            ground.leave((arc,))
            out.append(arc)
        else:
            tried.append(arc)
    ground.leave(tried)
    ground.back(mark)
    return out


def above(net: Net, prices: Mapping[int, int]) -> list[int] | None:
    """Give arcs that serve the goal at a low price; None where nothing does. O(facts of all needs × log facts).

    ``prices``, zero or more, are those of the arcs that may be used.
    """
    short, unmet, owed = net.least.copy(), net.waits.copy(), dict(prices)
    met: list[list[int]] = [[] for _ in net.owner]
    giver: dict[int, int] = {}
    heap = [(price, fact, arc) for arc, price in prices.items() if not unmet[arc] for fact in net.gives[arc]]
    heap.sort()  # a sorted list is a heap
    while heap and unmet[GOAL]:
        price, fact, by = heappop(heap)
        if fact in giver:
            continue
        giver[fact] = by
        for need in net.wants[fact]:
            if not short[need]:
                continue
            arc = net.owner[need]
            short[need] -= 1
            met[need].append(fact)
            if arc in owed:
                owed[arc] += price
            if not short[need]:
                unmet[arc] -= 1
                if not unmet[arc] and arc in owed:
                    for gift in net.gives[arc]:
                        heappush(heap, (owed[arc], gift, arc))
    return None if unmet[GOAL] else _used(net, met, giver)


def _used(net: Net, met: Sequence[Sequence[int]], giver: Mapping[int, int]) -> list[int]:
    """Give the arcs that the goal rests on, each once."""
    used, stack = dict[int, None](), [GOAL]
    while stack:
        for need in net.asks[stack.pop()]:
            new = {giver[fact]: None for fact in met[need] if giver[fact] not in used}
            used |= new
            stack.extend(new)
    return list(used)
