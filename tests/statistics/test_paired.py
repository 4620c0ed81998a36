"""Two runs of the same tasks: p-values, and intervals of differences."""

from __future__ import annotations

import itertools
import math
from statistics import NormalDist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.statistics.paired import mcnemar, mean_difference, share_difference, sign_flip

differences = st.lists(st.integers(-4, 4), max_size=10)


def by_hand(found: list[int]) -> float:
    """Count all ways to swap before and after."""
    sums = [
        sum(sign * one for sign, one in zip(signs, found, strict=True))
        for signs in itertools.product((1, -1), repeat=len(found))
    ]
    return sum(abs(one) >= abs(sum(found)) for one in sums) / len(sums)


@given(differences)
@settings(max_examples=40, deadline=None)  # scipy is imported on the way
def test_sign_flips_are_counted_exactly(found: list[int]) -> None:
    """The p-value is the share of all 2^n swaps whose sum is as far from 0."""
    assert sign_flip(found) == pytest.approx(by_hand(found), rel=1e-12)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 5))
@settings(max_examples=40, deadline=None)
def test_sign_flips_of_single_runs_are_mcnemar(lost: int, gained: int, runs: int) -> None:
    """Where every task that changed did so by as much, the p-value is that of a fair coin."""
    toss = sum(math.comb(lost + gained, k) for k in range(min(lost, gained) + 1)) / 2 ** (lost + gained)
    assert mcnemar(lost, gained) == pytest.approx(min(1, 2 * toss), rel=1e-9)
    assert sign_flip([-runs] * lost + [runs] * gained + [0] * 7) == mcnemar(lost, gained)


def test_mcnemar_gives_the_textbook_value() -> None:
    """Ten changes, nine of them losses: 22 of 1024 tosses."""
    assert mcnemar(9, 1) == pytest.approx(22 / 1024)
    assert mcnemar(0, 0) == 1


def test_many_tasks_stay_exact_and_near_the_normal_law() -> None:
    """A thousand tasks of one to five runs: the exact p-value is that of the normal approximation but for a little."""
    found = [(task % 5 + 1) * (1 if task % 11 < 6 else -1) for task in range(1000)]
    score = (abs(sum(found)) - 0.5) / math.sqrt(sum(one * one for one in found))
    assert sign_flip(found) == pytest.approx(2 * (1 - NormalDist().cdf(score)), rel=0.02)


@given(st.lists(st.sampled_from((-1.0, 0.0, 1.0)), min_size=1, max_size=60))
@settings(max_examples=40, deadline=None)
def test_the_interval_is_that_of_bonett_and_price(found: list[float]) -> None:
    """Written as they do, with counts of changes; only the quantile is Student's, which is larger."""
    lost, gained, size = (found.count(-1) + 1), (found.count(1) + 1), len(found) + 2
    middle = (gained - lost) / size
    spread = math.sqrt(((gained + lost) / size - middle**2) / size)
    value, (low, high) = share_difference(found)
    assert value == pytest.approx(sum(found) / len(found))
    reach = NormalDist().inv_cdf(0.975) * spread
    assert low <= max(-1, middle - reach)
    assert high >= min(1, middle + reach)
    mirrored = share_difference([-one for one in found]).interval
    assert (-mirrored.high, -mirrored.low) == pytest.approx((low, high))


def test_the_interval_has_a_width_where_nothing_changed() -> None:
    """Twenty tasks that came out the same do not show that all will."""
    low, high = share_difference([0.0] * 20).interval
    assert low == -high == pytest.approx(-2.0796 * math.sqrt(2) / 22, abs=1e-4)


def test_the_mean_of_numbers_has_students_interval() -> None:
    """The classical table of extra hours of sleep: 1.58, from 0.70 to 2.46."""
    found = mean_difference([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4])
    assert found is not None
    assert found.value == pytest.approx(1.58)
    assert found.interval == pytest.approx((0.7001, 2.4599), abs=1e-4)
    assert mean_difference([3.0]) is None


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: mcnemar(-1, 2), "-1 lost"),
        (lambda: share_difference([]), "no task"),
        (lambda: share_difference([1.5]), "not between -1 and 1"),
        (lambda: share_difference([0.5], 1.0), "a confidence of 1.0"),
    ],
)
def test_what_means_nothing_is_refused(call: object, reason: str) -> None:
    """UsageError says what it is."""
    with pytest.raises(UsageError, match=reason):
        call()  # type: ignore[operator]
