"""What changed from one version to the next."""

from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.statistics.flips import flips, gained_to_lost


def test_the_published_example() -> None:
    """Of 100, 70 were right, 5 are lost, 8 gained, 6 wrong in another way: the mean is better, yet tasks are lost."""
    kept, lost, gained = [(True, True, True)] * 65, [(True, False, True)] * 5, [(False, True, True)] * 8
    found = flips([*kept, *lost, *gained, *[(False, False, True)] * 6, *[(False, False, False)] * 16])
    assert (found.negative, found.positive, found.inconsistency) == (0.05, 0.08, 0.06)
    assert (found.before, found.after) == (0.70, 0.73)


def test_the_odds_of_a_gain_have_an_exact_interval() -> None:
    """Nothing lost has no ratio and no upper end; swapping the two turns the interval over."""
    ratio, (low, high) = gained_to_lost(8, 5)
    assert ratio == 1.6
    assert (low, high) == pytest.approx((0.4615, 6.2161), abs=1e-4)
    assert gained_to_lost(5, 8)[1] == pytest.approx((1 / high, 1 / low))
    assert gained_to_lost(6, 0) == (None, (pytest.approx(0.5407 / 0.4593, abs=1e-3), float("inf")))
    assert gained_to_lost(0, 0) == (None, (0, float("inf")))


def test_nothing_to_compare_is_refused() -> None:
    """Without a pair there is no share."""
    with pytest.raises(UsageError, match="no task"):
        flips([])
