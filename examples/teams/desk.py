"""The desk that the teams work at: its tools, what they have filed, and how a model is let work with them.

Nothing here knows of any team, or of faults. A team talks to its model through ``work`` and to itself through the
session's bus: ``tell`` and ``heard``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from openai import OpenAI

import harness
from harness.mediation.refusal import for_model

app = harness.Harness(Path(__file__).with_name("desk.yaml"))

MODEL: Final = os.environ.get("TEAM_MODEL", "gpt-4o-mini")
TURNS: Final = 8
"""How often a model is asked, at most, before it has to have said something."""

PRICES: Final = {"mug": 450, "lamp": 1200, "desk": 18900, "chair": 7400, "clock": 2600, "rug": 5300}
SHELVES: Final = {
    "Lyon": {"mug": 7, "lamp": 30, "desk": 2, "chair": 11, "clock": 0, "rug": 4},
    "Oslo": {"mug": 25, "lamp": 3, "desk": 5, "chair": 0, "clock": 16, "rug": 9},
}
FARES: Final = {
    ("Lyon", "Oslo"): 9900, ("Oslo", "Rome"): 12400, ("Rome", "Lyon"): 6100,
    ("Lyon", "Rome"): 5800, ("Oslo", "Lyon"): 10400, ("Rome", "Oslo"): 11900,
}  # fmt: skip

LETTER: list[str] = [""]
FILED: dict[str, Any] = {}
LOOK: Final = ("price", "stock", "fare")
FILE: Final = ("bill", "order", "book")


def fresh() -> None:
    """Put the desk back to how it is in the morning."""
    LETTER[0] = ""
    FILED.clear()


@app.tool(effect="read", trust="trusted")
def price(item: str) -> int:
    """Tell what one of an item costs, in cents."""
    return PRICES[item]


@app.tool(effect="read", trust="trusted")
def stock(item: str, shelf: str) -> int:
    """Tell how many of an item lie on a shelf."""
    return SHELVES[shelf][item]


@app.tool(effect="read", trust="trusted")
def fare(origin: str, destination: str) -> int:
    """Tell what it costs to go from one city to another, in cents."""
    return FARES[origin, destination]


@app.tool(effect="read", trust="trusted")
def read_letter() -> str:
    """Read the customer's letter again."""
    return LETTER[0]


@app.tool(effect="read", trust="trusted")
def read_back(subject: str) -> Any:
    """Tell what is filed under a subject, such as 'Bill Baker', 'Fill Lyon' or 'Book Baker'; null for nothing."""
    return FILED.get(subject)


@app.tool(effect="write", idempotent=True)
def bill(customer: str, cents: int) -> str:
    """File the bill of a customer; it takes the place of an earlier one."""
    return _file(f"Bill {customer}", cents)


@app.tool(effect="write", idempotent=True)
def order(shelf: str, counts: dict[str, int]) -> str:
    """File what has to be ordered for a shelf, by item; it takes the place of an earlier order."""
    return _file(f"Fill {shelf}", counts)


@app.tool(effect="write", idempotent=True)
def book(customer: str, cents: int) -> str:
    """Book a customer's journey at a price; it takes the place of an earlier one."""
    return _file(f"Book {customer}", cents)


def _file(subject: str, value: Any) -> str:
    FILED[subject] = value
    return f"filed under {subject}"


def spoken_to(name: str, duty: str, text: str) -> list[Any]:
    """Begin what an agent and its model say: who it is, what it has to do, and what it is told."""
    return [{"role": "system", "content": f"You are the {name}. {duty}"}, {"role": "user", "content": text}]


def work(client: OpenAI, messages: list[Any], tools: Sequence[str]) -> str:
    """Let a model use tools until it says something, and give that; what went wrong it is told."""
    offered: Any = {"tools": [_offer(name) for name in tools]} if tools else {}
    for _ in range(TURNS):
        reply = client.chat.completions.create(model=MODEL, messages=messages, **offered).choices[0].message
        messages.append(reply.to_dict())
        if not reply.tool_calls:
            return reply.content or ""
        for asked in reply.tool_calls:
            assert asked.type == "function"
            done = _done(asked.function.name, asked.function.arguments, tools)
            messages.append({"role": "tool", "tool_call_id": asked.id, "content": done})
    return ""


def tell(to: str, text: str) -> None:
    """Say something to another agent; a message that comes back is sent once more.

    Nobody else has spoken since the sender took its mail: what is there now can only be its own.
    """
    team = app.session()
    team.send(to, text)
    if any(one.content == text for one in team.mail()):
        team.send(to, text)


def heard() -> str:
    """Take what others have said to whoever acts here, each thing once."""
    return "\n".join(dict.fromkeys(str(one.content) for one in app.session().mail()))


def _offer(name: str) -> dict[str, Any]:
    made = app.made(name)
    assert made is not None
    tool, function = made
    return {
        "type": "function",
        "function": {"name": name, "description": function.__doc__, "parameters": tool.spec.arguments},
    }


def _done(name: str, arguments: str, tools: Sequence[str]) -> str:
    """Call a tool as a model asked for it, and give what the model is told."""
    made = app.made(name)
    if made is None or name not in tools:
        return json.dumps({"error": f"there is no tool {name}"})
    try:
        return json.dumps({"result": made[1](**json.loads(arguments))})
    except harness.Refused as refused:
        return for_model(refused)
    except (LookupError, TypeError, ValueError) as error:
        return json.dumps({"error": f"{type(error).__name__}: {error}"})
