"""Where two traces first differ."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness.trace.diff import explain, first_difference
from harness.trace.event import Event
from harness.trace.history import Histories
from tests.strategies import json_values


def call(seq: int, tool: str, **args: Any) -> Event:
    """Give a tool call."""
    return Event(seq, "action", "main", "0", (), 0, {"surface": "tool", "tool": tool, "args": args, "rules": []})


def ask(seq: int, histories: Histories, *contents: str) -> Event:
    """Give a model call."""
    sent = {"model": "m", "messages": [{"role": "user", "content": content} for content in contents]}
    args = histories.shorten("chat", sent, seq)
    return Event(seq, "action", "main", "0", (), 0, {"surface": "model", "tool": "chat", "args": args, "rules": []})


@given(json_values)
def test_a_value_does_not_differ_from_itself(value: object) -> None:
    """Equal values have no first difference."""
    assert first_difference(value, value) is None


@given(st.lists(st.integers(), min_size=1), st.data())
def test_the_first_difference_is_at_the_edit(values: list[int], data: st.DataObject) -> None:
    """One edited item is found at its own place."""
    index = data.draw(st.integers(0, len(values) - 1))
    edited = [*values[:index], values[index] + 1, *values[index + 1 :]]
    found = first_difference({"list": values}, {"list": edited})
    assert found is not None
    assert found.pointer == f"/list/{index}"


def test_one_and_one_point_zero_differ() -> None:
    """Types count: 1, 1.0 and true are three values."""
    assert first_difference([1], [1.0]) is not None
    assert first_difference([1], [True]) is not None


def test_a_changed_prompt_is_told_by_its_place_in_the_whole_request() -> None:
    """The pointer speaks of the request that was sent, not of how the trace shortens it."""
    recorded, now = Histories(), Histories()
    before = [ask(0, recorded, "one", "two")]
    ask(0, now, "one", "two")
    found = explain(ask(1, recorded, "one", "two", "three"), ask(1, now, "one", "TWO", "three"), before)
    assert found.pointer == "/messages/1/content"
    assert (found.recorded, found.now) == ("two", "TWO")
    assert found.cause == "the prompt changed"
    assert found.step == 1


def test_a_prompt_in_another_order_is_blamed_on_a_set() -> None:
    """The same letters in another order point at iteration over a set, with the cure."""
    recorded, now = Histories(), Histories()
    found = explain(ask(0, recorded, "a, b, c"), ask(0, now, "c, a, b"), [])
    assert "set" in found.cause
    assert "sort" in found.cure


def test_changed_arguments_extra_missing_and_reordered_calls_are_told_apart() -> None:
    """Each way a call can differ has a cause of its own."""
    assert explain(call(0, "pay", cents=1), call(0, "pay", cents=2), []).cause == "the arguments changed"
    assert explain(None, call(0, "pay"), []).cause == "an extra call"
    assert explain(call(0, "pay"), None, []).cause == "a missing call"
    assert "reordered" in explain(call(0, "pay"), call(0, "ship"), [], [call(1, "ship")]).cause
    assert explain(call(0, "pay"), call(0, "ship"), []).cause == "another call was made"


def test_an_end_by_an_error_is_told_with_the_error() -> None:
    """Where the agent fails before its next call, the reader is told by what, and not only that the call is missing."""
    error = {"type": "openai:OpenAIError", "message": "Missing credentials."}
    end = Event(0, "note", "main", "0", (), 0, {"raised": error})
    told = explain(call(0, "look"), end, [])
    assert told.what == "its end by openai:OpenAIError: Missing credentials. where the record has a call of look"
    returned = Event(0, "note", "main", "0", (), 0, {"returned": None})
    assert explain(call(0, "look"), returned, []).what == "its end where the record has a call of look"
