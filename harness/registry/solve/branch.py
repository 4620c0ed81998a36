"""Where to cut a box in two."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from harness.registry.solve.contract import Contractor
from harness.registry.solve.refuted import Box

THIN: Final = 4e-15  # of the size of its ends: a width that is not cut any more


class Branching:
    """Choose a variable and where to cut it, by the contractors that are not settled; ``widths`` are of the root."""

    def __init__(self, contractors: tuple[Contractor, ...], whole: frozenset[int], widths: list[float]) -> None:
        self._contractors, self._whole, self._widths = contractors, whole, widths

    def choose(self, box: Box, order: Sequence[int], costs: Mapping[int, float]) -> tuple[int, float] | None:
        """Choose a variable and where to cut it; ``None`` for a box that is too thin.

        The alternatives of contractors are looked at in ``order``; ``costs`` tell by variable what its width costs.
        """
        if box.depth % 4 != 3:
            chosen = self._alternative(box, order) or self._costliest(box, costs)
            if chosen:
                return chosen
        unsettled = self._unsettled(box)
        shares = [
            ((high - low) / self._widths[index], -index)
            for index, (low, high) in enumerate(zip(box.lows, box.highs, strict=True))
            if index in unsettled and self._thick(box, index)
        ]
        return self._halved(box, -max(shares)[1]) if shares else None

    def _unsettled(self, box: Box) -> set[int]:
        """Give the variables of the constraints that are not met on all of a box."""
        clauses = (one.clause for one in self._contractors)
        return {index for one in clauses if not one.settled(box.lows, box.highs) for index in one.variables}

    def _thick(self, box: Box, index: int) -> bool:
        low, high = box.lows[index], box.highs[index]
        if index in self._whole:
            return high > low
        return high - low > THIN * max(abs(low), abs(high), self._widths[index] * 1e-6)

    def _halved(self, box: Box, index: int) -> tuple[int, float]:
        low, high = box.lows[index], box.highs[index]
        middle = low + (high - low) / 2
        return index, float(math.floor(middle)) if index in self._whole else middle

    def _alternative(self, box: Box, order: Sequence[int]) -> tuple[int, float] | None:
        """Give a cut at which an alternative ends."""
        for place in order:
            one = self._contractors[place]
            if one.clause.cost == 1:
                continue
            for left in one.clause.choices(box.lows, box.highs, self._whole):
                for index, (low, high) in left.items():
                    for at in (high, low if index not in self._whole else low - 1):
                        if self._inside(box, index, at):
                            return index, float(math.floor(at)) if index in self._whole else at
        return None

    def _inside(self, box: Box, index: int, at: float) -> bool:
        low, high = box.lows[index], box.highs[index]
        if index in self._whole:
            return low <= math.floor(at) < high if abs(at) < math.inf else False
        return low + 0.02 * (high - low) < at < high - 0.02 * (high - low) and self._thick(box, index)

    def _costliest(self, box: Box, costs: Mapping[int, float]) -> tuple[int, float] | None:
        """Cut the variable whose width takes most off the weighed sum."""
        most = [(cost, -index) for index, cost in costs.items() if cost > 0 and self._thick(box, index)]
        return self._halved(box, -max(most)[1]) if most else None
