"""A gate that may be looked at again and again: its error rate is that of looking once, whenever one stops.

Two bets are held on one difference after another. One gains where something is lost and would, if nothing was worse,
hardly ever make 1/alpha of its stake; the other gains where it is kept. The answer is the bet that does.

What a difference is of, says of what the answer holds. Differences of tasks, each the mean over its runs: of all tasks
of which these are a sample. Differences of runs, each task done as often: of these tasks and the runs that it may have
yet. The second needs far fewer, because it does not ask what other tasks may be like.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from harness.errors import UsageError

Answer = Literal["better or equal", "worse", "inconclusive"]

_STAKES: Final = tuple(place / 8 for place in range(1, 9))
"""Shares of its fortune that a bet puts on the next task; each starts with an eighth of the money."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What is known after some differences; ``with_difference`` gives the gate after one more.

    ``alpha`` bounds both errors, whenever one looks and however often: "worse" of what is not worse, and "better or
    equal" of what is worse by ``margin`` or more. A loss that is certainly smaller than the margin is "better or
    equal". Differences are from -1 (lost) to 1 (gained) and independent. They have one mean; or they are runs of
    several tasks, each with a mean of its own, and one looks when every task was done as often: the mean is then that
    of these tasks, for bets on each of them make less, on average, than bets on their mean (a geometric mean is below
    the arithmetic one). What this does not verify is that they are independent. UsageError unless 0 < alpha < 1 and
    0 < margin < 1. Source: Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting, 2024
    (arXiv 2010.09686), section 4, the stakes mixed; Ville's inequality.
    """

    alpha: float = 0.05
    margin: float = 0.05
    count: int = 0
    _lost: tuple[float, ...] = (0.0,) * len(_STAKES)
    _kept: tuple[float, ...] = (0.0,) * len(_STAKES)

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise UsageError(f"an alpha of {self.alpha} is not between 0 and 1", cure="write 0.05 for 5 %")
        if not 0 < self.margin < 1:
            raise UsageError(f"a margin of {self.margin} is not between 0 and 1", cure="write 0.05 for 5 points")

    def with_difference(self, difference: float) -> Gate:
        """Give the gate after one more; UsageError for a difference outside [-1, 1]. O(1)."""
        if not -1 <= difference <= 1:
            raise UsageError(f"a difference of {difference}", cure="after less before, from -1 to 1")
        lost, kept = gains(difference, self.margin)
        return Gate(
            self.alpha,
            self.margin,
            self.count + 1,
            tuple(log + gain for log, gain in zip(self._lost, lost, strict=True)),
            tuple(log + gain for log, gain in zip(self._kept, kept, strict=True)),
        )

    @property
    def evidence(self) -> tuple[float, float]:
        """Natural logarithms of what the bets on "worse" and on "better or equal" have made of 1 (e-values)."""
        return _log_mean(self._lost), _log_mean(self._kept)

    @property
    def answer(self) -> Answer:
        """What is shown so far."""
        worse, kept = self.evidence
        needed = -math.log(self.alpha)
        return "better or equal" if kept >= needed else "worse" if worse >= needed else "inconclusive"


def gate(differences: Iterable[float], alpha: float = 0.05, margin: float = 0.05) -> Gate:
    """Give the gate after all of the differences; their order does not matter. UsageError as in ``Gate``. O(n)."""
    after = Gate(alpha, margin)
    for difference in differences:
        after = after.with_difference(difference)
    return after


@lru_cache(maxsize=1024)
def gains(difference: float, margin: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Give what one difference adds to the logarithm of each bet on "worse", and of each on "better or equal"."""
    kept = (difference + margin) / (1 - margin)
    return tuple(_log1p(-stake * difference) for stake in _STAKES), tuple(_log1p(stake * kept) for stake in _STAKES)


def evened(tasks: Iterable[Sequence[float]]) -> list[float]:
    """Give the differences of runs such that every task has as many of them, as a gate on these tasks wants.

    That is as many as the task has that was done least. What other tasks have more goes into means: the first of the
    evened differences is that of every n-th run from the first on, and so forth. Every run counts, and the mean over
    tasks stays what it is in expectation. A task without a run is a UsageError. O(runs).
    """
    runs = list(tasks)
    fewest = min(map(len, runs), default=0)
    if runs and not fewest:
        raise UsageError("a task without a run", cure="leave it out, or do it")
    return [math.fsum(one[first::fewest]) / len(one[first::fewest]) for one in runs for first in range(fewest)]


def _log1p(gain: float) -> float:
    return math.log1p(gain) if gain > -1 else -math.inf


def _log_mean(logs: tuple[float, ...]) -> float:
    most = max(logs)
    if most == -math.inf:
        return most
    return most + math.log(math.fsum(math.exp(log - most) for log in logs) / len(logs))
