"""Branch and contract: boxes are narrowed, weighed, sampled and cut until all are refuted or a point is found.

Nothing here is trusted: what comes of it is a tree for the checker, or a point.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from typing import Final, NamedTuple

from harness.registry.solve.branch import Branching
from harness.registry.solve.contract import contractors_of
from harness.registry.solve.floats import enclosed
from harness.registry.solve.leaves import Leaves
from harness.registry.solve.problem import Problem
from harness.registry.solve.refuted import HIGH, LOW, Box, Cut, Proof, Refutations, text_of
from harness.registry.solve.sample import Sampler

WORTH: Final = 0.1  # the share of its width that a cut has to take off
REACH: Final = 400  # the depth at which a box is given up
HAIR: Final = 3e-16  # by how much of itself a cut stays away from what it keeps


class Spent(NamedTuple):
    """What a search took: boxes, revisions of one constraint on one box, linear programs, points."""

    boxes: int = 0
    revisions: int = 0
    programs: int = 0
    points: int = 0


class Search:
    """The search for one problem.

    ``best`` is the point that comes nearest and by how much it misses, ``stuck`` how many boxes were too thin to cut.
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
        self.widths = [max(high - low, 1e-300) for low, high in zip(lows, highs, strict=True)]
        self.refutations = Refutations(self.contractors, self.whole, lows, highs)
        self.leaves = Leaves(problem, self.contractors, self.whole, self.refutations)
        self.branching = Branching(self.contractors, self.whole, self.widths)
        self.best: tuple[float, list[float]] = (math.inf, self._middle(self.root))
        self.stuck = self.boxes = self._narrowings = 0
        self._queue: list[tuple[float, int, Box]] = []

    @property
    def proof(self) -> Proof | None:
        """The refutation of all of the box, once there is one."""
        return self.refutations.proof

    @property
    def revisions(self) -> int:
        """How often one constraint was revised on one box."""
        return self._narrowings + self.refutations.revisions

    @property
    def spent(self) -> Spent:
        """What was taken so far."""
        return Spent(self.boxes, self.revisions, self.leaves.programs, self.sampler.evaluated)

    @property
    def work(self) -> int:
        """What was taken so far, in revisions."""
        return self.revisions + 40 * self.leaves.programs + self.sampler.evaluated // 4

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
            self._narrowings += 1
            found = self.contractors[place].clause.narrow(box.lows, box.highs, self.whole)
            if found is None:
                self.refutations.refuted(box, self.refutations.plain(box, place))
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
        rests = self.refutations.ends(one.clause.variables)
        self.refutations.refuted(box, Proof(["split", index, text_of(at), refuted, refuted], rests))
        return True

    # --- one box ---

    def step(self) -> None:
        """Look at the most promising box: weigh it, cut it, and narrow its halves."""
        _, _, box = heapq.heappop(self._queue)
        if self._dead(box):
            return
        deficits = self.leaves.tried(box, self.order, self.boxes, self.best[1])
        if box.done:
            return
        chosen = self.branching.choose(box, self.order, deficits)
        if chosen is None or box.depth >= REACH:
            if not self.leaves.plainly(box, self.order):
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
