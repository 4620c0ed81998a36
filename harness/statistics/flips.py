"""What changed from one version to the next, task by task (arXiv 2407.09435): a better mean can hide lost tasks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from harness.errors import UsageError
from harness.statistics.interval import Interval, clopper_pearson


class Flips(NamedTuple):
    """How many pairs there are, were right before, and were lost, gained, or wrong both times in another way."""

    pairs: int
    right: int
    lost: int
    gained: int
    changed: int

    @property
    def before(self) -> float:
        """The share that was right."""
        return self.right / self.pairs

    @property
    def after(self) -> float:
        """The share that is right now."""
        return (self.right - self.lost + self.gained) / self.pairs

    @property
    def negative(self) -> float:
        """The share that was right and is wrong."""
        return self.lost / self.pairs

    @property
    def positive(self) -> float:
        """The share that was wrong and is right."""
        return self.gained / self.pairs

    @property
    def inconsistency(self) -> float:
        """The share that was wrong and is wrong in another way."""
        return self.changed / self.pairs


def flips(pairs: Iterable[tuple[bool, bool, bool]]) -> Flips:
    """Count pairs given as (right before, right after, whether the answer is another); UsageError without any. O(n)."""
    seen = list(pairs)
    if not seen:
        raise UsageError("no task was done before and after", cure="compare two runs of the same tasks")
    return Flips(
        len(seen),
        sum(before for before, _, _ in seen),
        sum(before and not after for before, after, _ in seen),
        sum(after and not before for before, after, _ in seen),
        sum(other and not before and not after for before, after, other in seen),
    )


def gained_to_lost(gained: int, lost: int, confidence: float = 0.95) -> tuple[float | None, Interval]:
    """Give the odds ratio of paired outcomes, gained / lost, with its exact interval; 1 is no change.

    None of nothing lost, or nothing changed at all; the interval then still has its lower end. For independent pairs.
    UsageError for a count below 0. Source: Breslow and Day, Statistical Methods in Cancer Research I, 1980, section 5.2
    (the interval of Clopper and Pearson for the share of gains among the changes).
    """
    low, high = clopper_pearson(gained, gained + lost, confidence)
    return gained / lost if lost else None, Interval(_odds(low), _odds(high))


def _odds(share: float) -> float:
    return share / (1 - share) if share < 1 else float("inf")
