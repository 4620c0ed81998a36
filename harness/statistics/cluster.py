"""Intervals for what comes in clusters, a proportion or another ratio: attempts at one task turn out alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from statistics import NormalDist
from typing import Final, TypeVar

from harness.determinism.streams import stream
from harness.errors import UsageError
from harness.statistics.interval import Interval, score

Cluster = TypeVar("Cluster")

RESAMPLES: Final = 2000


def wilson_by_cluster(clusters: Sequence[tuple[float, int]], confidence: float = 0.95) -> Interval:
    """Give Wilson's interval of sum(k) / sum(n) over clusters of (k, n), whose trials are not independent.

    Where a cluster has several, all trials count for as many as the spread of clusters shows them to be worth: they are
    divided by the design effect, 1 at least, and the quantile is Student's. What shows the spread are the clusters of
    the rarer kind, those with a success or those with a failure: there is one degree of freedom less than these (ours:
    with one less than all clusters the truth was held in as little as 50 % where attempts at a task mostly agree). They
    never count for less than one trial of each cluster, as they do where fewer than two are of that kind; a single
    cluster tells of itself only. The spread is how far each cluster is from what all others say (a jackknife: one that
    has most trials is always near the share that it makes itself, and that held the truth in as little as 72 %).

    In simulations of 5 to 100 clusters of one size it held the truth at 95 % as often as Wilson's interval does for one
    trial of each, or in 94 % and more; of sizes from 1 to 10, in 91 % and more; where one has 5 to 25 times the trials
    of each other, in 88 % and more. The worst of these are clusters in which all trials agree. k may be a fraction.
    Without trials it is [0, 1]. UsageError unless 0 <= k <= n in each cluster and 0 < confidence < 1. O(clusters).
    Source: Korn and Graubard, Confidence intervals for proportions with small expected number of positive counts
    estimated from survey data, 1998; their effective number of trials, in Wilson's formula.
    """
    _check(clusters, confidence)
    filled = [(k, n) for k, n in clusters if n]
    k, n = sum(k for k, _ in filled), sum(n for _, n in filled)
    if not n:
        return Interval(0.0, 1.0)
    share, z = k / n, NormalDist().inv_cdf((1 + confidence) / 2)
    if len(filled) < 2 or n == len(filled):
        return score(share, n, z)
    worth = n**2 / sum(of**2 for _, of in filled)  # of one trial each, where larger clusters weigh more
    rarer = min(sum(own > 0 for own, _ in filled), sum(own < of for own, of in filled))
    if rarer > 1:
        apart = math.fsum((own - of * (k - own) / (n - of)) ** 2 for own, of in filled) * (1 - 1 / len(filled)) ** 2
        spread = rarer / (rarer - 1) * apart / n**2
        effect = max(1.0, spread * n / (share * (1 - share)))
        worth = max(worth, n / effect * (z / student(rarer - 1, z)) ** 2)
    return score(share, worth, z)


def cluster_bootstrap(
    clusters: Sequence[tuple[int, int]], seed: int, confidence: float = 0.95, resamples: int = RESAMPLES
) -> Interval:
    """Give the percentile bootstrap interval of sum(k) / sum(n) over clusters of (k, n), drawn whole.

    Clusters without trials carry nothing and are left out; without any trial the interval is [0, 1]. The same seed
    gives the same interval. It is too narrow for a few clusters, and of no width where all trials agree: give Wilson's
    interval beside it. UsageError unless 0 <= k <= n in each cluster, 0 < confidence < 1 and resamples > 0.
    O(clusters × resamples). Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, sections 8 and 13.
    """
    _check(clusters, confidence)
    return ratio_bootstrap(clusters, seed, confidence, resamples) or Interval(0.0, 1.0)


def ratio_bootstrap(
    clusters: Sequence[tuple[float, float]], seed: int, confidence: float = 0.95, resamples: int = RESAMPLES
) -> Interval | None:
    """Give the percentile bootstrap interval of sum(a) / sum(b) over clusters of (a, b), drawn whole.

    Clusters of (0, 0) carry nothing and are left out. None where it has no upper bound: too many draws hold no b. The
    same seed gives the same interval, of which the same is to be said as of ``cluster_bootstrap``. UsageError unless
    0 < confidence < 1 and resamples > 0. O(clusters × resamples).
    """
    return bootstrap([cluster for cluster in clusters if any(cluster)], _ratio, seed, confidence, resamples)


def bootstrap(
    clusters: Sequence[Cluster],
    number: Callable[[Sequence[Cluster]], float | None],
    seed: int,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
) -> Interval | None:
    """Give the percentile bootstrap interval of any number of clusters, drawn whole; None of nothing.

    ``number`` is None of draws in which there is nothing to divide by; where too many are so for an upper bound, there
    is no interval. The same seed gives the same one, of which the same is to be said as of ``cluster_bootstrap``.
    UsageError unless 0 < confidence < 1 and resamples > 0. O(resamples) calls of ``number``.
    """
    _check((), confidence)
    if resamples < 1:
        raise UsageError(f"{resamples} resamples are too few", cure="take 1,000 or more")
    if not clusters:
        return None
    drawn = stream(seed, "cluster bootstrap")
    found = (number(drawn.choices(clusters, k=len(clusters))) for _ in range(resamples))
    numbers = sorted(math.inf if one is None else one for one in found)
    ends = Interval(_quantile(numbers, (1 - confidence) / 2), _quantile(numbers, (1 + confidence) / 2))
    return ends if math.isfinite(ends.high) else None


def _check(clusters: Iterable[tuple[float, int]], confidence: float) -> None:
    for k, n in clusters:
        if not 0 <= k <= n:
            raise UsageError(f"{k} of {n} is no proportion", cure="a cluster is (successes, trials): 0 <= k <= n")
    if not 0 < confidence < 1:
        raise UsageError(f"a confidence of {confidence} is not between 0 and 1", cure="write 0.95 for 95 %")


def student(freedom: int, z: float) -> float:
    """Give Student's quantile for a normal one: at 95 % off by 11 % for one degree of freedom, 1 % for two, then less.

    scipy has it exactly, and is an extra. Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.5.
    """
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + math.fsum(term / freedom**power for power, term in enumerate(terms, 1))


def _ratio(clusters: Sequence[tuple[float, float]]) -> float | None:
    below = sum(b for _, b in clusters)
    return sum(a for a, _ in clusters) / below if below else None


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Give a quantile, linear between its neighbours."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
