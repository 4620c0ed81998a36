"""What refutes a box as a whole: weights of its conditions, weights of their tangent planes, or one of them exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

from harness.registry.solve.contract import Contractor, Live
from harness.registry.solve.dual import Proposal, proposed
from harness.registry.solve.lagrange import CLEAR, Weighing, simpler, weigh
from harness.registry.solve.problem import Problem
from harness.registry.solve.refuted import Box, Proof, Refutations, Tree

DOUBTS: Final = 500  # how often the checker is asked about one box, where floats cannot tell
SELDOM: Final = 0.05  # of the boxes, that weights refute, below which most boxes are not weighed
FIRST: Final = 8  # boxes, before which planes are not tried: most sets need no more

_Weights = tuple[tuple[int, Fraction], ...]
_Found = list[tuple[int, Live]]  # contractors, and the atoms of theirs that must hold


class Leaves:
    """Refute boxes of one problem; ``programs`` counts the linear programs that it took."""

    def __init__(
        self,
        problem: Problem,
        contractors: tuple[Contractor, ...],
        whole: frozenset[int],
        refutations: Refutations,
    ) -> None:
        self.programs = 0
        self._problem, self._contractors, self._whole, self._refutations = problem, contractors, whole, refutations
        self._doubts = 0
        self._weighty = 1.0  # how often weights have refuted a box lately
        self._next = FIRST  # boxes, from which planes are tried: twice as many after each time in vain

    def tried(self, box: Box, order: Sequence[int], boxes: int, near: list[float]) -> Mapping[int, float]:
        """Refute a box if weights or planes do; give by variable what its width costs a weighed sum.

        ``boxes`` counts those so far, and at ``near`` conditions are missed least.
        """
        weigh_it = self._weighty > SELDOM or boxes % 8 < 2
        touch_it = boxes >= self._next
        live = self._live(box, order) if weigh_it or touch_it else []
        weighing = self._weigh(box, live) if weigh_it else None
        if touch_it and not box.done:
            self._next = boxes if self._touch(box, live, near) else 2 * boxes
        return weighing.deficits if weighing else {}

    def plainly(self, box: Box, order: Sequence[int]) -> bool:
        """Refute a box that is too thin to cut by one constraint that the checker, being exact, finds false on it."""
        for place in order:
            one = self._contractors[place]
            if self._doubts > DOUBTS or one.clause.settled(box.lows, box.highs):
                continue
            tree = ["refuted", one.constraint]
            if self._follows(box.lows, box.highs, tree):
                self._refutations.refuted(box, Proof(tree, self._refutations.ends(one.clause.variables)))
                return True
        return False

    def _live(self, box: Box, order: Sequence[int]) -> _Found:
        return [
            (place, atom)
            for place in order
            for one in (self._contractors[place],)
            for atom in one.clause.live(box.lows, box.highs, self._whole, one.path)
        ]

    def _follows(self, lows: list[float], highs: list[float], tree: Tree) -> bool:
        """Ask the checker about one leaf, where floats cannot tell."""
        from harness.registry.solve.certify import refutes

        self._doubts += 1
        return refutes(self._problem, lows, highs, tree)

    def _entries(self, live: _Found, weights: _Weights) -> Tree:
        entries = []
        for place, weight in weights:
            contractor, atom = live[place]
            entries.append([self._contractors[contractor].constraint, list(atom.path), str(weight)])
        return entries

    def _variables(self, live: _Found, weights: _Weights) -> frozenset[int]:
        clauses = [self._contractors[live[place][0]].clause for place, _ in weights]
        return frozenset().union(*(one.variables for one in clauses))

    # --- weights ---

    def _weigh(self, box: Box, live: _Found) -> Weighing | None:
        """Look for weights that refute a box; where they do, hand that up."""
        self.programs += 1
        found = weigh([atom for _, atom in live], box.lows, box.highs)
        good = found is not None and self._outweighed(box, live, found)
        self._weighty = 0.9 * self._weighty + 0.1 * good
        return found

    def _outweighed(self, box: Box, live: _Found, found: Weighing) -> bool:
        if found.value < -CLEAR - 2 * found.blur or not found.weights:
            return False
        weights = found.weights
        if found.value <= CLEAR + 2 * found.blur:
            for weights in (found.weights, simpler(found.weights)):
                if self._doubts > DOUBTS:
                    return False
                if weights and self._follows(box.lows, box.highs, ["weights", self._entries(live, weights)]):
                    break
            else:
                return False
        rests = self._refutations.ends(self._variables(live, weights))
        self._refutations.refuted(box, Proof(["weights", self._entries(live, weights)], rests))
        return True

    # --- planes ---

    def _touch(self, box: Box, live: _Found, near: list[float]) -> bool:
        """Look for weights and a point at which tangent planes refute a box, best all of the boxes there are."""
        found, programs = proposed([atom for _, atom in live], box.lows, box.highs, near)
        self.programs += programs
        return found is not None and self._doubts <= DOUBTS and self._flattened(box, live, found)

    def _flattened(self, box: Box, live: _Found, found: Proposal) -> bool:
        tree = ["planes", [str(one) for one in found.point], self._entries(live, found.weights)]
        if not self._follows(box.lows, box.highs, tree):
            return False
        everywhere = self._follows(*self._refutations.whole_box, tree)
        rests = frozenset() if everywhere else self._refutations.ends(self._variables(live, found.weights))
        self._refutations.refuted(box, Proof(tree, rests))
        return True
