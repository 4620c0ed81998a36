"""An order is cancelled while its label is printed, and is sent all the same.

Family: check then act
Planted: the status is looked up before the label is printed; the mended agent looks again before it ships, and nobody
can cancel in between.
"""

from __future__ import annotations

import asyncio

from harness import Harness
from harness.registry.load import load

RULES = """
registry: warehouse
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: NOT-AFTER-CANCELLING
    title: Nothing is shipped that was cancelled after the last look at it
    on: action
    tool: ship
    require: >-
      not happened(action, call.tool == "cancel_order" and call.args.order == now.call.args.order,
      since=last(action, call.tool == "read_status" and call.args.order == now.call.args.order))
    severity: high
    otherwise: observe
    says: "{call.args.order} was cancelled since."
"""
APP = Harness(load(RULES, "warehouse.yaml"))
STATUS: dict[str, str] = {}


def fresh() -> None:
    """Put the world back."""
    STATUS["W-7"] = "open"


@APP.tool(effect="read")
async def read_status(order: str) -> str:
    """Read the status of an order."""
    return STATUS[order]


@APP.tool(effect="read")
async def print_label(order: str) -> str:
    """Print the label of an order."""
    await asyncio.sleep(1.2)
    return f"label of {order}"


@APP.tool(effect="write")
async def ship(order: str) -> str:
    """Ship an order, if it can still be."""
    STATUS[order] = "shipped"
    return "shipped"


@APP.tool(effect="write")
async def cancel_order(order: str) -> str:
    """Cancel an order that was not shipped."""
    if STATUS[order] == "open":
        STATUS[order] = "cancelled"
    return STATUS[order]


async def pack(order: str) -> str:
    """Ship an order that is open, with a label."""
    if await read_status(order) != "open":
        return f"{order} stays"
    await print_label(order)
    return await ship(order)


async def pack_and_look(order: str, alone: asyncio.Lock) -> str:
    """Ship an order with a label, if it is open by then."""
    await print_label(order)
    async with alone:
        if await read_status(order) != "open":
            return f"{order} stays"
        return await ship(order)


@APP.agent
async def agent(order: str, regret_s: float) -> list[str]:
    """Ship an order, whose customer may regret it."""

    async def regret() -> str:
        await asyncio.sleep(regret_s)
        return await cancel_order(order)

    return [str(one) for one in await asyncio.gather(pack(order), regret(), return_exceptions=True)]


@APP.agent
async def mended(order: str, regret_s: float) -> list[str]:
    """Ship an order, whose customer may regret it until it is sent."""
    alone = asyncio.Lock()

    async def regret() -> str:
        await asyncio.sleep(regret_s)
        async with alone:
            return await cancel_order(order)

    both = asyncio.gather(pack_and_look(order, alone), regret(), return_exceptions=True)
    return [str(one) for one in await both]


INPUT = {"order": "W-7", "regret_s": 2.0}
RULE = "NOT-AFTER-CANCELLING"
WITNESS = {"inject": [{"fault": "delay", "tool": "print_label", "nth": 1}]}
CAUSE = {"tool": "print_label", "nth": 1}
