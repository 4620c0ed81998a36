"""How much a search may use, and what it has used."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from harness.stress.seen import Seen


class Budget(NamedTuple):
    """The most that a search may use: runs, calls in all of them, tokens of models, seconds; None for any number."""

    runs: int = 500
    calls: int | None = None
    tokens: int | None = None
    seconds: float | None = None

    def beyond(self, runs: int, calls: int, tokens: int) -> Budget:
        """Give the budget of a search that goes on: as much again as this one, on top of what was used before."""
        return self._replace(
            runs=self.runs + runs,
            calls=None if self.calls is None else self.calls + calls,
            tokens=None if self.tokens is None else self.tokens + tokens,
        )


class Spending:
    """Keep account of one search. ``clock`` gives nanoseconds; without one, seconds are not counted."""

    def __init__(self, budget: Budget, clock: Callable[[], int] | None = None) -> None:
        self._budget, self._clock = budget, clock
        self._begun = clock() if clock is not None else 0
        self.runs = self.calls = self.tokens = 0

    @property
    def left(self) -> int:
        """How many runs may still be made; 0 as soon as anything is used up."""
        budget = self._budget
        used = ((self.calls, budget.calls), (self.tokens, budget.tokens), (self._seconds, budget.seconds))
        if any(most is not None and amount >= most for amount, most in used):
            return 0
        return max(budget.runs - self.runs, 0)

    def spend(self, seen: Seen) -> None:
        """Count one run."""
        self.runs += 1
        self.calls += len(seen.calls)
        self.tokens += seen.tokens

    @property
    def _seconds(self) -> float:
        return 0.0 if self._clock is None else (self._clock() - self._begun) / 1e9
