"""Intervals for a proportion whose trials come in clusters: attempts at one task fail and succeed together."""

from __future__ import annotations

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
    if not 0 < confidence < 1:
        raise UsageError(f"a confidence of {confidence} is not between 0 and 1", cure="write 0.95 for 95 %")
    if resamples < 1:
        raise UsageError(f"{resamples} resamples are too few", cure="take 1,000 or more")
    filled = [cluster for cluster in clusters if cluster[1]]
    if not filled:
        return Interval(0.0, 1.0)
    drawn = stream(seed, "cluster bootstrap")
    shares = sorted(_share(drawn.choices(filled, k=len(filled))) for _ in range(resamples))
    return Interval(_quantile(shares, (1 - confidence) / 2), _quantile(shares, (1 + confidence) / 2))


def _share(clusters: Sequence[tuple[int, int]]) -> float:
    return sum(k for k, _ in clusters) / sum(n for _, n in clusters)


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Give a quantile, linear between its neighbours."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
