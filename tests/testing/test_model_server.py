"""The scripted model server as the official openai client sees it, over real HTTP."""

from __future__ import annotations

import asyncio
import json
import logging
import socket  # noqa: TID251  (some answers are looked at byte by byte)
import subprocess
import sys
import threading
import time  # noqa: TID251  (slowness is measured)
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any, cast

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from harness.errors import UsageError
from harness.testing.model_server import (
    Call,
    ModelRequest,
    ModelServer,
    Policy,
    Reply,
    call,
    call_tool,
    calls,
    cut,
    drop,
    fail,
    flaky,
    hang,
    say,
    script,
    slow,
)

QUESTION: list[Any] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where is W-77?"}]
LONG = "The parcel left Zürich at nine and will be with you tomorrow. 🚚"
CHAT: dict[str, Any] = {"model": "m", "messages": QUESTION}


def _client(server: ModelServer, **options: Any) -> OpenAI:
    return OpenAI(base_url=server.base_url, api_key="scripted", **{"max_retries": 0, **options})


def _ask(reply: Reply | Policy, **options: Any) -> Any:
    """Ask one question of a server that knows one reply."""
    policy = reply if callable(reply) else lambda _: reply
    with ModelServer(policy) as server, _client(server, **options) as client:
        return client.chat.completions.create(**CHAT)


def _raw(server: ModelServer, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    connection = HTTPConnection(server.base_url.removeprefix("http://").removesuffix("/v1"), timeout=10)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _exchange(server: ModelServer, data: bytes) -> bytes:
    """Send bytes and give all that comes back until the server closes."""
    port = int(server.base_url.rsplit(":", 1)[1].removesuffix("/v1"))
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(data)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.fixture
def echo() -> Iterator[ModelServer]:
    """Serve a policy that repeats the last message."""
    with ModelServer(lambda request: say(request.text)) as server:
        yield server


def test_chat_answers_with_text() -> None:
    """A scripted text arrives as a chat completion with usage and a reason to stop."""
    completion = _ask(say(LONG))
    assert completion.choices[0].message.content == LONG
    assert completion.choices[0].finish_reason == "stop"
    assert completion.model == "m"
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens > 0


def test_chat_calls_tools_in_parallel() -> None:
    """Several calls arrive in one message, with distinct ids and their arguments as written."""
    completion = _ask(calls(call("get_order", order_id="W-77"), call("refund", order_id="W-77", amount_cents=48_000)))
    first, second = completion.choices[0].message.tool_calls
    assert completion.choices[0].finish_reason == "tool_calls"
    assert completion.choices[0].message.content is None
    assert (first.function.name, json.loads(first.function.arguments)) == ("get_order", {"order_id": "W-77"})
    assert second.function.arguments == '{"order_id":"W-77","amount_cents":48000}'
    assert first.id != second.id


def test_a_script_follows_the_turns_of_each_conversation() -> None:
    """The n-th reply answers the n-th turn, and two interleaved conversations do not mix."""
    with (
        ModelServer(script([call_tool("look", at="sky"), say("It is blue."), say("Still.")])) as server,
        _client(server) as client,
    ):
        one: list[Any] = list(QUESTION)
        two: list[Any] = [{"role": "user", "content": "another"}]
        told = []
        for _ in range(3):
            for history in (one, two):
                message = client.chat.completions.create(model="m", messages=history).choices[0].message
                history.append(message.model_dump(exclude_none=True))
                for used in message.tool_calls or ():
                    history.append({"role": "tool", "tool_call_id": used.id, "content": "blue"})
                told.append(message.content)
        assert told == [None, None, "It is blue.", "It is blue.", "Still.", "Still."]
        assert [request.number for request in server.requests] == [0, 0, 1, 1, 2, 2]


def test_chat_streams_text() -> None:
    """A stream starts with the role, comes in several pieces that join to the text, and ends with usage."""
    with ModelServer(script([say(LONG)])) as server, _client(server) as client:
        chunks = list(client.chat.completions.create(**CHAT, stream=True, stream_options={"include_usage": True}))
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert deltas[0].role == "assistant"
    assert "".join(delta.content or "" for delta in deltas) == LONG
    assert sum(bool(delta.content) for delta in deltas) > 2
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens > 0
    assert len({chunk.id for chunk in chunks}) == 1


def test_the_stream_helper_adds_up_to_the_plain_answer() -> None:
    """The client's own accumulator rebuilds from a stream of text and calls what a plain request gets."""
    reply = calls(call("get_order", order_id="W-77"), call("note", text=LONG))
    with (
        ModelServer(lambda _: reply) as server,
        _client(server) as client,
        client.chat.completions.stream(**CHAT) as stream,
    ):
        streamed = stream.get_final_completion().choices[0]
    plain = _ask(reply).choices[0]
    assert [used.function.arguments for used in streamed.message.tool_calls or ()] == [
        used.function.arguments for used in plain.message.tool_calls
    ]
    assert streamed.finish_reason == plain.finish_reason == "tool_calls"


def test_responses_answers_with_text_and_calls() -> None:
    """The Responses API gets the same replies in its own shape."""
    with ModelServer(script([call_tool("get_order", order_id="W-77"), say(LONG)])) as server, _client(server) as client:
        items: list[Any] = [{"role": "user", "content": "Where is W-77?"}]
        first = client.responses.create(model="m", instructions="Be brief.", input=items)
        used: Any = first.output[0]
        assert (used.type, used.name, used.arguments) == ("function_call", "get_order", '{"order_id":"W-77"}')
        items += [used.model_dump(), {"type": "function_call_output", "call_id": used.call_id, "output": "on its way"}]
        second = client.responses.create(model="m", instructions="Be brief.", input=items)
        assert (second.output_text, second.status) == (LONG, "completed")
        assert second.usage is not None and second.usage.total_tokens > 0
        assert [message["role"] for message in server.requests[1].messages] == ["system", "user", "assistant", "tool"]


def test_responses_continue_a_former_response() -> None:
    """``previous_response_id`` brings back the conversation, and an unknown one is an error."""
    with ModelServer(script([say("one"), say("two")])) as server, _client(server) as client:
        first = client.responses.create(model="m", instructions="Be brief.", input="first")
        second = client.responses.create(model="m", input="second", previous_response_id=first.id)
        assert second.output_text == "two"
        assert [message["content"] for message in server.requests[1].messages] == ["first", "one", "second"]
        with pytest.raises(openai.BadRequestError, match="resp_unknown"):
            client.responses.create(model="m", input="third", previous_response_id="resp_unknown")


def test_responses_streams_events_in_order() -> None:
    """A stream of a response counts its events and ends with the response that a plain request gets."""
    with ModelServer(script([say(LONG)])) as server, _client(server) as client:
        events = list(client.responses.create(model="m", input="hello", stream=True))
        plain = client.responses.create(model="m", input="hello")
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type for event in events]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == LONG
    assert events[-1].type == "response.completed" and events[-1].response.output_text == plain.output_text


def test_the_responses_stream_helper_adds_up() -> None:
    """The client's own accumulator for Responses rebuilds the calls of a stream."""
    with (
        ModelServer(lambda _: calls(call("a", text=LONG), call("b"))) as server,
        _client(server) as client,
        client.responses.stream(model="m", input="hello") as stream,
    ):
        final = stream.get_final_response()
    arguments = [item.arguments for item in final.output if item.type == "function_call"]
    assert [json.loads(text) for text in arguments] == [{"text": LONG}, {}]


def test_a_policy_sees_the_request() -> None:
    """A policy gets messages and tools in one shape from both APIs, and the body as it arrived."""
    seen: list[ModelRequest] = []

    def policy(request: ModelRequest) -> Reply:
        seen.append(request)
        return say(request.text)

    parameters = {"type": "object", "properties": {}}
    flat: Any = {"type": "function", "name": "look", "parameters": parameters, "strict": False}
    nested: Any = {"type": "function", "function": {"name": "look", "parameters": parameters, "strict": False}}
    with ModelServer(policy) as server, _client(server) as client:
        client.chat.completions.create(**CHAT, tools=[nested], temperature=0.5)
        client.responses.create(model="m", instructions="Be brief.", input="Where is W-77?", tools=[flat])
        assert server.requests == seen
    assert seen[0].messages == seen[1].messages == tuple(QUESTION)
    assert seen[0].tools == seen[1].tools == (nested,)
    assert (seen[0].body["temperature"], seen[0].stream, seen[0].model) == (0.5, False, "m")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (404, openai.NotFoundError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
    ],
)
def test_a_failure_is_the_clients_own_exception(status: int, error: type[openai.APIStatusError]) -> None:
    """Each HTTP error reaches the agent as the exception that the real service causes."""
    with pytest.raises(error, match="out of order") as caught:
        _ask(fail(status, "out of order"))
    assert caught.value.status_code == status


def test_a_rate_limit_is_retried_when_told_to() -> None:
    """The client waits as long as ``retry_after_s`` says and then gets its answer."""
    reply = flaky(say("at last"), times=2, first=fail(429, retry_after_s=0.01))
    started = time.monotonic()
    assert _ask(reply, max_retries=2).choices[0].message.content == "at last"
    assert time.monotonic() - started < 0.5  # the client's own first pause is half a second


def test_flaky_counts_each_request_apart() -> None:
    """A request that never came before fails first, whatever came of others; each server counts anew."""
    reply = flaky(say("fine"), times=2)
    for _ in range(2):
        with ModelServer(lambda _: reply) as server:
            bodies = [json.dumps({**CHAT, "user": user}).encode() for user in ("a", "b")]
            statuses = [_raw(server, "POST", "/v1/chat/completions", bodies[n % 2])[0] for n in range(6)]
        assert statuses == [500, 500, 500, 500, 200, 200]


def test_a_dropped_connection_is_a_connection_error() -> None:
    """A connection that closes without an answer is the client's APIConnectionError, and a retry heals it."""
    with pytest.raises(openai.APIConnectionError):
        _ask(drop())
    assert _ask(flaky(say("here"), first=drop()), max_retries=1).choices[0].message.content == "here"


def test_a_hanging_server_is_a_timeout() -> None:
    """A client that waits less than the server hangs gets its APITimeoutError, and closing does not wait."""
    started = time.monotonic()
    with pytest.raises(openai.APITimeoutError):
        _ask(hang(60), timeout=0.1)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("surface", ["chat", "responses"])
def test_a_cut_stream_is_an_error_after_its_pieces(surface: str) -> None:
    """A stream that breaks gives the pieces before the break and then an error, never a shorter answer."""
    got: list[str] = []
    with ModelServer(lambda _: cut(say(LONG), after_chunks=2)) as server, _client(server) as client:
        stream = _pieces_of_chat(client) if surface == "chat" else _pieces_of_response(client)
        with pytest.raises(openai.APIConnectionError) as caught:
            got.extend(stream)
    assert "".join(got) == LONG[:32]
    assert "incomplete chunked read" in str(caught.value.__cause__)


def _pieces_of_chat(client: OpenAI) -> Iterator[str]:
    for chunk in client.chat.completions.create(**CHAT, stream=True):
        yield chunk.choices[0].delta.content or ""


def _pieces_of_response(client: OpenAI) -> Iterator[str]:
    for event in client.responses.create(model="m", input="hello", stream=True):
        yield event.delta if event.type == "response.output_text.delta" else ""


def test_a_cut_plain_answer_is_a_connection_error() -> None:
    """An answer that is not streamed breaks off in the middle of its body."""
    with pytest.raises(openai.APIConnectionError):
        _ask(cut(say(LONG), after_chunks=1))


def test_a_slow_answer_takes_its_time() -> None:
    """The first byte and each piece of a stream wait as long as they are told."""
    reply = slow(say("x" * 16 * 4), first_ms=60, chunk_ms=20)
    with ModelServer(lambda _: reply) as server, _client(server) as client:
        started = time.monotonic()
        stream = client.chat.completions.create(**CHAT, stream=True)
        first = time.monotonic() - started
        list(stream)
        whole = time.monotonic() - started
    assert first >= 0.06
    assert whole >= 0.14


def test_closing_ends_a_stream_in_flight() -> None:
    """A server closes at once though a stream has an hour to go, and the reader of the stream is told."""
    with ModelServer(lambda _: slow(say(LONG), chunk_ms=3_600_000)) as server, _client(server) as client:
        stream = client.chat.completions.create(**CHAT, stream=True)
        next(iter(stream))
        started = time.monotonic()
        server.close()
        assert time.monotonic() - started < 2
        with pytest.raises(openai.APIConnectionError):
            list(stream)


def test_closing_leaves_nothing_behind() -> None:
    """After closing, twice, no thread of the server runs and nobody listens."""
    before = threading.active_count()
    with ModelServer(lambda _: say("hello")) as server, _client(server) as client:
        client.chat.completions.create(**CHAT)
        assert threading.active_count() > before
        server.close()
        server.close()
        assert threading.active_count() == before
        with pytest.raises(openai.APIConnectionError):
            client.chat.completions.create(**CHAT)


def test_a_hundred_async_clients_at_once() -> None:
    """A hundred concurrent conversations over one shared client each get their own answers, streamed or not."""

    async def converse(client: AsyncOpenAI, number: int) -> list[str]:
        messages: Any = [{"role": "user", "content": f"I am {number}"}]
        plain = await client.chat.completions.create(model="m", messages=messages)
        stream = await client.chat.completions.create(model="m", messages=messages, stream=True)
        streamed = [chunk.choices[0].delta.content or "" async for chunk in stream]
        return [plain.choices[0].message.content or "", "".join(streamed)]

    async def everybody(server: ModelServer) -> list[list[str]]:
        async with AsyncOpenAI(base_url=server.base_url, api_key="scripted", max_retries=0) as client:
            return await asyncio.gather(*(converse(client, number) for number in range(100)))

    with ModelServer(lambda request: slow(say(request.text), first_ms=20)) as server:
        answers = asyncio.run(everybody(server))
        assert len(server.requests) == 200
    assert answers == [[f"I am {number}"] * 2 for number in range(100)]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/embeddings"])
@pytest.mark.parametrize("stream", [False, True])
def test_equal_requests_get_equal_bytes(path: str, stream: bool) -> None:
    """Two servers, and one server twice, answer the same request with the same bytes, head included."""
    body = {"model": "m", "messages": QUESTION, "input": "Where is W-77?", "stream": stream}
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(data)}\r\n\r\n".encode()

    policy = script([calls(call("a", x=1), call("b"))])
    with ModelServer(policy) as one, ModelServer(policy) as two:
        answers = {_exchange(server, head + data) for server in (one, one, two)}
    assert len(answers) == 1
    assert answers.pop().startswith(b"HTTP/1.1 200 OK\r\n")


def test_models_are_listed(echo: ModelServer) -> None:
    """The one model is called what it is."""
    with _client(echo) as client:
        assert [model.id for model in client.models.list()] == ["scripted"]


def test_embeddings_depend_on_the_text_only(echo: ModelServer) -> None:
    """Equal texts get equal unit vectors, other texts others, in either encoding and in any size."""
    with _client(echo) as client:
        packed = client.embeddings.create(model="m", input=["a", "b", "a"], dimensions=8)
        plain = client.embeddings.create(model="m", input="a", dimensions=8, encoding_format="float")
    first, second, third = (row.embedding for row in packed.data)
    assert first == third != second
    assert first == pytest.approx(plain.data[0].embedding, abs=1e-6)
    assert sum(number**2 for number in first) == pytest.approx(1)


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("/v1/chat/completions", b"{", "the body is not JSON"),
        ("/v1/chat/completions", b"[" * 100_000, "the body is not JSON"),
        ("/v1/chat/completions", b'{"model":"m","messages":[{"content":"\\ud800"}]}', "the body is not JSON"),
        ("/v1/chat/completions", b"[]", "not an object"),
        ("/v1/chat/completions", b'{"model":"m"}', "'messages' is missing"),
        ("/v1/chat/completions", b'{"model":"m","messages":[]}', "no message"),
        ("/v1/chat/completions", b'{"model":"m","messages":["hi"]}', "messages[0] is a str"),
        ("/v1/chat/completions", b'{"messages":[{"role":"user"}]}', "'model' is missing"),
        ("/v1/chat/completions", b'{"model":"m","messages":[{}],"stream":"yes"}', "'stream' is a str, not a bool"),
        ("/v1/chat/completions", b'{"model":"m","messages":[{}],"stream_options":[1]}', "'stream_options' is a list"),
        ("/v1/responses", b'{"model":"m"}', "no message"),
        ("/v1/responses", b'{"model":"m","input":5}', "'input' is a int"),
        ("/v1/embeddings", b'{"model":"m","input":""}', "input is neither"),
        ("/v1/embeddings", b'{"model":"m","input":"a","dimensions":1000000000}', "dimensions is 1000000000"),
    ],
)
def test_a_malformed_request_is_told_what_is_wrong(echo: ModelServer, path: str, body: bytes, told: str) -> None:
    """What cannot be read is a 400 in OpenAI's error shape, and nothing of it is noted as a request."""
    status, answer = _raw(echo, "POST", path, body)
    error = json.loads(answer)["error"]
    assert (status, error["type"]) == (400, "invalid_request_error")
    assert told in error["message"]
    assert echo.requests == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/v1/nowhere", 404), ("GET", "/v1/responses", 404), ("PUT", "/v1/models", 501)],
)
def test_what_is_not_served_is_told(echo: ModelServer, method: str, path: str, status: int) -> None:
    """An unknown path or method gets a JSON error, and the server lives on."""
    got, answer = _raw(echo, method, path, b"{}")
    assert got == status
    assert method in json.loads(answer)["error"]["message"]
    assert _raw(echo, "GET", "/v1/models?limit=1")[0] == 200


@pytest.mark.parametrize(
    ("request_bytes", "told"),
    [
        (b"hello there, server dear\r\n\r\n", "Bad request"),
        (b"POST /v1/responses HTTP/1.1\r\n\r\n{}", "Content-Length is missing"),
        (b"POST /v1/responses HTTP/1.1\r\nContent-Length: -1\r\n\r\n{}", "Content-Length is -1"),
        (b"POST /v1/responses HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\n{}", "not a number up to"),
        (b"GET / HTTP/7.0\r\n\r\n", "HTTP"),
    ],
)
def test_what_cannot_be_read_closes_the_connection(echo: ModelServer, request_bytes: bytes, told: str) -> None:
    """Bytes whose end cannot be told get a JSON error, and then the connection is closed."""
    head, _, body = _exchange(echo, request_bytes).partition(b"\r\n\r\n")
    assert b"\r\nConnection: close" in head
    assert told in json.loads(body)["error"]["message"]


def test_a_client_that_leaves_early_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """A stream that its reader closes early ends quietly, and the next request is served."""
    with ModelServer(lambda _: slow(say(LONG), chunk_ms=5)) as server, _client(server) as client:
        with client.chat.completions.create(**CHAT, stream=True) as stream:
            next(iter(stream))
        assert client.chat.completions.create(**CHAT).choices[0].message.content == LONG
    assert caplog.text == ""


def test_a_policy_that_raises_is_an_error_500(caplog: pytest.LogCaptureFixture) -> None:
    """A policy's exception reaches the client as an error it does not retry, and the log with its traceback."""

    def policy(request: ModelRequest) -> Reply:
        raise KeyError("order_id")

    caplog.set_level(logging.ERROR)
    with ModelServer(policy) as server, _client(server, max_retries=5) as client:
        with pytest.raises(openai.InternalServerError, match="the policy failed: KeyError: 'order_id'"):
            client.chat.completions.create(**CHAT)
        assert len(server.requests) == 1
    assert "in policy" in caplog.text


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        (lambda _: None, "the policy gave a NoneType, not a reply"),
        (lambda _: "text", "the policy gave a str, not a reply"),
        (lambda _: say(cast("str", 5)), "5 is a int, not text"),
        (lambda _: say("\ud800"), "lone surrogate"),
        (lambda _: call_tool("t", x=object()), "a object is not JSON"),
        (lambda _: fail(200), "not an HTTP error status"),
        (script([]), "the script has 0 replies and turn 1 was asked for"),
    ],
)
def test_a_policy_that_gives_no_reply_is_told(policy: Any, told: str) -> None:
    """What is no reply is an error 500 that says what came instead."""
    with pytest.raises(openai.InternalServerError, match=told):
        _ask(policy)


def test_arguments_may_be_broken_on_purpose() -> None:
    """A model that writes bad JSON can be scripted."""
    message = _ask(calls(Call("refund", '{"order_id": '))).choices[0].message
    assert message.tool_calls[0].function.arguments == '{"order_id": '


def test_a_policy_must_be_a_function() -> None:
    """A list of replies that was not made a script is refused before anything listens."""
    with pytest.raises(UsageError, match="the policy is a list"):
        ModelServer([say("hello")])  # type: ignore[arg-type]


def test_starting_is_fast() -> None:
    """A server is up within 50 ms, and importing it does not import the openai client."""
    times = []
    for _ in range(5):
        started = time.perf_counter()
        with ModelServer(lambda _: say("hello")):
            times.append(time.perf_counter() - started)
    assert sorted(times)[2] < 0.05
    code = "import sys, harness.testing.model_server; print('openai' in sys.modules or 'pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
