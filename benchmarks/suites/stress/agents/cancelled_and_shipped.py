"""An order is shipped after it was cancelled, because the payment comes just when waiting for it ends.

Family: check and action apart
Planted: two tasks decide about one order, and the one that hears of the payment does not look whether the other one
has given the order up.
"""

from __future__ import annotations

import asyncio

from harness import Harness
from harness.registry.load import load

RULES = """
registry: prepaid-orders
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: CANCELLED-STAYS
    title: An order that was cancelled is not shipped
    on: action
    tool: ship
    require: not happened(action, call.tool == "cancel" and call.args.order == now.call.args.order)
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "cancelled_and_shipped.yaml"))
PATIENCE_S = 60.0


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="read")
async def payment_of(order: str) -> int:
    """Wait for the payment of an order, in cents."""
    await asyncio.sleep(45)
    return 4990


@APP.tool(effect="write")
async def ship(order: str) -> str:
    """Ship an order."""
    return f"{order} is on its way"


@APP.tool(effect="write")
async def cancel(order: str) -> str:
    """Give an order up."""
    return f"{order} is cancelled"


@APP.tool(effect="write", impact="payment")
async def pay_back(order: str, cents: int) -> str:
    """Give the money back."""
    return f"{cents} back for {order}"


@APP.agent
async def agent(order: str) -> list[str]:
    """Ship an order when it is paid, and cancel it when it is not paid in time."""
    said: list[str] = []
    state = "open"

    async def wait_for_money() -> None:
        nonlocal state
        await payment_of(order)
        state = "paid"
        said.append(await ship(order))

    async def give_up_in_time() -> None:
        await asyncio.sleep(PATIENCE_S)
        if state == "open":
            said.append(await cancel(order))

    await asyncio.gather(wait_for_money(), give_up_in_time())
    return said


@APP.agent
async def mended(order: str) -> list[str]:
    """Ship an order when it is paid, cancel it when it is not paid in time, and then give back what comes."""
    said: list[str] = []
    state = "open"

    async def wait_for_money() -> None:
        nonlocal state
        cents = await payment_of(order)
        if state == "open":
            state = "paid"
            said.append(await ship(order))
        else:
            said.append(await pay_back(order, cents))

    async def give_up_in_time() -> None:
        nonlocal state
        await asyncio.sleep(PATIENCE_S)
        if state == "open":
            state = "cancelled"
            said.append(await cancel(order))

    await asyncio.gather(wait_for_money(), give_up_in_time())
    return said


INPUT = {"order": "W-8"}
RULE = "CANCELLED-STAYS"
WITNESS = {"turns": [[0, 1]]}
CAUSE = {"tool": "cancel", "nth": 1}
