"""What requests and answers say of their conversation, in three dialects."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.adapters.proxy.asked import Asked, digest_of_speech, read_asked, read_body
from harness.adapters.proxy.heard import read_heard
from harness.errors import UsageError

USER = {"role": "user", "content": "hi"}
CHAT_CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CHAT_TURN = [{"role": "assistant", "content": "text", "tool_calls": [CHAT_CALL]}]
CHAT_RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "r"}
ITEM = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "text"}]}
ITEM_TURN = [{"type": "reasoning", "id": "rs"}, ITEM, {"type": "function_call", "call_id": "call_1", "name": "f"}]
ITEM_RESULT = {"type": "function_call_output", "call_id": "call_1", "output": "r"}
BLOCKS = [{"type": "text", "text": "text"}, {"type": "tool_use", "id": "call_1", "name": "f", "input": {}}]
BLOCK_TURN = [{"role": "assistant", "content": BLOCKS}]
BLOCK_RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "r"}]}

DIALECTS = [
    ("messages", CHAT_TURN, CHAT_RESULT),
    ("input", ITEM_TURN, ITEM_RESULT),
    ("messages", BLOCK_TURN, BLOCK_RESULT),
]


@pytest.mark.parametrize(("name", "turn", "result"), DIALECTS)
def test_a_request_says_what_it_extends_and_answers(name: str, turn: list[Any], result: dict[str, Any]) -> None:
    """The messages before a turn of the assistant are those of the request that it answered."""
    first = read_asked({name: [USER]})
    then = read_asked({name: [USER, *turn, result]})
    assert first == Asked(whole=first.whole)
    assert then.answers == ("call_1",)
    assert then.extends == ((first.whole, digest_of_speech("text", ["call_1"])),)
    third = read_asked({name: [USER, *turn, result, *turn, USER]})
    assert [before for before, _ in third.extends] == [then.whole, first.whole]
    assert third.answers == ()


def test_a_text_is_one_message() -> None:
    """Responses takes a text for the first message of a user; a former response is named."""
    said = read_asked({"input": "hi", "previous_response_id": "resp_1"})
    assert said.whole == read_asked({"input": [USER]}).whole
    assert said.after == "resp_1"


def sse(*events: dict[str, Any]) -> bytes:
    """Spell a stream."""
    return (
        b"".join(b"event: x\ndata: " + json.dumps(event).encode() + b"\n\n" for event in events) + b"data: [DONE]\n\n"
    )


ANSWERS = [
    (json.dumps({"id": "a", "choices": [{"message": CHAT_TURN[0]}]}).encode(), False),
    (
        sse(
            {"id": "a", "choices": [{"delta": {"role": "assistant", "content": "te"}}]},
            {"id": "a", "choices": [{"delta": {"content": "xt"}}]},
            {"id": "a", "choices": [{"delta": {"tool_calls": [{"index": 0, **CHAT_CALL}]}}]},
            {"id": "a", "choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]}}]},
        ),
        True,
    ),
    (json.dumps({"id": "a", "output": ITEM_TURN}).encode(), False),
    (
        sse(
            {"type": "response.created", "response": {"id": "a", "output": []}},
            {"type": "response.output_item.added", "item": ITEM_TURN[2]},
            {"type": "response.completed", "response": {"id": "a", "output": ITEM_TURN}},
        ),
        True,
    ),
    (json.dumps({"id": "a", "type": "message", "role": "assistant", "content": BLOCKS}).encode(), False),
    (
        sse(
            {"type": "message_start", "message": {"id": "a", "content": []}},
            {"type": "content_block_start", "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "text"}},
            {"type": "content_block_start", "content_block": BLOCKS[1]},
            {"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": "{}"}},
        ),
        True,
    ),
]


@pytest.mark.parametrize(("content", "streamed"), ANSWERS)
def test_what_is_heard_is_what_is_said_again(content: bytes, streamed: bool) -> None:
    """An answer, whole or streamed, has the digest of the turn that a client makes of it, and its calls and id."""
    heard = read_heard(content, streamed=streamed)
    assert heard.speech == digest_of_speech("text", ["call_1"])
    assert heard.calls == ("call_1",)
    assert heard.response in ("a", "")  # Anthropic's ids are never referred to


@given(st.binary(), st.booleans())
def test_no_bytes_are_too_strange_to_hear(content: bytes, streamed: bool) -> None:
    """What is no answer has said nothing."""
    assert read_heard(content, streamed=streamed).calls == ()


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["role", "content", "type", "id", "call_id", "tool_calls"]), inner)
        ),
    )
)
def test_no_request_is_too_strange_to_read(said: Any) -> None:
    """Whatever stands where messages should be, the request says something of its conversation or nothing."""
    for name in ("messages", "input"):
        assert isinstance(read_asked({name: said}), Asked)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"nul", b'{"a":1,"a":2}', b'{"b":{"a":1, "a":1}}', b'{"a":NaN}', b'{"a":"\xff"}', b'{"a":"\\ud800"}'],
)
def test_what_can_be_read_in_two_ways_is_not_read(body: bytes) -> None:
    """No JSON, a key twice, NaN, no UTF-8 and half a surrogate pair are refused."""
    with pytest.raises(UsageError, match="the body is"):
        read_body(body)


@given(
    st.dictionaries(st.text(max_size=5), st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text())
)
def test_what_json_says_in_one_way_is_read(body: dict[str, Any]) -> None:
    """Compact or not, with large numbers or not, a body is read as any reader of JSON reads it."""
    for options in ({}, {"indent": 2}, {"separators": (",", ":"), "ensure_ascii": False}):
        text = json.dumps(body, **options)  # type: ignore[arg-type]
        assert read_body(text.encode()) == json.loads(text)
