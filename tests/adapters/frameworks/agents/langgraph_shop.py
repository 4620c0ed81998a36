"""The shop of the scenario on LangGraph: two agents that hand over, the program and the same program under harness."""

from __future__ import annotations

from typing import Any

from langchain.agents import create_agent
from langchain_openai import ChatOpenAI
from langgraph_swarm import create_handoff_tool, create_swarm

import harness
from tests.adapters.frameworks.scenario.ledger import (
    QUESTION,
    REGISTRY,
    charge,
    check_stock,
    find_order,
    note,
    refund,
)


def shop() -> Any:
    """Build the graph."""
    model = ChatOpenAI(model="gpt-4o")
    tools = [find_order, check_stock, note, refund, create_handoff_tool(agent_name="billing")]
    triage = create_agent(model, tools, system_prompt="Help the customer.", name="triage")
    billing = create_agent(model, [charge], system_prompt="Charge.", name="billing")
    return create_swarm([triage, billing], default_active_agent="triage").compile()


app = harness.Harness(REGISTRY)
bare = shop()
wrapped = app.wrap(shop())


async def alone() -> str:
    """Answer the customer without harness."""
    return await _answered(bare)


@app.agent
async def main() -> str:
    """Answer the customer."""
    return await _answered(wrapped)


@app.agent
def threads() -> str:
    """Answer the customer with a synchronous graph, whose tools run in threads."""
    return _text(list(wrapped.stream(_turn(), stream_mode="messages", subgraphs=True)))


def alone_in_threads() -> str:
    """Do what ``threads`` does without harness."""
    return _text(list(bare.stream(_turn(), stream_mode="messages", subgraphs=True)))


async def _answered(graph: Any) -> str:
    return _text([piece async for piece in graph.astream(_turn(), stream_mode="messages", subgraphs=True)])


def _turn() -> dict[str, Any]:
    return {"messages": [("user", QUESTION)]}


def _text(pieces: list[Any]) -> str:
    """Join what the model said last from the pieces it came in."""
    said = [message for _, (message, _) in pieces if message.type == "AIMessageChunk"]
    return "".join(str(message.text) for message in said if message.id == said[-1].id)
