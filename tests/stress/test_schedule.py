"""Schedules as values."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.faults.plan import Fault
from harness.stress.schedule import Change, Schedule, Turn, schedule_of

faults = st.builds(
    Fault,
    st.sampled_from(["a", "b"]),
    st.sampled_from(["timeout", "error"]),
    nth=st.lists(st.integers(1, 3), max_size=2).map(tuple),
)
schedules = st.builds(
    Schedule,
    st.lists(faults, max_size=3).map(tuple),
    st.lists(st.builds(Turn, st.integers(0, 5), st.integers(0, 3)), max_size=3).map(tuple),
    st.lists(st.builds(Change, st.sampled_from(["", "/a"]), st.integers()), max_size=2).map(tuple),
    st.integers(0, 9),
)


@given(schedules)
def test_what_is_stated_means_the_same(schedule: Schedule) -> None:
    """A schedule survives as JSON."""
    assert schedule_of(schedule.stated()) == schedule


@given(schedules)
def test_an_element_less(schedule: Schedule) -> None:
    """Leaving one out leaves all others, in their order, and the seed."""
    for number in range(len(schedule)):
        elements = list(schedule.elements)
        del elements[number]
        less = schedule.without(number)
        assert (less.elements, less.seed) == (tuple(elements), schedule.seed)
