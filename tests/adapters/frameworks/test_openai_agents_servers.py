"""MCP servers of agents of openai-agents at the door: recorded, judged, and not there on replay."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("agents", reason="openai-agents is not installed: pip install openai-agents")

from agents import Agent, Runner
from agents.mcp import MCPServerStdio

from harness.adapters.openai_agents import covered
from harness.testing.model_server import call_tool, say
from harness.trace.covered import Covered
from tests.adapters.frameworks.openai_agents_desk import Desk
from tests.adapters.frameworks.scenario.expected import Step, refusals_in, steps_in

SHOP = Path(__file__).parents[1] / "mcp" / "server" / "shop.py"
CAP = """
  - {id: CAP, on: action, tool: refund, require: call.args.cents <= 100, otherwise: block}
  - {id: SHORT, on: action, tool: note, require: call.args.text == "x", otherwise: rewrite, rewrite: {args.text: "'x'"}}
"""


def server(folder: Path) -> MCPServerStdio:
    """Give a shop that is a process of its own, and writes down what it does."""
    return MCPServerStdio({"command": sys.executable, "args": [str(SHOP), str(folder / "ledger")]}, name="shop")


def ledger(folder: Path) -> list[dict[str, Any]]:
    """Give what the shop has done."""
    return [json.loads(line) for line in (folder / "ledger").read_text().splitlines()]


def serving(desk: Desk) -> Callable[[], Any]:
    """Give an entry whose agent has the shop."""

    async def entry() -> str:
        agent = Agent(name="clerk", mcp_servers=[server(desk.folder)])
        desk.app.wrap(agent)
        async with agent.mcp_servers[0]:
            return str((await Runner.run(agent, "Help!")).final_output)

    return entry


def test_an_mcp_server_of_an_agent_passes_the_door(tmp_path: Path) -> None:
    """Tools are called, rewritten and refused there, under the agent's name; a replay needs no server."""
    desk = Desk(tmp_path, CAP)
    said = [
        call_tool("look", order="W-1"),
        call_tool("note", text="much too long"),
        call_tool("refund", order="W-1", cents=500),
        call_tool("fail", why="broken"),
        say("Done."),
    ]
    assert desk.run(serving(desk), said) == "Done."
    assert steps_in(desk.trace) == [
        Step("clerk", "look"),
        Step("clerk", "note", ("rewrite",)),
        Step("clerk", "note"),
        Step("clerk", "refund", ("block",)),
        Step("clerk", "fail"),
    ]
    assert ledger(tmp_path) == [{"looked": "W-1"}, {"note": "x"}, {"failed": "broken"}]  # once: no replay has asked it
    assert {refusal["rule"] for refusal in refusals_in(desk.trace)} == {"CAP"}
    failed = [event.body["failed"] for event in desk.events("observation") if "failed" in event.body]
    assert [one["error"]["type"] for one in failed] == ["mcp:isError"]


def test_what_a_server_settles_is_recorded(tmp_path: Path) -> None:
    """Connecting and the list of tools are actions of the surface ``server``, and no others are."""
    desk = Desk(tmp_path)
    desk.run(serving(desk), [call_tool("look", order="W-1"), say("Done.")])
    settled = [event.body["tool"] for event in desk.events("action") if event.body["surface"] == "server"]
    assert settled[0] == "mcp:connect"
    assert set(settled) == {"mcp:connect", "mcp:tools/list"}


def test_a_server_that_is_wrapped_alone_passes_the_door(tmp_path: Path) -> None:
    """An MCP server of the SDK may be used without an agent: prompts and resources too."""
    desk = Desk(tmp_path, CAP)

    async def entry() -> list[Any]:
        async with desk.app.wrap(server(tmp_path)) as shop:
            tools = [tool.name for tool in await shop.list_tools()]
            prompt = await shop.get_prompt("greet", {"name": "Ann"})
            policy = await shop.read_resource("shop://policy")
            prompts = await shop.list_prompts()
            refused = await shop.call_tool("refund", {"order": "W-1", "cents": 500})
            return [
                tools[0],
                prompt.messages[0].content.text,
                policy.contents[0].text,
                [one.name for one in prompts.prompts],
                refused.model_dump(by_alias=True)["isError"],
            ]

    found = ["look", "Say hello to Ann.", "at most 50.00 without approval", ["greet"], True]
    assert desk.run(entry, [say("never asked")]) == found
    assert ledger(tmp_path) == [{"greeted": "Ann"}, {"read": "policy"}]


def test_a_server_of_an_agent_is_listed(tmp_path: Path) -> None:
    """What an agent can do through it is mediated."""
    agent = Agent(name="clerk", mcp_servers=[server(tmp_path)])
    assert Covered("server", "shop", "mediated") in covered(agent)
