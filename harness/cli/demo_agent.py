"""The agent of ``harness demo``: a small support desk that can pay money back.

Everything here is an ordinary program on the official openai client. What makes it a wrapped agent are the lines with
``app``: one per tool, one for the entry, one for the client.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from openai import OpenAI

from harness.door.app import Harness
from harness.errors import Refused

FOLDER = Path("harness-demo")
PROMPT = "You are a support agent. Look up the order and the policy before you refund anything."
EDITED_PROMPT = "You were a support agent. Look up the order and the policy before you refund anything."

app = Harness("demo-payments", traces=FOLDER)

ORDERS = {"W-77": {"order_id": "W-77", "customer_id": "C-3", "total_cents": 48_000, "status": "delivered"}}
CUSTOMERS = {"C-3": {"customer_id": "C-3", "name": "Ada", "since": 2019}}
POLICY = "Refunds up to 200.00 are paid at once. Anything above needs the approval of a person."


@app.tool(effect="read", trust="trusted")
def get_order(order_id: str) -> dict[str, Any]:
    """Look up an order."""
    return ORDERS[order_id]


@app.tool(effect="read", trust="trusted")
def get_customer(customer_id: str) -> dict[str, Any]:
    """Look up a customer."""
    return CUSTOMERS[customer_id]


@app.tool(effect="read", trust="trusted")
def search_policy(query: str) -> str:
    """Search the shop's policy."""
    return POLICY


@app.tool(effect="write", impact="payment")
def refund(order_id: str, amount_cents: int) -> dict[str, Any]:
    """Pay money back, by stripe."""
    raise ConnectionRefusedError("stripe is down")  # for as long as the demo lasts


@app.tool(effect="write", impact="payment")
def razorpay(order_id: str, amount_cents: int) -> dict[str, Any]:
    """Pay money back another way; the model does not know of it. One line in the ledger is one payment."""
    payment = {"order_id": order_id, "amount_cents": amount_cents}
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / "ledger.jsonl").open("a", encoding="utf-8") as ledger:
        ledger.write(json.dumps(payment) + "\n")
    return {"paid": True, **payment}


TOOLS = {tool.__name__: tool for tool in (get_order, get_customer, search_policy, refund)}


def _describe(name: str, *arguments: str) -> Any:
    properties = {argument: {"type": "integer" if argument.endswith("cents") else "string"} for argument in arguments}
    schema = {"type": "object", "properties": properties, "required": list(arguments)}
    return {"type": "function", "function": {"name": name, "description": TOOLS[name].__doc__, "parameters": schema}}


DESCRIPTIONS = [
    _describe("get_order", "order_id"),
    _describe("get_customer", "customer_id"),
    _describe("search_policy", "query"),
    _describe("refund", "order_id", "amount_cents"),
]


@app.agent
def support(question: str) -> str:
    """Answer a customer, with tools, until the model has nothing more to call."""
    return answer(question, PROMPT)


@app.agent
def edited_support(question: str) -> str:
    """Be the same agent after somebody has edited its prompt."""
    return answer(question, EDITED_PROMPT)


def answer(question: str, prompt: str) -> str:
    """Run the loop that every tool-calling agent has."""
    client = app.wrap(OpenAI())
    messages: list[Any] = [{"role": "system", "content": prompt}, {"role": "user", "content": question}]
    while True:
        reply = (
            client.chat.completions.create(model="scripted", messages=messages, tools=DESCRIPTIONS).choices[0].message
        )
        messages.append(reply.model_dump(exclude_none=True))
        if not reply.tool_calls:
            return reply.content or ""
        messages += map(_use, reply.tool_calls)


def _use(call: Any) -> dict[str, Any]:
    """Call one tool and write its result, or a rule's refusal, as the message the model reads."""
    try:
        content = json.dumps(TOOLS[call.function.name](**json.loads(call.function.arguments)))
    except Refused as refused:
        content = f"Refused: {refused}"
    return {"role": "tool", "tool_call_id": call.id, "content": content}
