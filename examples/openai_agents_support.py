"""A support desk on openai-agents: a handoff, parallel tools, a write, and streaming over the Responses API.

Record it against the scripted model and replay it, from the root of the repository (``pip install openai-agents``)::

    harness run examples.openai_agents_support:main --model-script examples.policies:desk --trace desk.mat.jsonl
    harness replay desk.mat.jsonl --verify 3

What the harness adds to the program is the wrapped client, and one line above the entry and above each tool.
"""

from __future__ import annotations

from typing import Any

from agents import Agent, RunConfig, Runner, function_tool, set_default_openai_client
from openai import AsyncOpenAI
from openai.types.responses import ResponseTextDeltaEvent

import harness

app = harness.Harness()
set_default_openai_client(app.wrap(AsyncOpenAI()))


@function_tool
@app.tool(effect="read", trust="trusted")
async def get_order(order_id: str) -> dict[str, Any]:
    """Look up an order."""
    return {"order_id": order_id, "status": "delivered", "total_cents": 48_000}


@function_tool
@app.tool(effect="read", trust="trusted")
async def search_policy(topic: str) -> str:
    """Search the shop's policy."""
    return f"{topic}: up to 200.00 at once."


@function_tool
@app.tool(effect="write", impact="payment")
async def refund(order_id: str, amount_cents: int) -> dict[str, Any]:
    """Pay money back."""
    return {"paid": True, "order_id": order_id, "amount_cents": amount_cents}


refunds = Agent(
    name="refunds",
    handoff_description="Pays money back.",
    instructions="Look up the order and the policy before you refund anything.",
    tools=[get_order, search_policy, refund],
)
triage = Agent(name="triage", instructions="Hand the customer over to the right colleague.", handoffs=[refunds])

# By itself openai-agents uploads every run to OpenAI.
run_config = RunConfig(tracing_disabled=True)


@app.agent
async def main(question: str = "Order W-77 arrived broken. Can I have 120.00 back?") -> str:
    """Answer a customer and give the streamed text of the last agent."""
    result = Runner.run_streamed(triage, question, run_config=run_config)
    events = [event async for event in result.stream_events() if event.type == "raw_response_event"]
    return "".join([event.data.delta for event in events if isinstance(event.data, ResponseTextDeltaEvent)])
