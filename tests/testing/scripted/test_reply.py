"""What each reply does to the official openai client."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Iterator
from typing import Any, cast

import openai
import pytest
from openai import OpenAI

from harness.testing.model_server import (
    Call,
    ModelRequest,
    ModelServer,
    Reply,
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
from tests.testing.asking import CHAT, LONG, ask, client_of, send


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
        ask(fail(status, "out of order"))
    assert caught.value.status_code == status


def test_a_rate_limit_is_retried_when_told_to() -> None:
    """The client waits as long as ``retry_after_s`` says and then gets its answer."""
    reply = flaky(say("at last"), times=2, first=fail(429, retry_after_s=0.01))
    started = time.monotonic()
    assert ask(reply, max_retries=2).choices[0].message.content == "at last"
    assert time.monotonic() - started < 0.5  # the client's own first pause is half a second


def test_flaky_counts_each_request_apart() -> None:
    """A request that never came before fails first, whatever came of others; each server counts anew."""
    reply = flaky(say("fine"), times=2)
    for _ in range(2):
        with ModelServer(lambda _: reply) as server:
            bodies = [json.dumps({**CHAT, "user": user}).encode() for user in ("a", "b")]
            statuses = [send(server, "POST", "/v1/chat/completions", bodies[n % 2])[0] for n in range(6)]
        assert statuses == [500, 500, 500, 500, 200, 200]


def test_a_dropped_connection_is_a_connection_error() -> None:
    """A connection that closes without an answer is the client's APIConnectionError, and a retry heals it."""
    with pytest.raises(openai.APIConnectionError):
        ask(drop())
    assert ask(flaky(say("here"), first=drop()), max_retries=1).choices[0].message.content == "here"


def test_a_hanging_server_is_a_timeout() -> None:
    """A client that waits less than the server hangs gets its APITimeoutError, and closing does not wait."""
    started = time.monotonic()
    with pytest.raises(openai.APITimeoutError):
        ask(hang(60), timeout=0.1)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("surface", ["chat", "responses"])
def test_a_cut_stream_is_an_error_after_its_pieces(surface: str) -> None:
    """A stream that breaks gives the pieces before the break and then an error, never a shorter answer."""
    got: list[str] = []
    with ModelServer(lambda _: cut(say(LONG), after_chunks=2)) as server, client_of(server) as client:
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
        ask(cut(say(LONG), after_chunks=1))


def test_a_slow_answer_takes_its_time() -> None:
    """The first byte and each piece of a stream wait as long as they are told."""
    reply = slow(say("x" * 16 * 4), first_ms=60, chunk_ms=20)
    with ModelServer(lambda _: reply) as server, client_of(server) as client:
        started = time.monotonic()
        stream = client.chat.completions.create(**CHAT, stream=True)
        first = time.monotonic() - started
        list(stream)
        whole = time.monotonic() - started
    assert first >= 0.06
    assert whole >= 0.14


def test_a_policy_that_raises_is_an_error_500(caplog: pytest.LogCaptureFixture) -> None:
    """A policy's exception reaches the client as an error it does not retry, and the log with its traceback."""

    def policy(request: ModelRequest) -> Reply:
        raise KeyError("order_id")

    caplog.set_level(logging.ERROR)
    with ModelServer(policy) as server, client_of(server, max_retries=5) as client:
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
        (lambda _: say("yes", [[("no", 1.0)]]), "the chances say another text"),
        (lambda _: say("yes", [[("yes", 1.0), ("no", 0.0)]]), "no probability above 0"),
        (lambda _: call_tool("t", x=object()), "a object is not JSON"),
        (lambda _: fail(200), "not an HTTP error status"),
        (script([]), "the script has 0 replies and turn 1 was asked for"),
    ],
)
def test_a_policy_that_gives_no_reply_is_told(policy: Any, told: str) -> None:
    """What is no reply is an error 500 that says what came instead."""
    with pytest.raises(openai.InternalServerError, match=told):
        ask(policy)


def test_arguments_may_be_broken_on_purpose() -> None:
    """A model that writes bad JSON can be scripted."""
    message = ask(calls(Call("refund", '{"order_id": '))).choices[0].message
    assert message.tool_calls[0].function.arguments == '{"order_id": '


@pytest.mark.parametrize("stream", [False, True])
def test_chances_are_log_probabilities_for_who_asks(stream: bool) -> None:
    """The token that was said comes first, its alternatives by likelihood and no more than asked for; else nothing."""
    reply = say("It is B", [[("It is", 1.0)], [(" B", 0.25), (" C", 0.5), (" A", 0.125)]])
    asked: dict[str, Any] = {"logprobs": True, "top_logprobs": 2}
    with ModelServer(lambda _: reply) as server, client_of(server) as client:
        told, untold = (client.chat.completions.create(**CHAT, **more, stream=stream) for more in (asked, {}))
        said = [choice.logprobs for part in (told if stream else [told]) for choice in part.choices]
        assert not any(choice.logprobs for part in (untold if stream else [untold]) for choice in part.choices)
    first, second = (token for logprobs in said if logprobs for token in logprobs.content)
    assert (first.token, first.logprob, second.token) == ("It is", 0, " B")
    assert second.logprob == pytest.approx(math.log(0.25))
    assert [(one.token, one.logprob) for one in second.top_logprobs] == [(" C", math.log(0.5)), (" B", math.log(0.25))]
