"""An agent whose model asks for a goal, not for tools: what fails on the way there is gone around without asking it.

Record it against its own scripted model and replay it, from the root of the repository::

    harness run examples.checkout:main --model-script examples.checkout:policy --trace checkout.mat.jsonl
    harness replay checkout.mat.jsonl --verify 3
    harness show checkout.mat.jsonl --graph checkout.svg

Stripe is down; the first answer of Razorpay gets lost after it has charged; the customer's mailbox is full. The ledger
has one charge all the same. The graph is in ``checkout.yaml``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from openai import OpenAI

import harness
from harness.testing.model_server import call_tool, say, script

app = harness.Harness(Path(__file__).with_name("checkout.yaml"))

charged: dict[str, int] = {}
"""The ledger: cents by idempotency key."""


class MailboxFull(Exception):
    """The mail server said no; nothing was sent."""


@app.tool
def reserve(sku: str) -> str:
    """Put an article aside."""
    return f"reservation of {sku}"


@app.tool
def release(sku: str) -> None:
    """Undo a reservation."""


@app.tool
def stripe(cents: int, key: str) -> dict[str, str]:
    """Charge by Stripe, which is down."""
    raise ConnectionRefusedError("api.stripe.example refuses the connection")


@app.tool
def razorpay(cents: int, key: str) -> dict[str, str]:
    """Charge by Razorpay: once for each key. Its first answer is lost."""
    first = key not in charged
    charged[key] = cents
    if first:
        raise TimeoutError("no answer in 10 s")
    return {"receipt": f"R-{cents}"}


@app.tool
def pay_back(receipt: str) -> None:
    """Undo a charge."""
    charged.clear()


@app.tool
def email(receipt: str) -> str:
    """Send a receipt by mail."""
    raise MailboxFull("452 4.2.2 mailbox full")


@app.tool
def sms(receipt: str) -> str:
    """Send a receipt to a phone."""
    return "sent"


checkout = app.goal("checkout")  # a function of the goal's arguments, to be handed to an agent like any tool

PROPERTIES = {"sku": {"type": "string"}, "cents": {"type": "integer"}}
CHECKOUT: Any = {
    "type": "function",
    "function": {
        "name": "checkout",
        "description": "Reserve an article, charge for it and send the receipt.",
        "parameters": {"type": "object", "properties": PROPERTIES, "required": ["sku", "cents"]},
    },
}


def used(wanted: Any) -> dict[str, Any]:
    """Lead the goal that the model asks for; where nothing leads there, the model is told why, and what is left."""
    try:
        said = checkout(**json.loads(wanted.function.arguments))
    except (harness.NoRoute, harness.Refused) as error:
        said = {"failed": str(error)}
    return {"role": "tool", "tool_call_id": wanted.id, "content": json.dumps(said)}


@app.agent
def main(wish: str = "One lamp for 49.00, please.") -> dict[str, Any]:
    """Sell what a customer wishes for."""
    charged.clear()
    messages: list[Any] = [{"role": "user", "content": wish}]
    with app.wrap(OpenAI()) as client:
        while True:
            reply = client.chat.completions.create(model="gpt-4o", messages=messages, tools=[CHECKOUT])
            message = reply.choices[0].message
            if not message.tool_calls:
                return {"said": message.content}
            messages += [message.to_dict(), *map(used, message.tool_calls)]


policy = script([call_tool("checkout", sku="lamp", cents=4_900), say("Your lamp is reserved; the receipt is R-4900.")])
