"""Intervals for proportions whose trials come in clusters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.determinism.streams import stream
from harness.errors import UsageError
from harness.statistics.cluster import bootstrap, cluster_bootstrap, ratio_bootstrap, student, wilson_by_cluster
from harness.statistics.interval import wilson
from harness.statistics.library import library

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


@given(clusters)
@settings(max_examples=50)
def test_clusters_are_worth_as_many_trials_at_most(counted: list[tuple[int, int]]) -> None:
    """The interval holds the share, and is no narrower than Wilson's for independent trials."""
    k, n = (sum(column) for column in zip(*counted, strict=True))
    low, high = wilson_by_cluster(counted)
    alone = wilson(k, n)
    assert 0 <= low <= k / n <= high <= 1
    assert high - low >= alone.high - alone.low - 1e-12


def test_trials_that_are_clusters_of_one_give_wilsons_interval() -> None:
    """So does a single cluster; of several that all agree each counts once; without trials nothing is known."""
    assert wilson_by_cluster([(1, 1)] * 3 + [(0, 1)] * 17) == wilson(3, 20)
    assert wilson_by_cluster([(5, 5), (0, 0)] * 4) == wilson(4, 4)
    assert wilson_by_cluster([(0, 5)] * 4) == wilson(0, 4)
    assert wilson_by_cluster([(3, 20)]) == wilson(3, 20)
    assert wilson_by_cluster([(0, 0)]) == (0, 1)


def test_trials_that_are_alike_count_once() -> None:
    """Fifty tasks, each done five times with one outcome, are worth fifty trials."""
    assert wilson_by_cluster([(5, 5)] * 30 + [(0, 5)] * 20) == pytest.approx(wilson(30, 50))


def test_one_failure_is_no_proof_of_independence() -> None:
    """Of ten tasks done twenty times each a single attempt fails: they count for no more than where all succeed."""
    low, high = wilson_by_cluster([(20, 20)] * 9 + [(19, 20)])
    assert low < wilson(10, 10).low < 0.75
    assert high == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("tasks", [5, 10, 30])
@pytest.mark.parametrize("truth", [0.5, 0.9])
def test_it_holds_the_truth_for_few_tasks(tasks: int, truth: float) -> None:
    """Tasks are mostly easy or hard, and done five times each; of 1,000 intervals 930 hold the truth, or more."""
    drawn, held = stream(tasks, "clusters"), 0
    for _ in range(1000):
        shares = [drawn.betavariate(truth, 1 - truth) for _ in range(tasks)]
        low, high = wilson_by_cluster([(sum(drawn.random() < share for _ in range(5)), 5) for share in shares])
        held += low <= truth <= high
    assert held >= 930


def test_it_holds_the_truth_where_one_task_has_most_runs() -> None:
    """Of ten tasks nine are done twice and one fifty times; of 1,000 intervals 930 hold the truth, or more."""
    drawn, held = stream(1, "one large cluster"), 0
    for _ in range(1000):
        shares = [(drawn.betavariate(2, 2), runs) for runs in [50] + [2] * 9]
        low, high = wilson_by_cluster([(sum(drawn.random() < share for _ in range(n)), n) for share, n in shares])
        held += low <= 0.5 <= high
    assert held >= 930


@pytest.mark.parametrize(("freedom", "off"), [(1, 0.12), (2, 0.01), (3, 0.002), (5, 1e-3), (9, 1e-4), (30, 1e-6)])
def test_students_quantile_is_scipys(freedom: int, off: float) -> None:
    """At 95 % it is off by no more than is stated."""
    exact = library("scipy.stats").t.ppf(0.975, freedom)
    assert student(freedom, NormalDist().inv_cdf(0.975)) == pytest.approx(exact, rel=off)


def test_a_ratio_of_sums() -> None:
    """Clusters with nothing are left out, equal ones show no spread; the interval scales with the ratio it holds."""
    parts = [(3.0 + k % 5, 1 + k % 2) for k in range(30)]
    ratio = sum(a for a, _ in parts) / sum(b for _, b in parts)
    found = ratio_bootstrap(parts, 4)
    assert found is not None
    assert found.low < ratio < found.high
    assert ratio_bootstrap([(0, 0), *parts], 4) == found
    assert ratio_bootstrap([(10 * a, b) for a, b in parts], 4) == pytest.approx((10 * found.low, 10 * found.high))
    assert ratio_bootstrap([(6, 2), (3, 1)], 4) == (3, 3)


def test_a_ratio_without_a_bound_has_no_interval() -> None:
    """Where too many draws hold none of what is divided by, it may be of any size."""
    assert ratio_bootstrap([(5, 0), (5, 0), (5, 1)], 1) is None
    assert ratio_bootstrap([(0, 0)], 1) is None


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


def test_any_number_has_an_interval() -> None:
    """That of a mean is the proportion's; of a number that cannot be told of many draws there is none."""
    counted = [(1, 2), (2, 2), (0, 2), (1, 2)]

    def share(drawn: Sequence[tuple[int, int]]) -> float:
        return sum(k for k, _ in drawn) / sum(n for _, n in drawn)

    assert bootstrap(counted, share, 5) == cluster_bootstrap(counted, 5)
    assert bootstrap(counted, lambda drawn: None if drawn[0] == (0, 2) else 1.0, 5) is None
    assert bootstrap([], share, 5) is None
