"""Quotas that come to an end, by the times in a trace."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.routing.health import Quota
from harness.routing.health.monitors import Rate
from tests.routing.health.monitors.course import Course, last, said, signals


def test_from_95_percent_on() -> None:
    """The 19th of 20 calls is near the end of a quota, the 20th is its end; other tools do not count."""
    course = Course()
    for _ in range(20):
        course.call("pay")
        course.call("look")
    found = said(Rate({"pay": Quota(20, 1000)}), course)
    assert [(signal.priority, signal.subject) for signal in found] == [(0.70, "pay"), (0.99, "pay")]
    assert found[0].says == "pay has made 19 of the 20 calls of its quota"


def test_calls_leave_the_span() -> None:
    """A call counts for as long as the quota's span lasts, not a nanosecond longer."""
    course = Course()
    course.call("pay")
    course.at = 99
    course.call("pay")
    quota = {"pay": Quota(2, 100)}
    assert last(signals(Rate(quota), course)) is not None
    course.events.pop()
    course.at = 100
    course.call("pay")
    assert last(signals(Rate(quota), course)) is None


def test_a_call_that_is_not_made_uses_nothing() -> None:
    """A blocked or rewritten call is given back."""
    course = Course()
    for decision in ("block", "rewrite", "block"):
        course.decided(course.call("pay"), decision)
    course.call("pay")
    assert said(Rate({"pay": Quota(2, 1000)}), course) == []
    course.call("pay")
    assert len(said(Rate({"pay": Quota(2, 1000)}), course)) == 1


@given(st.lists(st.integers(0, 50), max_size=40), st.integers(1, 5), st.integers(1, 100))
def test_it_counts_what_a_plain_count_gives(pauses: list[int], most: int, span: int) -> None:
    """At each call the quota is used up exactly where that many calls began within the span that ends there."""
    course = Course()
    for pause in pauses:
        course.at += pause
        course.call("pay")
    found = signals(Rate({"pay": Quota(most, span)}), course)
    for event, signal in zip(course.events, found, strict=True):
        used = sum(event.at - span < other.at <= event.at for other in course.events)
        assert (signal is not None and signal.priority == 0.99) == (used >= most)
