"""An agent of a bank whose model asks for too much, and whose ledger fails once: a blocked call and a failed one.

Record it against its own scripted model and replay it, from the root of the repository::

    harness run examples.bank:main --model-script examples.bank:policy --trace bank.mat.jsonl
    harness replay bank.mat.jsonl --verify 3

The rules are in ``bank.yaml``. ``run`` ends with 1, because a rule was violated, although nothing happened: the model
was told why, and did better. The failed transfer is data as well.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

from openai import OpenAI

import harness
from harness.testing.model_server import call_tool, say, script

app = harness.Harness(Path(__file__).with_name("bank.yaml"))

BALANCES = {"DE-1": 250_000, "DE-2": 1_000}
TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
bookings = itertools.count(1)


@app.tool(effect="read", trust="trusted")
def balance(account: str) -> int:
    """Give what an account holds, in cents."""
    return BALANCES[account]


@app.tool(effect="write", impact="payment")
def transfer(source: str, target: str, cents: int) -> dict[str, Any]:
    """Move money from one account to another; the ledger is locked when it is first asked."""
    if next(bookings) == 1:
        raise BlockingIOError("the ledger is locked for the end of the day")
    return {"moved_cents": cents}


TOOLS = {
    "balance": (balance, {"account": TEXT}),
    "transfer": (transfer, {"source": TEXT, "target": TEXT, "cents": NUMBER}),
}


def described(name: str) -> Any:
    """Describe a tool to the model."""
    function, properties = TOOLS[name]
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "description": function.__doc__, "parameters": schema}}


def used(wanted: Any) -> dict[str, Any]:
    """Call a tool; a refusal and a failure are what the model reads next."""
    function, _ = TOOLS[wanted.function.name]
    try:
        said: Any = function(**json.loads(wanted.function.arguments))  # type: ignore[operator]
    except harness.Refused as refused:
        said = f"refused: {refused.reason}"
    except OSError as error:
        said = f"failed: {error}"
    return {"role": "tool", "tool_call_id": wanted.id, "content": json.dumps(said)}


@app.agent
def main(wish: str = "Please move 1,500.00 from DE-1 to DE-2.") -> str:
    """Do what a customer wishes, as far as the rules allow."""
    messages: list[Any] = [{"role": "user", "content": wish}]
    tools = [described(name) for name in TOOLS]
    with app.wrap(OpenAI()) as client:
        while True:
            reply = client.chat.completions.create(model="gpt-4o", messages=messages, tools=tools).choices[0].message
            if not reply.tool_calls:
                return reply.content or ""
            messages += [reply.to_dict(), *map(used, reply.tool_calls)]


policy = script(
    [
        call_tool("balance", account="DE-1"),
        call_tool("transfer", source="DE-1", target="DE-2", cents=150_000),
        call_tool("transfer", source="DE-1", target="DE-2", cents=100_000),
        call_tool("transfer", source="DE-1", target="DE-2", cents=100_000),
        say("I have moved 1,000.00, which is as much as one transfer may be."),
    ]
)
