"""p-values of several tests together."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.statistics.multiple import benjamini_hochberg, holm

values = st.lists(st.floats(0, 1), max_size=12)


@given(values)
@settings(max_examples=30, deadline=None)  # statsmodels is imported on the way, and collects garbage
def test_holm_steps_down(found: list[float]) -> None:
    """The smallest of n is multiplied by n, the next by n - 1, and none comes out below one that was smaller."""
    order = sorted(range(len(found)), key=lambda place: found[place])
    expected, least = [0.0] * len(found), 0.0
    for rank, place in enumerate(order):
        least = max(least, min(1.0, found[place] * (len(found) - rank)))
        expected[place] = least
    assert holm(found) == pytest.approx(expected)


@given(values)
@settings(max_examples=30, deadline=None)  # statsmodels is imported on the way, and collects garbage
def test_benjamini_and_hochberg_step_up(found: list[float]) -> None:
    """The largest stays, the k-th of n is multiplied by n / k, and none comes out above one that was larger."""
    order = sorted(range(len(found)), key=lambda place: found[place])
    expected, most = [0.0] * len(found), 1.0
    for rank in range(len(found), 0, -1):
        most = min(most, found[order[rank - 1]] * len(found) / rank)
        expected[order[rank - 1]] = most
    assert benjamini_hochberg(found) == pytest.approx(expected)


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
@pytest.mark.parametrize("wrong", [-0.1, 1.5, float("nan")])
def test_what_is_no_probability_is_refused(adjust: object, wrong: float) -> None:
    """UsageError names the value."""
    with pytest.raises(UsageError, match="a p-value of"):
        adjust([0.5, wrong])  # type: ignore[operator]
