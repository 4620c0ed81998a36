"""What a model's service does to its callers, as the official clients meet it: errors, delays, and further tries."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from harness.adapters.files import open_trace
from harness.door.app import Harness
from harness.door.replay import replay
from harness.faults.file import load_faults
from harness.testing.model_server import ModelServer, say
from harness.trace.event import Event

ERRORS = {
    "timeout": "APITimeoutError",
    "commit_then_timeout": "APITimeoutError",
    "drop": "APIConnectionError",
    "reset": "APIConnectionError",
    "rate_limit": "RateLimitError",
    "error": "InternalServerError",
}


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    """Give a scripted server that answers everything alike."""
    with ModelServer(lambda _: say("All is well.")) as running:
        yield running


@pytest.fixture(params=["openai", "anthropic"])
def asking(request: pytest.FixtureRequest, server: ModelServer, tmp_path: Path) -> Any:
    """Give an app, and what makes an agent that asks a model once on one of two clients, whole or streamed."""
    app, kind = Harness(traces=tmp_path), request.param

    def agent_of(*, stream: bool, retries: int = 0) -> Any:
        def agent() -> str:
            try:
                with httpx2.Client(verify=False) as plain:
                    given: Any = {"api_key": "none", "max_retries": retries, "http_client": plain}
                    ask = ask_openai if kind == "openai" else ask_anthropic
                    return ask(app, server, given, stream=stream)
            except (openai.APIError, anthropic.APIError) as error:
                return type(error).__name__

        return agent

    return app, agent_of


ASKED: Any = {"model": "m", "messages": [{"role": "user", "content": "How is it?"}]}


def ask_openai(app: Harness, server: ModelServer, given: dict[str, Any], *, stream: bool) -> str:
    """Ask OpenAI's client, and give what was said."""
    client = app.wrap(openai.OpenAI(base_url=server.base_url, **given))
    if not stream:
        return str(client.chat.completions.create(**ASKED).choices[0].message.content)
    chunks = client.chat.completions.create(stream=True, **ASKED)
    return "".join(one.choices[0].delta.content or "" for one in chunks)


def ask_anthropic(app: Harness, server: ModelServer, given: dict[str, Any], *, stream: bool) -> str:
    """Ask Anthropic's client, and give what was said."""
    client = app.wrap(anthropic.Anthropic(base_url=server.anthropic_url, **given))
    if not stream:
        return str(client.messages.create(max_tokens=9, **ASKED).content[0].text)
    with client.messages.stream(max_tokens=9, **ASKED) as said:
        return "".join(said.text_stream)


def run(app: Harness, agent: Any, inject: str) -> tuple[str, list[Event]]:
    """Run a struck agent, replay it, and give its result and its events."""
    session = app.session(faults=load_faults(f"faults: t\ninject: [{inject}]", "t.yaml"))
    result = session.run(agent)
    again = replay(session.trace.path, entry=agent, app=app)
    assert again.equal, again.divergence
    assert again.result == result
    with open_trace(session.trace.path) as reader:
        return result, list(reader)


def faults_in(events: list[Event]) -> list[dict[str, Any]]:
    """Give what the trace says of faults."""
    return [event.body for event in events if event.kind == "fault"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", ERRORS)
def test_a_client_meets_the_error_it_knows(asking: Any, server: ModelServer, kind: str, stream: bool) -> None:
    """Each failure has the form that the client's own code reads, and only one lets the model answer unheard."""
    (app, agent_of), sent = asking, len(server.requests)
    result, events = run(app, agent_of(stream=stream), f"{{fault: {kind}}}")
    assert result == ERRORS[kind]
    assert len(server.requests) - sent == (kind == "commit_then_timeout")
    (fault,) = faults_in(events)
    assert fault["effective"]
    assert ("clean" in fault) == (kind == "commit_then_timeout")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", ["drop", "rate_limit", "error"])
def test_a_client_tries_again_by_itself(asking: Any, kind: str, stream: bool) -> None:
    """Each try is a call of its own, counted for itself: where the first is struck, the second goes through."""
    app, agent_of = asking
    strength = ", strength: {after_ms: 1}" if kind == "rate_limit" else ""
    result, events = run(app, agent_of(stream=stream, retries=1), f"{{fault: {kind}, nth: 1{strength}}}")
    assert result == "All is well."
    assert len(faults_in(events)) == 1
    assert sum(event.kind == "action" for event in events) == 2


def test_a_rate_limit_is_waited_for(asking: Any) -> None:
    """The client reads from the answer how long it has to wait."""
    app, agent_of = asking
    began = time.monotonic()
    run(app, agent_of(stream=False, retries=1), "{fault: rate_limit, nth: 1, strength: {after_ms: 80}}")
    assert 0.08 <= time.monotonic() - began < 0.5  # without being told, clients wait half a second


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_comes_late(asking: Any, stream: bool) -> None:
    """Time passes before the answer, and nothing else is changed."""
    app, agent_of = asking
    result, events = run(app, agent_of(stream=stream), "{fault: delay, strength: {delay_ms: 30}}")
    assert result == "All is well."
    action, seen = (next(one for one in events if one.kind == kind) for kind in ("action", "observation"))
    assert seen.at - action.at >= 30e6
    assert [fault["effective"] for fault in faults_in(events)] == [True]


def test_what_is_no_conversation_is_left_alone(server: ModelServer, tmp_path: Path) -> None:
    """Faults of conversations find nothing to change in other requests; those of services strike them."""
    app = Harness(traces=tmp_path)

    def agent() -> Any:
        with httpx2.Client(verify=False) as plain:
            client = app.wrap(openai.OpenAI(base_url=server.base_url, api_key="none", max_retries=0, http_client=plain))
            listed = client.models.list().data[0].id
            try:
                return listed, len(client.embeddings.create(model="m", input="Refund 4800 cents to Ann.").data)
            except openai.APIError as error:
                return listed, type(error).__name__

    result, events = run(app, agent, "{fault: RA}, {fault: H}, {fault: ML}")
    assert result[1] == 1
    assert not any(fault["effective"] for fault in faults_in(events))
    result, _ = run(app, agent, "{fault: error, tool: 'openai:embeddings'}")
    assert result[1] == "InternalServerError"


def asking_async(app: Harness, server: ModelServer, *, patience_s: float = 10) -> Any:
    """Make an agent that asks OpenAI's asynchronous client once, and waits only so long."""

    async def agent() -> str:
        async with httpx2.AsyncClient(verify=False) as plain:
            given: Any = {"api_key": "none", "max_retries": 0, "http_client": plain}
            client = app.wrap(openai.AsyncOpenAI(base_url=server.base_url, **given))
            try:
                async with asyncio.timeout(patience_s):
                    return str((await client.chat.completions.create(**ASKED)).choices[0].message.content)
            except (openai.APIError, TimeoutError) as error:
                return type(error).__name__

    return agent


@pytest.mark.parametrize("kind", ERRORS)
def test_an_asynchronous_client_meets_the_same(server: ModelServer, tmp_path: Path, kind: str) -> None:
    """What a service does is done to both kinds of clients."""
    app = Harness(traces=tmp_path)
    result, events = run(app, asking_async(app, server), f"{{fault: {kind}}}")
    assert result == ERRORS[kind]
    assert [fault["effective"] for fault in faults_in(events)] == [True]


def test_who_does_not_wait_for_a_late_answer_is_told_nothing(server: ModelServer, tmp_path: Path) -> None:
    """An agent that gives up while the delay lasts leaves a call of which nobody knows the end; it replays so."""
    app = Harness(traces=tmp_path)
    agent = asking_async(app, server, patience_s=0.05)
    result, events = run(app, agent, "{fault: delay, strength: {delay_ms: 3000}}")
    assert result == "TimeoutError"
    (seen,) = [event.body for event in events if event.kind == "observation"]
    assert seen["unknown"] == {"reason": "cancelled"}
