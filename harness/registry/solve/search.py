"""Branch and contract: boxes are narrowed, weighed, sampled and cut until all are refuted or a point is found.

Nothing here is trusted. What refutes a box is written down as it is found, with the ends of the box it rests on; ends
that nothing rests on are left out again, so that a cut which did not matter, and the constraints behind it, are not in
the certificate (the idea of conflict analysis).
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final, NamedTuple

from harness.registry.solve.contract import Live, contractors_of
from harness.registry.solve.floats import enclosed
from harness.registry.solve.lagrange import CLEAR, Weighing, simpler, weigh
from harness.registry.solve.problem import Problem
from harness.registry.solve.sample import Sampler

LOW, HIGH = 0, 1
DOUBTS: Final = 500  # how often the checker is asked about one box, where floats cannot tell
WORTH: Final = 0.1  # the share of its width that a cut has to take off
REACH: Final = 400  # the depth at which a box is given up
THIN: Final = 4e-15  # of the size of its ends: a width that is not cut any more
HAIR: Final = 3e-16  # by how much of itself a cut stays away from what it keeps

End = tuple[int, int]  # variable, LOW or HIGH
Tree = list[Any]


class Cut(NamedTuple):
    """An end of a box moved because one contractor refutes what is beyond."""

    variable: int
    side: int
    at: float
    before: float
    contractor: int


class Proof(NamedTuple):
    """A tree that refutes a box, and the ends of the box that it rests on."""

    tree: Tree
    rests: frozenset[End]


@dataclass(eq=False)
class Box:
    """A box in the search: where it comes from, how it was narrowed, and what its halves turned out to be."""

    lows: list[float]
    highs: list[float]
    parent: Box | None = None
    side: int = LOW
    depth: int = 0
    cuts: list[Cut] = field(default_factory=list)
    split: tuple[int, float] = (0, 0.0)
    halves: list[Proof | None] = field(default_factory=lambda: [None, None])
    done: bool = False


class Spent(NamedTuple):
    """What a search took: boxes, revisions of one constraint on one box, linear programs, points."""

    boxes: int = 0
    revisions: int = 0
    programs: int = 0
    points: int = 0


class Search:
    """The search for one problem.

    ``proof`` is the refutation of all of the box once there is one; ``candidates`` are points that floats take for
    solutions; ``best`` is the point that comes nearest, ``stuck`` how many boxes were too thin to cut.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.sampler = Sampler(problem)
        self.contractors = contractors_of(problem)
        self.whole = frozenset(at for at, one in enumerate(problem.variables) if one.kind != "real")
        self.watching: list[list[int]] = [[] for _ in problem.variables]
        for place, one in enumerate(self.contractors):
            for index in one.clause.variables:
                self.watching[index].append(place)
        self.order = list(range(len(self.contractors)))
        lows, highs = [], []
        for at, variable in enumerate(problem.variables):
            if at in self.whole:
                lows.append(float(math.ceil(variable.low)))
                highs.append(float(math.floor(variable.high)))
            else:
                lows.append(enclosed(variable.low)[0])
                highs.append(enclosed(variable.high)[1])
        self.root = Box(lows, highs)
        self.root_lows, self.root_highs = lows[:], highs[:]
        self.widths = [max(high - low, 1e-300) for low, high in zip(lows, highs, strict=True)]
        self.proof: Proof | None = None
        self.best: tuple[float, list[float]] = (math.inf, self._middle(self.root))
        self.stuck = self.boxes = self.revisions = self.programs = self.doubts = 0
        self._useful = 1.0  # how often weighing a box has refuted it, lately
        self._queue: list[tuple[float, int, Box]] = []

    @property
    def spent(self) -> Spent:
        """What was taken so far."""
        return Spent(self.boxes, self.revisions, self.programs, self.sampler.evaluated)

    @property
    def work(self) -> int:
        """What was taken so far, in revisions."""
        return self.revisions + 40 * self.programs + self.sampler.evaluated // 4

    @property
    def open(self) -> bool:
        """Whether boxes are left to look at."""
        return bool(self._queue) and self.proof is None

    # --- points ---

    def _middle(self, box: Box) -> list[float]:
        found = [low + (high - low) / 2 for low, high in zip(box.lows, box.highs, strict=True)]
        for at in self.whole:
            found[at] = float(math.floor(found[at]))
        return found

    def look(self, point: list[float]) -> float:
        """Note a point, and say by how much it misses."""
        return self.noted(self.sampler.worst(point), point)

    def noted(self, found: float, point: list[float]) -> float:
        """Note a point that misses by so much."""
        if found < self.best[0]:
            self.best = found, point
        return found

    def aim(self) -> None:
        """Revise first what the nearest point misses most."""
        missed = self.sampler.excesses(self.best[1])
        excess = [one / size for one, size in zip(missed, self.sampler.scales, strict=True)]
        self.order.sort(key=lambda place: (-excess[self.contractors[place].constraint], place))

    # --- narrowing ---

    def start(self) -> None:
        """Narrow the whole box and put it in the queue."""
        self.boxes += 1
        if not self._narrowed(self.root, self.order):
            self._enqueue(self.root)

    def _enqueue(self, box: Box) -> None:
        heapq.heappush(self._queue, (self.look(self._middle(box)), self.boxes, box))

    def _narrowed(self, box: Box, first: list[int]) -> bool:
        """Narrow a box until nothing is worth a cut; say whether that refuted it."""
        waiting, queued = deque(first), set(first)
        allowed = self.revisions + 30 * len(self.contractors) + 100
        while waiting and self.revisions < allowed:
            place = waiting.popleft()
            queued.discard(place)
            self.revisions += 1
            found = self.contractors[place].clause.narrow(box.lows, box.highs, self.whole)
            if found is None:
                self._refuted(box, self._plain(box, place))
                return True
            for index, (low, high) in found.items():
                if low > high and self._crossed(box, place, index, low, high):
                    return True
                moved = self._cut(box, place, index, LOW, low) | self._cut(box, place, index, HIGH, high)
                if moved:
                    for other in self.watching[index]:
                        if other not in queued:
                            queued.add(other)
                            waiting.append(other)
        return False

    def _cut(self, box: Box, place: int, index: int, side: int, to: float) -> bool:
        """Move one end of a box where that takes off enough; say whether it was moved."""
        low, high = box.lows[index], box.highs[index]
        if index in self.whole:
            to = float(math.ceil(to) if side == LOW else math.floor(to)) if abs(to) < math.inf else to
            if to > high or to < low:
                return False
            worth = to >= low + 1 if side == LOW else to <= high - 1
        else:
            hair = abs(to) * HAIR + self.widths[index] * 1e-18
            to = to - hair if side == LOW else to + hair
            gain = to - low if side == LOW else high - to
            worth = gain >= WORTH * (high - low) and low < to < high
        if not worth:
            return False
        ends = box.lows if side == LOW else box.highs
        box.cuts.append(Cut(index, side, to, ends[index], place))
        ends[index] = to
        return True

    def _crossed(self, box: Box, place: int, index: int, low: float, high: float) -> bool:
        """Refute a box on which one contractor leaves nothing between two ends of a variable."""
        if not (abs(low) < math.inf and abs(high) < math.inf):
            return False
        whole = index in self.whole
        at = float(math.ceil(low) - 1) if whole else high + (low - high) / 2
        if not (box.lows[index] <= at <= box.highs[index] - whole and (whole or high < at < low)):
            return False
        one = self.contractors[place]
        refuted = ["refuted", one.constraint]
        rests = self._ends(one.clause.variables)
        self._refuted(box, Proof(["split", index, _text(at), refuted, refuted], rests))
        return True

    # --- what a refutation rests on ---

    def _ends(self, variables: frozenset[int]) -> frozenset[End]:
        return frozenset((index, side) for index in variables for side in (LOW, HIGH))

    def _plain(self, box: Box, place: int) -> Proof:
        one = self.contractors[place]
        rests = self._loosened(place, box.lows, box.highs, self._ends(one.clause.variables))
        return Proof(["refuted", one.constraint], rests)

    def _loosened(self, place: int, lows: list[float], highs: list[float], rests: frozenset[End]) -> frozenset[End]:
        """Give the ends that a refutation by one contractor cannot do without."""
        clause, lows, highs, kept = self.contractors[place].clause, lows[:], highs[:], set(rests)
        for index, side in sorted(rests):
            ends, whole = (lows, self.root_lows) if side == LOW else (highs, self.root_highs)
            had = ends[index]
            if had != whole[index]:
                ends[index] = whole[index]
                self.revisions += 1
                if clause.narrow(lows, highs, self.whole) is not None:
                    ends[index] = had
                    continue
            kept.discard((index, side))
        return frozenset(kept)

    def _refuted(self, box: Box | None, proof: Proof) -> None:
        """Hand a refutation up: over the cuts of its box, then to the box that it is a half of."""
        while box is not None:
            box.done = True
            proof = self._over(box, proof)
            parent = box.parent
            if parent is None:
                self.proof = proof
                return
            if parent.done:
                return
            index, at = parent.split
            if (index, HIGH if box.side == LOW else LOW) in proof.rests:
                parent.halves[box.side] = proof
                low, high = parent.halves
                if low is None or high is None:
                    return
                rests = (low.rests - {(index, HIGH)}) | (high.rests - {(index, LOW)})
                proof = Proof(["split", index, _text(at), low.tree, high.tree], rests)
            box = parent

    def _over(self, box: Box, proof: Proof) -> Proof:
        """Put the cuts of a box before what refutes the rest of it, but for those that it does not rest on."""
        tree, rests = proof
        lows, highs = box.lows[:], box.highs[:]
        for cut in reversed(box.cuts):
            end = (cut.variable, cut.side)
            (lows if cut.side == LOW else highs)[cut.variable] = cut.before
            if end not in rests:
                continue
            whole = cut.variable in self.whole
            one = self.contractors[cut.contractor]
            slab_lows, slab_highs, refuted = lows[:], highs[:], ["refuted", one.constraint]
            if cut.side == LOW:
                slab_highs[cut.variable] = cut.at - whole
                tree = ["split", cut.variable, _text(cut.at - whole), refuted, tree]
            else:
                slab_lows[cut.variable] = cut.at + whole
                tree = ["split", cut.variable, _text(cut.at), tree, refuted]
            needed = self._ends(one.clause.variables) - {(cut.variable, 1 - cut.side)}
            rests = (rests - {end}) | self._loosened(cut.contractor, slab_lows, slab_highs, needed)
        return Proof(tree, rests)

    # --- one box ---

    def step(self) -> None:
        """Look at the most promising box: weigh it, cut it, and narrow its halves."""
        _, _, box = heapq.heappop(self._queue)
        if self._dead(box):
            return
        weighing = self._weigh(box) if self._worth_weighing() else None
        if box.done:
            return
        chosen = self._branch(box, weighing)
        if chosen is None or box.depth >= REACH:
            if not self._plainly(box):
                self.stuck += 1
            return
        index, at = box.split = chosen
        for side in (LOW, HIGH):
            if box.done:
                return
            half = Box(box.lows[:], box.highs[:], box, side, box.depth + 1)
            if side == LOW:
                half.highs[index] = at
            else:
                half.lows[index] = at + (index in self.whole)
            self.boxes += 1
            first = self.watching[index]
            if not self._narrowed(half, [place for place in self.order if place in first]):
                self._enqueue(half)

    def _dead(self, box: Box) -> bool:
        """Say whether a box lies in one that is refuted as a whole."""
        at: Box | None = box
        while at is not None:
            if at.done:
                return True
            at = at.parent
        return False

    def _worth_weighing(self) -> bool:
        return self._useful > 0.05 or self.boxes % 8 < 2

    def _live(self, box: Box) -> Iterator[tuple[int, Live]]:
        for place in self.order:
            one = self.contractors[place]
            for atom in one.clause.live(box.lows, box.highs, self.whole, one.path):
                yield place, atom

    def _weigh(self, box: Box) -> Weighing | None:
        """Look for weights that refute a box; where they do, hand that up."""
        live = list(self._live(box))
        self.programs += 1
        found = weigh([atom for _, atom in live], box.lows, box.highs)
        good = found is not None and self._outweighed(box, live, found)
        self._useful = 0.9 * self._useful + 0.1 * good
        return found

    def _outweighed(self, box: Box, live: list[tuple[int, Live]], found: Weighing) -> bool:
        if found.value < -CLEAR - 2 * found.blur or not found.weights:
            return False
        if found.value > CLEAR + 2 * found.blur:
            weights = found.weights
        else:
            self.doubts += 1
            if self.doubts > DOUBTS:
                return False
            for weights in (found.weights, simpler(found.weights)):
                if self._follows(box, live, weights):
                    break
            else:
                return False
        contractors = [self.contractors[live[place][0]].clause for place, _ in weights]
        rests = self._ends(frozenset().union(*(one.variables for one in contractors)))
        self._refuted(box, Proof(self._leaf(live, weights), rests))
        return True

    def _leaf(self, live: list[tuple[int, Live]], weights: tuple[tuple[int, Fraction], ...]) -> Tree:
        entries = []
        for place, weight in weights:
            contractor, atom = live[place]
            entries.append([self.contractors[contractor].constraint, list(atom.path), str(weight)])
        return ["weights", entries]

    def _follows(self, box: Box, live: list[tuple[int, Live]], weights: tuple[tuple[int, Fraction], ...]) -> bool:
        """Ask the checker about one leaf, where floats cannot tell."""
        from harness.registry.solve.certify import refutes

        return bool(weights) and refutes(self.problem, box.lows, box.highs, self._leaf(live, weights))

    def _plainly(self, box: Box) -> bool:
        """Refute a box that is too thin to cut by one constraint that the checker, being exact, finds false on it."""
        from harness.registry.solve.certify import refutes

        for place in self.order:
            one = self.contractors[place]
            if self.doubts > DOUBTS or one.clause.settled(box.lows, box.highs):
                continue
            self.doubts += 1
            tree = ["refuted", one.constraint]
            if refutes(self.problem, box.lows, box.highs, tree):
                self._refuted(box, Proof(tree, self._ends(one.clause.variables)))
                return True
        return False

    # --- where to cut ---

    def _branch(self, box: Box, weighing: Weighing | None) -> tuple[int, float] | None:
        """Choose a variable and where to cut it; ``None`` for a box that is too thin."""
        if box.depth % 4 != 3:
            chosen = self._alternative(box) or self._costliest(box, weighing)
            if chosen:
                return chosen
        unsettled = self._unsettled(box)
        shares = [
            ((high - low) / self.widths[index], -index)
            for index, (low, high) in enumerate(zip(box.lows, box.highs, strict=True))
            if index in unsettled and self._thick(box, index)
        ]
        return self._halved(box, -max(shares)[1]) if shares else None

    def _unsettled(self, box: Box) -> set[int]:
        """Give the variables of the constraints that are not met on all of a box."""
        clauses = (one.clause for one in self.contractors)
        return {index for one in clauses if not one.settled(box.lows, box.highs) for index in one.variables}

    def _thick(self, box: Box, index: int) -> bool:
        low, high = box.lows[index], box.highs[index]
        if index in self.whole:
            return high > low
        return high - low > THIN * max(abs(low), abs(high), self.widths[index] * 1e-6)

    def _halved(self, box: Box, index: int) -> tuple[int, float]:
        low, high = box.lows[index], box.highs[index]
        middle = low + (high - low) / 2
        return index, float(math.floor(middle)) if index in self.whole else middle

    def _alternative(self, box: Box) -> tuple[int, float] | None:
        """Give a cut at which an alternative ends."""
        for place in self.order:
            one = self.contractors[place]
            if one.clause.cost == 1:
                continue
            for left in one.clause.choices(box.lows, box.highs, self.whole):
                for index, (low, high) in left.items():
                    for at in (high, low if index not in self.whole else low - 1):
                        if self._inside(box, index, at):
                            return index, float(math.floor(at)) if index in self.whole else at
        return None

    def _inside(self, box: Box, index: int, at: float) -> bool:
        low, high = box.lows[index], box.highs[index]
        if index in self.whole:
            return low <= math.floor(at) < high if abs(at) < math.inf else False
        return low + 0.02 * (high - low) < at < high - 0.02 * (high - low) and self._thick(box, index)

    def _costliest(self, box: Box, weighing: Weighing | None) -> tuple[int, float] | None:
        """Cut the variable whose width takes most off the weighed sum."""
        if weighing is None:
            return None
        costs = [(cost, -index) for index, cost in weighing.deficits.items() if cost > 0 and self._thick(box, index)]
        return self._halved(box, -max(costs)[1]) if costs else None


def _text(value: float) -> str:
    return str(Fraction(value))
