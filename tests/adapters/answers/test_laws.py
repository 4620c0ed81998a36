"""What holds of every stream, however it is cut and whatever it says."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.adapters.answers.chat import Chat
from harness.adapters.answers.messages import Messages
from harness.adapters.answers.responses import Responses
from harness.testing.scripted import chat, messages, responses
from harness.testing.scripted.reply import Answer, call, say
from harness.testing.scripted.request import CHAT, MESSAGES, RESPONSES, ModelRequest
from tests.adapters.answers.hearing import Heard, Rule, allow, events_of, refuse, rewrite, stream_of

DIALECTS: dict[str, tuple[Any, Any, str]] = {
    "chat": (Chat(), chat.WIRE, CHAT),
    "responses": (Responses(), responses.WIRE, RESPONSES),
    "messages": (Messages(), messages.WIRE, MESSAGES),
}
OTHER = Answer(None, (call("find", sku="cup"), call("pay", cents=9)))
RULES: dict[str, Rule] = {
    "allow": allow,
    "refuse all": refuse(),
    "refuse one": refuse("pay"),
    "rewrite": rewrite("pay", cents=1),
}
ANSWER = Answer("a text, naïve 😀", (call("pay", cents=500, to="Zoë"), call("find", sku="mug"), call("pay", cents=7)))


def spoken(name: str, answer: Answer, number: int = 0) -> bytes:
    """Spell an answer as the scripted server streams it."""
    _, wire, path = DIALECTS[name]
    request = ModelRequest(path, {"stream_options": {"include_usage": True}}, "m", (), (), True, f"{number:064d}")
    return b"".join(chunk.data for chunk in wire.stream(request, answer))


def rounds_of(name: str) -> list[bytes]:
    """Give the rounds of a model that wants what it may not, then is content."""
    return [spoken(name, ANSWER), spoken(name, ANSWER, 1), spoken(name, say("so be it"), 2)]


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    """Cut bytes at some places."""
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(places)]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", DIALECTS)
@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 10**6), max_size=8))
def test_the_client_sees_the_same_however_the_bytes_are_cut(name: str, rule: str, cuts: list[int]) -> None:
    """Piece by piece, byte by byte or at once: the same bytes, the same judgement, the same requests."""
    shape = DIALECTS[name][0]
    rounds = rounds_of(name)
    whole = Heard(shape, [[data] for data in rounds], RULES[rule], model="m")
    cut = Heard(shape, [pieces_of(data, cuts) for data in rounds], RULES[rule], model="m")
    assert (cut.data, cut.judged, cut.requests) == (whole.data, whole.judged, whole.requests)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", DIALECTS)
def test_a_boundary_at_every_byte_changes_nothing(name: str, rule: str) -> None:
    """Each byte may come alone."""
    shape = DIALECTS[name][0]
    rounds = rounds_of(name)
    whole = Heard(shape, [[data] for data in rounds], RULES[rule], model="m")
    bytewise = Heard(shape, [[bytes([byte]) for byte in data] for data in rounds], RULES[rule], model="m")
    assert bytewise.data == whole.data


@pytest.mark.parametrize("name", DIALECTS)
def test_where_all_is_allowed_not_a_byte_is_changed(name: str) -> None:
    """And text passes as soon as it comes, before the calls have."""
    data = spoken(name, ANSWER)
    heard = Heard(DIALECTS[name][0], [[bytes([byte]) for byte in data]], allow)
    assert heard.data == data
    assert len(heard.pieces) >= 3
    assert [ruling.asked.tool for ruling in heard.judged] == ["pay", "find", "pay"]
    assert heard.judged[0].asked.args == {"cents": 500, "to": "Zoë"}
    text = Heard(DIALECTS[name][0], [[spoken(name, say("only a text"))]], refuse())
    assert text.data == spoken(name, say("only a text"))


@pytest.mark.parametrize("name", DIALECTS)
def test_nothing_of_a_refused_call_passes(name: str) -> None:
    """Neither its id nor its arguments is among the bytes, over all rounds."""
    heard = Heard(DIALECTS[name][0], [[data] for data in rounds_of(name)], refuse(), model="m")
    assert len(heard.requests) == 2
    assert len(heard.judged) == 6
    for ruling in heard.judged:
        assert ruling.asked.id.encode() not in heard.data
    assert b"cents" not in heard.data
    assert b"so be it" in heard.data


@pytest.mark.parametrize("name", ["responses", "messages"])
@pytest.mark.parametrize("rule", RULES)
def test_numbers_in_a_continued_stream_have_no_gaps(name: str, rule: str) -> None:
    """Items, blocks and events are counted on, and only one answer begins and ends."""
    events = Heard(DIALECTS[name][0], [[data] for data in rounds_of(name)], RULES[rule], model="m").events()
    if name == "responses":
        assert [event["sequence_number"] for event in events] == list(range(len(events)))
        numbers = [event["output_index"] for event in events if event["type"] == "response.output_item.added"]
        assert [item["id"] for item in events[-1]["response"]["output"]] == [
            event["item"]["id"] for event in events if event["type"] == "response.output_item.done"
        ]
        assert len({event["response"]["id"] for event in events if "response" in event}) == 1
    else:
        numbers = [event["index"] for event in events if event["type"] == "content_block_start"]
        assert [event["type"] for event in events].count("message_start") == 1
        assert [event["type"] for event in events].count("message_stop") == 1
    assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize("name", DIALECTS)
def test_tokens_of_every_round_are_counted(name: str) -> None:
    """What the client is told to have used is what all rounds have."""
    rounds = rounds_of(name)
    heard = Heard(DIALECTS[name][0], [[data] for data in rounds], refuse(), model="m")
    assert _output_tokens(heard.data) == sum(map(_output_tokens, rounds)) > 0


def _output_tokens(data: bytes) -> int:
    for event in reversed(events_of(data)):
        usage = event.get("usage") or event.get("response", {}).get("usage") or {}
        for field in ("completion_tokens", "output_tokens"):
            if field in usage:
                return int(usage[field])
    raise AssertionError("no usage")


# --- hostile streams: whatever a server sends, no reader gets a call that was refused --------------------------------

fragments = st.sampled_from(["", "{", '{"a":1}', "}", '"b":2', "x"])
functions = st.fixed_dictionaries(
    {}, optional={"name": st.sampled_from(["pay", "find", "", "p"]), "arguments": fragments}
)
tool_pieces = st.fixed_dictionaries(
    {}, optional={"index": st.integers(0, 2), "id": st.sampled_from(["a", "b", ""]), "function": functions}
)
deltas = st.fixed_dictionaries(
    {}, optional={"content": st.sampled_from(["hi", "", None]), "tool_calls": st.lists(tool_pieces, max_size=3)}
)
chunks = st.fixed_dictionaries({"index": st.just(0), "delta": deltas, "finish_reason": st.none()})


def by_index(pieces: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Read calls by their index, names joined, as the official client does."""
    calls: dict[Any, list[str]] = {}
    for piece in pieces:
        call = calls.setdefault(piece.get("index"), ["", ""])
        call[0] += (piece.get("function") or {}).get("name") or ""
        call[1] += (piece.get("function") or {}).get("arguments") or ""
    return [(name, text) for name, text in calls.values()]


def by_id(pieces: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Read calls by their ids: a new one begins where an id comes, whatever the index; the last name counts."""
    calls: list[list[str]] = []
    known: str | None = None
    for piece in pieces:
        if not calls or (piece.get("id") and piece["id"] != known):
            calls.append(["", ""])
            known = piece.get("id") or known
        function = piece.get("function") or {}
        calls[-1][0] = function.get("name") or calls[-1][0]
        calls[-1][1] += function.get("arguments") or ""
    return [(name, text) for name, text in calls]


@settings(max_examples=300, deadline=None)
@given(st.lists(chunks, max_size=6))
def test_no_reader_of_a_confused_stream_gets_a_refused_call(said: list[dict[str, Any]]) -> None:
    """Pieces without index or id, two calls under one index, names said twice: readers agree on what was allowed."""
    stream = stream_of([{"id": "c", "choices": [choice]} for choice in said], named=False, done=True)
    heard = Heard(Chat(), [[stream]], refuse("pay"))
    pieces = [
        piece
        for event in heard.events()
        for choice in event["choices"]
        for piece in choice["delta"].get("tool_calls") or ()
    ]
    allowed = [ruling.asked.tool for ruling in heard.judged if ruling.refused is None]
    for reader in (by_index, by_id):
        seen = [name for name, _ in reader(pieces)]
        assert "pay" not in seen
        assert all(name in allowed for name in seen)


def calls_in(name: str, events: list[dict[str, Any]]) -> list[str]:
    """Give the tools of all calls that any reader might find in a stream."""
    if name == "chat":
        pieces = [
            piece
            for event in events
            for choice in event["choices"]
            for piece in choice["delta"].get("tool_calls") or ()
        ]
        return [tool for reader in (by_index, by_id) for tool, _ in reader(pieces)]
    if name == "messages":
        blocks = [event["content_block"] for event in events if "content_block" in event]
        return [block["name"] for block in blocks if block["type"] == "tool_use"]
    items = [event["item"] for event in events if "item" in event]
    items += [item for event in events for item in event.get("response", {}).get("output", ())]
    return [item["name"] for item in items if item["type"] == "function_call"]


@pytest.mark.parametrize("name", DIALECTS)
@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_no_disorder_of_a_stream_brings_a_refused_call_to_the_client(name: str, data: st.DataObject) -> None:
    """Events that are missing, doubled, in another order or of another answer are judged as far as they go."""
    rounds = []
    for number in range(2):
        both = spoken(name, ANSWER, number) + spoken(name, OTHER, number + 7)
        events = [one + b"\n\n" for one in both.split(b"\n\n")[:-1]]
        places = data.draw(st.lists(st.integers(0, len(events) - 1), max_size=2 * len(events)))
        rounds.append([events[place] for place in places])
    refused = data.draw(st.sampled_from([(), ("pay",), ("find",)]))
    heard = Heard(DIALECTS[name][0], rounds, refuse(*refused), model="m")
    allowed = [ruling.asked.tool for ruling in heard.judged if ruling.refused is None]
    assert all(tool in allowed for tool in calls_in(name, heard.events()))
