"""How well a score tells positives from negatives: the area under the ROC curve, beside that of a baseline."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from statistics import NormalDist
from typing import Final, NamedTuple

from harness.statistics.cluster import student
from harness.statistics.interval import Interval, wilson

_QUANTILE: Final = NormalDist().inv_cdf(0.975)


class Scored(NamedTuple):
    """One case: what it belongs to, whether it is a positive, and its two scores; higher means rather a positive."""

    cluster: Hashable
    positive: bool
    score: float
    baseline: float


class Area(NamedTuple):
    """An area, or the difference of two, with its standard error and interval at 95 %."""

    value: float
    error: float
    interval: Interval


class Areas(NamedTuple):
    """The area under the ROC curve of the score, that of the baseline, and the first less the second."""

    score: Area
    baseline: Area
    difference: Area


def areas(scored: Sequence[Scored]) -> Areas | None:
    """Give both areas with intervals; None where all cases are positives, or none is.

    An area is the chance that a positive scores higher than a negative, a tie being worth half. Cases of one cluster
    go together, and those of different ones are independent. The variance is DeLong's, summed by cluster (Obuchowski,
    Biometrics 53, 1997, pages 567 to 578); the interval of an area is that of its log-odds, by Student's distribution
    with one degree of freedom less than the rarer kind has clusters (ours: by the normal one it is too narrow). Where
    an area is 0 or 1 there is no variance to be seen: its interval is Wilson's for as many trials as there are of these
    clusters, and that of the difference what both intervals allow. A single one of them tells nothing. O(n log n).
    """
    least = min(len({one.cluster for one in scored if one.positive is kind}) for kind in (True, False))
    if not least:
        return None
    score, by = _influence(scored, [one.score for one in scored])
    baseline, base_by = _influence(scored, [one.baseline for one in scored])
    error = _error([one - other for one, other in zip(by, base_by, strict=True)], least)
    first, second = _area(score, by, least), _area(baseline, base_by, least)
    return Areas(first, second, Area(score - baseline, error, _between(first, second, error, least)))


def _influence(scored: Sequence[Scored], scores: Sequence[float]) -> tuple[float, list[float]]:
    """Give an area, and by how much each cluster moves it; the clusters are in the order in which they first come."""
    kinds = {kind: [s for one, s in zip(scored, scores, strict=True) if one.positive is kind] for kind in (True, False)}
    won = list(_below(kinds[True], kinds[False]))
    area = math.fsum(won) / len(won)
    placed = {True: iter(won), False: (1 - share for share in _below(kinds[False], kinds[True]))}
    by = defaultdict[Hashable, float](float)
    for one in scored:
        by[one.cluster] += (next(placed[one.positive]) - area) / len(kinds[one.positive])
    return area, list(by.values())


def _below(scores: Iterable[float], others: Iterable[float]) -> Iterator[float]:
    """Give for each score the share of the others that are below it; one that is level counts half."""
    ordered = sorted(others)
    return ((bisect_left(ordered, one) + bisect_right(ordered, one)) / (2 * len(ordered)) for one in scores)


def _area(area: float, residuals: Sequence[float], clusters: int) -> Area:
    error = _error(residuals, clusters)
    if clusters == 1:
        return Area(area, error, Interval(0.0, 1.0))
    if area in (0, 1):
        return Area(area, error, wilson(round(area * clusters), clusters))
    odds, wide = math.log(area / (1 - area)), _wide(error, clusters) / (area * (1 - area))
    return Area(area, error, Interval(*((1 + math.tanh(end / 2)) / 2 for end in (odds - wide, odds + wide))))


def _between(first: Area, second: Area, error: float, clusters: int) -> Interval:
    """Give the interval of a difference; where an area is 0 or 1, its part in the error is not seen."""
    if {first.value, second.value} & {0, 1}:
        return Interval(first.interval.low - second.interval.high, first.interval.high - second.interval.low)
    off, wide = first.value - second.value, _wide(error, clusters)
    return Interval(max(-1.0, off - wide), min(1.0, off + wide))


def _wide(error: float, clusters: int) -> float:
    """Give by how much a number with this standard error may be off, at 95 %."""
    return student(clusters - 1, _QUANTILE) * error if clusters > 1 else math.inf


def _error(residuals: Sequence[float], clusters: int) -> float:
    """Give the standard error that residuals of independent clusters make; infinite where only one matters."""
    squares = math.fsum(one * one for one in residuals)
    return math.sqrt(squares * clusters / (clusters - 1)) if clusters > 1 else math.inf
