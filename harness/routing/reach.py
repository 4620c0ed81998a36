"""Which facts a set of arcs reaches; the monotone question that every part of the search for a derivation asks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.routing.problem import GOAL, Net


class Reach:
    """Let arcs be used one by one, and keep what is reached; what was reached last can be taken back.

    Letting all arcs be used takes O(facts of all needs) altogether. ``work`` counts facts and arcs looked at.
    """

    def __init__(self, net: Net, arcs: Iterable[int] = ()) -> None:
        self._net = net
        self._short, self._unmet = net.least.copy(), net.waits.copy()
        self._known, self._used = bytearray(len(net.wants)), bytearray(len(net.waits))
        self.trail: list[int] = []
        self.work = 0
        for arc in arcs:
            self.use(arc)

    @property
    def served(self) -> bool:
        """Whether the goal's needs are met."""
        return not self._unmet[GOAL]

    def ready(self, arc: int) -> bool:
        """Say whether an arc's needs are met."""
        return not self._unmet[arc]

    def use(self, arc: int) -> bool:
        """Let an arc be used as soon as its needs are met; say whether the goal is served."""
        self._used[arc] = 1
        self.work += 1
        if not self._unmet[arc]:
            self._spread(list(self._net.gives[arc]))
        return not self._unmet[GOAL]

    def leave(self, arcs: Iterable[int]) -> None:
        """Let arcs not be used from now on; what they have reached is taken back apart."""
        for arc in arcs:
            self._used[arc] = 0

    def back(self, mark: int) -> None:
        """Take back every fact after the first ``mark`` ones."""
        wants, owner = self._net.wants, self._net.owner
        while len(self.trail) > mark:
            fact = self.trail.pop()
            self._known[fact] = 0
            for need in wants[fact]:
                if not self._short[need]:
                    self._unmet[owner[need]] += 1
                self._short[need] += 1

    def _spread(self, facts: list[int]) -> None:
        wants, owner, gives = self._net.wants, self._net.owner, self._net.gives
        short, unmet = self._short, self._unmet
        while facts:
            fact = facts.pop()
            if self._known[fact]:
                continue
            self._known[fact] = 1
            self.trail.append(fact)
            self.work += 1
            for need in wants[fact]:
                short[need] -= 1
                if not short[need]:
                    arc = owner[need]
                    unmet[arc] -= 1
                    if not unmet[arc] and self._used[arc]:
                        facts.extend(gives[arc])


def serves(net: Net, arcs: Iterable[int]) -> bool:
    """Say whether some arcs alone serve the goal."""
    return Reach(net, arcs).served


def needed(net: Net, arcs: Sequence[int], tried: Iterable[int]) -> list[int]:
    """Leave out of arcs that serve the goal those of the ``tried`` ones, in order, without which they still do."""
    kept = list(arcs)
    for arc in tried:
        rest = [other for other in kept if other != arc]
        if len(rest) < len(kept) and serves(net, rest):
            kept = rest
    return kept
