"""Both APIs are read into the same conversation."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.testing.scripted import chat, responses
from harness.testing.scripted.reply import Answer, Call
from harness.testing.scripted.request import CHAT, RESPONSES, ModelRequest, read_request
from harness.testing.scripted.wire import Wire, message_of

words = st.text("abc ", max_size=8)
some_calls = st.lists(st.builds(Call, words, words), min_size=1, max_size=3).map(tuple)
turns = st.builds(Answer, words) | st.builds(Answer, words | st.none(), some_calls)


def _items(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Make objects that look like messages, items and tools."""
    kinds = st.sampled_from(["message", "function_call", "function_call_output", "function", "reasoning"])
    names = st.sampled_from(["role", "content", "output", "call_id", "name", "arguments", "tool_calls", "text"])
    return st.builds(lambda kind, rest: {"type": kind, **rest}, kinds, st.dictionaries(names, inner, max_size=4))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=2) | _items(inner),
    max_leaves=8,
)


def _read(path: str, **body: Any) -> ModelRequest:
    return read_request(path, json.dumps({"model": "m", **body}).encode(), {})


def _without_ids(messages: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    """Leave out call ids, which differ from request to request, and read text parts as their text."""
    plain = []
    for message in messages:
        content = message["content"]
        text = content if isinstance(content, str | None) else "".join(part["text"] for part in content)
        used = [call["function"] for call in message.get("tool_calls", ())]
        plain.append({"role": message["role"], "text": text, "calls": used})
    return plain


@given(st.lists(turns, max_size=4))
def test_a_conversation_reads_alike_on_both_apis(answers: list[Answer]) -> None:
    """The same turns give the same messages, roles and turn number, whichever API carries them."""
    items: list[Any] = [{"role": "user", "content": "hi"}]
    messages: list[Any] = [{"role": "user", "content": "hi"}]
    for answer in answers:
        chat_turn = message_of(_read(CHAT, messages=messages), answer)
        output = responses.WIRE.whole(_read(RESPONSES, input=items), answer)["output"]
        results = [call["id"] for call in chat_turn.get("tool_calls", ())]
        outputs = [item["call_id"] for item in output if item["type"] == "function_call"]
        messages += [chat_turn, *({"role": "tool", "tool_call_id": one, "content": "done"} for one in results)]
        items += [*output, *({"type": "function_call_output", "call_id": one, "output": "done"} for one in outputs)]
        messages.append({"role": "user", "content": "and"})
        items.append({"role": "user", "content": "and"})
    chat, response = _read(CHAT, messages=messages), _read(RESPONSES, input=items)
    assert _without_ids(chat.messages) == _without_ids(response.messages)
    assert chat.number == response.number == len(answers)


@given(st.permutations(["model", "messages", "stream", "user"]))
def test_the_order_of_keys_does_not_tell_requests_apart(names: list[str]) -> None:
    """Requests that are equal as JSON have one digest, however they are spelt."""
    body: dict[str, Any] = {"model": "m", "messages": [{"role": "user"}], "stream": False, "user": "u"}
    spelt = json.dumps({name: body[name] for name in names}, indent=1).encode()
    assert read_request(CHAT, spelt, {}).digest == _read(CHAT, **body).digest


def test_reasoning_stays_in_the_body() -> None:
    """Items that no chat message can hold are no messages and do not count as a turn."""
    request = _read(RESPONSES, input=[{"type": "reasoning", "summary": []}, {"role": "user", "content": "hi"}])
    assert (len(request.messages), request.number, len(request.body["input"])) == (1, 0, 2)


def test_the_text_of_parts_is_joined() -> None:
    """``text`` reads the last message, also where its content is a list of parts."""
    parts = [{"type": "input_text", "text": "one "}, {"type": "input_text", "text": "two"}]
    assert _read(RESPONSES, input=[{"role": "user", "content": parts}]).text == "one two"


@given(
    st.sampled_from([(CHAT, chat.WIRE), (RESPONSES, responses.WIRE)]),
    st.dictionaries(
        st.sampled_from(
            [
                "messages",
                "input",
                "instructions",
                "tools",
                "stream",
                "stream_options",
                "metadata",
                "previous_response_id",
            ]
        ),
        json_values | st.lists(_items(json_values), max_size=3),
    ),
)
def test_any_json_is_answered_or_refused(surface: tuple[str, Wire], body: dict[str, Any]) -> None:
    """No body, however odd, does more than raise a UsageError; what is read can be asked about and answered."""
    path, wire = surface
    try:
        request = _read(path, **body)
    except UsageError:
        return
    assert isinstance(request.text, str) and request.number <= len(request.messages)
    answer = Answer("hello", (Call("t", "{}"),))
    assert wire.whole(request, answer)["model"] == "m"
    assert list(wire.stream(request, answer))
