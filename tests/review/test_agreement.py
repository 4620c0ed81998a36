"""Agreement of alarms with labels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.review.agreement import Proportion, agreement


def test_cases_are_counted_by_alarm_and_truth() -> None:
    """Three hits, one false alarm and two misses give precision 3/4 and recall 3/5."""
    cases = [(True, True)] * 3 + [(True, False)] + [(False, True)] * 2 + [(False, False)] * 4
    said = agreement(cases)
    assert said == (3, 1, 2, 4)
    assert said.precision == (3, 4)
    assert said.recall == (3, 5)


@given(st.lists(st.tuples(st.booleans(), st.booleans())))
def test_every_case_is_counted_once(cases: list[tuple[bool, bool]]) -> None:
    """The four counts add up to the number of cases, and positives to hits and misses."""
    said = agreement(cases)
    assert sum(said) == len(cases)
    assert said.recall.n == sum(positive for _, positive in cases)


def test_a_proportion_of_nothing_has_no_share() -> None:
    """Without cases there is no share, and the interval says that anything is possible."""
    assert Proportion(0, 0).share is None
    assert Proportion(0, 0).interval == (0, 1)


def test_a_proportion_carries_its_interval() -> None:
    """A share comes with Wilson's interval at 95 %."""
    assert Proportion(16, 19).interval == pytest.approx((0.62435, 0.94480), abs=5e-6)
