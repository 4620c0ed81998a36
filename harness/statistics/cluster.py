"""Intervals for what comes in clusters, a proportion or another ratio: attempts at one task turn out alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from harness.determinism.streams import stream
from harness.errors import UsageError
from harness.statistics.interval import Interval

RESAMPLES: Final = 2000


def cluster_bootstrap(
    clusters: Sequence[tuple[int, int]], seed: int, confidence: float = 0.95, resamples: int = RESAMPLES
) -> Interval:
    """Give the percentile bootstrap interval of sum(k) / sum(n) over clusters of (k, n), drawn whole.

    Clusters without trials carry nothing and are left out; without any trial the interval is [0, 1]. The same seed
    gives the same interval. It is too narrow for a few clusters, and of no width where all trials agree: give Wilson's
    interval beside it. UsageError unless 0 <= k <= n in each cluster, 0 < confidence < 1 and resamples > 0.
    O(clusters × resamples). Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, sections 8 and 13.
    """
    for k, n in clusters:
        if not 0 <= k <= n:
            raise UsageError(f"{k} of {n} is no proportion", cure="a cluster is (successes, trials): 0 <= k <= n")
    return ratio_bootstrap(clusters, seed, confidence, resamples) or Interval(0.0, 1.0)


def ratio_bootstrap(
    clusters: Sequence[tuple[float, float]], seed: int, confidence: float = 0.95, resamples: int = RESAMPLES
) -> Interval | None:
    """Give the percentile bootstrap interval of sum(a) / sum(b) over clusters of (a, b), drawn whole.

    Clusters of (0, 0) carry nothing and are left out. None where it has no upper bound: too many draws hold no b. The
    same seed gives the same interval, of which the same is to be said as of ``cluster_bootstrap``. UsageError unless
    0 < confidence < 1 and resamples > 0. O(clusters × resamples).
    """
    if not 0 < confidence < 1:
        raise UsageError(f"a confidence of {confidence} is not between 0 and 1", cure="write 0.95 for 95 %")
    if resamples < 1:
        raise UsageError(f"{resamples} resamples are too few", cure="take 1,000 or more")
    filled = [cluster for cluster in clusters if any(cluster)]
    if not filled:
        return None
    drawn = stream(seed, "cluster bootstrap")
    ratios = sorted(_ratio(drawn.choices(filled, k=len(filled))) for _ in range(resamples))
    ends = Interval(_quantile(ratios, (1 - confidence) / 2), _quantile(ratios, (1 + confidence) / 2))
    return ends if math.isfinite(ends.high) else None


def _ratio(clusters: Sequence[tuple[float, float]]) -> float:
    below = sum(b for _, b in clusters)
    return sum(a for a, _ in clusters) / below if below else math.inf


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Give a quantile, linear between its neighbours."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
