"""Intervals for proportions whose trials come in clusters."""

from __future__ import annotations

import math
from statistics import NormalDist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.statistics.cluster import cluster_bootstrap
from harness.statistics.interval import wilson

cluster = st.integers(1, 8).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
clusters = st.lists(cluster, min_size=1, max_size=12)


@given(clusters, st.integers())
@settings(max_examples=30)
def test_it_is_an_interval_of_shares(counted: list[tuple[int, int]], seed: int) -> None:
    """0 ≤ low ≤ high ≤ 1, between the smallest and the largest share of a cluster, and the seed decides it."""
    low, high = cluster_bootstrap(counted, seed, resamples=100)
    shares = [k / n for k, n in counted]
    assert 0 <= low <= high <= 1
    assert min(shares) - 1e-9 <= low
    assert high <= max(shares) + 1e-9
    assert (low, high) == cluster_bootstrap(counted, seed, resamples=100)


@given(clusters)
@settings(max_examples=20)
def test_clusters_without_trials_change_nothing(counted: list[tuple[int, int]]) -> None:
    """A task without a call is as if it were not there."""
    assert cluster_bootstrap([(0, 0), *counted, (0, 0)], 1, resamples=50) == cluster_bootstrap(counted, 1, resamples=50)


def test_no_trials_say_nothing() -> None:
    """Without clusters the interval is all of [0, 1]; where all trials agree it has no width."""
    assert cluster_bootstrap([], 1) == (0, 1)
    assert cluster_bootstrap([(0, 0)], 1) == (0, 1)
    assert cluster_bootstrap([(3, 3), (2, 2)], 1) == (1, 1)


def test_independent_trials_give_the_binomial_interval() -> None:
    """Clusters of one trial each: the interval is near Wilson's of the same counts."""
    found = cluster_bootstrap([(1, 1)] * 60 + [(0, 1)] * 40, 7)
    assert found == pytest.approx(wilson(60, 100), abs=0.02)


def test_whole_clusters_widen_it_by_the_design_effect() -> None:
    """Clusters of m equal trials are as good as one trial each: the interval is as wide as without the copies."""
    single = cluster_bootstrap([(1, 1)] * 30 + [(0, 1)] * 20, 3)
    copied = cluster_bootstrap([(5, 5)] * 30 + [(0, 5)] * 20, 3)
    assert copied == single
    narrow = wilson(150, 250)
    assert (copied.high - copied.low) / (narrow.high - narrow.low) == pytest.approx(math.sqrt(5), rel=0.15)


def test_it_agrees_with_the_linearised_standard_error() -> None:
    """For clusters of different sizes its width is that of the ratio estimator's sandwich formula."""
    counted = [(k % 4, 4 + k % 5) for k in range(80)]
    share = sum(k for k, _ in counted) / sum(n for _, n in counted)
    spread = math.sqrt(sum((k - share * n) ** 2 for k, n in counted)) / sum(n for _, n in counted)
    low, high = cluster_bootstrap(counted, 11, resamples=4000)
    assert high - low == pytest.approx(2 * NormalDist().inv_cdf(0.975) * spread, rel=0.1)


def test_more_confidence_is_wider() -> None:
    """The interval at 99 % contains the one at 80 %, from the same resamples."""
    counted = [(k % 3, 3) for k in range(20)]
    narrow, wide = cluster_bootstrap(counted, 5, 0.8), cluster_bootstrap(counted, 5, 0.99)
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (([(2, 1)], 1), "2 of 1 is no proportion"),
        (([(-1, 1)], 1), "-1 of 1 is no proportion"),
        (([(1, 1)], 1, 1.0), "a confidence of 1.0"),
        (([(1, 1)], 1, 0.95, 0), "0 resamples"),
    ],
)
def test_nonsense_is_refused(arguments: tuple[list[tuple[int, int]], int], reason: str) -> None:
    """Counts that are no proportion, a confidence outside (0, 1) and no resamples are UsageErrors."""
    with pytest.raises(UsageError, match=reason):
        cluster_bootstrap(*arguments)
