"""A proxy that is killed: what a client has been told before is in the traces, and every one of them can be read."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import openai
import pytest
from openai import AsyncOpenAI

from harness.adapters.files import open_trace
from harness.testing.model_server import Call, ModelRequest, ModelServer, Reply, say, slow
from harness.testing.model_server import calls as calling
from harness.trace.event import Event
from tests.cli.proxy.running import Proxy, proxied

pytest.importorskip("starlette", reason="the extra [server] is not installed")

TALKERS = 20
TOOL: Any = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


def policy(request: ModelRequest) -> Reply:
    """Ask for a call, or answer it, at some pace."""
    if request.messages[-1]["role"] == "tool":
        return slow(say(f"seen by {request.messages[0]['content']}"), chunk_ms=5)
    return slow(calling(Call("look", f'{{"turn": {request.number}}}')), chunk_ms=5)


class Acknowledged(NamedTuple):
    """What one client has been told: texts that it heard to their end, calls it saw, and results it was answered to."""

    texts: list[str]
    calls: list[str]
    results: list[str]


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """Give a scripted server."""
    with ModelServer(policy) as server:
        yield server


async def talk(one: AsyncOpenAI, name: str, told: Acknowledged, *, stream: bool) -> None:
    """Go on for ever; what is acknowledged is kept at once."""
    messages: list[Any] = [{"role": "user", "content": name}]
    while True:
        asked: Any = {"model": "m", "messages": messages, "tools": [TOOL], "stream": stream}
        came = await one.chat.completions.create(**asked, extra_headers={"X-Harness-Session": name})
        message = await heard(came) if stream else came.choices[0].message.to_dict()
        told.results.extend(said["tool_call_id"] for said in messages if said["role"] == "tool")
        messages.append(message)
        if not message.get("tool_calls"):
            told.texts.append(message["content"])
            messages.append({"role": "user", "content": f"{name} again"})
        for made in message.get("tool_calls") or ():
            told.calls.append(made["id"])
            messages.append({"role": "tool", "tool_call_id": made["id"], "content": f"result {made['id']}"})


async def heard(stream: Any) -> dict[str, Any]:
    """Listen to a stream to its end."""
    message: dict[str, Any] = {"role": "assistant", "content": ""}
    async for chunk in stream:
        delta = chunk.choices[0].delta
        message["content"] += delta.content or ""
        for piece in delta.tool_calls or ():
            if piece.id:
                function = {"name": piece.function.name, "arguments": ""}
                message.setdefault("tool_calls", []).append({"id": piece.id, "type": "function", "function": function})
            message["tool_calls"][piece.index]["function"]["arguments"] += piece.function.arguments or ""
    return message


async def killed(proxy: Proxy, calls: int) -> list[Acknowledged]:
    """Let everybody talk, kill the proxy when so many calls were seen, and give what they have been told."""
    told = [Acknowledged([], [], []) for _ in range(TALKERS)]
    async with AsyncOpenAI(base_url=proxy.base_url, api_key="sk-of-the-client", max_retries=0) as one:
        talks = [
            asyncio.create_task(talk(one, f"talker-{number}", said, stream=number % 2 == 0))
            for number, said in enumerate(told)
        ]
        async with asyncio.timeout(60):
            while sum(len(said.calls) for said in told) < calls:
                await asyncio.sleep(0.001)
        proxy.process.send_signal(signal.SIGKILL)
        for ended in await asyncio.gather(*talks, return_exceptions=True):
            assert isinstance(ended, openai.APIConnectionError | httpx2.TransportError), ended
    await asyncio.to_thread(proxy.process.communicate)
    return told


@pytest.mark.parametrize("calls", [1, 35, 90])
def test_nothing_that_was_acknowledged_is_lost(model: ModelServer, tmp_path: Path, calls: int) -> None:
    """Every answer heard to its end, every call seen and every result that led to one is in the trace after kill -9."""
    with proxied(tmp_path, model.base_url) as proxy:
        told = asyncio.run(killed(proxy, calls))
    assert sum(len(one.calls) for one in told) >= calls
    for number, one in enumerate(told):
        if not one.calls:
            continue  # nobody has told it anything
        with open_trace(proxy.traces / f"talker-{number}-001.mat.jsonl") as reader:
            events = list(reader)
            assert reader.footer is None
        actions = {event.body.get("id"): event.seq for event in events if event.kind == "action"}
        assert set(one.calls) <= set(actions)
        assert {f"result {call}" for call in one.results} <= {str(event.body.get("ok")) for event in events}
        assert len(one.texts) + len(one.calls) <= answers(events)


def answers(events: list[Event]) -> int:
    """Count the model's answers that are in a trace to their end."""
    models = {event.seq for event in events if event.kind == "action" and event.body["surface"] == "model"}
    return sum(
        event.kind == "observation" and event.body["action"] in models and "cut" not in event.body.get("ok", {"cut": 1})
        for event in events
    )
