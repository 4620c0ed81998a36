"""Calls that put much at risk."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from harness.routing.health.monitors import Risk
from harness.trace.value import encode_value
from tests.routing.health.monitors.course import Course, said


def priorities(monitor: Risk, **args: Any) -> list[float]:
    """Give what a monitor says of one call."""
    course = Course()
    course.call("pay", **args)
    return [signal.priority for signal in said(monitor, course)]


@pytest.mark.parametrize(
    ("amount", "priority"),
    [
        (10_000, 0.20),
        (10_000.01, 0.95),
        (10_001, 0.95),
        (10**30, 0.95),
        (-20_000, 0.20),
        (encode_value(Decimal("10000.000000000000000001")), 0.95),
        (encode_value(Decimal("10000")), 0.20),
    ],
)
def test_more_than_the_threshold_is_high(amount: Any, priority: float) -> None:
    """What is more than 10,000 is high, exactly; 10,000 itself is not."""
    assert priorities(Risk(), amount=amount) == [priority]


def test_numbers_of_any_length() -> None:
    """An amount too long for Python to write out is high like any other."""
    assert priorities(Risk(), amount=10**5000) == [0.95]


def test_flags() -> None:
    """A flagged value is less than a high amount and more than nothing; true is not 1."""
    monitor = Risk(flags={"to.country": ("XX", "YY"), "express": (True,)})
    assert priorities(monitor, amount=1, to={"country": "XX"}) == [0.85]
    assert priorities(monitor, amount=20_000, to={"country": "XX"}) == [0.95]
    assert priorities(monitor, to={"country": "DE"}) == [0.20]
    assert priorities(monitor, express=True) == [0.85]
    assert priorities(monitor, express=1) == [0.20]


@pytest.mark.parametrize("args", [{}, {"amount": "20000"}, {"amount": True}, {"amount": None}, {"to": "XX"}])
def test_a_call_without_what_is_watched_says_nothing(args: dict[str, Any]) -> None:
    """Arguments that are not watched, or are no numbers, are no risk that this monitor sees."""
    assert priorities(Risk(), **args) == []


def test_what_is_watched_is_configured() -> None:
    """The argument, the threshold and the tools are the user's."""
    assert priorities(Risk("order.total_cents", 500), order={"total_cents": 501}) == [0.95]
    assert priorities(Risk(tools=["wire"]), amount=20_000) == []
    assert priorities(Risk(tools=["pay"]), amount=20_000) == [0.95]


def test_model_calls_are_no_risk() -> None:
    """Only calls of tools are looked at."""
    course = Course()
    course.call("openai:chat/completions", "model", amount=20_000)
    assert said(Risk(), course) == []
