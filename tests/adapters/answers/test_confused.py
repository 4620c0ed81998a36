"""Answers whose parts are not numbered as an API numbers them: what is refused does not pass by a reader's mistake."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.adapters.answers.answer import Streamed, Whole
from harness.adapters.answers.asked import Ruling
from harness.adapters.answers.chat import Chat
from harness.adapters.answers.messages import Messages
from harness.adapters.answers.responses import Responses
from harness.errors import Refused

ABSENT: Any = object()
NUMBERS: tuple[Any, ...] = (ABSENT, None, "0", True, 0.0)


def _ruled(answer: Whole | Streamed) -> bytes:
    """Refuse each refund, let everything else pass, and give what the client sees."""
    asked = answer.calls()
    rulings = [Ruling(one, refused=Refused("SAFE", "no") if one.tool == "refund" else None) for one in asked]
    return answer.settled(rulings, ends=True)


def _message(tool: str) -> dict[str, Any]:
    call = {"id": tool, "type": "function", "function": {"name": tool, "arguments": "{}"}}
    return {"role": "assistant", "tool_calls": [call]}


def _called(choices: list[Any]) -> list[str]:
    return [
        call["function"]["name"] for choice in choices if choice for call in choice["message"].get("tool_calls", ())
    ]


@pytest.mark.parametrize(
    "choices",
    [
        [{"index": 0, "message": _message("refund")}, {"index": 0, "message": _message("look")}],
        [{"index": 1, "message": _message("refund")}, {"message": _message("look")}],
        [None, {"message": _message("refund")}, {"message": _message("look")}],
        [{"index": "0", "message": _message("refund")}, {"index": 0, "message": _message("look")}],
        [{"index": 5, "message": _message("look")}, {"index": 3, "message": _message("refund")}],
        [{"index": [], "message": _message("refund")}, {"index": {}, "message": _message("look")}],
    ],
)
def test_choices_of_any_numbers_are_ruled_one_by_one(choices: list[Any]) -> None:
    """The ruling on one choice is never taken for that on another."""
    answer = Whole(Chat())
    answer.feed(json.dumps({"choices": choices}).encode())
    answer.finish()
    assert _called(json.loads(_ruled(answer))["choices"]) == ["look"]


def _seen(shape: Any, events: list[dict[str, Any]]) -> bytes:
    answer = Streamed(shape)
    said = b"".join(answer.feed(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode()) for one in events)
    return said + answer.finish() + _ruled(answer)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("before", [True, False])
def test_a_block_without_a_place_ends_a_stream_of_messages(number: Any, before: bool) -> None:
    """A client reads such a call by the order of its events, so nothing of it may pass unjudged."""
    place = {} if number is ABSENT else {"index": number}
    look = {"type": "tool_use", "id": "t0", "name": "look", "input": {}}
    block = {"type": "tool_use", "id": "t1", "name": "refund", "input": {"cents": 9}}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": {"id": "m", "content": []}}]
    events += [{"type": "content_block_start", "index": 0, "content_block": look}] if before else []
    events += [
        {"type": "content_block_start", **place, "content_block": block},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
        {"type": "message_stop"},
    ]
    seen = _seen(Messages(), events)
    assert b"refund" not in seen
    assert b"contradicts itself" in seen


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("kind", ["response.output_item.added", "response.output_item.done"])
def test_an_item_without_a_place_ends_a_stream_of_responses(number: Any, kind: str) -> None:
    """A client takes the item as its event brings it, whatever the response at the end says."""
    place = {} if number is ABSENT else {"output_index": number}
    item = {"type": "function_call", "id": "f", "call_id": "c", "name": "refund", "arguments": "{}"}
    seen = _seen(
        Responses(),
        [
            {"type": "response.created", "response": {"id": "r", "output": []}},
            {"type": kind, **place, "item": item},
            {"type": "response.completed", "response": {"id": "r", "status": "completed"}},
        ],
    )
    assert b"refund" not in seen
    assert b"contradicts itself" in seen
