"""What pydantic-ai has extras for, which its oldest versions do not offer beside the newest packages."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

pytest.importorskip(
    "pydantic_ai",
    reason="the extra [pydantic-ai] is not installed: pip install 'agent-assurance-harness[pydantic-ai]'",
)

from pydantic_ai import Agent

from harness.testing.model_server import call, call_tool, calls, say
from tests.adapters.frameworks.pydantic_ai_desk import KEY, Desk, actions, by_stream, keeping

SHOP = Path(__file__).parents[1] / "mcp" / "server" / "shop.py"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Give a desk with an app of its own."""
    made = Desk(tmp_path)
    yield made
    made.close()


def test_tools_of_an_mcp_server_pass_the_door(desk: Desk) -> None:
    """A server's list and its tools are recorded, refused and replayed without the server."""
    pytest.importorskip("pydantic_ai.mcp", reason="pydantic-ai-slim[mcp] is not installed", exc_type=ImportError)
    from fastmcp.client.transports import StdioTransport
    from pydantic_ai.mcp import MCPToolset

    ledger = desk.folder / "ledger.jsonl"
    transport = StdioTransport(sys.executable, [str(SHOP), str(ledger)], keep_alive=False)
    server: Any = MCPToolset(transport, include_instructions=True)
    asked = calls(call("shop_look", order="W-77"), call("shop_note", text="a secret"))
    model = desk.model(asked, call_tool("shop_fail", why="no"), say("Done."))
    agent = desk.app.wrap(Agent(model, name="clerk", toolsets=[server.prefixed("shop")]))

    async def main() -> str:
        async with agent:
            return (await agent.run("Go.")).output

    result, events = desk.record(main)
    assert result == "Done."
    called = [(tool, args) for _, tool, args in actions(events) if not tool.startswith("mcp:")]
    assert called == [
        ("shop_look", {"order": "W-77"}),
        ("shop_note", {"text": "a secret"}),
        ("shop_note", {"text": "nothing"}),
        ("shop_fail", {"why": "no"}),
    ]
    assert sorted(ledger.read_text().splitlines()) == [
        '{"failed": "no"}',
        '{"looked": "W-77"}',
        '{"note": "nothing"}',
    ]


def test_models_of_anthropic_pass_the_door(desk: Desk) -> None:
    """A streamed answer of Anthropic's Messages is recorded in the agent's name, and its key is not."""
    reason = "the extra [anthropic] is not installed"
    pytest.importorskip("pydantic_ai.models.anthropic", reason=reason, exc_type=ImportError)
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    url = str(desk.model(call_tool("pay", cents=5), say("Done.")).client.base_url).rstrip("/").removesuffix("/v1")
    http = httpx2.AsyncClient(limits=httpx2.Limits(max_keepalive_connections=0))
    provider = AnthropicProvider(base_url=url, api_key=KEY, http_client=http)
    agent = desk.app.wrap(Agent(AnthropicModel("a-model", provider=provider), name="clerk", tools=[keeping([])]))

    async def main() -> str:
        return await by_stream(agent)

    result, events = desk.record(main)
    assert result == "Done."
    assert [(event.agent, event.body["tool"]) for event in events if event.kind == "action"] == [
        ("clerk", "anthropic:messages"),
        ("clerk", "pay"),
        ("clerk", "anthropic:messages"),
    ]
