"""Whether what is asked for is known."""

from __future__ import annotations

from harness.routing.health.monitors import Intent
from tests.routing.health.monitors.course import Course, said


def test_known_and_unknown_goals() -> None:
    """A goal of the graph is known, what is neither goal nor tool of it is not, and its tools ask for nothing."""
    course = Course()
    course.call("shipped")
    course.call("pay")
    course.call("make_coffee")
    course.call("openai:chat/completions", "model")
    found = said(Intent(["shipped"], ["pay"]), course)
    assert [(signal.subject, signal.priority) for signal in found] == [("shipped", 0.90), ("make_coffee", 0.30)]


def test_a_goal_is_signalled_once() -> None:
    """A route that a call asked for is that call's; one that no call asked for speaks for itself."""
    course = Course()
    course.route("plan", "shipped", action=course.call("shipped"))
    course.route("plan", "refunded")
    course.route("end", "refunded", served=True)
    course.route("plan", "pay")  # a tool that was asked for by its own name
    found = said(Intent(["shipped"], ["pay"]), course)
    assert [(signal.subject, signal.priority) for signal in found] == [("shipped", 0.90), ("refunded", 0.30)]
