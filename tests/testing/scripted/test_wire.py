"""Laws of the two wire formats, over any answer."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness.testing.scripted import chat, responses
from harness.testing.scripted.reply import Answer, Call
from harness.testing.scripted.request import CHAT, RESPONSES, ModelRequest, read_request
from harness.testing.scripted.wire import Chunk, message_of, pieces

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
answers = st.builds(Answer, texts | st.none(), st.lists(st.builds(Call, texts, texts), max_size=3).map(tuple))


def _request(path: str) -> ModelRequest:
    body = {"model": "m", "messages": [{"role": "user"}], "input": "hi", "stream_options": {"include_usage": True}}
    return read_request(path, json.dumps(body).encode(), {})


def _data(chunk: Chunk) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(chunk.data.decode().removesuffix("\n\n").partition("data: ")[2])
    return data


@given(texts)
def test_pieces_join_to_the_text(text: str) -> None:
    """Nothing is lost or added where a text is cut, and no piece is empty."""
    assert "".join(pieces(text)) == text
    assert all(pieces(text))


@given(answers)
def test_a_chat_stream_adds_up_to_the_answer(answer: Answer) -> None:
    """The deltas of a stream rebuild the text, every call and the usage of the plain answer."""
    request = _request(CHAT)
    *chunks, done = chat.WIRE.stream(request, answer)
    plain = chat.WIRE.whole(request, answer)
    text, arguments = "", [""] * len(answer.calls)
    for data in map(_data, chunks[:-1]):
        delta = data["choices"][0]["delta"]
        text += delta.get("content") or ""
        for part in delta.get("tool_calls", ()):
            arguments[part["index"]] += part["function"]["arguments"]
    assert (text, tuple(arguments)) == (answer.text or "", tuple(call.arguments for call in answer.calls))
    assert _data(chunks[-1])["usage"] == plain["usage"]
    assert _data(chunks[-2])["choices"][0]["finish_reason"] == plain["choices"][0]["finish_reason"]
    assert done.data == b"data: [DONE]\n\n"


@given(answers)
def test_a_response_stream_adds_up_to_the_answer(answer: Answer) -> None:
    """The deltas rebuild the text and the arguments, and the last event holds the plain answer."""
    request = _request(RESPONSES)
    events = [_data(chunk) for chunk in responses.WIRE.stream(request, answer)]
    deltas = "".join(event["delta"] for event in events if event["type"].endswith(".delta"))
    assert deltas == (answer.text or "") + "".join(call.arguments for call in answer.calls)
    assert events[-1]["response"] == responses.WIRE.whole(request, answer)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))


@given(answers)
def test_only_content_counts_as_a_piece(answer: Answer) -> None:
    """Both formats have the same number of pieces, so that a cut or a pause means the same on both."""
    several = [
        sum(chunk.piece for chunk in wire.stream(_request(path), answer))
        for path, wire in ((CHAT, chat.WIRE), (RESPONSES, responses.WIRE))
    ]
    expected = len(pieces(answer.text or "")) + sum(len(pieces(call.arguments)) for call in answer.calls)
    assert several == [expected, expected]


@given(answers)
def test_identifiers_of_one_answer_are_distinct(answer: Answer) -> None:
    """No two calls of an answer share an id, and no two items of a response do."""
    message = message_of(_request(CHAT), answer)
    ids = [call["id"] for call in message.get("tool_calls", ())]
    ids += [item["id"] for item in responses.WIRE.whole(_request(RESPONSES), answer)["output"]]
    assert len(set(ids)) == len(ids)
