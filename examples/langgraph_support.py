"""A support desk as a LangGraph graph: parallel tools, a write, and streamed tokens.

Record it against the scripted model and replay it, from the root of the repository (``pip install langgraph
langchain-openai``)::

    harness run examples.langgraph_support:main --model-script examples.policies:support --trace graph.mat.jsonl
    harness replay graph.mat.jsonl --verify 3

What the harness adds to the program is the wrapped client, and one line above the entry and above each tool.
"""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessageChunk, HumanMessage, SystemMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from openai import AsyncOpenAI

import harness

app = harness.Harness()
client = app.wrap(AsyncOpenAI())
PROMPT = SystemMessage("Look up the order and the policy before you refund anything.")


@tool
@app.tool(effect="read", trust="trusted")
async def get_order(order_id: str) -> dict[str, Any]:
    """Look up an order."""
    return {"order_id": order_id, "status": "delivered", "total_cents": 48_000}


@tool
@app.tool(effect="read", trust="trusted")
async def search_policy(topic: str) -> str:
    """Search the shop's policy."""
    return f"{topic}: up to 200.00 at once."


@tool
@app.tool(effect="write", impact="payment")
async def refund(order_id: str, amount_cents: int) -> dict[str, Any]:
    """Pay money back."""
    return {"paid": True, "order_id": order_id, "amount_cents": amount_cents}


tools = [get_order, search_policy, refund]
model = ChatOpenAI(model="gpt-4o", async_client=client.chat.completions, root_async_client=client).bind_tools(tools)


async def think(state: MessagesState) -> dict[str, Any]:
    """Ask the model what to do next."""
    return {"messages": [await model.ainvoke([PROMPT, *state["messages"]])]}


graph = (
    StateGraph(MessagesState)
    .add_node("think", think)
    .add_node("tools", ToolNode(tools))
    .add_edge(START, "think")
    .add_conditional_edges("think", tools_condition)
    .add_edge("tools", "think")
    .compile()
)


@app.agent
async def main(question: str = "Order W-77 arrived broken. Can I have 120.00 back?") -> str:
    """Answer a customer and give the streamed text."""
    stream = graph.astream({"messages": [HumanMessage(question)]}, stream_mode="messages")
    return "".join([str(message.content) async for message, _ in stream if isinstance(message, AIMessageChunk)])
