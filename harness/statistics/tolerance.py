"""How well faults are tolerated, counted over runs: robustness, what each tier did, and who passes where another fails.

The definitions are those of arXiv 2602.19843. Shares are exact: whole numbers of what there is, and of what it is of.
What this does not do: tell what a tier did in a run (``harness.stress.tolerance.tiers``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from typing import Final, Literal, NamedTuple, TypeVar

from harness.errors import UsageError
from harness.statistics.interval import Interval, wilson

Tier = Literal["M", "L", "P", "R"]
"""Where a fault may be met: by the mechanism of a team, its rules, its prompts, or what its models make of it."""

Came = Literal["held", "failed"]
"""What a tier that was triggered came to."""

Case = TypeVar("Case", bound=Hashable)

TIERS: Final[tuple[Tier, ...]] = ("M", "L", "P", "R")


class Share(NamedTuple):
    """``part`` of ``whole``."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        """The share as a number from 0 to 1, None of nothing."""
        return self.part / self.whole if self.whole else None

    @property
    def interval(self) -> Interval:
        """Wilson's 95 % interval; all of [0, 1] of nothing."""
        return wilson(self.part, self.whole)


class Counts(NamedTuple):
    """How many faulted runs there are; in how many a tier was triggered, and held; how many of each passed in the end.

    ``passes`` are those of the runs in which it was triggered, ``passes_held`` those of the ones in which it held.
    """

    total: int
    triggered: int
    held: int
    passes: int
    passes_held: int


class Shares(NamedTuple):
    """What a tier is worth.

    ``o`` is how often it is triggered, ``l`` how often it then holds, ``s`` how often the task is then done after
    all. ``s`` counts tasks that were done although the tier failed; ``s_fixed`` is of the runs in which it held.
    """

    o: Share
    l: Share  # noqa: E741 - the paper's name
    s: Share
    s_fixed: Share


def robustness(passes: int, tasks: int) -> Share:
    """Give RS: of the tasks that are done without a fault, the share that is done with it.

    UsageError unless 0 <= passes <= tasks. arXiv 2602.19843, section on metrics.
    """
    _check(passes, tasks, "passes", "tasks")
    return Share(passes, tasks)


def pooled(shares: Iterable[Share]) -> Share:
    """Give the share over all that several are of."""
    parts = list(shares)
    return Share(sum(one.part for one in parts), sum(one.whole for one in parts))


def tier_shares(counts: Counts) -> Shares:
    """Give O, L, S and S of what held; UsageError where something is counted more often than what it is of."""
    total, triggered, held, passes, passes_held = counts
    _check(triggered, total, "triggered", "runs")
    _check(held, triggered, "held", "triggered")
    _check(passes, triggered, "passes", "triggered")
    _check(passes_held, min(held, passes), "passes that held", "those that held, or passed")
    return Shares(Share(triggered, total), Share(held, triggered), Share(passes, triggered), Share(passes_held, held))


def counted_tiers(runs: Iterable[tuple[Mapping[Tier, Came], bool]]) -> dict[Tier, Counts]:
    """Count, for each tier, what it came to in runs given as (the tiers that were triggered, whether it passed).

    O(runs).
    """
    seen: Counter[tuple[Tier, Came, bool]] = Counter()
    total = 0
    for tiers, passed in runs:
        total += 1
        seen.update((tier, came, passed) for tier, came in tiers.items())
    return {tier: _counts(tier, total, seen) for tier in TIERS}


def neutralised(failing: Mapping[Case, bool], passing: Mapping[Case, bool]) -> Share:
    """Give, of the cases in which the first fails, the share in which the second passes; cases of both alone count."""
    failed = [case for case, passed in failing.items() if not passed and case in passing]
    return Share(sum(passing[case] for case in failed), len(failed))


def _counts(tier: Tier, total: int, seen: Counter[tuple[Tier, Came, bool]]) -> Counts:
    held_passed, held_not = seen[tier, "held", True], seen[tier, "held", False]
    failed_passed, failed_not = seen[tier, "failed", True], seen[tier, "failed", False]
    held = held_passed + held_not
    return Counts(total, held + failed_passed + failed_not, held, held_passed + failed_passed, held_passed)


def _check(part: int, whole: int, name: str, of: str) -> None:
    if not 0 <= part <= whole:
        raise UsageError(f"{part} {name} of {whole} {of}", cure=f"0 <= {name} <= {of}")
