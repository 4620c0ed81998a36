"""A gate that may be looked at after every task: its error rate is that of looking once, whenever one stops.

Two bets are held on differences of one task after another. One gains where tasks are lost and would, if nothing was
worse, hardly ever make 1/alpha of its stake; the other gains where they are kept. The answer is the bet that does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from harness.errors import UsageError

Answer = Literal["better or equal", "worse", "inconclusive"]

_STAKES: Final = tuple(place / 8 for place in range(1, 9))
"""Shares of its fortune that a bet puts on the next task; each starts with an eighth of the money."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What is known after some tasks; ``with_difference`` gives the gate after one more.

    ``alpha`` bounds both errors, whenever one looks and however often: "worse" of what is not worse, and "better or
    equal" of what is worse by ``margin`` or more. A loss that is certainly smaller than the margin is "better or
    equal". Differences are independent, of one mean, from -1 (lost) to 1 (gained); what this does not verify is that
    they are. UsageError unless 0 < alpha < 1 and 0 < margin < 1. Source: Waudby-Smith and Ramdas, Estimating means of
    bounded random variables by betting, 2024 (arXiv 2010.09686), section 4, the stakes mixed; Ville's inequality.
    """

    alpha: float = 0.05
    margin: float = 0.05
    tasks: int = 0
    _lost: tuple[float, ...] = (0.0,) * len(_STAKES)
    _kept: tuple[float, ...] = (0.0,) * len(_STAKES)

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise UsageError(f"an alpha of {self.alpha} is not between 0 and 1", cure="write 0.05 for 5 %")
        if not 0 < self.margin < 1:
            raise UsageError(f"a margin of {self.margin} is not between 0 and 1", cure="write 0.05 for 5 points")

    def with_difference(self, difference: float) -> Gate:
        """Give the gate after one more task; UsageError for a difference outside [-1, 1]. O(1)."""
        if not -1 <= difference <= 1:
            raise UsageError(f"a difference of {difference}", cure="after less before, from -1 to 1")
        kept = (difference + self.margin) / (1 - self.margin)
        return Gate(
            self.alpha,
            self.margin,
            self.tasks + 1,
            tuple(log + _log1p(-stake * difference) for log, stake in zip(self._lost, _STAKES, strict=True)),
            tuple(log + _log1p(stake * kept) for log, stake in zip(self._kept, _STAKES, strict=True)),
        )

    @property
    def evidence(self) -> tuple[float, float]:
        """Natural logarithms of what the bets on "worse" and on "better or equal" have made of 1 (e-values)."""
        return _log_mean(self._lost), _log_mean(self._kept)

    @property
    def answer(self) -> Answer:
        """What the tasks show so far."""
        worse, kept = self.evidence
        needed = -math.log(self.alpha)
        return "better or equal" if kept >= needed else "worse" if worse >= needed else "inconclusive"


def gate(differences: Iterable[float], alpha: float = 0.05, margin: float = 0.05) -> Gate:
    """Give the gate after all of the differences; their order does not matter. UsageError as in ``Gate``. O(n)."""
    after = Gate(alpha, margin)
    for difference in differences:
        after = after.with_difference(difference)
    return after


def _log1p(gain: float) -> float:
    return math.log1p(gain) if gain > -1 else -math.inf


def _log_mean(logs: tuple[float, ...]) -> float:
    most = max(logs)
    if most == -math.inf:
        return most
    return most + math.log(math.fsum(math.exp(log - most) for log in logs) / len(logs))
