"""Answers that no well-behaved model gives: a clear error or a refusal for the client, and a complete trace."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from tests.adapters.answers.hearing import stream_of
from tests.adapters.answers.raw import EVENTS, Sends, serving
from tests.adapters.answers.talking import APIS, RULES, Talk, actions, record, replayed

STRICT = RULES.replace("default: allow", "default: refuse\nunknown: block")
REST = "The rest is text."


def answer(api: str, calls: list[tuple[str, str, str]], text: str = "", *, stream: bool) -> Sends:
    """Spell an answer with calls (id, tool, arguments as text) in one of the APIs, without any care."""
    spell = {"chat": _chat, "responses": _responses, "messages": _messages}[api]
    body = spell(calls, text, stream)
    return Sends([body], EVENTS if stream else "application/json")


def _chat(calls: list[tuple[str, str, str]], text: str, stream: bool) -> bytes:
    made: list[dict[str, Any]] = [
        {"index": number, "id": one, "type": "function", "function": {"name": tool, "arguments": args}}
        for number, (one, tool, args) in enumerate(calls)
    ]
    said: dict[str, Any] = {"role": "assistant", "content": text or None} | ({"tool_calls": made} if made else {})
    envelope = {"id": "c1", "object": "chat.completion", "created": 1, "model": "m"}
    finish = "tool_calls" if made else "stop"
    if not stream:
        return _json({**envelope, "choices": [{"index": 0, "message": said, "finish_reason": finish}]})
    envelope["object"] += ".chunk"
    chunks = [
        {**envelope, "choices": [{"index": 0, "delta": said, "finish_reason": None}]},
        {**envelope, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]},
    ]
    return stream_of(chunks, named=False, done=True)


def _responses(calls: list[tuple[str, str, str]], text: str, stream: bool) -> bytes:
    items: list[dict[str, Any]] = [
        {
            "type": "function_call",
            "id": f"fc{number}",
            "call_id": one,
            "name": tool,
            "arguments": args,
            "status": "completed",
        }
        for number, (one, tool, args) in enumerate(calls)
    ]
    if text:
        part = {"type": "output_text", "text": text, "annotations": []}
        items.append({"type": "message", "id": "m1", "role": "assistant", "status": "completed", "content": [part]})
    whole = {"id": "r1", "object": "response", "created_at": 1, "model": "m", "status": "completed", "output": items}
    whole |= {"parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
    if not stream:
        return _json(whole)
    events: list[dict[str, Any]] = [{"type": "response.created", "response": {**whole, "output": []}}]
    for number, item in enumerate(items):
        events.append({"type": "response.output_item.added", "output_index": number, "item": item})
        events.append({"type": "response.output_item.done", "output_index": number, "item": item})
    events.append({"type": "response.completed", "response": whole})
    numbered = [{**event, "sequence_number": number} for number, event in enumerate(events)]
    return stream_of(numbered, named=True, done=False)


def _messages(calls: list[tuple[str, str, str]], text: str, stream: bool) -> bytes:
    blocks: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
    for one, tool, args in calls:
        try:
            data = json.loads(args)
        except ValueError:
            data = args
        blocks.append({"type": "tool_use", "id": one, "name": tool, "input": data})
    reason = "tool_use" if calls else "end_turn"
    whole = {"id": "m1", "type": "message", "role": "assistant", "model": "m", "content": blocks, "stop_reason": reason}
    whole |= {"stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}
    if not stream:
        return _json(whole)
    events: list[dict[str, Any]] = [{"type": "message_start", "message": {**whole, "content": []}}]
    for number, block in enumerate(blocks):
        events.append({"type": "content_block_start", "index": number, "content_block": {**block, "input": {}}})
        if block["type"] == "tool_use":
            delta = {"type": "input_json_delta", "partial_json": calls[number - bool(text)][2]}
            events.append({"type": "content_block_delta", "index": number, "delta": delta})
        events.append({"type": "content_block_stop", "index": number})
    events.append({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 1}})
    return stream_of([*events, {"type": "message_stop"}], named=True, done=False)


def _json(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode(errors="surrogatepass")


def once(first: Sends, *then: Sends) -> Any:
    """Answer the first request, the second, and so on; the last again and again."""
    answers = [first, *then]
    return lambda number, body: answers[min(number, len(answers) - 1)]


cases = pytest.mark.parametrize(("api", "stream"), [(api, stream) for api in APIS for stream in (False, True)])


@cases
@pytest.mark.parametrize("args", ['{"cents": ', "[1]", '{"cents": NaN}', '{"cents": 1, "cents": 99000}', "\x00"])
def test_arguments_that_are_no_object_are_judged_as_text_and_refused(
    api: str, stream: bool, args: str, tmp_path: Path
) -> None:
    """Where what is unknown is blocked, a call that nobody can read never reaches the client."""
    if api == "messages" and not stream and args in ('{"cents": NaN}', '{"cents": 1, "cents": 99000}'):
        pytest.skip("a whole answer of this API holds data, which says one thing only")
    bad, good = answer(api, [("c1", "refund", args)], stream=stream), answer(api, [], REST, stream=stream)
    with serving(once(bad, good)) as server:
        talk = Talk(server, api, stream=stream, rules=STRICT)
        app = talk.app(tmp_path)
        seen, events, path = record(app, talk.agent(app), text="go")
        assert [one[1] for one in actions(events)] == [{"$unparsed": actions(events)[0][1]["$unparsed"]}]
        assert [(one.text, one.calls) for one in seen] == [(REST, [])]
        replayed(app, path, talk.agent(app), server, seen)


@cases
def test_a_tool_that_no_rule_knows_is_refused_where_that_is_the_default(api: str, stream: bool, tmp_path: Path) -> None:
    """The client sees the text, the trace has the call and the rule that refused it."""
    bad = answer(api, [("c1", "rm_rf", '{"path": "/"}')], stream=stream)
    with serving(once(bad, answer(api, [], REST, stream=stream))) as server:
        talk = Talk(server, api, stream=stream, rules=STRICT)
        app = talk.app(tmp_path)
        seen, events, _ = record(app, talk.agent(app), text="go")
    assert actions(events) == [("rm_rf", {"path": "/"})]
    assert [event.body["rule"] for event in events if event.kind == "decision"] == ["DEFAULT-REFUSE"]
    assert [(one.text, one.calls) for one in seen] == [(REST, [])]


@cases
def test_calls_of_one_id_are_judged_each_and_ended_each(api: str, stream: bool, tmp_path: Path) -> None:
    """The first result is that of the first call, and none stays open; a later turn may use the id again."""
    twice = answer(api, [("c1", "find", '{"sku": "a"}'), ("c1", "find", '{"sku": "b"}')], stream=stream)
    again = answer(api, [("c1", "find", '{"sku": "c"}')], stream=stream)
    with serving(once(twice, again, answer(api, [], REST, stream=stream))) as server:
        talk = Talk(server, api, stream=stream)
        if api == "responses" and stream:
            talk.stream = False  # the client's own accumulator refuses items that it cannot tell apart
            server.script = once(*(answer(api, calls, text, stream=False) for calls, text in _SPOKEN))
        app = talk.app(tmp_path)
        seen, events, path = record(app, talk.agent(app), text="go")
        assert [args["sku"] for _, args in actions(events)] == ["a", "b", "c"]
        opened = [event.seq for event in events if event.kind == "action" and event.body["surface"] == "tool"]
        ended = [
            event.body["action"] for event in events if event.kind == "observation" and event.body["action"] in opened
        ]
        assert ended == opened
        replayed(app, path, talk.agent(app), server, seen)


_SPOKEN: list[tuple[list[tuple[str, str, str]], str]] = [
    ([("c1", "find", '{"sku": "a"}'), ("c1", "find", '{"sku": "b"}')], ""),
    ([("c1", "find", '{"sku": "c"}')], ""),
    ([], REST),
]


@cases
def test_ten_megabytes_of_arguments_are_judged_like_any(api: str, stream: bool, tmp_path: Path) -> None:
    """However long, the call is judged whole and given whole, in seconds."""
    args = json.dumps({"sku": "x" * 10_000_000})
    sends = answer(api, [("c1", "find", args)], stream=stream)
    pieces = [sends.pieces[0][start : start + 4096] for start in range(0, len(sends.pieces[0]), 4096)]
    with serving(once(sends._replace(pieces=pieces), answer(api, [], REST, stream=stream))) as server:
        talk = Talk(server, api, stream=stream)
        app = talk.app(tmp_path)
        began = time.monotonic()
        seen, events, _ = record(app, talk.agent(app), text="go")
        assert time.monotonic() - began < 30
    assert len(actions(events)[0][1]["sku"]) == 10_000_000
    assert [(tool, len(given["sku"])) for tool, given in talk.made] == [("find", 10_000_000)]
    assert seen[-1].text == REST


def test_ten_megabytes_in_small_pieces_take_time_that_grows_with_their_number() -> None:
    """A stream of a million pieces is no square of them."""
    from harness.adapters.answers.chat import Chat
    from tests.adapters.answers.hearing import Heard, allow

    def heard(pieces: int) -> float:
        head = _chat([("c1", "find", "")], "", True).split(b"\n\n")[0] + b"\n\n"
        delta = {"tool_calls": [{"index": 0, "function": {"arguments": "x" * 16}}]}
        chunk = b"data: " + _json({"id": "c1", "choices": [{"index": 0, "delta": delta}]}) + b"\n\n"
        began = time.thread_time()
        Heard(Chat(), [[head, *[chunk] * pieces]], allow)
        return time.thread_time() - began

    assert min(heard(20_000) for _ in range(2)) < 40 * min(heard(2_000) for _ in range(3))  # of a square it is 100


@pytest.mark.parametrize("api", APIS)
def test_a_stream_that_is_cut_inside_a_call_gives_no_call(api: str, tmp_path: Path) -> None:
    """The client sees its own connection error, nothing is judged, and the trace says where it was cut."""
    sends = answer(api, [("c1", "refund", '{"cents": 1}')], "before", stream=True)
    half = sends.pieces[0].rindex(b"refund") + 20
    with serving(once(Sends([sends.pieces[0][:half]], EVENTS, cut=True))) as server:
        talk = Talk(server, api, stream=True)
        app = talk.app(tmp_path)

        def agent(text: str) -> str:
            try:
                talk.agent(app)(text)
            except Exception as error:
                return type(error).__name__
            return "no error"

        result, events, path = record(app, agent, text="go")
        assert result != "no error"
        assert actions(events) == []
        assert "cut" in next(event.body["ok"] for event in events if event.kind == "observation")
        replayed(app, path, agent, server, result)


@cases
def test_an_error_of_the_server_is_the_clients_own_error(api: str, stream: bool, tmp_path: Path) -> None:
    """Status 500 stays status 500, and is in the trace."""
    with serving(once(Sends([b'{"error": {"message": "no"}}'], status=500))) as server:
        talk = Talk(server, api, stream=stream)
        app = talk.app(tmp_path)

        def agent(text: str) -> int:
            try:
                talk.agent(app)(text)
            except (openai.APIStatusError, anthropic.APIStatusError) as error:
                return error.status_code
            return 0

        result, events, path = record(app, agent, text="go")
        assert result == 500
        assert [event.kind for event in events if event.kind != "read"] == ["action", "observation", "note"]
        replayed(app, path, agent, server, result)


@cases
@pytest.mark.parametrize("cut", [False, True])
def test_where_asking_again_fails_the_client_is_told_what_was_refused(
    api: str, stream: bool, cut: bool, tmp_path: Path
) -> None:
    """The answer ends with the refusal; the failed call is in the trace."""
    bad = answer(api, [("c1", "refund", '{"cents": 99000}')], "before", stream=stream)
    with serving(once(bad, Sends([b'{"err'], status=200 if cut else 500, cut=cut))) as server:
        talk = Talk(server, api, stream=stream)
        app = talk.app(tmp_path)
        seen, events, path = record(app, talk.agent(app), text="go")
        assert seen[0].calls == []
        assert "before" in seen[0].text
        assert "refund was blocked by CAP" in seen[0].text
        assert len(actions(events, "model")) == 2
        replayed(app, path, talk.agent(app), server, seen)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("event", [b"data: {\n\n", b"data: [1]\n\n", b"data: word\n\n"])
def test_an_event_that_nobody_can_read_ends_the_stream_with_an_error(api: str, event: bytes, tmp_path: Path) -> None:
    """It might be a call to somebody: nothing after it passes, and the client is told why."""
    sends = answer(api, [("c1", "find", '{"sku": "a"}')], "before", stream=True)
    head, _, rest = sends.pieces[0].partition(b"\n\n")
    with serving(once(Sends([head + b"\n\n" + event + rest], EVENTS))) as server:
        talk = Talk(server, api, stream=True)
        app = talk.app(tmp_path)

        def agent(text: str) -> str:
            try:
                talk.agent(app)(text)
            except (openai.APIError, anthropic.APIError) as error:
                return str(error)
            return "no error"

        result, events, _ = record(app, agent, text="go")
    assert "no JSON object" in result
    assert actions(events) == []


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("stream", [False, True])
def test_bytes_that_are_no_utf_8_are_judged_as_they_are_given(api: str, stream: bool, tmp_path: Path) -> None:
    """What the client gets is what was judged: the bytes that cannot be read are replaced in both."""
    sends = answer(api, [("c1", "find", '{"sku": "a@b"}')], stream=stream)
    spoilt = sends._replace(pieces=[sends.pieces[0].replace(b"a@b", b"a\xffb")])
    with serving(once(spoilt, answer(api, [], REST, stream=stream))) as server:
        talk = Talk(server, api, stream=stream)
        app = talk.app(tmp_path)
        seen, events, path = record(app, talk.agent(app), text="go")
        assert actions(events) == [("find", {"sku": "a\ufffdb"})]
        assert talk.made == [("find", {"sku": "a\ufffdb"})]
        replayed(app, path, talk.agent(app), server, seen)


@pytest.mark.parametrize("api", APIS)
def test_a_stream_that_is_called_something_else_is_judged_too(api: str, tmp_path: Path) -> None:
    """A client that asked for a stream reads one, whatever the content type says."""
    sends = answer(api, [("c1", "refund", '{"cents": 99000}')], stream=True)
    with serving(once(sends._replace(kind="text/plain"))) as server:
        talk = Talk(server, api, stream=True)
        app = talk.app(tmp_path)
        seen, events, _ = record(app, talk.agent(app), text="go")
    assert [one.calls for one in seen] == [[]]
    assert {event.body["rule"] for event in events if event.kind == "decision"} == {"CAP"}
    assert talk.made == []
