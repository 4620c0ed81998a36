"""``harness proxy`` between official clients and a real server: what passes, what is judged, what goes wrong."""

from __future__ import annotations

import asyncio
import json
import re
import resource
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from harness.adapters.files import open_trace
from harness.cli import execute
from harness.testing.model_server import (
    ModelRequest,
    ModelServer,
    Reply,
    call,
    calls,
    cut,
    drop,
    fail,
    hang,
    say,
    slow,
)
from tests.cli.proxied import RULES, Proxy, Rogue, decisions, outcomes, proxied

pytest.importorskip("starlette", reason="the extra [server] is not installed")
pytest.importorskip("uvicorn", reason="the extra [server] is not installed")

TOOLS: list[Any] = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
    for name in ("refund", "note", "charge", "look")
]
LONG = "a long answer, in more pieces than one, so that it streams"


def policy(request: ModelRequest) -> Reply:
    """Answer by what the last message asks for."""
    word, _, rest = request.text.partition(" ")
    if request.messages[-1]["role"] == "tool":
        return say("done")
    if word == "want":
        wanted = [one.split("=") for one in rest.split(",")]
        return calls(*(call(tool, **json.loads(args)) for tool, args in wanted))
    replies: dict[str, Reply] = {
        "fail": fail(500, "a broken model"),
        "busy": fail(429, "slow down", retry_after_s=7),
        "cut": cut(say(LONG), after_chunks=1),
        "drop": drop(),
        "hang": hang(8),
        "slow": slow(say(LONG), chunk_ms=150),
    }
    return replies.get(word, say(f"you said {request.text!r}, naïvely 😀"))


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    """Give the scripted server."""
    with ModelServer(policy) as server:
        yield server


@pytest.fixture(scope="module")
def proxy(model: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Give a proxy that all of these tests share, each in conversations of its own."""
    with proxied(tmp_path_factory.mktemp("proxy"), model.base_url, "--timeout", "2") as running:
        yield running


@pytest.fixture(autouse=True)
def http() -> Iterator[httpx2.Client]:
    """Give the connections of a test's clients, and close them."""
    with httpx2.Client(trust_env=False, timeout=20) as connections:
        CONNECTIONS.append(connections)
        yield connections
        CONNECTIONS.pop()


CONNECTIONS: list[httpx2.Client] = []


def client(proxy: Proxy | ModelServer, name: str = "", **options: Any) -> OpenAI:
    """Give an official client whose conversation has a name."""
    headers = {"X-Harness-Session": name} if name else {}
    options = {"max_retries": 0, "api_key": "sk-of-the-client", "http_client": CONNECTIONS[-1], **options}
    return OpenAI(base_url=proxy.base_url, **{"default_headers": headers, **options})


def asked(text: str) -> list[Any]:
    """Give the first message of a conversation."""
    return [{"role": "user", "content": text}]


# --- what official clients do -----------------------------------------------------------------------------------------


def test_an_official_client_gets_what_it_gets_directly(proxy: Proxy, model: ModelServer) -> None:
    """Chat, responses, embeddings and the list of models come through the proxy as they come without it."""
    direct = client(model)
    for one in (direct, client(proxy, "whole")):
        said = one.chat.completions.create(model="m", messages=asked("hello"))
        responded = one.responses.create(model="m", input="hello")
        vector = one.embeddings.create(model="e", input="hello").data[0].embedding
        came = (said.to_dict(), responded.to_dict(), vector, one.models.list().to_dict())
        if one is direct:
            expected = came
    assert came == expected
    assert outcomes(proxy.events("whole")) == ["ok", "ok", "ok"]


def test_streams_come_piece_by_piece_and_whole(proxy: Proxy, model: ModelServer) -> None:
    """The chunks of a chat and the events of a response are those of the server, one by one."""
    direct = client(model)
    for one in (direct, client(proxy, "streamed")):
        chunks = [chunk.to_dict() for chunk in one.chat.completions.create(model="m", messages=asked("x"), stream=True)]
        events = [event.to_dict() for event in one.responses.create(model="m", input="x", stream=True)]
        if one is direct:
            expected = chunks, events
    assert (chunks, events) == expected
    assert len(chunks) > 3


def test_the_head_of_an_answer_is_the_servers(tmp_path: Path) -> None:
    """Rate limits and the like come down, of a stream too, and the name of the conversation beside them."""
    events = b'data: {"choices": []}\n\ndata: [DONE]\n\n'
    answer = http_answer(events, "text/event-stream\r\nx-ratelimit-remaining: 7\r\nopenai-version: 3")
    with Rogue(answer) as upstream, proxied(tmp_path, upstream.url) as proxy:
        one = client(proxy, "headed")
        for stream in (True, False):
            came = one.chat.completions.with_raw_response.create(model="m", messages=asked("x"), stream=stream)
            heads = came.headers
            assert (heads["x-ratelimit-remaining"], heads["openai-version"]) == ("7", "3")
            assert heads["x-harness-session"] == "headed"
            came.http_response.read()


def test_a_stream_is_not_kept_until_its_end(proxy: Proxy) -> None:
    """The first piece of a slow answer is there long before the last."""
    stream = client(proxy, "slowly").chat.completions.create(model="m", messages=asked("slow"), stream=True)
    times = [time.monotonic() for chunk in stream if chunk.choices[0].delta.content]
    assert times[-1] - times[0] > 0.3


def test_an_asynchronous_client_may_ask_many_things_at_once(proxy: Proxy) -> None:
    """Thirty questions under way at a time each get their own answer."""

    async def ask() -> list[str | None]:
        async with AsyncOpenAI(base_url=proxy.base_url, api_key="sk-of-the-client", max_retries=0) as one:
            come = [one.chat.completions.create(model="m", messages=asked(f"word{n}")) for n in range(30)]
            return [said.choices[0].message.content for said in await asyncio.gather(*come)]

    assert asyncio.run(ask()) == [f"you said 'word{n}', naïvely 😀" for n in range(30)]


@pytest.mark.parametrize("stream", [False, True])
def test_calls_in_answers_are_judged(proxy: Proxy, stream: bool) -> None:
    """One call passes, one is rewritten, one is blocked, before the client sees them; the trace says so."""
    name = f"judged-{stream}"
    wanted = 'want look={},note={"text":"much too long"},refund={"cents":48000}'
    one = client(proxy, name)
    messages = asked(wanted)
    if stream:
        with one.chat.completions.stream(model="m", messages=messages, tools=TOOLS) as events:
            message = events.get_final_completion().choices[0].message
    else:
        message = one.chat.completions.create(model="m", messages=messages, tools=TOOLS).choices[0].message  # type: ignore[assignment]
    seen = [(made.function.name, json.loads(made.function.arguments)) for made in message.tool_calls or ()]
    assert seen == [("look", {}), ("note", {"text": "short"})]
    assert "CAP" in (message.content or "")
    assert decisions(proxy.events(name)) == [
        ("look", "allow"),
        ("note", "rewrite"),
        ("note", "allow"),
        ("refund", "block"),
    ]


def test_a_result_ends_its_call_in_the_trace(proxy: Proxy) -> None:
    """What the client says came of a call is the observation of that call."""
    one, messages = client(proxy, "results"), asked('want refund={"cents":100}')
    said = one.chat.completions.create(model="m", messages=messages, tools=TOOLS).choices[0].message
    assert said.tool_calls
    messages += [said.to_dict(), {"role": "tool", "tool_call_id": said.tool_calls[0].id, "content": "refunded 100"}]
    assert one.chat.completions.create(model="m", messages=messages, tools=TOOLS).choices[0].message.content == "done"
    events = proxy.events("results")
    refund = next(event.seq for event in events if event.kind == "action" and event.body["tool"] == "refund")
    (came,) = [event.body["ok"] for event in events if event.body.get("action") == refund]
    assert came == "refunded 100"


def test_errors_of_the_server_come_as_they_are(proxy: Proxy) -> None:
    """Status, body and the time to wait are those of the server, and the trace holds them."""
    one = client(proxy, "errors")
    with pytest.raises(openai.InternalServerError, match="a broken model") as broken:
        one.chat.completions.create(model="m", messages=asked("fail"))
    with pytest.raises(openai.RateLimitError, match="slow down") as busy:
        one.chat.completions.create(model="m", messages=asked("busy"), stream=True)
    assert broken.value.status_code == 500
    assert busy.value.response.headers["retry-after"] == "7"
    with pytest.raises(openai.BadRequestError, match="there is no message to answer"):
        one.chat.completions.create(model="m", messages=[])
    assert outcomes(proxy.events("errors")) == ["failed", "failed", "failed"]


def test_a_clients_own_retries_stay_in_its_conversation(proxy: Proxy, model: ModelServer) -> None:
    """An unnamed conversation whose first request is repeated by its client has one trace and not two."""
    before = set(proxy.conversations())
    with pytest.raises(openai.InternalServerError):
        client(proxy, max_retries=1).chat.completions.create(model="m", messages=asked("fail and fail again"))
    (new,) = set(proxy.conversations()) - before
    assert outcomes(proxy.conversations()[new]) == ["failed", "failed"]


def test_a_client_that_gives_up_leaves_a_complete_trace(proxy: Proxy) -> None:
    """Where a client's own time is over, its call ends as unknown, and a stream as one that was closed."""
    one = client(proxy, "impatient", timeout=0.5)
    with pytest.raises(openai.APITimeoutError):
        one.chat.completions.create(model="m", messages=asked("hang"))
    with one.chat.completions.create(model="m", messages=asked("slow"), stream=True) as stream:
        next(iter(stream))
    until(lambda: outcomes(proxy.events("impatient")) == ["unknown", "ok"])
    assert proxy.events("impatient")[-1].body["ok"]["closed"] is True


def until(holds: Any, seconds: float = 5.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_anthropics_client_is_understood(tmp_path: Path) -> None:
    """Its messages are judged in its own shape, and its errors are of its own kind."""
    anthropic = pytest.importorskip("anthropic")
    use = {"type": "tool_use", "id": "tu_1", "name": "refund", "input": {"cents": 48000}}
    text = {"type": "text", "text": "I refund."}
    body = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [text, use]}
    body |= {"stop_reason": "tool_use", "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}
    with Rogue(http_answer(json.dumps(body).encode())) as upstream, proxied(tmp_path, upstream.url) as proxy:
        headers = {"X-Harness-Session": "a"}
        options = {"max_retries": 0, "default_headers": headers, "http_client": CONNECTIONS[-1]}
        one = anthropic.Anthropic(base_url=proxy.url, api_key="sk-ant-key", **options)
        said = one.messages.create(model="m", max_tokens=9, messages=asked("refund it"))
        assert [block.type for block in said.content if block.type == "tool_use"] == []
        assert said.stop_reason == "end_turn"
        assert decisions(proxy.events("a"))[0] == ("refund", "block")
        with pytest.raises(anthropic.BadRequestError, match="JSON"):
            one.post("/v1/messages", cast_to=object, content=b"{", options={"headers": {"content-type": "a/b"}})


def http_answer(body: bytes, kind: str = "application/json", status: str = "200 OK") -> bytes:
    """Spell an HTTP response."""
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    return head.encode() + body


# --- upstreams that speak no sense ------------------------------------------------------------------------------------


def test_an_upstream_that_hangs_is_an_error_in_time(proxy: Proxy) -> None:
    """The client is told after the proxy's time limit, and the trace says that nobody knows what happened."""
    with pytest.raises(openai.APIStatusError, match="no answer in time") as late:
        client(proxy, "late").chat.completions.create(model="m", messages=asked("hang"))
    assert late.value.status_code == 504
    assert late.value.body["code"] == "upstream_timeout"  # type: ignore[index]
    assert outcomes(proxy.events("late")) == ["unknown"]


@pytest.mark.parametrize("stream", [False, True])
def test_an_upstream_that_drops_the_connection_is_an_error(proxy: Proxy, stream: bool) -> None:
    """No answer at all is a bad gateway."""
    name = f"dropped-{stream}"
    with pytest.raises(openai.APIStatusError, match="broke off") as broken:
        client(proxy, name).chat.completions.create(model="m", messages=asked("drop"), stream=stream)
    assert broken.value.status_code == 502
    assert outcomes(proxy.events(name)) == ["unknown"]


def test_a_stream_that_is_cut_ends_with_an_error(proxy: Proxy) -> None:
    """What came is seen, then the official client raises what the proxy says; the trace has the pieces and the cut."""
    seen = ""
    with pytest.raises(openai.APIError, match="broke off"):
        for chunk in client(proxy, "cut").chat.completions.create(model="m", messages=asked("cut"), stream=True):
            seen += chunk.choices[0].delta.content or ""
    assert seen == LONG[:16]
    with pytest.raises(openai.APIError, match="broke off"):
        list(client(proxy, "cut").responses.create(model="m", input="cut", stream=True))
    events = proxy.events("cut")
    assert "RemoteProtocolError" in events[-1].body["ok"]["cut"]
    assert outcomes(events) == ["ok", "ok"]


@pytest.mark.parametrize(
    ("answer", "stream", "error"),
    [
        (b"SMTP ready, say hello\r\n\r\n", False, "broke off or is none"),
        (http_answer(b"<html>fine</html>", "text/html", "503 Away"), False, "503"),
        (http_answer(b"\xff\xfe", "application/json", "500 Oops"), False, "500"),
        (http_answer(b'{"error": {"message": "overloaded"}}', status="529 "), False, "overloaded"),
        (http_answer(b"data: {\xff\n\ndata: [DONE]\n\n", "text/event-stream"), True, "no JSON"),
        (http_answer(b'data: {"half": ', "text/event-stream"), True, "no JSON"),
    ],
)
def test_garbage_is_a_clear_error(tmp_path: Path, answer: bytes, stream: bool, error: str) -> None:
    """Whatever an upstream says, the client gets an error it understands, and the trace is complete and sealed."""
    with Rogue(answer) as upstream, proxied(tmp_path, upstream.url) as proxy:
        with pytest.raises(openai.APIError, match=error):
            list(client(proxy, "g").chat.completions.create(model="m", messages=asked("x"), stream=stream))  # type: ignore[call-overload]
        assert outcomes(proxy.events("g")) != ["open"]
        assert "stopped" in proxy.stop()
        with open_trace(proxy.traces / "g-001.mat.jsonl") as reader:
            list(reader)
        assert reader.footer is not None


def test_an_upstream_that_is_not_there_is_a_bad_gateway(tmp_path: Path) -> None:
    """Nothing was sent, and the trace knows."""
    with proxied(tmp_path, "http://127.0.0.1:9/v1") as proxy:
        with pytest.raises(openai.APIStatusError, match="cannot be reached") as away:
            client(proxy, "away").chat.completions.create(model="m", messages=asked("x"))
        assert away.value.status_code == 502
        assert outcomes(proxy.events("away")) == ["failed"]


def test_a_stream_that_lingers_after_its_last_event_is_ended(tmp_path: Path) -> None:
    """A server that says it is done and keeps the connection keeps nobody waiting for long."""
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    chunk["choices"] = [{"index": 0, "delta": {"content": "all"}, "finish_reason": "stop"}]  # type: ignore[assignment]
    events = b"data: " + json.dumps(chunk).encode() + b"\n\ndata: [DONE]\n\n"
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    with Rogue(head + events, hold_s=30) as upstream, proxied(tmp_path, upstream.url) as proxy:
        began = time.monotonic()
        came = httpx2.post(
            f"{proxy.base_url}/chat/completions",
            json={"model": "m", "messages": asked("x"), "stream": True},
            headers={"x-harness-session": "l"},
            timeout=20,
            trust_env=False,
        )
        assert time.monotonic() - began < 10
        assert came.content == events
        assert proxy.events("l")[-1].body["ok"]["closed"] is True


# --- bad input of clients ---------------------------------------------------------------------------------------------

CHAT = "/v1/chat/completions"
FINE = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        (CHAT, b"{", {}, 400),
        (CHAT, b"[]", {}, 400),
        (CHAT, b'{"model":"\xff"}', {}, 400),
        (CHAT, b'{"model":"m","messages":[],"messages":[]}', {}, 400),
        (CHAT, b'{"model":NaN}', {}, 400),
        (CHAT, b'{"model":"\\ud800"}', {}, 400),
        (CHAT, b'{"a":' * 300 + b"1" + b"}" * 300, {}, 400),
        (CHAT, FINE, {"content-encoding": "gzip"}, 400),
        (CHAT, FINE, {"x-harness-session": "no name"}, 400),
        (CHAT, FINE, {"content-type": "text/plain"}, 200),
        ("/v1/Chat/Completions", FINE, {}, 400),
        ("/v1/chat//completions", FINE, {}, 400),
        ("/v1/chat/%2e%2e/chat/completions", FINE, {}, 400),
        ("/v1/chat%2fcompletions", FINE, {}, 400),
        ("/v1/chat/completions/", FINE, {}, 400),
        ("/v1/no/such/path", b"{}", {}, 404),
        (CHAT, b'{"model":"' + b"x" * (2 << 20) + b'"}', {}, 413),
    ],
)
def test_bad_input_is_refused_clearly(
    small: Proxy, http: httpx2.Client, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    """What cannot be judged goes no further, and its client is told why as the API tells."""
    headers = {"content-type": "application/json", **headers}
    came = http.build_request("POST", small.url, content=body, headers=headers)
    came.url = came.url.copy_with(raw_path=path.encode())
    response = http.send(came)
    assert response.status_code == status, response.text
    if status != 200:
        assert response.json()["error"]["message"]


@pytest.fixture(scope="module")
def small(model: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Give a proxy that judges no large bodies."""
    with proxied(tmp_path_factory.mktemp("small"), model.base_url, "--max-mb", "1") as running:
        yield running


def test_ten_megabytes_pass(proxy: Proxy) -> None:
    """A large request is judged and sent like a small one, and its answer comes back."""
    text = "x" * (10 << 20)
    said = client(proxy, "large").chat.completions.create(model="m", messages=asked(text))
    assert len(said.choices[0].message.content or "") > len(text)


def test_malformed_calls_unknown_tools_and_doubled_ids_are_judged(tmp_path: Path) -> None:
    """Arguments that are no JSON are seen by rules as what they are; two calls of one id are two calls."""
    made = [
        {"id": "same", "type": "function", "function": {"name": "refund", "arguments": '{"cents": '}},
        {"id": "same", "type": "function", "function": {"name": "nobody_knows", "arguments": "{}"}},
    ]
    message = {"role": "assistant", "content": None, "tool_calls": made}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    with Rogue(http_answer(json.dumps(body).encode())) as upstream, proxied(tmp_path, upstream.url) as proxy:
        said = client(proxy, "odd").chat.completions.create(model="m", messages=asked("x"))
        seen = [one.function.name for one in said.choices[0].message.tool_calls or ()]  # type: ignore[union-attr]
        assert seen == ["nobody_knows"]
        assert decisions(proxy.events("odd")) == [("refund", "block"), ("nobody_knows", "allow")]


# --- conversations ----------------------------------------------------------------------------------------------------


def test_conversations_without_names_are_told_apart(proxy: Proxy) -> None:
    """Interleaved turns of fifty conversations end in fifty traces, of which none holds a word of another."""
    before = set(proxy.conversations())

    async def talk(number: int) -> None:
        one = AsyncOpenAI(base_url=proxy.base_url, api_key="sk-of-the-client", max_retries=0)
        messages = asked(f"word-{number:03d}-a")
        for turn in "bcd":
            stream = turn == "c"
            if stream:
                pieces = [
                    chunk.choices[0].delta.content or ""
                    async for chunk in await one.chat.completions.create(model="m", messages=messages, stream=True)
                ]
                text = "".join(pieces)
            else:
                said = await one.chat.completions.create(model="m", messages=messages)
                text = said.choices[0].message.content or ""
            messages += [{"role": "assistant", "content": text}, *asked(f"word-{number:03d}-{turn}")]
        await one.close()

    async def everybody() -> None:
        await asyncio.gather(*map(talk, range(50)))

    asyncio.run(everybody())
    new = {name: events for name, events in proxy.conversations().items() if name not in before}
    assert len(new) == 50
    for name, events in new.items():
        assert outcomes(events) == ["ok", "ok", "ok"]
        text = (proxy.traces / name).read_text()
        assert len(set(re.findall(r"word-(\d{3})", text))) == 1


def test_a_conversation_goes_on_by_its_calls_and_its_responses(proxy: Proxy) -> None:
    """The result of a call, or the id of a response, leads back to where it came from, whatever else was said."""
    before = set(proxy.conversations())
    one = client(proxy)
    said = one.responses.create(model="m", input='want look={"by":"calls and responses"}', tools=[])
    made = next(item for item in said.output if item.type == "function_call")
    output: Any = [{"type": "function_call_output", "call_id": made.call_id, "output": "seen"}]
    then = one.responses.create(model="m", previous_response_id=said.id, input=output)
    last = one.responses.create(model="m", previous_response_id=then.id, input="goodbye")
    assert last.output_text.startswith("you said")
    (new,) = set(proxy.conversations()) - before
    assert outcomes(proxy.conversations()[new]) == ["ok", "ok", "ok"]


def test_another_key_never_finds_a_conversation(proxy: Proxy) -> None:
    """Who sends the same words, or even the same name, with another key is in a conversation of its own."""
    before = set(proxy.conversations())
    for key in ("sk-of-one-client", "sk-of-another"):
        for name in ("", "shared-name"):
            one = client(proxy, name, api_key=key)
            one.chat.completions.create(model="m", messages=[*asked("a"), *said_so("b"), *asked(f"of {key}")])
    new = {name: (proxy.traces / name).read_text() for name in set(proxy.conversations()) - before}
    assert len(new) == 4
    assert all(
        ("sk-of-one" in text) != ("sk-of-another" in text) or "⟦secret:api_key:1⟧" in text for text in new.values()
    )
    assert sum("shared-name-" in name for name in new) == 2


def said_so(text: str) -> list[Any]:
    """Give a message of the assistant's."""
    return [{"role": "assistant", "content": text}]


def test_no_trace_holds_a_key(proxy: Proxy, model: ModelServer) -> None:
    """The key that a client sends reaches the server, and stands in no trace, even where it is said."""
    one = client(proxy, "secrets")
    one.chat.completions.create(model="m", messages=asked("my key is sk-of-the-client, keep it"))
    assert "sk-of-the-client" not in (proxy.traces / "secrets-001.mat.jsonl").read_text()
    assert "sk-of-the-client" in model.requests[-1].text


def test_a_silent_conversation_is_sealed_and_goes_on_in_another_segment(model: ModelServer, tmp_path: Path) -> None:
    """After --idle seconds a trace is whole, and the next request of the conversation begins another of that name."""
    with proxied(tmp_path, model.base_url, "--idle", "0.3") as proxy:
        one, messages = client(proxy), asked("first")
        said = one.chat.completions.create(model="m", messages=messages).choices[0].message.content
        until(lambda: proxy.health()["sessions"] == 0)
        messages += [*said_so(said or ""), *asked("second")]
        one.chat.completions.create(model="m", messages=messages)
        proxy.stop()
        heads = []
        for path in sorted(proxy.traces.iterdir()):
            with open_trace(path) as reader:
                assert outcomes(list(reader)) == ["ok"]
            assert reader.footer is not None
            heads.append((reader.header.run["conversation"], path.name.removesuffix(".mat.jsonl")[-3:]))
    assert [segment for _, segment in heads] == ["001", "002"]
    assert heads[0][0] == heads[1][0]


# --- what is not judged, and what is asked ----------------------------------------------------------------------------


def test_what_passes_without_being_judged_is_counted(model: ModelServer, tmp_path: Path) -> None:
    """The last note of a trace lists what passed beside it."""
    with proxied(tmp_path, model.base_url) as proxy:
        one = client(proxy, "unseen")
        one.chat.completions.create(model="m", messages=asked("x"))
        assert one.models.list().data[0].id == "scripted"
        with pytest.raises(openai.NotFoundError):
            one.files.list()
        proxy.stop()
        note = proxy.events("unseen")[-1].body
    assert note == {"text": "passed without being judged", "data": {"GET /v1/files": 1, "GET /v1/models": 1}}


def test_a_trace_says_what_a_proxy_cannot_see(proxy: Proxy) -> None:
    """What its client does by itself is named as unseen, once for each trace."""
    one = client(proxy, "surfaces")
    for text in ("x", "y"):
        one.chat.completions.create(model="m", messages=asked(text))
    reads = [event.body["reads"] for event in proxy.events("surfaces") if event.kind == "read"]
    assert [(one["kind"], one["status"]) for one in reads[0][0][1]] == [
        ("process", "unseen"),
        ("network", "unseen"),
        ("files", "unseen"),
    ]
    assert len(reads) == 1


def test_strictly_nothing_passes_that_is_not_judged(model: ModelServer, tmp_path: Path) -> None:
    """With --strict it is refused as a rule would refuse it."""
    with proxied(tmp_path, model.base_url, "--strict") as proxy:
        with pytest.raises(openai.PermissionDeniedError, match="only what is judged may pass"):
            client(proxy).models.list()
        assert client(proxy).chat.completions.create(model="m", messages=asked("x"))


def test_an_answer_of_a_person_is_found_when_the_call_is_made_again(model: ModelServer, tmp_path: Path) -> None:
    """A call without an answer is refused for now, the answer is written, and the same call passes, once."""
    with proxied(tmp_path, model.base_url, "--approve", "desk", "--idle", "0.2") as proxy:
        one = client(proxy, "asking")

        def want() -> tuple[list[str], str]:
            messages = asked('want charge={"cents":500}')
            said = one.chat.completions.create(model="m", messages=messages, tools=TOOLS).choices[0].message
            return [made.function.name for made in said.tool_calls or ()], said.content or ""  # type: ignore[union-attr]

        refused, text = want()
        assert refused == []
        (question,) = (tmp_path / "desk").glob("*.question.json")
        assert "the same call may be made again" in text + json.dumps(model.requests[-1].body)
        assert "answer.json" in text + json.dumps(model.requests[-1].body)
        until(lambda: proxy.health()["sessions"] == 0)  # the question outlives the trace it was asked in
        assert execute(["approve", str(question), "--yes", "--by", "Ann"]) == 0
        assert want()[0] == ["charge"]
        assert want()[0] == []
        assert len(list((tmp_path / "desk").glob("*.question.json"))) == 2


# --- its own life -----------------------------------------------------------------------------------------------------


def test_it_tells_how_it_is(proxy: Proxy) -> None:
    """Its health names version, registry and sessions."""
    said = proxy.health()
    assert said["status"] == "ok"
    assert said["registry"]["name"] == "shop"
    assert len(said["registry"]["digest"]) == 64
    assert said["sessions"] >= 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopped_it_lets_streams_end_and_seals_every_trace(
    model: ModelServer, tmp_path: Path, number: signal.Signals
) -> None:
    """A stream under way comes to its end, no new request is taken, and all traces are sealed."""
    with proxied(tmp_path, model.base_url) as proxy:
        pieces: list[str] = []
        began = threading.Event()

        def listen() -> None:
            for chunk in client(proxy, "listening").chat.completions.create(
                model="m", messages=asked("slow"), stream=True
            ):
                pieces.append(chunk.choices[0].delta.content or "")
                began.set()

        thread = threading.Thread(target=listen)
        thread.start()
        assert began.wait(5)
        client(proxy, "silent").chat.completions.create(model="m", messages=asked("x"))
        told = proxy.stop(number)
        thread.join()
        with pytest.raises(openai.APIConnectionError):
            client(proxy).models.list()
        assert proxy.process.returncode == 0
        assert "".join(pieces) == LONG
        assert "2 sessions" in told
        for name in ("listening", "silent"):
            with open_trace(proxy.traces / f"{name}-001.mat.jsonl") as reader:
                assert outcomes(list(reader)) == ["ok"]
            assert reader.footer is not None


def test_streams_that_take_too_long_are_ended(model: ModelServer, tmp_path: Path) -> None:
    """After the grace the client is told, and the trace says that the stream was not read to its end."""
    with proxied(tmp_path, model.base_url, "--grace", "1") as proxy:
        heard: list[str] = []

        def listen() -> None:
            try:
                client(proxy, "endless").chat.completions.create(model="m", messages=asked("hang"))
            except openai.APIStatusError as error:
                heard.append(f"{error.status_code} {error}")

        thread = threading.Thread(target=listen)
        thread.start()
        until(lambda: proxy.health()["under_way"] == 1)
        proxy.stop()
        thread.join()
        assert "503" in heard[0]
        assert outcomes(proxy.events("endless")) == ["unknown"]


def test_new_rules_are_loaded_while_it_runs(model: ModelServer, tmp_path: Path) -> None:
    """On SIGHUP new conversations get the new rules, open ones keep theirs, and rules with a mistake change nothing."""

    def refunds(proxy: Proxy, name: str) -> bool:
        messages = asked('want refund={"cents":150}')
        said = client(proxy, name).chat.completions.create(model="m", messages=messages, tools=TOOLS)
        return bool(said.choices[0].message.tool_calls)

    with proxied(tmp_path, model.base_url) as proxy:
        digest = proxy.health()["registry"]["digest"]
        assert refunds(proxy, "old")
        for text in (RULES.replace("20000", "twenty thousand"), RULES.replace("20000", "100")):
            (tmp_path / "rules.yaml").write_text(text)
            proxy.process.send_signal(signal.SIGHUP)
            time.sleep(1 if "twenty" in text else 0)
            until(lambda text=text: ("twenty" in text) == (proxy.health()["registry"]["digest"] == digest))
        assert not refunds(proxy, "new")
        assert refunds(proxy, "old")
        told = proxy.stop()
        assert "the rules stay as they are: " in told
        assert "loaded shop 1 anew" in told


def test_a_switch_stops_everything(model: ModelServer, tmp_path: Path) -> None:
    """While its file is there every request is refused, and afterwards none is."""
    switch = tmp_path / "stop"
    with proxied(tmp_path, model.base_url, "--kill-switch", str(switch)) as proxy:
        one = client(proxy, "switched")
        assert one.chat.completions.create(model="m", messages=asked("x"))
        switch.touch()
        until(lambda: proxy.health()["killed"])
        with pytest.raises(openai.PermissionDeniedError, match="KILL-SWITCH"):
            one.chat.completions.create(model="m", messages=asked("y"))
        switch.unlink()
        until(lambda: not proxy.health()["killed"])
        assert one.chat.completions.create(model="m", messages=asked("z"))


def test_a_second_signal_waits_for_nobody(model: ModelServer, tmp_path: Path) -> None:
    """Whoever insists need not wait for what is under way; its trace is sealed all the same."""
    with proxied(tmp_path, model.base_url) as proxy:
        thread = threading.Thread(target=give_up, args=(proxy, "insisted"))
        thread.start()
        until(lambda: proxy.health()["under_way"] == 1)
        began = time.monotonic()
        proxy.process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        proxy.stop(signal.SIGINT)
        thread.join()
        assert time.monotonic() - began < 4  # the server would have hung for longer
        with open_trace(proxy.traces / "insisted-001.mat.jsonl") as reader:
            assert outcomes(list(reader)) == ["unknown"]
        assert reader.footer is not None


def give_up(proxy: Proxy, name: str) -> None:
    """Ask what has no answer."""
    with pytest.raises(openai.APIError):
        client(proxy, name).chat.completions.create(model="m", messages=asked("hang"))


def test_the_key_of_the_environment_goes_up_instead(model: ModelServer, tmp_path: Path) -> None:
    """With --key-env clients need no key, and the server's is in no trace."""
    with proxied(tmp_path, model.base_url, "--key-env", "MODEL_KEY", MODEL_KEY="sk-of-the-server") as proxy:
        one = client(proxy, "keyed")
        one.chat.completions.create(model="m", messages=asked("is it sk-of-the-server ?"))
        assert "sk-of-the-server" not in (proxy.traces / "keyed-001.mat.jsonl").read_text()
        page = client(proxy, "keyed", default_headers={"Origin": "http://evil.example"})
        with pytest.raises(openai.PermissionDeniedError, match="a page in a browser"):
            page.models.list()


def test_what_cannot_be_recorded_is_not_sent(model: ModelServer, tmp_path: Path) -> None:
    """Where the disk takes no more a request is refused before the server sees it, and what came before is kept."""
    with proxied(tmp_path, model.base_url) as proxy:
        one = client(proxy, "full")
        assert one.chat.completions.create(model="m", messages=asked("x"))
        resource.prlimit(proxy.process.pid, resource.RLIMIT_FSIZE, (20_000, 20_000))
        arrived = len(model.requests)
        with pytest.raises(openai.InternalServerError, match="cannot be recorded"):
            one.chat.completions.create(model="m", messages=asked("y" * 30_000))
        assert len(model.requests) == arrived
        assert one.chat.completions.create(model="m", messages=asked("small enough"))
        assert outcomes(proxy.events("full")) == ["ok"]
        assert outcomes(proxy.events("full", 2)) == ["ok"]


def test_what_is_not_judged_passes_as_it_is(proxy: Proxy, http: httpx2.Client) -> None:
    """A body of another kind than JSON goes up as it comes, and its answer down."""
    kind = {"content-type": "text/plain", "x-harness-session": "plain"}
    came = http.post(f"{proxy.base_url}/embeddings", content=b'{"model": "e", "input": "x"}', headers=kind)
    assert len(came.json()["data"]) == 1
    assert outcomes(proxy.events("plain")) == []


def test_an_upload_that_is_given_up_harms_nobody(model: ModelServer, proxy: Proxy) -> None:
    """A client that leaves in the middle of a body leaves nothing under way, judged or not."""
    for path, kind in (("/v1/files", "multipart/form-data"), ("/v1/chat/completions", "application/json")):
        head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\ncontent-length: 100000\r\n\r\n{{"
        host, port = proxy.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(head.encode())
            time.sleep(0.1)
    until(lambda: proxy.health()["under_way"] == 0)
    assert client(proxy, "afterwards").chat.completions.create(model="m", messages=asked("x"))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--upstream", "nonsense"], "is no base URL"),
        (["--upstream", "http://127.0.0.1:9", "--key-env", "NO_SUCH_KEY"], "has no NO_SUCH_KEY"),
        (["--upstream", "http://127.0.0.1:9", "--registry", "/no/registry.yaml"], "/no/registry.yaml"),
        (["--upstream", "http://127.0.0.1:9", "--host", "203.0.113.1"], "cannot listen"),
    ],
)
def test_usage_is_told_plainly(options: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is wrong on the command line is said before anything is served."""
    assert execute(["proxy", "--port", "0", *options]) == 2
    assert told in capsys.readouterr().err
