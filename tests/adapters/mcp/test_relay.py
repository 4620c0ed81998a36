"""The relay between a client and a server of MCP, message by message, over lists instead of pipes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from harness.adapters.files import FileStore
from harness.adapters.mcp.relay import Relay
from harness.door.app import Harness
from harness.errors import StoreError
from harness.registry.load import load

RULES = """
registry: r
version: "1"
default: refuse
tools: {look: {effect: read}}
invariants:
  - {id: SAFE, on: result, tool: look, require: 'not result.content[0].text.contains("key")', otherwise: block}
"""


class Between:
    """A relay with what has come out at both ends."""

    def __init__(self, app: Harness) -> None:
        self.to_client: list[dict[str, Any]] = []
        self.to_server: list[dict[str, Any]] = []
        self.told: list[str] = []
        self._run = app.session().started()
        self.relay = Relay(
            self._run,
            self._keep(self.to_client),
            self._keep(self.to_server),
            narrow=app.narrowed,
            tell=self.told.append,
        )

    @staticmethod
    def _keep(kept: list[dict[str, Any]]) -> Callable[[bytes], Awaitable[None]]:
        async def send(line: bytes) -> None:
            kept.append(json.loads(line))

        return send

    async def client(self, *said: dict[str, Any], before: bytes = b"") -> None:
        """Let the client say something, several messages as a batch."""
        await self.relay.from_client(before + self._line(said))
        await asyncio.sleep(0.01)

    async def server(self, *said: dict[str, Any], before: bytes = b"") -> None:
        """Let the server say something, several messages as a batch."""
        await self.relay.from_server(before + self._line(said))
        await asyncio.sleep(0.01)

    @staticmethod
    def _line(said: tuple[dict[str, Any], ...]) -> bytes:
        messages = [{"jsonrpc": "2.0", **one} for one in said]
        return json.dumps(messages if len(messages) > 1 else messages[0]).encode()


def looking(number: Any, tool: str = "look") -> dict[str, Any]:
    """Give a call."""
    return {"id": number, "method": "tools/call", "params": {"name": tool, "arguments": {}}}


def said(number: Any, text: str) -> dict[str, Any]:
    """Give a result."""
    return {"id": number, "result": {"content": [{"type": "text", "text": text}]}}


def spoken(tmp_path: Path, talk: Callable[[Between], Awaitable[None]]) -> Between:
    """Let both ends talk, and give what came out."""
    app = Harness(load(RULES, "r.yaml"), traces=tmp_path)

    async def main() -> Between:
        async with app.session():
            between = Between(app)
            await talk(between)
            return between

    return asyncio.run(main())


def test_a_result_does_not_slip_past_beside_another(tmp_path: Path) -> None:
    """Each answer of a batch is judged by itself, with blanks before it or not."""

    async def talk(between: Between) -> None:
        await between.client(looking(1))
        await between.client(looking(2))
        await between.server(said(1, "fine"), said(2, "the key"), before=b" \t")

    results = {one["id"]: one["result"] for one in spoken(tmp_path, talk).to_client}
    assert results[1] == said(1, "fine")["result"]
    assert results[2]["isError"] is True
    assert results[2]["content"][0]["text"].startswith("look was blocked by SAFE")


def test_an_answer_is_passed_on_once_and_only_where_it_was_asked_for(tmp_path: Path) -> None:
    """A second answer, one to a call that was never sent, and one nobody asked for go nowhere."""

    async def talk(between: Between) -> None:
        await between.client(looking(1))
        await between.server(said(1, "fine"))
        await between.server(said(1, "the key"))
        await between.client(looking(2, "other"))
        await between.server(said(2, "the key"))
        await between.server(said(3, "the key"))
        await between.client({"id": "list", "method": "tools/list"})
        await between.server(said("list", "a list"))
        await between.server(said("list", "again"))

    between = spoken(tmp_path, talk)
    assert [one["id"] for one in between.to_client] == [1, 2, "list"]
    assert "the key" not in json.dumps(between.to_client)
    assert len(between.told) == 4


def test_a_list_of_the_servers_makes_no_tool_known_to_the_registry(tmp_path: Path) -> None:
    """What a registry refuses by default it refuses also where the server lists it as a harmless read."""

    async def talk(between: Between) -> None:
        await between.client({"id": 1, "method": "tools/list"})
        listed = {"tools": [{"name": "peek", "annotations": {"readOnlyHint": True}, "inputSchema": {}}]}
        await between.server({"id": 1, "result": listed})
        await between.client(looking(2, "peek"))

    between = spoken(tmp_path, talk)
    assert [one["method"] for one in between.to_server] == ["tools/list"]
    assert "DEFAULT-REFUSE" in json.dumps(between.to_client[1])


def test_what_the_server_asks_and_tells_passes(tmp_path: Path) -> None:
    """Requests and notifications of the server reach the client, and the client's answers the server, all counted."""

    async def talk(between: Between) -> None:
        await between.server({"id": 1, "method": "sampling/createMessage", "params": {}})
        await between.client({"id": 1, "result": {"role": "assistant"}})
        await between.server({"method": "notifications/progress", "params": {}})
        await between.client({"id": 1, "method": "ping"})
        await between.server({"id": 1, "error": {"code": -32601, "message": "no"}})

    between = spoken(tmp_path, talk)
    assert [one.get("method", "answer") for one in between.to_client] == [
        "sampling/createMessage",
        "notifications/progress",
        "answer",
    ]
    assert [one.get("method", "answer") for one in between.to_server] == ["answer", "ping"]
    assert between.relay.unseen == {
        "server:sampling/createMessage": 1,
        "answer": 1,
        "server:notifications/progress": 1,
        "ping": 1,
    }


def test_what_cannot_be_recorded_is_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full the client is told, and the server gets no call that the trace does not have."""

    async def talk(between: Between) -> None:
        await between.client(looking(1))
        await between.server(said(1, "fine"))

        def full(store: FileStore, *, disk: bool = False) -> None:
            raise StoreError("no space left on the device")

        with monkeypatch.context() as patched:
            patched.setattr(FileStore, "flush", full)
            await between.client(looking(2))
            await between.client(looking(3))

    between = spoken(tmp_path, talk)
    assert [one["id"] for one in between.to_server] == [1]
    assert [one["error"]["code"] for one in between.to_client[1:]] == [-32603, -32603]
    assert "no space left" in between.to_client[1]["error"]["message"]
