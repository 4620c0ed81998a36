"""How often runs succeed, how long they last, and what they cost (arXiv 2603.18096, metrics)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from harness.errors import UsageError
from harness.statistics.cluster import wilson_by_cluster
from harness.statistics.interval import Interval


def success_at(n: int, c: int, k: int) -> float:
    """Give the chance that any of k runs succeeds, drawn from n of which c did: 1 - C(n-c, k) / C(n, k).

    UsageError unless 0 <= c <= n and 1 <= k <= n.
    """
    _check(n, c, k)
    return 1 - math.comb(n - c, k) / math.comb(n, k)


def pass_power(n: int, c: int, k: int) -> float:
    """Give the chance that all of k runs succeed, drawn from n of which c did: C(c, k) / C(n, k).

    UsageError unless 0 <= c <= n and 1 <= k <= n.
    """
    _check(n, c, k)
    return math.comb(c, k) / math.comb(n, k)


def _check(n: int, c: int, k: int) -> None:
    if not 0 <= c <= n or not 1 <= k <= n:
        raise UsageError(f"{k} of {n} runs, {c} of which succeeded", cure="c successes among n runs, k of them drawn")


class Lifetime(NamedTuple):
    """The mean number of steps to a failure.

    ``naive`` takes the end of a run that did not fail for a failure, which it was not; ``censored`` divides all steps
    by the failures, which is right where failures come at a steady rate, and None where there was none.
    """

    naive: float
    censored: float | None


def lifetime(failed: Sequence[int], survived: Sequence[int] = ()) -> Lifetime:
    """Measure from the steps after which runs failed, and those after which others ended; UsageError without any."""
    steps = [*failed, *survived]
    if not steps or min(steps) < 0:
        raise UsageError(
            f"steps to failure of {failed} and to the end of {survived}", cure="one run or more, from 0 on"
        )
    return Lifetime(sum(steps) / len(steps), sum(steps) / len(failed) if failed else None)


def area_under(curve: Mapping[float, float]) -> float:
    """Give the area under success by budget, by trapezoids, as a share of the greatest budget.

    UsageError for fewer than two budgets, or one below 0. O(n log n).
    """
    budgets = sorted(curve)
    if len(budgets) < 2 or budgets[0] < 0:
        raise UsageError(f"success at the budgets {budgets}", cure="two budgets or more, from 0 on")
    parts = ((high - low) * (curve[low] + curve[high]) / 2 for low, high in pairwise(budgets))
    return math.fsum(parts) / budgets[-1]


def cost_of_success(costs: Iterable[float], successes: int) -> float | None:
    """Give what all runs cost, failed ones included, for each success; None where there is none."""
    return math.fsum(costs) / successes if successes else None


class Regression(NamedTuple):
    """How many of what passed before fail now, as a share with its interval (95 %); None where nothing passed."""

    passed: int
    lost: int
    rate: float | None
    interval: Interval


def regression(tasks: Sequence[tuple[int, int]]) -> Regression:
    """Measure what a change has lost, from (runs that passed before, those of them that fail now) for each task.

    The interval is clustered by task where tasks have several runs. UsageError where more is lost than passed.
    """
    passed, lost = (sum(column) for column in zip(*tasks, strict=True)) if tasks else (0, 0)
    interval = wilson_by_cluster([(gone, before) for before, gone in tasks])
    return Regression(passed, lost, lost / passed if passed else None, interval)


class Unsupported(NamedTuple):
    """Claims without support: as a share of all claims, those used later of all claims, and of the unsupported ones.

    The last is None where every claim is supported.
    """

    rate: float
    propagated: float
    used: float | None


def unsupported(claims: int, without: int, used: int) -> Unsupported:
    """Measure ``claims``, of which some are ``without`` support, and some of these were ``used`` later.

    UsageError unless 0 <= used <= without <= claims and there is a claim.
    """
    if not 0 <= used <= without <= claims or not claims:
        raise UsageError(
            f"{claims} claims, {without} without support, {used} of them used", cure="each part of the last"
        )
    return Unsupported(without / claims, used / claims, used / without if without else None)
