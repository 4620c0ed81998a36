"""How much of a budget is spent."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.routing.health.monitors import Budget
from tests.routing.health.monitors.course import Course, said


def test_calls() -> None:
    """Each call of a tool spends one; the priority is the share spent, at most 1."""
    course = Course()
    for _ in range(5):
        course.served("pay")
    found = said(Budget("calls", 4), course)
    assert [signal.priority for signal in found] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert found[1].says == "2 of 4 calls are spent"


def test_an_argument_is_added_up_exactly() -> None:
    """Amounts are added as they are written; what is negative gives nothing back, what is no number spends nothing."""
    course = Course()
    for cents in (0.1, 0.2, -5, "9", 0.7):
        course.call("pay", order={"cents": cents})
    found = said(Budget("order.cents", Decimal("1.0")), course)
    assert [signal.priority for signal in found] == [0.1, 0.3, 1.0]
    assert found[1].says == "0.3 of 1.0 order.cents are spent"
    course.call("pay", order={"cents": 10**5000})  # too long for Python to write out
    assert said(Budget("order.cents", 7), course)[-1].priority == 1.0


def test_tokens() -> None:
    """Tokens are spent when a model's answer states them, streamed or whole."""
    course = Course()
    course.answered({"body": {"choices": [], "usage": {"total_tokens": 30}}})
    course.answered({"chunks": [[0, 'data: {"usage": {"total_tokens": 20}}\n\n']]})
    course.answered({"body": {"choices": []}})
    course.served("pay", {"body": {"usage": {"total_tokens": 40}}})
    assert [signal.priority for signal in said(Budget("tokens", 100), course)] == [0.3, 0.5]


def test_only_the_tools_that_are_named_spend() -> None:
    """A budget of some tools is not spent by others, and says whose it is."""
    course = Course()
    course.served("look")
    course.served("pay")
    assert [signal.says for signal in said(Budget("calls", 10, ["pay"]), course)] == ["1 of 10 calls of pay are spent"]


def test_a_goal_spends_what_its_calls_spend() -> None:
    """The call that asks for it does not count once more, unless it is named."""
    course = Course()
    course.call("shipped", cents=5)
    course.served("pay", cents=5)
    assert [signal.says for signal in said(Budget("cents", 10, goals=["shipped"]), course)] == [
        "5 of 10 cents are spent"
    ]
    assert len(said(Budget("cents", 10, ["shipped", "pay"], ["shipped"]), course)) == 2


def test_what_stands_is_what_is_spent_now() -> None:
    """A call that was refused gives back; nothing stands before anything is spent."""
    course, monitor = Course(), Budget("calls", 2)
    assert monitor.stands is None
    course.served("pay")
    action = course.call("pay")
    said(monitor, course)
    assert monitor.stands == ("budget", 1.0, "calls", "2 of 2 calls are spent")
    course.decided(action, "block")
    assert monitor.step(course.events[-1]) is None
    assert monitor.stands == ("budget", 0.5, "calls", "1 of 2 calls are spent")


@given(st.lists(st.tuples(st.integers(1, 9), st.sampled_from(["", "block", "rewrite", "allow", "escalate"]))))
def test_a_call_that_is_not_made_spends_nothing(calls: list[tuple[int, str]]) -> None:
    """What is left spent in the end is the sum over the calls that were made."""
    course = Course()
    for amount, decision in calls:
        action = course.call("pay", amount=amount)
        if decision:
            course.decided(action, decision)
    monitor = Budget("amount", 1000)
    said(monitor, course)
    assert monitor.spent == sum(amount for amount, decision in calls if decision not in ("block", "rewrite"))


def test_a_budget_of_nothing_is_an_error() -> None:
    """A limit that is not positive is refused where it is stated."""
    with pytest.raises(ValueError, match="0 calls leaves nothing"):
        Budget("calls", 0)
