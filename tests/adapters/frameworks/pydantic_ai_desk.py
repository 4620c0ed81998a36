"""A scripted model for agents of pydantic-ai, and how what came of their runs is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from harness.adapters.files import open_trace
from harness.door.app import Harness
from harness.door.replay import replay
from harness.registry.load import load
from harness.testing.model_server import ModelServer, Reply, script
from harness.trace.event import Event

KEY = "sk-never-on-disk-123"
RULES = """
registry: shop
version: "1"
default: allow
parameters: {cap: 100}
tools:
  pay: {effect: write, arguments: {type: object, properties: {cents: {type: integer}}}}
  note: {effect: write, arguments: {type: object, properties: {text: {type: string}}}}
  dear: {effect: write, arguments: {type: object, properties: {cents: {type: integer}}}}
  shop_note: {effect: write, arguments: {type: object, properties: {text: {type: string}}}}
  handoff: {effect: write, arguments: {type: object, properties: {to: {type: string}, input: {type: string}}}}
invariants:
  - {id: CAP, on: action, tool: pay, require: call.args.cents <= params.cap, otherwise: block, says: "Pay less."}
  - {id: CLEAN, on: action, tool: note, require: 'not call.args.text.contains("secret")', otherwise: rewrite,
     rewrite: {args.text: '"nothing"'}}
  - {id: CLEAN-TOO, on: action, tool: shop_note, require: 'not call.args.text.contains("secret")', otherwise: rewrite,
     rewrite: {args.text: '"nothing"'}}
  - {id: DEAR, on: action, tool: dear, require: call.args.cents <= 1, otherwise: escalate}
  - {id: FRIENDS, on: action, tool: handoff, require: 'call.args.to != "stranger"', otherwise: block}
  - {id: POLITE, on: action, tool: handoff, require: 'call.args.input != "now"', otherwise: rewrite,
     rewrite: {args.input: '"please"'}}
"""


class Desk:
    """A scripted model, and an app that records what agents do with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.app = Harness(load(RULES, "shop.yaml"), traces=folder / "runs")
        self._servers: list[ModelServer] = []

    def model(self, *replies: Reply, kind: Any = OpenAIChatModel) -> Any:
        """Give a model that says these replies, one after the other."""
        server = ModelServer(script(list(replies)))
        self._servers.append(server)
        http = httpx2.AsyncClient(limits=httpx2.Limits(max_keepalive_connections=0))  # nothing is left to be closed
        return kind("gpt-4o", provider=OpenAIProvider(base_url=server.base_url, api_key=KEY, http_client=http))

    def rules(self, name: str, tool: str) -> Path:
        """Write a registry that blocks a tool, and give its file."""
        path = self.folder / f"{name}.yaml"
        rule = f"{{id: NEVER, on: action, tool: '{tool}', require: 'False', otherwise: block}}"
        path.write_text(f"registry: {name}\nversion: '1'\ndefault: allow\ninvariants:\n  - {rule}\n")
        return path

    @property
    def sent(self) -> list[dict[str, Any]]:
        """The bodies of all requests so far."""
        return [request.body for server in self._servers for request in server.requests]

    def record(self, entry: Callable[[], Any]) -> tuple[Any, list[Event]]:
        """Run an entry, replay it where no model is, and give its result and its events."""
        session, entry = self.app.session(), self.app.agent(entry)
        result = session.run(entry)
        text = Path(session.trace.path).read_text()
        assert KEY not in text
        sent = len(self.sent)
        again = replay(session.trace.path, entry=entry)
        assert again.equal, again.divergence
        assert len(self.sent) == sent
        with open_trace(session.trace.path) as reader:
            return result, list(reader)

    def close(self) -> None:
        """End the servers."""
        for server in self._servers:
            server.close()


def actions(events: list[Event]) -> list[tuple[str, str, dict[str, Any]]]:
    """Give who did what with which arguments, but for the calls of models."""
    return [
        (event.agent, event.body["tool"], event.body["args"])
        for event in events
        if event.kind == "action" and event.body["surface"] != "model"
    ]


def outcomes(events: list[Event]) -> list[str]:
    """Give the status of each observation of what is no call of a model."""
    models = {event.seq for event in events if event.kind == "action" and event.body["surface"] == "model"}
    return [
        *(
            one
            for event in events
            if event.kind == "observation" and event.body["action"] not in models
            for one in ("ok", "failed", "unknown")
            if one in event.body
        )
    ]


def told(desk: Desk) -> list[str]:
    """Give what the last request shows as results of tools."""
    return [message["content"] for message in desk.sent[-1]["messages"] if message["role"] == "tool"]


async def by_run(agent: Agent[None, str]) -> str:
    """Run an agent to its end."""
    return (await agent.run("Go.")).output


async def by_stream(agent: Agent[None, str]) -> str:
    """Stream its text."""
    async with agent.run_stream("Go.") as streamed:
        return "".join([piece async for piece in streamed.stream_text(delta=True)])


async def by_iter(agent: Agent[None, str]) -> str:
    """Go through its nodes."""
    async with agent.iter("Go.") as run:
        async for _ in run:
            pass
    assert run.result is not None
    return run.result.output


async def by_events(agent: Agent[None, str]) -> str:
    """Go through its events."""
    async with agent.run_stream_events("Go.") as events:
        *_, last = [event async for event in events]
    return str(last.result.output)


def by_run_sync(agent: Agent[None, str]) -> str:
    """Run it from synchronous code."""
    return agent.run_sync("Go.").output


def keeping(paid: list[int]) -> Callable[[int], str]:
    """Give the tool ``pay``, which keeps what it has paid."""

    def pay(cents: int) -> str:
        paid.append(cents)
        return f"paid {cents}"

    return pay
