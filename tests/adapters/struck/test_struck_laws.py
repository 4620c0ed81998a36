"""What dialects write is what they read: requests, whole answers, and streams however they are spoken."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.adapters.answers.sse import Sent, Splitter
from harness.adapters.struck.chat import ChatDialect
from harness.adapters.struck.dialect import Dialect
from harness.adapters.struck.exchange import changes
from harness.adapters.struck.messages import MessagesDialect
from harness.adapters.struck.responses import ResponsesDialect
from harness.faults.conversation import Answer, Asked, changed_answer, changed_request
from harness.faults.plan import KINDS, Fault, Strike
from harness.run.changes import changed_part
from harness.testing.scripted import chat, messages, reply, responses
from harness.testing.scripted.request import CHAT, MESSAGES, RESPONSES, ModelRequest

DIALECTS: dict[str, tuple[Dialect, Any, str]] = {
    "chat": (ChatDialect(), chat.WIRE, CHAT),
    "responses": (ResponsesDialect(), responses.WIRE, RESPONSES),
    "messages": (MessagesDialect(), messages.WIRE, MESSAGES),
}
ANSWERS = [kind for kind, family in KINDS.items() if family == "answer"]
REQUESTS = [kind for kind, family in KINDS.items() if family == "request"]
TOOLS = ("find", "refund", "note")

values = st.one_of(st.text(max_size=6), st.integers(-999, 999), st.booleans(), st.lists(st.integers(0, 9), max_size=2))
asked = st.builds(
    lambda tool, args: reply.call(tool, **args),
    st.sampled_from(TOOLS),
    st.dictionaries(st.sampled_from(["order", "cents", "to"]), values, max_size=3),
)
sentences = st.sampled_from(["Order W-77 costs 4800 cents. ", "I asked Ann. ", "naïve 😀 ", "All is done.", ""])
said = st.builds(
    lambda text, calls: reply.Answer(text or None, tuple(calls)),
    st.lists(sentences, max_size=4).map("".join),
    st.lists(asked, max_size=3),
).filter(lambda one: one.text or one.calls)


def request_of(path: str, *, stream: bool) -> ModelRequest:
    """Give a request that a scripted model answers."""
    return ModelRequest(path, {"stream_options": {"include_usage": True}}, "m", (), (), stream, f"{7:064d}")


def events_of(data: bytes) -> list[Sent]:
    """Give the events of a stream."""
    splitter = Splitter()
    return [*splitter.feed(data), *splitter.end()]


def told(name: str, answer: Answer) -> Answer:
    """Give an answer as a dialect can say it: arguments of Messages are data, and a text where they are no object."""
    if name != "messages":
        return answer
    return answer._replace(calls=tuple(one._replace(arguments=_as_data(one.arguments)) for one in answer.calls))


def _as_data(text: str) -> str:
    try:
        wants = json.loads(text)
    except ValueError:
        wants = text
    return json.dumps(wants if isinstance(wants, dict) else text, ensure_ascii=False)


@pytest.mark.parametrize("kind", ANSWERS)
@pytest.mark.parametrize("name", DIALECTS)
@given(answer=said, seed=st.integers(0, 99))
def test_a_stream_is_written_as_it_is_read(name: str, kind: str, answer: reply.Answer, seed: int) -> None:
    """Whole or streamed, an answer reads as it was spoken, and after a fault as the fault has left it."""
    dialect, wire, path = DIALECTS[name]
    whole = wire.whole(request_of(path, stream=False), answer)
    stream = b"".join(chunk.data for chunk in wire.stream(request_of(path, stream=True), answer))
    heard = dialect.heard(events_of(stream))
    assert heard is not None
    (spoken,) = dialect.answers(heard)
    assert [spoken] == dialect.answers(whole)
    assert spoken == told(name, Answer(answer.text or "", tuple(Asked(*one) for one in answer.calls)))
    changed = changed_answer(Strike(Fault("f", kind), Random(seed)), spoken, TOOLS)
    if changed == spoken:
        return
    after = dialect.answered(whole, [changed])
    assert dialect.answers(after) == [told(name, changed)]
    again = dialect.respelled(events_of(stream), heard, [changed])
    assert dialect.answers(dialect.heard(events_of(again)) or {}) == dialect.answers(after)
    if name != "responses":  # whose last event repeats all that was said
        assert events_of(again)[-1] == events_of(stream)[-1]


@pytest.mark.parametrize("name", DIALECTS)
@given(answer=said)
def test_what_stays_the_same_keeps_its_bytes(name: str, answer: reply.Answer) -> None:
    """A stream that is to say what it says is not spelled anew."""
    dialect, wire, path = DIALECTS[name]
    stream = b"".join(chunk.data for chunk in wire.stream(request_of(path, stream=True), answer))
    heard = dialect.heard(events_of(stream))
    assert heard is not None
    assert dialect.respelled(events_of(stream), heard, dialect.answers(heard)) == stream


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("cut", range(1, 9, 2))
def test_a_stream_that_breaks_off_is_not_understood(name: str, cut: int) -> None:
    """Responses and Messages say where they end; what lacks that is nobody's to change."""
    dialect, wire, path = DIALECTS[name]
    spoken = reply.Answer("A text of several pieces, long enough.", (reply.call("find", sku="mug"),))
    chunks = [chunk.data for chunk in wire.stream(request_of(path, stream=True), spoken)]
    heard = dialect.heard(events_of(b"".join(chunks[:-cut])))
    assert (heard is None) == (name != "chat")


TALKS: dict[str, dict[str, Any]] = {
    "chat": {
        "model": "m",
        "messages": [
            {"role": "developer", "content": [{"type": "text", "text": "You refund. Ask first."}]},
            {"role": "user", "content": [{"type": "image_url"}, {"type": "text", "text": "Refund 4800 to Ann."}]},
            {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}, {"id": "2"}]},
            {"role": "tool", "tool_call_id": "1", "content": "a"},
            {"role": "tool", "tool_call_id": "2", "content": "b"},
        ],
    },
    "responses": {
        "model": "m",
        "instructions": "You refund. Ask first.",
        "input": [
            {
                "role": "user",
                "content": [{"type": "input_image"}, {"type": "input_text", "text": "Refund 4800 to Ann."}],
            },
            {"type": "reasoning", "id": "r"},
            {"type": "function_call", "call_id": "1"},
            {"type": "function_call", "call_id": "2"},
            {"type": "function_call_output", "call_id": "1", "output": "a"},
            {"type": "function_call_output", "call_id": "2", "output": "b"},
        ],
    },
    "messages": {
        "model": "m",
        "system": [{"type": "text", "text": "You refund. Ask first.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Refund 4800 to Ann."}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "1"}, {"type": "tool_use", "id": "2"}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1"}, {"type": "tool_result"}]},
        ],
    },
}


@pytest.mark.parametrize("kind", REQUESTS)
@pytest.mark.parametrize("name", DIALECTS)
def test_a_request_keeps_what_is_no_text_of_a_fault(name: str, kind: str) -> None:
    """Images, ids and cache marks stay; what a fault tells of is all that differs; the agent's own is left alone."""
    dialect, body = DIALECTS[name][0], TALKS[name]
    before = json.dumps(body)
    strike = Strike(Fault("f", kind, strength={"keep": 1} if kind == "ML" else {}), Random(7))
    after = dialect.asked(body, changed_request(strike, dialect.messages(body)))
    assert json.dumps(body) == before
    differences = changes(body, after)
    assert differences
    assert changed_part(body, "args", {f"args.{at}": one for at, one in differences.items()}) == after
    assert all(part in json.dumps(after) for part in ("image", "ephemeral") if part in before and kind != "ML")


@pytest.mark.parametrize("name", DIALECTS)
def test_forgotten_memory_is_a_conversation_still(name: str) -> None:
    """Results of calls stay with what asked for them, all of it, and a conversation begins as its API wants."""
    dialect, body = DIALECTS[name][0], TALKS[name]
    strike = Strike(Fault("f", "ML", strength={"keep": 1}), Random(7))
    after = dialect.asked(body, changed_request(strike, dialect.messages(body)))
    assert "4800" not in json.dumps(after)
    if name == "chat":
        assert [one["role"] for one in after["messages"]] == ["developer", "assistant", "tool", "tool"]
    elif name == "responses":
        assert after["instructions"] == body["instructions"]
        assert after["input"] == body["input"][1:]
    else:
        assert after["system"] == body["system"]
        assert [one["role"] for one in after["messages"]] == ["user", "assistant", "user"]
        assert after["messages"][1:] == body["messages"][1:]


@pytest.mark.parametrize("name", DIALECTS)
def test_instructions_are_put_where_the_dialect_has_them(name: str) -> None:
    """A request without any gets them as its API wants them told."""
    dialect = DIALECTS[name][0]
    body = {"input" if name == "responses" else "messages": [{"role": "user", "content": "Hello."}]}
    after = dialect.asked(body, changed_request(Strike(Fault("f", "BT"), Random(7)), dialect.messages(body)))
    (place,) = changes(body, after)
    assert place == {"chat": "/messages", "responses": "/instructions", "messages": "/system"}[name]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("chat", {"messages": []}),
        ("chat", {"messages": "no list"}),
        ("responses", {"prompt": {"id": "p"}}),
        ("responses", {"instructions": "Be kind.", "input": []}),
        ("messages", {"system": "Be kind.", "messages": []}),
        ("messages", {}),
    ],
)
@pytest.mark.parametrize("kind", REQUESTS)
def test_a_request_without_a_conversation_is_no_trouble(name: str, body: dict[str, Any], kind: str) -> None:
    """What is there of it may be changed; nothing else is put in."""
    dialect = DIALECTS[name][0]
    if said := dialect.messages(body):
        after = dialect.asked(body, changed_request(Strike(Fault("f", kind), Random(7)), said))
        assert after.keys() == body.keys()


def test_a_text_that_is_lost_leaves_no_empty_block() -> None:
    """The API takes none back; in a stream the numbers of the others close up; an only block stays."""
    dialect = MessagesDialect()
    answer = reply.Answer("W-77 costs 48.", (reply.call("find", order="W-77"),))
    lost = Answer("", dialect.answers(messages.WIRE.whole(request_of(MESSAGES, stream=False), answer))[0].calls)
    whole = dialect.answered(messages.WIRE.whole(request_of(MESSAGES, stream=False), answer), [lost])
    assert [block["type"] for block in whole["content"]] == ["tool_use"]
    stream = b"".join(chunk.data for chunk in messages.WIRE.stream(request_of(MESSAGES, stream=True), answer))
    again = events_of(dialect.respelled(events_of(stream), dialect.heard(events_of(stream)) or {}, [lost]))
    assert {one.data["index"] for one in again if one.data and "index" in one.data} == {0}
    only = dialect.answered({"content": [{"type": "text", "text": "W-77."}]}, [Answer("")])
    assert only == {"content": [{"type": "text", "text": ""}]}
