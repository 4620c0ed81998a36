"""A support agent on the plain openai client: parallel tool calls, one write, and a streamed answer.

Record it against its own scripted model and replay it three times, from the root of the repository::

    harness run examples.support:main --model-script examples.support:policy --trace support.mat.jsonl
    harness replay support.mat.jsonl --verify 3

Without ``--model-script`` it talks to whatever ``OPENAI_BASE_URL`` and ``OPENAI_API_KEY`` say.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from openai import AsyncOpenAI

import harness
from harness.testing.model_server import call, call_tool, calls, say, script

app = harness.Harness()

PROMPT = "You are a support agent. Look up the order and the policy before you refund anything."
POLICY = {"refunds": "Refunds up to 200.00 are paid at once."}
QUESTION = "Order W-77 arrived broken. Can I have 120.00 back?"


@app.tool(effect="read", trust="trusted")
async def get_order(order_id: str) -> dict[str, Any]:
    """Look up an order."""
    return {"order_id": order_id, "status": "delivered", "total_cents": 48_000}


@app.tool(effect="read", trust="trusted")
async def search_policy(query: str) -> str:
    """Search the shop's policy."""
    return POLICY.get(query, "The policy says nothing about that.")


@app.tool(effect="write", impact="payment")
async def refund(order_id: str, amount_cents: int) -> dict[str, Any]:
    """Pay money back."""
    return {"paid": True, "order_id": order_id, "amount_cents": amount_cents}


TOOLS = {tool.__name__: tool for tool in (get_order, search_policy, refund)}
TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
ARGUMENTS = {
    "get_order": {"order_id": TEXT},
    "search_policy": {"query": TEXT},
    "refund": {"order_id": TEXT, "amount_cents": NUMBER},
}


def describe(name: str) -> dict[str, Any]:
    """Describe a tool to the model."""
    schema = {"type": "object", "properties": ARGUMENTS[name], "required": list(ARGUMENTS[name])}
    return {"type": "function", "function": {"name": name, "description": TOOLS[name].__doc__, "parameters": schema}}


@app.agent
async def main(question: str = QUESTION) -> str:
    """Answer a customer: use tools until the model has nothing more to call."""
    messages: list[Any] = [{"role": "system", "content": PROMPT}, {"role": "user", "content": question}]
    tools = [describe(name) for name in TOOLS]
    async with app.wrap(AsyncOpenAI()) as client:
        while True:
            async with client.chat.completions.stream(model="gpt-4o", messages=messages, tools=tools) as stream:
                reply = (await stream.get_final_completion()).choices[0].message
            messages.append(reply.to_dict())
            if not reply.tool_calls:
                return reply.content or ""
            messages += await asyncio.gather(*map(use, reply.tool_calls))


async def use(wanted: Any) -> dict[str, Any]:
    """Call one tool and write its result, or a rule's refusal, as the message the model reads."""
    try:
        result = await TOOLS[wanted.function.name](**json.loads(wanted.function.arguments))
    except harness.Refused as refused:
        result = f"Refused: {refused}"
    return {"role": "tool", "tool_call_id": wanted.id, "content": json.dumps(result)}


policy = script(
    [
        calls(call("get_order", order_id="W-77"), call("search_policy", query="refunds")),
        call_tool("refund", order_id="W-77", amount_cents=12_000),
        say("I have refunded 120.00; the money is with you in two days."),
    ]
)
