"""A support agent on pydantic-ai: parallel tools, a write, and a streamed answer.

Record it against the scripted model and replay it, from the root of the repository (``pip install
"pydantic-ai-slim[openai]"``)::

    harness run examples.pydantic_ai_support:main --model-script examples.policies:support --trace pydantic.mat.jsonl
    harness replay pydantic.mat.jsonl --verify 3

What the harness adds to the program is the wrapped client, and one line above the entry and above each tool.
"""

from __future__ import annotations

from typing import Any

from openai import AsyncOpenAI
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

import harness

app = harness.Harness()
provider = OpenAIProvider(openai_client=app.wrap(AsyncOpenAI()))
agent = Agent(
    OpenAIChatModel("gpt-4o", provider=provider),
    instructions="Look up the order and the policy before you refund anything.",
)


@agent.tool_plain
@app.tool(effect="read", trust="trusted")
async def get_order(order_id: str) -> dict[str, Any]:
    """Look up an order."""
    return {"order_id": order_id, "status": "delivered", "total_cents": 48_000}


@agent.tool_plain
@app.tool(effect="read", trust="trusted")
async def search_policy(topic: str) -> str:
    """Search the shop's policy."""
    return f"{topic}: up to 200.00 at once."


@agent.tool_plain
@app.tool(effect="write", impact="payment")
async def refund(order_id: str, amount_cents: int) -> dict[str, Any]:
    """Pay money back."""
    return {"paid": True, "order_id": order_id, "amount_cents": amount_cents}


@app.agent
async def main(question: str = "Order W-77 arrived broken. Can I have 120.00 back?") -> str:
    """Answer a customer and give the streamed text."""
    async with agent.run_stream(question) as result:
        return "".join([piece async for piece in result.stream_text(delta=True)])
