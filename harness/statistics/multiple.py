"""p-values of several tests together: each looks right on its own, and one of many will look right by chance."""

from __future__ import annotations

from collections.abc import Sequence

from harness.errors import UsageError
from harness.statistics.library import library


def holm(values: Sequence[float]) -> list[float]:
    """Adjust p-values so that any false alarm at all is as rare as stated, however the tests depend on each other.

    In the order given. UsageError for what is no probability, or without statsmodels. O(n log n). Source: Holm, A
    simple sequentially rejective multiple test procedure, 1979.
    """
    _check(values)
    if not values:
        return []
    adjusted = library("statsmodels.stats.multitest").multipletests(values, method="holm")[1]
    return [float(one) for one in adjusted]


def benjamini_hochberg(values: Sequence[float]) -> list[float]:
    """Adjust p-values so that of the alarms, on average, no more than the stated share is false.

    In the order given; for tests that are independent or positively dependent. UsageError for what is no probability,
    or without scipy. O(n log n). Source: Benjamini and Hochberg, Controlling the false discovery rate, 1995.
    """
    _check(values)
    if not values:
        return []
    return [float(one) for one in library("scipy.stats").false_discovery_control(values, method="bh")]


def _check(values: Sequence[float]) -> None:
    for value in values:
        if not 0 <= value <= 1:
            raise UsageError(f"a p-value of {value}", cure="it lies between 0 and 1")
