"""Tools that are down, as a trace shows them."""

from __future__ import annotations

from harness.routing.health.monitors import Signal, Tools
from tests.routing.health.monitors.course import Course, said


def test_failures_in_a_row() -> None:
    """A tool is down at its third failure in a row; one call that serves starts the count anew."""
    course = Course()
    for outcome in ("failed", "failed", "served", "failed", "failed"):
        getattr(course, outcome)("pay")
        course.failed("look") if outcome == "served" else course.served("look")
    assert said(Tools(), course) == []
    course.failed("pay")
    assert said(Tools(), course) == [Signal("tools", 0.99, "pay", "pay is down: 3 calls in a row failed")]


def test_a_call_without_an_answer_is_a_failure() -> None:
    """An unknown outcome counts as well."""
    course = Course()
    course.add("observation", action=course.call("pay"), unknown={"reason": "cut"})
    assert [signal.subject for signal in said(Tools(failures=1), course)] == ["pay"]


def test_a_tool_that_a_route_went_around() -> None:
    """A reroute names the tool that was given up, whatever the count."""
    course = Course()
    course.route("plan", path=["pay"])
    course.route("reroute", tool="pay", path=["cash"])
    assert said(Tools(), course) == [Signal("tools", 0.99, "pay", "a route to goal has given pay up")]
