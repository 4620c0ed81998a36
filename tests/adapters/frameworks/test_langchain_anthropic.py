"""Chat models of LangChain over the Anthropic client, at the door."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("langchain_anthropic", reason="langchain-anthropic is not installed")
pytest.importorskip("langchain", reason="langchain, whose agents are tried here, is not installed")

from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_core.tools import tool

from harness.adapters.langgraph import covered
from harness.testing.model_server import ModelRequest, ModelServer, Reply, call_tool, say
from tests.adapters.frameworks.langgraph_desk import Desk, calls

KEY = "sk-ant-a-key-that-nobody-may-see"
RULES = """
tools: {pay: {effect: write, arguments: {type: object, properties: {cents: {type: integer}}}}}
invariants: [{id: CAP, on: action, tool: pay, require: call.args.cents <= 100, otherwise: block}]
"""


def policy(request: ModelRequest) -> Reply:
    """Pay once, and say what came of it."""
    told = json.dumps(request.messages)
    asked_before = len(request.messages) > 1
    return say("refused" if "CAP" in told else "paid") if asked_before else call_tool("pay", cents=700)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """Give a scripted model, and the environment by which a chat model finds it."""
    with ModelServer(policy) as running:
        monkeypatch.setenv("ANTHROPIC_API_URL", running.anthropic_url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        yield running


def test_an_agent_over_anthropic_passes_the_door(tmp_path: Path, server: ModelServer) -> None:
    """Its requests are actions, its refused call is told to it, and its key stands nowhere."""
    desk = Desk(tmp_path, RULES)

    @tool
    def pay(cents: int) -> str:
        """Pay."""
        desk.done.append(cents)
        return "paid"

    graph = desk.app.wrap(create_agent(ChatAnthropic(model="claude-opus-4-5"), [pay], name="desk"))  # type: ignore[call-arg]

    def agent() -> Any:
        return graph.invoke({"messages": [("user", "Pay.")]})["messages"][-1].content

    result, path = desk.twice(agent)
    assert result == "refused"
    assert [tool for _, tool, _ in calls(path)] == ["anthropic:messages", "pay", "anthropic:messages"]
    assert ("model", "anthropic:messages", "mediated") in [one[:3] for one in covered(graph)]
    assert KEY not in Path(path).read_text()
    assert desk.done == []
