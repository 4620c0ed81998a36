"""An agent on the official clients of three APIs: it asks, makes the calls it is given, and reports what it saw."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx2
from anthropic import Anthropic, AsyncAnthropic
from openai import AsyncOpenAI, OpenAI

from harness.adapters.files import open_trace
from harness.door.app import Harness
from harness.door.replay import replay
from harness.registry.load import load
from harness.trace.event import Event

APIS = ("chat", "responses", "messages")
NOWHERE = "http://127.0.0.1:9"
TURNS = 5
TOOLS = ("find", "refund", "note")

RULES = """
registry: shop
version: 1.0.0
default: allow
parameters: {cap: 20000}
tools:
  refund: {effect: write, arguments: {type: object, properties: {cents: {type: integer}}}}
  note: {effect: write, arguments: {type: object, properties: {cents: {type: integer}, text: {}}}}
  find: {effect: read}
invariants:
  - id: CAP
    title: Refunds are small
    on: action
    tool: refund
    require: call.args.cents <= params.cap
    otherwise: block
    says: Refund 200.00 or less.
  - id: CLAMP
    on: action
    tool: note
    require: call.args.cents <= 100
    otherwise: rewrite
    rewrite: {args.cents: "100"}
"""


class Seen(NamedTuple):
    """One answer as the agent saw it: its text, its calls (id, tool, arguments as text or data), and why it ended."""

    text: str
    calls: list[tuple[str, str, Any]]
    ended: str


class Talk:
    """Talk to a model over one API, whole or streamed; ``made`` are the calls whose tools ran."""

    def __init__(self, server: Any, api: str, *, stream: bool, rules: str = RULES, **options: Any) -> None:
        self.server, self.api, self.stream = server, api, stream
        self.made: list[tuple[str, Any]] = []
        self.options: dict[str, Any] = {"judge_calls": True, **options}
        self.rules = rules

    def app(self, traces: Any, **options: Any) -> Harness:
        """Make an app with the rules."""
        return Harness(load(self.rules, "shop.yaml"), traces=traces, **options)

    def client(self, app: Harness, *, asynchronous: bool, reach: str = "") -> Any:
        """Make a wrapped client."""
        kind: Any
        if self.api == "messages":
            kind, url = (AsyncAnthropic if asynchronous else Anthropic), reach or self.server.anthropic_url
        else:
            kind, url = (AsyncOpenAI if asynchronous else OpenAI), (reach and reach + "/v1") or self.server.base_url
        plain: Any = httpx2.AsyncClient(verify=False) if asynchronous else httpx2.Client(verify=False)  # quick to make
        client = kind(base_url=url, api_key="sk-secret-of-a-test", max_retries=0, http_client=plain)
        return app.wrap(client, **self.options)

    def agent(self, app: Harness) -> Callable[[str], list[Seen]]:
        """Make the agent on a synchronous client."""

        def agent(text: str) -> list[Seen]:
            history, seen = self.opening(text), []
            with self.client(app, asynchronous=False) as client:
                for _ in range(TURNS):
                    answer = self._ask(client, history)
                    seen.append(self.read(answer))
                    if not self._go_on(history, answer, seen[-1]):
                        break
            return seen

        return agent

    def async_agent(self, app: Harness) -> Callable[[str], Any]:
        """Make the same agent on an asynchronous client."""

        async def agent(text: str) -> list[Seen]:
            history, seen = self.opening(text), []
            async with self.client(app, asynchronous=True) as client:
                for _ in range(TURNS):
                    answer = await self._aask(client, history)
                    seen.append(self.read(answer))
                    if not self._go_on(history, answer, seen[-1]):
                        break
            return seen

        return agent

    def opening(self, text: str) -> list[Any]:
        return [{"role": "user", "content": text}]

    def _request(self, client: Any, history: list[Any]) -> tuple[Any, dict[str, Any]]:
        names = {"type": "object", "properties": {}}
        if self.api == "chat":
            tools = [{"type": "function", "function": {"name": name, "parameters": names}} for name in TOOLS]
            return client.chat.completions, {"model": "m", "messages": history, "tools": tools}
        if self.api == "responses":
            flat = [{"type": "function", "name": name, "parameters": names, "strict": False} for name in TOOLS]
            return client.responses, {"model": "m", "input": history, "tools": flat}
        schemas = [{"name": name, "input_schema": names} for name in TOOLS]
        return client.messages, {"model": "m", "max_tokens": 99, "messages": history, "tools": schemas}

    def _ask(self, client: Any, history: list[Any]) -> Any:
        resource, request = self._request(client, history)
        if not self.stream:
            return resource.create(**request)
        with resource.stream(**request) as stream:
            for _ in stream:
                pass
            return getattr(stream, _FINAL[self.api])()

    async def _aask(self, client: Any, history: list[Any]) -> Any:
        resource, request = self._request(client, history)
        if not self.stream:
            return await resource.create(**request)
        async with resource.stream(**request) as stream:
            async for _ in stream:
                pass
            return await getattr(stream, _FINAL[self.api])()

    def read(self, answer: Any) -> Seen:
        """Read an answer of any API."""
        if self.api == "chat":
            message = answer.choices[0].message
            calls = [(one.id, one.function.name, one.function.arguments) for one in message.tool_calls or ()]
            return Seen(message.content or "", calls, answer.choices[0].finish_reason)
        if self.api == "responses":
            calls = [(one.call_id, one.name, one.arguments) for one in answer.output if one.type == "function_call"]
            return Seen(answer.output_text, calls, answer.status)
        text = "".join(block.text for block in answer.content if block.type == "text")
        used = [(block.id, block.name, block.input) for block in answer.content if block.type == "tool_use"]
        return Seen(text, used, answer.stop_reason)

    def _go_on(self, history: list[Any], answer: Any, seen: Seen) -> bool:
        """Run the tools and add what they gave to the conversation; False where there was nothing to run."""
        results = [(call_id, self._run(tool, args)) for call_id, tool, args in seen.calls]
        if self.api == "chat":
            history.append(_plain(answer.choices[0].message))
            history += [{"role": "tool", "tool_call_id": one, "content": said} for one, said in results]
        elif self.api == "responses":
            history += map(_plain, answer.output)
            history += [{"type": "function_call_output", "call_id": one, "output": said} for one, said in results]
        else:
            history.append({"role": "assistant", "content": [_plain(block) for block in answer.content]})
            blocks = [{"type": "tool_result", "tool_use_id": one, "content": said} for one, said in results]
            history.append({"role": "user", "content": blocks or "go on"})
        return bool(results)

    def _run(self, tool: str, args: Any) -> str:
        self.made.append((tool, json.loads(args) if isinstance(args, str) else args))
        return f"{tool} done"


_FINAL = {"chat": "get_final_completion", "responses": "get_final_response", "messages": "get_final_message"}


def _plain(said: Any) -> Any:
    """Give what an answer said as what may be sent again; the stream helpers add fields of their own."""
    data = said.model_dump(exclude_none=True, exclude_unset=True, warnings=False)
    added = ("parsed", "parsed_arguments", "parsed_output")
    return json.loads(json.dumps(data), object_hook=lambda one: {key: one[key] for key in one if key not in added})


def record(app: Harness, agent: Any, **arguments: Any) -> tuple[Any, list[Event], str]:
    """Run an agent and give its result, its events and its trace."""
    session = app.session()
    result = session.run(agent, **arguments)
    with open_trace(session.trace.path) as reader:
        return result, list(reader), session.trace.path


def replayed(app: Harness, path: str, agent: Any, server: Any, result: Any) -> None:
    """Replay a run and assert that nothing was sent, and that all is equal, the result too."""
    sent = len(server.requests)
    again = replay(path, entry=agent, app=app)
    assert again.equal, again.divergence
    assert again.result == result
    assert len(server.requests) == sent


def actions(events: list[Event], surface: str = "tool") -> list[tuple[str, Any]]:
    """Give the calls of a run in order: tool and arguments."""
    return [
        (event.body["tool"], event.body["args"])
        for event in events
        if event.kind == "action" and event.body["surface"] == surface
    ]
