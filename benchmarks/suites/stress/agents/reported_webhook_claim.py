"""Whether a message was processed is looked up before the work and noted after it, and a redelivery comes in between.

Family: message processed twice
Reported: https://github.com/elizaOS/eliza/issues/31768 -- webhooks of two providers check an idempotency key, let the
agent answer, and mark the key only then; answering takes longer than the provider waits, so that a second delivery
passes the check, and two messages go out. This reproduces the mechanism, not the framework's code.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from harness import Harness
from harness.registry.load import load

RULES = """
registry: texts
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: ANSWERED-ONCE
    title: A message is answered once
    on: action
    tool: send_text
    require: not happened(action, call.tool == "send_text" and call.args.message == now.call.args.message)
    severity: high
    otherwise: observe
    says: "{call.args.message} was answered before."
"""
APP = Harness(load(RULES, "texts.yaml"))
CLAIMS: dict[str, str] = {}


def fresh() -> None:
    """Put the world back."""
    CLAIMS.clear()


@APP.tool(effect="read")
async def is_processed(message: str) -> bool:
    """Tell whether a message was processed."""
    return message in CLAIMS


@APP.tool(effect="write")
async def mark_processed(message: str) -> str:
    """Note that a message was processed."""
    CLAIMS[message] = "done"
    return "noted"


@APP.tool(effect="write")
async def claim(message: str, delivery: str) -> str:
    """Give the delivery that may process a message: the first one that asks."""
    return CLAIMS.setdefault(message, delivery)


@APP.tool(effect="read")
async def think(text: str) -> str:
    """Think about an answer, which takes a model ten seconds."""
    await asyncio.sleep(10)
    return f"Thank you for: {text}"


@APP.tool(effect="write")
async def send_text(message: str, text: str) -> str:
    """Send the answer to a message."""
    return "sent"


Delivery = dict[str, Any]


async def looked_up(one: Delivery) -> str:
    """Answer a message that was not processed before."""
    if await is_processed(one["message"]):
        return "seen before"
    said = await send_text(one["message"], await think(one["text"]))
    await mark_processed(one["message"])
    return said


async def claimed(one: Delivery) -> str:
    """Answer a message that this delivery was the first to claim."""
    if await claim(one["message"], one["delivery"]) != one["delivery"]:
        return "seen before"
    return await send_text(one["message"], await think(one["text"]))


async def serve(deliveries: list[Delivery], handle: Callable[[Delivery], Awaitable[str]]) -> list[str]:
    """Handle deliveries when they come, each by itself."""

    async def one(delivery: Delivery) -> str:
        await asyncio.sleep(delivery["after_s"])
        return await handle(delivery)

    return [str(said) for said in await asyncio.gather(*map(one, deliveries), return_exceptions=True)]


@APP.agent
async def agent(deliveries: list[Delivery]) -> list[str]:
    """Answer what is delivered."""
    return await serve(deliveries, looked_up)


@APP.agent
async def mended(deliveries: list[Delivery]) -> list[str]:
    """Answer what is delivered, and claim it first."""
    return await serve(deliveries, claimed)


INPUT = {
    "deliveries": [
        {"message": "SM-7", "delivery": "first", "after_s": 0, "text": "Is it open?"},
        {"message": "SM-7", "delivery": "by the fallback", "after_s": 10.5, "text": "Is it open?"},
    ]
}
RULE = "ANSWERED-ONCE"
WITNESS = {"inject": [{"fault": "delay", "tool": "think", "nth": 1}]}
CAUSE = {"tool": "think", "nth": 1}
