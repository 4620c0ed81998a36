"""The official Anthropic client at the door: recorded, checked, replayed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic import Anthropic, AsyncAnthropic

from harness.adapters.files import open_trace
from harness.adapters.otel.mapping import operation_of, read_answer
from harness.door.app import Harness
from harness.door.replay import replay
from harness.errors import UsageError
from harness.registry.load import load
from harness.testing.model_server import ModelRequest, ModelServer, Reply, call_tool, cut, drop, fail, flaky, hang, say
from harness.trace.event import Event

NOWHERE = "http://127.0.0.1:9"
LONG = "a long answer of several pieces that is said in full, naïvely 😀"


def policy(request: ModelRequest) -> Reply:
    """Answer by what the last message asks for."""
    replies: dict[str, Reply] = {
        "tool": call_tool("pay", cents=5),
        "flaky": flaky(say("at last"), times=1, first=fail(500)),
        "limit": fail(429, "slow down"),
        "wrong": fail(400, "wrong"),
        "cut": cut(say(LONG), after_chunks=1),
        "drop": drop(),
        "hang": hang(5),
    }
    return replies.get(request.text, say(LONG))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """Give a scripted server, and the environment a client needs to find it."""
    with ModelServer(policy) as running:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", running.anthropic_url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-never-on-disk-123")
        yield running


def record(app: Harness, agent: Any, **arguments: Any) -> tuple[Any, list[Event], str]:
    """Run an agent and give its result, its events without what it read, and its trace."""
    session = app.session()
    result = session.run(agent, **arguments)
    with open_trace(session.trace.path) as reader:
        return result, [event for event in reader if event.kind != "read"], session.trace.path


def asking(text: str) -> Any:
    """Give the arguments of one request."""
    return {"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": text}]}


def ask_sync(app: Harness, *, stream: bool = False, timeout: float = 10) -> Any:
    """Make an agent that sends one request and gives what it got, errors included."""

    def agent(text: str) -> Any:
        try:
            with app.wrap(Anthropic(max_retries=1, timeout=timeout)) as client:
                if stream:
                    return [event.to_dict() for event in client.messages.create(stream=True, **asking(text))]
                return client.messages.create(**asking(text)).to_dict()
        except anthropic.APIError as error:
            return [type(error).__name__, str(error), getattr(error, "status_code", None)]

    return agent


def ask_async(app: Harness, *, stream: bool = False, timeout: float = 10) -> Any:
    """Make the same agent on the asynchronous client."""

    async def agent(text: str) -> Any:
        try:
            async with app.wrap(AsyncAnthropic(max_retries=1, timeout=timeout)) as client:
                if stream:
                    events = await client.messages.create(stream=True, **asking(text))
                    return [event.to_dict() async for event in events]
                return (await client.messages.create(**asking(text))).to_dict()
        except (anthropic.APIError, httpx2.TransportError) as error:
            return [type(error).__name__, str(error), getattr(error, "status_code", None)]

    return agent


@pytest.mark.parametrize("ask", [ask_sync, ask_async])
@pytest.mark.parametrize(
    ("text", "options", "calls"),
    [
        ("hello", {}, 1),
        ("hello", {"stream": True}, 1),
        ("tool", {}, 1),
        ("tool", {"stream": True}, 1),
        ("flaky", {}, 2),
        ("limit", {}, 2),
        ("wrong", {}, 1),
        ("drop", {}, 2),
        ("hang", {"timeout": 0.2}, 2),
    ],
)
def test_what_the_client_saw_it_sees_again(
    ask: Any, text: str, options: Any, calls: int, server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers, streams, tool calls, retries, API errors, drops and timeouts replay offline, equal."""
    app = Harness(traces=tmp_path)
    agent = ask(app, **options)
    result, events, path = record(app, agent, text=text)
    asked = [event.body["tool"] for event in events if event.kind == "action"]
    assert asked == ["anthropic:messages"] * calls
    monkeypatch.setenv("ANTHROPIC_BASE_URL", NOWHERE)
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    again = replay(path, entry=agent)
    assert again.equal, again.divergence
    assert again.result == result


@pytest.mark.parametrize("stream", [False, True])
def test_a_recorded_answer_is_exported_like_any(stream: bool, server: ModelServer, tmp_path: Path) -> None:
    """The span of a call says what was answered, why it ended, and what it took."""
    app = Harness(traces=tmp_path)
    _, events, _ = record(app, ask_sync(app, stream=stream), text="tool")
    said = read_answer(events[1].body["ok"])
    assert said.finish_reasons == ("tool_use",)
    assert said.id is not None and said.id.startswith("msg_")
    assert said.model == "m"
    assert said.input_tokens and said.output_tokens
    assert operation_of("model", events[0].body["tool"]) == "chat"


def test_a_cut_stream_is_cut_again(server: ModelServer, tmp_path: Path) -> None:
    """The error that the client let through is raised again on replay."""
    app = Harness(traces=tmp_path)

    def agent(text: str) -> str:
        try:
            ask_sync(app, stream=True)(text)
        except Exception as error:
            return type(error).__name__
        return "no error"

    result, events, path = record(app, agent, text="cut")
    assert result != "no error"
    assert "cut" in events[1].body["ok"]
    assert replay(path, entry=agent).result == result


@pytest.mark.parametrize("ask", [ask_sync, ask_async])
def test_a_wrapped_client_answers_like_an_unwrapped_one(ask: Any, server: ModelServer, tmp_path: Path) -> None:
    """Inside and outside a session the client gives the same objects, and outside nothing is recorded."""
    import asyncio

    app = Harness(traces=tmp_path)
    inside, _, _ = record(app, ask(app), text="hello")
    outside = ask(app)(text="hello")
    assert inside == (asyncio.run(outside) if asyncio.iscoroutine(outside) else outside)
    assert len(list(tmp_path.glob("*.jsonl"))) == 1


def test_keys_never_reach_the_disk(server: ModelServer, tmp_path: Path) -> None:
    """A wrapped client's key is a secret value by itself, wherever the agent puts it."""
    app = Harness(traces=tmp_path)

    def agent() -> None:
        with app.wrap(Anthropic()) as client:
            client.messages.create(**asking(f"my key is {client.api_key}"))

    path = record(app, agent)[2]
    assert b"sk-never-on-disk" not in Path(path).read_bytes()


RULES = """
registry: polite
version: 1.0.0
default: allow
invariants:
  - id: NO-LONG
    title: The model is brief
    on: message
    when: message.role == "assistant"
    require: not message.text.contains("several pieces")
    otherwise: block
    says: Be brief.
  - id: CHEAP
    title: An answer takes few tokens
    on: result
    tool: "anthropic:messages"
    require: tokens(result) < 1000
    otherwise: observe
  - id: NO-PAY
    title: Nothing is paid
    on: message
    when: message.role == "assistant"
    require: len(message.tool_calls) == 0
    otherwise: block
"""


@pytest.mark.parametrize("stream", [False, True])
def test_rules_judge_what_a_model_says(stream: bool, server: ModelServer, tmp_path: Path) -> None:
    """Messages, calls and tokens are read in whole answers and in streams; a refusal is an API error, sent once."""
    app = Harness(load(RULES, "polite.yaml"), traces=tmp_path)

    def agent(text: str) -> Any:
        try:
            with app.wrap(Anthropic(max_retries=2)) as client:
                if stream:
                    return [event.to_dict() for event in client.messages.create(stream=True, **asking(text))]
                return client.messages.create(**asking(text)).to_dict()
        except anthropic.PermissionDeniedError as error:
            assert isinstance(error.body, dict)
            return error.body["error"]["refused"]["rule"]
        except Exception as error:
            return str(error)

    for text, rule in (("hello", "NO-LONG"), ("tool", "NO-PAY")):
        sent = len(server.requests)
        said, events, _ = record(app, agent, text=text)
        assert rule in str(said)
        assert len(server.requests) == sent + 1
        assert rule in [event.body["rule"] for event in events if event.kind == "decision"]
        assert "CHEAP" not in [event.body["rule"] for event in events if event.kind == "verdict"]


def test_a_client_for_another_cloud_is_refused_by_name(tmp_path: Path) -> None:
    """What cannot be wrapped is said, with the cure, instead of being half recorded."""
    foreign = anthropic.AnthropicBedrock(aws_access_key="a", aws_secret_key="b", aws_region="eu-west-1")
    with pytest.raises(UsageError, match="AnthropicBedrock") as refused:
        Harness(traces=tmp_path).wrap(foreign)
    assert "anthropic.Anthropic" in str(refused.value)
