"""A shop's desk with seven tools, in memory, and a model at an endpoint that speaks OpenAI's Chat Completions."""

from __future__ import annotations

import json
import os
from typing import Any, Final

from openai import OpenAI

import harness

PROMPT: Final = """\
You are the desk of a shop. Do what the customer asks, with the tools, and only that; ask the customer nothing.
All amounts are in cents. A refund above 10000 cents is not yours to pay: leave it to a person with ask_person.
An order can be canceled while its status is "processing", and not later. When you are done, answer in one sentence."""
MOST_TURNS: Final = 12

ORDERS: Final[dict[str, dict[str, Any]]] = {
    "W-77": {"customer_id": "C-3", "item": "lamp", "total_cents": 4_800, "status": "delivered"},
    "W-78": {"customer_id": "C-3", "item": "desk", "total_cents": 48_000, "status": "shipped"},
    "W-80": {"customer_id": "C-4", "item": "chair", "total_cents": 9_900, "status": "processing"},
    "W-81": {"customer_id": "C-4", "item": "shelf", "total_cents": 7_500, "status": "shipped"},
}
CUSTOMERS: Final = {"C-3": {"name": "Ada", "address": "1 Old Road"}, "C-4": {"name": "Ben", "address": "2 High Street"}}

app = harness.Harness()
payments: list[dict[str, Any]] = []
asked: list[str] = []


@app.tool(effect="read")
def find_customer(name: str) -> dict[str, Any]:
    """Find a customer by name."""
    return next({"customer_id": key, **one} for key, one in CUSTOMERS.items() if one["name"] == name)


@app.tool(effect="read")
def list_orders(customer_id: str) -> list[str]:
    """List the numbers of a customer's orders."""
    return [number for number, order in ORDERS.items() if order["customer_id"] == customer_id]


@app.tool(effect="read")
def get_order(order_id: str) -> dict[str, Any]:
    """Look up an order: item, total in cents, status, customer."""
    return {"order_id": order_id, **ORDERS[order_id]}


@app.tool(effect="write", impact="payment")
def refund(order_id: str, amount_cents: int) -> str:
    """Pay money back for an order."""
    if amount_cents > ORDERS[order_id]["total_cents"]:
        raise ValueError(f"{order_id} cost {ORDERS[order_id]['total_cents']} cents")
    payments.append({"order_id": order_id, "amount_cents": amount_cents})
    return "paid"


@app.tool(effect="write")
def cancel_order(order_id: str) -> str:
    """Cancel an order that is still being processed."""
    if ORDERS[order_id]["status"] != "processing":
        raise ValueError(f"{order_id} is {ORDERS[order_id]['status']}")
    ORDERS[order_id]["status"] = "canceled"
    return "canceled"


@app.tool(effect="write")
def change_address(customer_id: str, address: str) -> str:
    """Note a customer's new address."""
    CUSTOMERS[customer_id]["address"] = address
    return "noted"


@app.tool(effect="write")
def ask_person(question: str) -> str:
    """Leave a question to a person, who will answer later."""
    asked.append(question)
    return "a person will see to it"


TOOLS: Final = {
    tool.__name__: tool
    for tool in (find_customer, list_orders, get_order, refund, cancel_order, change_address, ask_person)
}


def _described(name: str, *arguments: str) -> Any:
    properties = {argument: {"type": "integer" if argument.endswith("cents") else "string"} for argument in arguments}
    schema = {"type": "object", "properties": properties, "required": list(arguments), "additionalProperties": False}
    return {"type": "function", "function": {"name": name, "description": TOOLS[name].__doc__, "parameters": schema}}


DESCRIPTIONS: Final = [
    _described("find_customer", "name"),
    _described("list_orders", "customer_id"),
    _described("get_order", "order_id"),
    _described("refund", "order_id", "amount_cents"),
    _described("cancel_order", "order_id"),
    _described("change_address", "customer_id", "address"),
    _described("ask_person", "question"),
]


@app.agent
def desk(question: str) -> str:
    """Serve one customer, until the model has nothing more to call."""
    client, model = app.wrap(OpenAI()), os.environ["HARNESS_MODEL"]
    messages: list[Any] = [{"role": "system", "content": PROMPT}, {"role": "user", "content": question}]
    for _ in range(MOST_TURNS):
        said = client.chat.completions.create(model=model, messages=messages, tools=DESCRIPTIONS).choices[0].message
        messages.append(said.model_dump(exclude_none=True))
        if not said.tool_calls:
            return said.content or ""
        messages += map(_used, said.tool_calls)
    return f"no answer after {MOST_TURNS} turns"


def world() -> dict[str, Any]:
    """Give the final state: what was paid, asked, canceled, and where customers live."""
    return {
        "payments": payments,
        "asked": asked,
        "canceled": [number for number, order in ORDERS.items() if order["status"] == "canceled"],
        "addresses": {number: customer["address"] for number, customer in CUSTOMERS.items()},
    }


def _used(call: Any) -> dict[str, Any]:
    """Make one call, and give the model what came of it; what goes wrong is its to hear."""
    try:
        content = json.dumps(TOOLS[call.function.name](**json.loads(call.function.arguments)))
    except harness.Refused as refused:
        content = f"Refused: {refused}"
    except (LookupError, StopIteration, TypeError, ValueError) as error:
        content = f"Error: {type(error).__name__}: {error}"
    return {"role": "tool", "tool_call_id": call.id, "content": content}
