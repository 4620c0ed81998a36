"""Intervals for proportions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.statistics.interval import clopper_pearson, wilson

# k, n, then the bounds of Wilson and of Clopper and Pearson at 95 %
VECTORS = [
    (0, 30, (0, 0.11351), (0, 0.11570)),
    (30, 30, (0.88649, 1), (0.88430, 1)),
    (19, 19, (0.83182, 1), (0.82353, 1)),
    (16, 19, (0.62435, 0.94480), (0.60422, 0.96617)),
    (19, 20, (0.76387, 0.99112), (0.75127, 0.99873)),
    (80, 80, (0.95418, 1), (0.95494, 1)),
]

proportions = st.integers(0, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
confidences = st.floats(0.5, 0.999)


@pytest.mark.parametrize(("k", "n", "score", "exact"), VECTORS)
def test_published_values(k: int, n: int, score: tuple[float, float], exact: tuple[float, float]) -> None:
    """Both intervals agree with published values to five decimals."""
    assert wilson(k, n) == pytest.approx(score, abs=5e-6)
    assert clopper_pearson(k, n) == pytest.approx(exact, abs=5e-6)


@given(proportions, confidences)
def test_an_interval_holds_its_own_proportion(case: tuple[int, int], confidence: float) -> None:
    """0 ≤ low ≤ k/n ≤ high ≤ 1 for every k, n and confidence."""
    k, n = case
    for interval in (wilson(k, n, confidence), clopper_pearson(k, n, confidence)):
        assert 0 <= interval.low <= interval.high <= 1
        assert n == 0 or interval.low <= k / n <= interval.high


@given(proportions, confidences)
def test_successes_and_failures_mirror_each_other(case: tuple[int, int], confidence: float) -> None:
    """The interval of the failures is one minus that of the successes."""
    k, n = case
    for method in (wilson, clopper_pearson):
        low, high = method(k, n, confidence)
        assert method(n - k, n, confidence) == pytest.approx((1 - high, 1 - low), abs=1e-9)


@given(proportions)
def test_more_confidence_is_wider(case: tuple[int, int]) -> None:
    """The interval at 99 % contains the one at 90 %."""
    for method in (wilson, clopper_pearson):
        narrow, wide = method(*case, 0.90), method(*case, 0.99)
        assert wide.low <= narrow.low
        assert narrow.high <= wide.high


def test_no_trials_say_nothing() -> None:
    """Without a trial every proportion is possible."""
    assert wilson(0, 0) == clopper_pearson(0, 0) == (0, 1)


@pytest.mark.parametrize(("k", "n", "confidence"), [(3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0), (1, 2, 95)])
def test_what_is_no_proportion_is_refused(k: int, n: int, confidence: float) -> None:
    """A count above n or a confidence outside (0, 1) is a UsageError of both methods."""
    for method in (wilson, clopper_pearson):
        with pytest.raises(UsageError):
            method(k, n, confidence)
