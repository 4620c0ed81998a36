"""The official OpenAI client at the door: recorded, checked, replayed."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from harness.adapters.files import open_trace
from harness.door.app import Harness
from harness.door.replay import replay
from harness.errors import UsageError
from harness.registry.load import load
from harness.testing.model_server import (
    ModelRequest,
    ModelServer,
    Reply,
    call_tool,
    cut,
    drop,
    fail,
    flaky,
    hang,
    say,
)
from harness.trace.event import Event

NOWHERE = "http://127.0.0.1:9/v1"


def policy(request: ModelRequest) -> Reply:
    """Answer by what the last message asks for."""
    text = request.text
    if text == "tool":
        return call_tool("pay", cents=5)
    if text == "flaky":
        return flaky(say("at last"), times=1, first=fail(500))
    if text == "limit":
        return fail(429, "slow down")
    if text == "wrong":
        return fail(400, "wrong")
    if text == "cut":
        return cut(say("a long answer that is cut in the middle of it"), after_chunks=1)
    if text == "drop":
        return drop()
    if text == "hang":
        return hang(5)
    return say(f"you said {text!r}, naïvely 😀")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """Give a scripted server, and the environment a client needs to find it."""
    with ModelServer(policy) as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-never-on-disk-123")
        yield running


def record(app: Harness, agent: Any, **arguments: Any) -> tuple[Any, list[Event], str]:
    """Run an agent and give its result, its events and its trace."""
    session = app.session()
    result = session.run(agent, **arguments)
    with open_trace(session.trace.path) as reader:
        return result, list(reader), session.trace.path


def replayed_offline(path: str, agent: Any, server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Replay with the server out of reach and assert that nothing was sent and everything was equal."""
    sent = len(server.requests)
    monkeypatch.setenv("OPENAI_BASE_URL", NOWHERE)
    result = replay(path, entry=agent)
    assert result.equal, result.divergence
    assert len(server.requests) == sent
    return result


def ask_sync(app: Harness, **options: Any) -> Any:
    """Make an agent that sends one request and gives what it got, errors included."""

    def agent(text: str) -> Any:
        try:
            with app.wrap(OpenAI(max_retries=1, timeout=options.get("timeout", 10))) as client:
                if options.get("api") == "responses":
                    return client.responses.create(model="m", input=text).to_dict()
                sent: Any = {"model": "m", "messages": [{"role": "user", "content": text}]}
                if options.get("stream"):
                    return [chunk.to_dict() for chunk in client.chat.completions.create(stream=True, **sent)]
                return client.chat.completions.create(**sent).to_dict()
        except openai.APIError as error:
            return [type(error).__name__, str(error), getattr(error, "status_code", None)]

    return agent


def ask_async(app: Harness, **options: Any) -> Any:
    """Make the same agent on the asynchronous client."""

    async def agent(text: str) -> Any:
        try:
            async with app.wrap(AsyncOpenAI(max_retries=1, timeout=options.get("timeout", 10))) as client:
                if options.get("api") == "responses":
                    return (await client.responses.create(model="m", input=text)).to_dict()
                sent: Any = {"model": "m", "messages": [{"role": "user", "content": text}]}
                if options.get("stream"):
                    return [
                        chunk.to_dict() async for chunk in await client.chat.completions.create(stream=True, **sent)
                    ]
                return (await client.chat.completions.create(**sent)).to_dict()
        except openai.APIError as error:
            return [type(error).__name__, str(error), getattr(error, "status_code", None)]

    return agent


@pytest.mark.parametrize("ask", [ask_sync, ask_async])
@pytest.mark.parametrize(
    ("text", "options", "calls"),
    [
        ("hello", {}, 1),
        ("hello", {"stream": True}, 1),
        ("hello", {"api": "responses"}, 1),
        ("tool", {}, 1),
        ("tool", {"stream": True}, 1),
        ("flaky", {}, 2),
        ("limit", {}, 2),
        ("wrong", {}, 1),
        ("cut", {"stream": True}, 1),
        ("drop", {}, 2),
        ("hang", {"timeout": 0.2}, 2),
    ],
)
def test_what_the_client_saw_it_sees_again(
    ask: Any, text: str, options: Any, calls: int, server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers, streams, tool calls, retries, API errors, broken streams, drops and timeouts replay offline, equal."""
    app = Harness(traces=tmp_path)
    agent = ask(app, **options)
    result, events, path = record(app, agent, text=text)
    assert sum(event.kind == "action" for event in events) == calls
    assert replayed_offline(path, agent, server, monkeypatch).result == result


@pytest.mark.parametrize("ask", [ask_sync, ask_async])
def test_a_wrapped_client_answers_like_an_unwrapped_one(ask: Any, server: ModelServer, tmp_path: Path) -> None:
    """Inside and outside a session the client gives the same objects."""
    app, bare = Harness(traces=tmp_path), Harness(traces=tmp_path)
    bare.wrap = lambda client: client  # type: ignore[method-assign]
    inside, _, _ = record(app, ask(app), text="hello")
    outside = ask(bare)(text="hello")
    assert inside == (asyncio.run(outside) if asyncio.iscoroutine(outside) else outside)


def test_outside_a_session_nothing_is_recorded(server: ModelServer, tmp_path: Path) -> None:
    """A wrapped client outside a session is the client it was."""
    with Harness(traces=tmp_path).wrap(OpenAI()) as client:
        assert client.models.list().data
    assert list(tmp_path.iterdir()) == []


def test_a_strict_app_refuses_calls_outside_a_session(server: ModelServer, tmp_path: Path) -> None:
    """Where everything must be recorded, a call without a session is an error with the cure."""
    with (
        Harness(traces=tmp_path, strict=True).wrap(OpenAI(max_retries=0)) as client,
        pytest.raises(Exception) as refused,
    ):
        client.models.list()
    assert "outside a session" in str(refused.value.__cause__ or refused.value)
    assert server.requests == []


def test_a_key_never_reaches_the_disk(server: ModelServer, tmp_path: Path) -> None:
    """A wrapped client's key is a secret value by itself, wherever the agent puts it."""
    app = Harness(traces=tmp_path)

    def agent() -> None:
        with app.wrap(OpenAI()) as client:
            said: Any = [{"role": "user", "content": f"my key is {client.api_key}"}]
            client.chat.completions.create(model="m", messages=said)

    _, _, path = record(app, agent)
    assert b"sk-never-on-disk" not in Path(path).read_bytes()
    assert "⟦secret:api_key:1⟧".encode() in Path(path).read_bytes()


def test_a_stream_that_is_closed_early_is_closed_early_again(
    server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent that stops reading is recorded as such, and replays."""
    app = Harness(traces=tmp_path)

    def agent(text: str) -> str:
        said: Any = [{"role": "user", "content": text}]
        with (
            app.wrap(OpenAI()) as client,
            client.chat.completions.create(model="m", messages=said, stream=True) as stream,
        ):
            return next(chunk.choices[0].delta.content for chunk in stream if chunk.choices[0].delta.content)

    result, events, path = record(app, agent, text="hello")
    assert events[1].body["ok"]["closed"] is True
    assert replayed_offline(path, agent, server, monkeypatch).result == result


def test_a_stream_that_is_left_behind_ends_with_the_run(
    server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent that breaks out of a stream is recorded as one that stopped reading, whenever the collector comes."""
    app, collects = Harness(traces=tmp_path), True

    def agent() -> str:
        said: Any = [{"role": "user", "content": "hello"}]
        with app.wrap(OpenAI()) as client:
            for _ in client.chat.completions.create(model="m", messages=said, stream=True):
                break
            if collects:
                gc.collect()
            return client.chat.completions.create(model="m", messages=said).choices[0].message.content or ""

    _, events, path = record(app, agent)
    assert [event.kind for event in events] == ["action", "action", "observation", "note", "observation"]
    assert events[-1].body["action"] == 0
    assert events[-1].body["ok"]["closed"] is True
    replayed_offline(path, agent, server, monkeypatch)
    collects = False
    replayed_offline(path, agent, server, monkeypatch)


def test_an_asynchronous_stream_that_is_left_behind_ends_with_the_run(
    server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That the event loop frees what is left of the stream is no part of the run."""
    app, collects = Harness(traces=tmp_path), True

    async def agent() -> None:
        said: Any = [{"role": "user", "content": "hello"}]
        async with app.wrap(AsyncOpenAI()) as client:
            async for _ in await client.chat.completions.create(model="m", messages=said, stream=True):
                break
            for _ in range(2):
                await asyncio.sleep(0.01)
                if collects:
                    gc.collect()
            await client.chat.completions.create(model="m", messages=said)

    _, events, path = record(app, agent)
    assert [event.kind for event in events] == ["action", "action", "observation", "note", "observation"]
    collects = False
    replayed_offline(path, agent, server, monkeypatch)


def test_a_stream_is_one_observation_with_its_pieces_and_times(server: ModelServer, tmp_path: Path) -> None:
    """However many pieces come, two lines are written; each piece keeps its boundary and its time."""
    app = Harness(traces=tmp_path)
    _, events, _ = record(app, ask_async(app, stream=True), text="hello")
    assert [event.kind for event in events] == ["action", "observation", "note"]
    chunks = events[1].body["ok"]["chunks"]
    assert len(chunks) > 3
    assert [at for at, _ in chunks] == sorted(at for at, _ in chunks)


def test_a_conversation_is_kept_as_what_is_new(server: ModelServer, tmp_path: Path) -> None:
    """The second request names the first and holds only what was added."""
    app = Harness(traces=tmp_path)

    def agent() -> None:
        with app.wrap(OpenAI()) as client:
            said: list[Any] = [{"role": "user", "content": "one"}]
            said.append(client.chat.completions.create(model="m", messages=said).choices[0].message.to_dict())
            client.chat.completions.create(model="m", messages=[*said, {"role": "user", "content": "two"}])

    _, events, _ = record(app, agent)
    assert events[2].body["args"]["after"] == 0
    assert [message["role"] for message in events[2].body["args"]["messages"]] == ["assistant", "user"]


def test_an_edited_prompt_diverges_at_its_place(
    server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The divergence names the message, and nothing is sent."""
    app = Harness(traces=tmp_path)
    prompt = "You are"

    def agent() -> None:
        said: Any = [{"role": "system", "content": prompt}, {"role": "user", "content": "hello"}]
        with app.wrap(OpenAI()) as client:
            client.chat.completions.create(model="m", messages=said)

    _, _, path = record(app, agent)
    prompt = "You were"
    found = replay(path, entry=agent).divergence
    assert found is not None
    assert (found.pointer, found.recorded, found.now) == ("/messages/0/content", "You are", "You were")
    assert len(server.requests) == 1


def test_rules_judge_what_a_model_says(server: ModelServer, tmp_path: Path) -> None:
    """A rule on messages withholds an answer; the client sees an API error that it does not retry."""
    rules = load(
        """
registry: polite
version: 1.0.0
default: allow
invariants:
  - id: NO-ECHO
    title: The model does not repeat the user
    on: message
    when: message.role == "assistant"
    require: not message.text.contains("you said")
    otherwise: block
    says: Answer in your own words.
""",
        "polite.yaml",
    )
    app = Harness(rules, traces=tmp_path)
    (name, text, status), events, _ = record(app, ask_sync(app), text="hello")
    assert (name, status) == ("PermissionDeniedError", 403)
    assert "NO-ECHO" in text
    assert len(server.requests) == 1
    assert "decision" in {event.kind for event in events}


def test_a_client_over_another_http_package_is_refused_by_name(tmp_path: Path) -> None:
    """What cannot be wrapped is said, with the cure, instead of being half recorded."""
    with pytest.raises(UsageError, match="cannot wrap"):
        Harness(traces=tmp_path).wrap(object())


def test_the_client_keeps_its_own_http_settings(server: ModelServer, tmp_path: Path) -> None:
    """Headers and hooks of the HTTP client below are still in force."""
    seen: list[str] = []
    inner = httpx2.Client(event_hooks={"request": [lambda request: seen.append(request.headers["x-mine"])]})
    app = Harness(traces=tmp_path)

    def agent() -> int:
        with app.wrap(OpenAI(http_client=inner, default_headers={"x-mine": "yes"})) as client:
            return len(client.models.list().data)

    assert record(app, agent)[0] >= 1
    assert seen == ["yes"]


def test_an_error_that_is_no_broken_connection_is_recorded(
    server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the client's own transport raises, whatever it is, ends the call, and is raised again on replay."""

    class Broken(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            raise RuntimeError("Event loop is closed")

    app = Harness(traces=tmp_path)
    client = app.wrap(AsyncOpenAI(max_retries=0, http_client=httpx2.AsyncClient(transport=Broken())))

    async def agent(text: str) -> str:
        try:
            await client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
        except RuntimeError as error:
            return repr(error)
        return "no error"

    result, events, path = record(app, agent, text="hi")
    assert result == "RuntimeError('Event loop is closed')"
    failures = [event.body["failed"]["error"] for event in events if event.kind == "observation"]
    assert [failure["type"] for failure in failures] == ["builtins:RuntimeError"]
    assert replayed_offline(path, agent, server, monkeypatch).result == result


def test_a_gateways_own_headers_parameters_and_cookies_go_up(server: ModelServer, tmp_path: Path) -> None:
    """What the HTTP client of a client adds to requests is sent as before, inside a session and outside."""
    app, seen = Harness(traces=tmp_path), []
    below = httpx2.Client(headers={"x-gateway": "bank"}, params={"version": "7"}, cookies={"sticky": "1"})
    below.event_hooks = {"request": [seen.append]}
    said: Any = [{"role": "user", "content": "hello"}]
    with app.wrap(OpenAI(http_client=below)) as client:
        client.chat.completions.create(model="m", messages=said)
        with app.session():
            client.chat.completions.create(model="m", messages=said)
    sent = [(one.headers["x-gateway"], one.headers["cookie"], one.url.query) for one in seen]
    assert sent == [("bank", "sticky=1", b"version=7")] * 2


def test_a_client_that_is_wrapped_twice_passes_one_door(server: ModelServer, tmp_path: Path) -> None:
    """A call of it is one action, and its tool calls are judged if either wrapping asks for that."""
    app = Harness(traces=tmp_path)

    def agent(twice: bool) -> None:
        client = app.wrap(OpenAI(), judge_calls=True)
        with app.wrap(client) if twice else client as passing:
            passing.chat.completions.create(model="m", messages=[{"role": "user", "content": "tool"}])

    said = [[event.body.get("tool") for event in record(app, agent, twice=twice)[1]] for twice in (True, False)]
    assert said[0] == said[1]
    assert said[0][0] == "openai:chat/completions"
    assert said[0].count("pay") == 1


@pytest.mark.parametrize("stream", [False, True])
def test_headers_of_an_api_are_the_same_on_replay(stream: bool, tmp_path: Path) -> None:
    """An agent that looks at limits sees them when its run is replayed; no header is there only while recording."""
    app = Harness(traces=tmp_path)
    headers = {"x-ratelimit-remaining-requests": "99", "openai-processing-ms": "12", "date": "today"}
    headers["content-type"] = "text/event-stream" if stream else "application/json"

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers=headers, content=b"data: [DONE]\n\n" if stream else b"{}")

    def agent() -> list[tuple[str, str]]:
        client = app.wrap(OpenAI(api_key="k", http_client=httpx2.Client(transport=httpx2.MockTransport(answer))))
        raw = client.chat.completions.with_streaming_response
        with raw.create(model="m", messages=[{"role": "user", "content": "hello"}], stream=stream) as response:
            response.read()
            return [one for one in response.headers.items() if one[0] != "content-length"]

    result, _, path = record(app, agent)
    assert sorted(result) == sorted((name, value) for name, value in headers.items() if name != "date")
    assert replay(path, entry=agent).equal


def test_an_upload_replays(server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line between the parts of a form, which a client draws for each request, makes no other request of it."""
    app = Harness(traces=tmp_path)

    def agent(text: str) -> str:
        with app.wrap(OpenAI()) as client, pytest.raises(openai.NotFoundError) as raised:
            client.files.create(file=("batch.jsonl", text.encode()), purpose="batch")
        return str(raised.value)

    _, events, path = record(app, agent, text="{}")
    assert events[0].body["tool"] == "openai:files"
    replayed_offline(path, agent, server, monkeypatch)


@pytest.mark.parametrize("deployment", [None, "gpt-4o"])
def test_a_deployment_of_azures_is_no_part_of_the_name(deployment: str | None, tmp_path: Path) -> None:
    """A rule on chat completions speaks of every client, wherever Azure's is told the deployment."""
    rules = "{registry: r, version: '1', default: allow, invariants: [{id: NO, on: action, otherwise: block,"
    rules += " tool: openai:chat/completions, require: 'False'}]}"
    app, seen = Harness(load(rules, "r.yaml"), traces=tmp_path), []
    below = httpx2.Client(transport=httpx2.MockTransport(lambda request: seen.append(request) or httpx2.Response(200)))
    options: Any = {"azure_endpoint": "http://azure", "api_version": "1", "api_key": "k", "http_client": below}
    client = app.wrap(openai.AzureOpenAI(azure_deployment=deployment, **options))
    with app.session(), pytest.raises(openai.PermissionDeniedError, match="NO"):
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "hello"}])
    assert not seen
