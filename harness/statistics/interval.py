"""Intervals for a proportion: k successes in n independent trials."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Final, NamedTuple

from harness.errors import UsageError

_HALVINGS: Final = 60  # of [0, 1]: finer than a float can tell


class Interval(NamedTuple):
    """A range that holds the true proportion with the stated confidence."""

    low: float
    high: float


def wilson(k: int, n: int, confidence: float = 0.95) -> Interval:
    """Give Wilson's score interval: right on average, and still sensible at 0 and n.

    No trials say nothing: the interval is then [0, 1]. UsageError unless 0 ≤ k ≤ n and 0 < confidence < 1.
    """
    _check(k, n, confidence)
    if n == 0:
        return Interval(0.0, 1.0)
    return score(k / n, n, NormalDist().inv_cdf((1 + confidence) / 2))


def score(share: float, trials: float, quantile: float) -> Interval:
    """Give Wilson's formula for a share of trials, of which there may be a fraction, and a quantile of its error."""
    spread = quantile * quantile / trials
    middle = (share + spread / 2) / (1 + spread)
    half = quantile / (1 + spread) * math.sqrt(share * (1 - share) / trials + spread / (4 * trials))
    # at the ends the exact bound is 0 or 1, which the formula misses by a rounding error
    return Interval(0.0 if share == 0 else middle - half, 1.0 if share == 1 else middle + half)


def clopper_pearson(k: int, n: int, confidence: float = 0.95) -> Interval:
    """Give the exact interval of Clopper and Pearson: never less sure than stated, at the price of width.

    No trials say nothing: the interval is then [0, 1]. UsageError unless 0 ≤ k ≤ n and 0 < confidence < 1. O(n).
    """
    _check(k, n, confidence)
    risk = (1 - confidence) / 2
    low = 0.0 if k == 0 else _bisect(lambda share: _at_least(k, n, share) < risk)
    high = 1.0 if k == n else _bisect(lambda share: _at_least(n - k, n, 1 - share) > risk)
    return Interval(low, high)


def _check(k: int, n: int, confidence: float) -> None:
    if not 0 <= k <= n:
        raise UsageError(f"{k} of {n} is no proportion", cure="k counts the successes among n trials: 0 <= k <= n")
    if not 0 < confidence < 1:
        raise UsageError(f"a confidence of {confidence} is not between 0 and 1", cure="write 0.95 for 95 %")


def _at_least(k: int, n: int, share: float) -> float:
    """Give the chance of k or more successes, 0 < share < 1."""
    success, failure = math.log(share), math.log1p(-share)
    every = math.lgamma(n + 1)
    return math.fsum(
        math.exp(every - math.lgamma(i + 1) - math.lgamma(n - i + 1) + i * success + (n - i) * failure)
        for i in range(k, n + 1)
    )


def _bisect(too_low: Callable[[float], bool]) -> float:
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if too_low(middle) else (low, middle)
    return (low + high) / 2
