"""How well a rule's alarms agree with labels that came from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from harness.statistics.interval import Interval, wilson


class Proportion(NamedTuple):
    """k of n, with its Wilson interval at 95 %. ``share`` is None where n is 0."""

    k: int
    n: int

    @property
    def share(self) -> float | None:
        """The proportion itself."""
        return self.k / self.n if self.n else None

    @property
    def interval(self) -> Interval:
        """The range that holds the true proportion 95 times of 100."""
        return wilson(self.k, self.n)


class Agreement(NamedTuple):
    """Count cases by what was said and what was true: hits, false alarms, misses, and rightly silent.

    It compares two judgements of the same case; it does not say which of them is right.
    """

    hits: int
    false_alarms: int
    misses: int
    silent: int

    @property
    def precision(self) -> Proportion:
        """Of the alarms, those that were right."""
        return Proportion(self.hits, self.hits + self.false_alarms)

    @property
    def recall(self) -> Proportion:
        """Of the cases to be found, those that raised an alarm."""
        return Proportion(self.hits, self.hits + self.misses)


def agreement(cases: Iterable[tuple[bool, bool]]) -> Agreement:
    """Count pairs of (an alarm was raised, the case is positive). O(cases)."""
    counts = {(True, True): 0, (True, False): 0, (False, True): 0, (False, False): 0}
    for alarm, positive in cases:
        counts[alarm, positive] += 1
    return Agreement(counts[True, True], counts[True, False], counts[False, True], counts[False, False])
