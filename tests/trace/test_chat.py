"""The chat messages that a trace carries."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.trace.chat import bodies_of, messages_in, read_message, replies, tokens_of
from harness.trace.event import Event
from tests.strategies import json_values

ASK = Event(
    0, "action", "main", "0", (), 0, {"surface": "model", "tool": "chat", "args": {"messages": []}, "rules": []}
)


def answer(value: object) -> list[tuple[str, str, tuple[dict[str, object], ...]]]:
    """Read the messages of a recorded answer."""
    event = Event(1, "observation", "main", "0", (0,), 0, {"action": 0, "ok": value})
    return [message[:3] for message in messages_in(event, ASK)]


def test_a_whole_chat_answer_is_read() -> None:
    """Text and tool calls of a Chat Completions answer, arguments parsed."""
    call = {"id": "c1", "type": "function", "function": {"name": "pay", "arguments": '{"cents": 5}'}}
    body = {"choices": [{"message": {"role": "assistant", "content": None, "tool_calls": [call]}}]}
    assert answer({"body": body}) == [("assistant", "", ({"id": "c1", "tool": "pay", "args": {"cents": 5}},))]


def test_a_streamed_chat_answer_is_added_up() -> None:
    """The deltas of a stream, cut anywhere, make the same message."""
    deltas = [
        {"role": "assistant", "content": "Hel"},
        {"content": "lo"},
        {"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "pay", "arguments": '{"cen'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": 'ts": 5}'}}]},
    ]
    stream = (
        "".join(f"data: {json.dumps({'choices': [{'index': 0, 'delta': delta}]})}\n\n" for delta in deltas)
        + "data: [DONE]\n\n"
    )
    chunks = [[0, stream[:30]], [1, stream[30:90]], [2, stream[90:]]]
    assert answer({"chunks": chunks}) == [("assistant", "Hello", ({"id": "c1", "tool": "pay", "args": {"cents": 5}},))]


def test_responses_items_are_read() -> None:
    """Messages and function calls of the Responses API, whole or streamed."""
    output = [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]},
        {"type": "function_call", "call_id": "c2", "name": "pay", "arguments": "{}"},
    ]
    expected = [("assistant", "Hi", ()), ("assistant", "", ({"id": "c2", "tool": "pay", "args": {}},))]
    assert answer({"body": {"output": output}}) == expected
    completed = json.dumps({"type": "response.completed", "response": {"output": output}})
    stream = f"event: response.completed\ndata: {completed}\n\n"
    assert answer({"chunks": [[0, stream]]}) == expected


def test_arguments_that_are_no_json_are_none() -> None:
    """A malformed tool call is still a tool call."""
    raw = {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "pay", "arguments": "{oops"}}]}
    assert read_message(raw).tool_calls == ({"id": "c", "tool": "pay", "args": None},)


def test_a_cut_stream_gives_what_had_come() -> None:
    """A stream that broke in the middle of an event is read up to there."""
    whole = json.dumps({"choices": [{"index": 0, "delta": {"content": "so far"}}]})
    assert answer({"chunks": [[0, f'data: {whole}\n\ndata: {{"choi']]}) == [("assistant", "so far", ())]


def test_odd_line_separators_in_a_streamed_text_are_text() -> None:
    """U+2028 and its like inside a delta do not end a line of the stream."""
    text = "one\u2028two\x85three"
    data = json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}, ensure_ascii=False)
    assert answer({"chunks": [[0, f"data: {data}\n\n"]]}) == [("assistant", text, ())]


@given(json_values | st.dictionaries(st.sampled_from(["body", "chunks", "choices", "output", "message"]), json_values))
def test_an_odd_answer_is_no_crash(response: object) -> None:
    """Whatever a server answers, reading it gives messages or nothing."""
    for message in replies(response):
        read_message(message)


@given(st.dictionaries(st.sampled_from(["role", "content", "tool_calls", "type", "arguments", "output"]), json_values))
def test_an_odd_message_is_no_crash(raw: dict[str, object]) -> None:
    """Whatever stands in a message, it can be read; the raw message is kept."""
    assert read_message(raw).raw == raw


@pytest.mark.parametrize(
    ("response", "bodies"),
    [
        ({"body": {"id": 1}}, [{"id": 1}]),
        ({"chunks": [[0, 'data: {"id": 1}\n\ndata: {"i'], [1, 'd": 2}\n\ndata: [DONE]\n\n']]}, [{"id": 1}, {"id": 2}]),
        ({"content": "plain text"}, []),
        ({"body": [1]}, []),
        (None, []),
    ],
)
def test_the_bodies_of_a_response(response: Any, bodies: list[Any]) -> None:
    """A whole response has one body, a stream one for each of its events, however the network cut them."""
    assert list(bodies_of(response)) == bodies


@pytest.mark.parametrize(
    ("response", "tokens"),
    [
        ({"body": {"choices": [], "usage": {"total_tokens": 7}}}, 7),
        ({"body": {"output": [], "usage": {"input_tokens": 3, "total_tokens": 9}}}, 9),
        ({"chunks": [[0, 'data: {"choices": []}\n\ndata: {"choices": [], "usage": {"total_tokens": 5}}\n\n']]}, 5),
        ({"chunks": [[0, 'data: {"choices": [], "usage": null}\n\ndata: [DONE]\n\n']]}, None),
        (
            {
                "chunks": [
                    [0, 'data: {"type": "response.completed", "response"'],
                    [1, ': {"usage": {"total_tokens": 11}}}\n\n'],
                ]
            },
            11,
        ),
        ({"body": {"error": "no"}}, None),
        ("text", None),
        (None, None),
    ],
)
def test_the_tokens_of_a_response_are_those_it_states(response: Any, tokens: int | None) -> None:
    """Chat Completions and Responses, whole and streamed; nothing is guessed where nothing is stated."""
    assert tokens_of(response) == tokens


BLOCKS: list[dict[str, Any]] = [
    {"type": "text", "text": "Let me "},
    {"type": "text", "text": "see."},
    {"type": "tool_use", "id": "t1", "name": "pay", "input": {"cents": 5}},
]


def streamed(*events: dict[str, Any]) -> dict[str, Any]:
    """Give a recorded stream of named events."""
    return {"chunks": [[0, "".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" for one in events)]]}


def test_an_anthropic_answer_is_read_whole_and_streamed() -> None:
    """Text blocks are joined and tool_use blocks are calls, however they came."""
    expected = [("assistant", "Let me see.", ({"id": "t1", "tool": "pay", "args": {"cents": 5}},))]
    assert answer({"body": {"type": "message", "role": "assistant", "content": BLOCKS}}) == expected
    events: list[dict[str, Any]] = [{"type": "message_start", "message": {"role": "assistant", "content": []}}]
    for index, block in enumerate(BLOCKS):
        call = block["type"] == "tool_use"
        events.append(
            {"type": "content_block_start", "index": index, "content_block": block | {"input": {}, "text": ""}}
        )
        pieces = ['{"cen', 'ts": 5}'] if call else [block["text"][:2], block["text"][2:]]
        field = {"type": "input_json_delta"} if call else {"type": "text_delta"}
        name = "partial_json" if call else "text"
        events += [{"type": "content_block_delta", "index": index, "delta": {**field, name: one}} for one in pieces]
    assert answer(streamed(*events)) == expected
    broken = answer(streamed(events[0], *events[-3:-1]))  # cut inside the arguments
    assert broken == [("assistant", "", ({"id": "t1", "tool": "pay", "args": None},))]


def test_what_a_tool_says_in_a_users_message_is_no_word_of_the_user() -> None:
    """Anthropic's tool results travel in messages of the user; only text beside them is the user's."""
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "paid"}]}
    assert read_message({"role": "user", "content": [result]})[:3] == ("tool", "paid", ())
    said = {"role": "user", "content": [result, {"type": "text", "text": "and now?"}]}
    assert read_message(said)[:3] == ("user", "and now?", ())


def test_tokens_that_are_counted_apart_are_added_up() -> None:
    """Anthropic tells what was read when a stream begins, and what was written when it ends."""
    usage = {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1}
    assert tokens_of({"body": {"type": "message", "usage": {**usage, "output_tokens": 7}}}) == 22
    start = {"type": "message_start", "message": {"usage": usage}}
    end = {"type": "message_delta", "usage": {"output_tokens": 7}}
    assert tokens_of(streamed(start, end)) == 22
    assert tokens_of(streamed({"type": "message_delta", "usage": {"output_tokens": 7}})) is None
    assert tokens_of({"body": {"usage": {"total_tokens": 3, "input_tokens": 9, "output_tokens": 9}}}) == 3
