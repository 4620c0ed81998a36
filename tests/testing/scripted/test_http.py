"""What the server does with connections and with requests that are none."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator

import openai
import pytest

from harness.testing.model_server import ModelServer, call, calls, say, script, slow
from tests.testing.asking import CHAT, LONG, QUESTION, client_of, exchange, send


@pytest.fixture
def echo() -> Iterator[ModelServer]:
    """Serve a policy that repeats the last message."""
    with ModelServer(lambda request: say(request.text)) as server:
        yield server


def test_closing_ends_a_stream_in_flight() -> None:
    """A server closes at once though a stream has an hour to go, and the reader of the stream is told."""
    with ModelServer(lambda _: slow(say(LONG), chunk_ms=3_600_000)) as server, client_of(server) as client:
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
    with ModelServer(lambda _: say("hello")) as server, client_of(server) as client:
        client.chat.completions.create(**CHAT)
        assert threading.active_count() > before
        server.close()
        server.close()
        assert threading.active_count() == before
        with pytest.raises(openai.APIConnectionError):
            client.chat.completions.create(**CHAT)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/embeddings"])
@pytest.mark.parametrize("stream", [False, True])
def test_equal_requests_get_equal_bytes(path: str, stream: bool) -> None:
    """Two servers, and one server twice, answer the same request with the same bytes, head included."""
    body = {"model": "m", "messages": QUESTION, "input": "Where is W-77?", "stream": stream}
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(data)}\r\n\r\n".encode()

    policy = script([calls(call("a", x=1), call("b"))])
    with ModelServer(policy) as one, ModelServer(policy) as two:
        answers = {exchange(server, head + data) for server in (one, one, two)}
    assert len(answers) == 1
    assert answers.pop().startswith(b"HTTP/1.1 200 OK\r\n")


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
        ("/v1/chat/completions", b'{"model":"m","messages":[{}],"logprobs":1}', "'logprobs' is a int, not a bool"),
        ("/v1/chat/completions", b'{"model":"m","messages":[{}],"top_logprobs":"5"}', "'top_logprobs' is a str"),
        ("/v1/responses", b'{"model":"m"}', "no message"),
        ("/v1/responses", b'{"model":"m","input":5}', "'input' is a int"),
        ("/v1/embeddings", b'{"model":"m","input":""}', "input is neither"),
        ("/v1/embeddings", b'{"model":"m","input":"a","dimensions":1000000000}', "dimensions is 1000000000"),
    ],
)
def test_a_malformed_request_is_told_what_is_wrong(echo: ModelServer, path: str, body: bytes, told: str) -> None:
    """What cannot be read is a 400 in OpenAI's error shape, and nothing of it is noted as a request."""
    status, answer = send(echo, "POST", path, body)
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
    got, answer = send(echo, method, path, b"{}")
    assert got == status
    assert method in json.loads(answer)["error"]["message"]
    assert send(echo, "GET", "/v1/models?limit=1")[0] == 200


@pytest.mark.parametrize(
    ("request_bytes", "told"),
    [
        (b"hello there, server dear\r\n\r\n", "Bad request"),
        (b"POST /v1/responses HTTP/1.1\r\n\r\n{}", "Content-Length is missing"),
        (b"POST /v1/responses HTTP/1.1\r\nContent-Length: -1\r\n\r\n{}", "Content-Length is -1"),
        (b"POST /v1/responses HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\n{}", "not a number of 9 digits"),
        (b"GET / HTTP/7.0\r\n\r\n", "HTTP"),
    ],
)
def test_what_cannot_be_read_closes_the_connection(echo: ModelServer, request_bytes: bytes, told: str) -> None:
    """Bytes whose end cannot be told get a JSON error, and then the connection is closed."""
    head, _, body = exchange(echo, request_bytes).partition(b"\r\n\r\n")
    assert b"\r\nConnection: close" in head
    assert told in json.loads(body)["error"]["message"]


def test_a_client_that_leaves_early_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """A stream that its reader closes early ends quietly, and the next request is served."""
    with ModelServer(lambda _: slow(say(LONG), chunk_ms=5)) as server, client_of(server) as client:
        with client.chat.completions.create(**CHAT, stream=True) as stream:
            next(iter(stream))
        assert client.chat.completions.create(**CHAT).choices[0].message.content == LONG
    assert caplog.text == ""
