"""The vectors of the metrics' definitions, and their laws."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.statistics.interval import wilson
from harness.statistics.reliability import (
    area_under,
    cost_of_success,
    lifetime,
    pass_power,
    regression,
    success_at,
    unsupported,
)


@pytest.mark.parametrize(("k", "any_of", "all_of"), [(2, 0.964286, 0.535714), (4, 1, 0.214286)])
def test_six_of_eight_runs(k: int, any_of: float, all_of: float) -> None:
    """The published vectors."""
    assert success_at(8, 6, k) == pytest.approx(any_of, abs=5e-7)
    assert pass_power(8, 6, k) == pytest.approx(all_of, abs=5e-7)


@given(st.integers(1, 6).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_it_is_the_share_of_all_draws(drawn: tuple[int, int, int]) -> None:
    """Counted over every way to draw k runs of n."""
    n, c, k = drawn
    draws = list(itertools.combinations([number < c for number in range(n)], k))
    assert success_at(n, c, k) == pytest.approx(sum(map(any, draws)) / len(draws))
    assert pass_power(n, c, k) == pytest.approx(sum(map(all, draws)) / len(draws))


def test_how_long_runs_last() -> None:
    """Failures at 4 and 7 steps, two that ended at 10; without a failure the censored mean is not known."""
    assert lifetime([4, 7], [10, 10]) == (7.75, 15.5)
    assert lifetime([], [3]) == (3, None)


def test_the_area_under_a_budget() -> None:
    """The published vector; a curve that is flat has its own height."""
    assert area_under({0: 1, 1: 0.9, 2: 0.6, 3: 0.5}) == pytest.approx(0.75)
    assert area_under({10: 0.4, 0: 0.4, 3: 0.4}) == pytest.approx(0.4)


def test_what_a_success_costs() -> None:
    """Failed runs cost too; nothing succeeded, nothing to divide by."""
    assert cost_of_success([7000, 5000], 8) == 1500
    assert cost_of_success([7000], 0) is None


def test_what_was_lost() -> None:
    """Five of seventy; where nothing passed before, nothing could be lost."""
    lost = regression([(1, 1)] * 5 + [(1, 0)] * 65)
    assert lost.rate == pytest.approx(0.071429, abs=5e-7)
    assert lost.interval == wilson(5, 70)
    assert regression([(0, 0)]) == (0, 0, None, (0, 1)) == regression([])
    in_one_task = regression([(5, 5)] + [(5, 0)] * 13)
    assert in_one_task[:3] == lost[:3]
    assert in_one_task.interval.high > lost.interval.high


def test_claims_without_support() -> None:
    """Ten claims, three unsupported, two of these used."""
    assert unsupported(10, 3, 2) == pytest.approx((0.3, 0.2, 2 / 3))
    assert unsupported(4, 0, 0) == (0, 0, None)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: success_at(3, 4, 1),
        lambda: pass_power(3, 2, 4),
        lambda: success_at(3, 2, 0),
        lambda: lifetime([], []),
        lambda: lifetime([-1]),
        lambda: area_under({1: 1}),
        lambda: area_under({-1: 1, 2: 1}),
        lambda: regression([(3, 4)]),
        lambda: unsupported(0, 0, 0),
        lambda: unsupported(3, 2, 3),
    ],
)
def test_numbers_that_mean_nothing_are_refused(wrong: object) -> None:
    """UsageError says which."""
    with pytest.raises(UsageError):
        wrong()  # type: ignore[operator]
