"""Repeated samples: published values, and what is refused."""

from __future__ import annotations

import math

import pytest

from harness.errors import UsageError
from harness.statistics.sampling import confidence, runs_to_see, team_slope


def test_confidence() -> None:
    """Full agreement is 1, an even split over all answers 0, no vote 0; more answers than possible are refused."""
    assert confidence([5, 0], 2) == 1
    assert confidence([2, 2], 2) == pytest.approx(0)
    assert confidence([9, 1], 2) == pytest.approx(1 - 0.325083 / math.log(2), abs=1e-6)
    assert confidence([], 3) == 0
    with pytest.raises(UsageError):
        confidence([1, 1, 1], 2)


def test_published_slopes() -> None:
    """1.5, 1.875, 2.1875 and 2.4609 times the slope for 3, 5, 7 and 9 voters; an even number is refused."""
    assert [team_slope(voters) for voters in (3, 5, 7, 9)] == pytest.approx([1.5, 1.875, 2.1875, 2.4609], abs=5e-5)
    assert team_slope(3, 0.4) == pytest.approx(0.6)
    with pytest.raises(UsageError):
        team_slope(4)


def test_published_samples() -> None:
    """Runs needed to see a tail of 5, 2 and 1 % at least once with 0.95; shares that are none are refused."""
    assert [runs_to_see(share) for share in (0.05, 0.02, 0.01)] == [59, 149, 299]
    with pytest.raises(UsageError):
        runs_to_see(0)
