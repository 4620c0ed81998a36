"""A dispatcher sends an order again where no receipt comes in time, and the cashier charges it again.

Family: message processed twice
Planted: the cashier does what every message says; the mended one knows which orders it has seen.
"""

from __future__ import annotations

import asyncio

from harness import Harness
from harness.registry.load import load

RULES = """
registry: till
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: CHARGED-ONCE
    title: An order is charged once
    on: action
    tool: charge
    require: not happened(action, call.tool == "charge" and call.args.order == now.call.args.order)
    severity: critical
    otherwise: observe
    says: "{call.args.order} was charged before."
"""
APP = Harness(load(RULES, "till.yaml"))
PATIENCE_S = 0.8
CHARGED: list[str] = []


def fresh() -> None:
    """Put the world back."""
    CHARGED.clear()


@APP.tool(effect="write")
async def charge(order: str) -> str:
    """Charge the card of who has ordered."""
    await asyncio.sleep(0.3)
    CHARGED.append(order)
    return f"receipt of {order}"


async def dispatch(orders: list[str], bell: asyncio.Event, receipts: asyncio.Queue[str]) -> list[str]:
    """Send orders to the cashier, each a second time where no receipt comes."""
    team, came = APP.session(), []
    for order in orders:
        for _ in range(2):
            team.send("cashier", order)
            bell.set()
            try:
                came.append(await asyncio.wait_for(receipts.get(), PATIENCE_S))
                break
            except TimeoutError:
                continue
    return came


async def cash(bell: asyncio.Event, receipts: asyncio.Queue[str], seen: set[str] | None) -> None:
    """Charge what comes by mail; where it is kept what was ``seen``, nothing twice."""
    with APP.session().acting("cashier"):
        while True:
            await bell.wait()
            bell.clear()
            for mail in APP.session().mail():
                if seen is not None and mail.content in seen:
                    continue
                if seen is not None:
                    seen.add(mail.content)
                receipts.put_nowait(await charge(mail.content))


async def till(orders: list[str], seen: set[str] | None) -> list[str]:
    """Let a dispatcher and a cashier work together until all orders are dispatched."""
    bell, receipts = asyncio.Event(), asyncio.Queue[str]()
    cashier = asyncio.ensure_future(cash(bell, receipts, seen))
    try:
        return await dispatch(orders, bell, receipts)
    finally:
        cashier.cancel()
        await asyncio.gather(cashier, return_exceptions=True)


@APP.agent
async def agent(orders: list[str]) -> list[str]:
    """Have orders charged."""
    return await till(orders, None)


@APP.agent
async def mended(orders: list[str]) -> list[str]:
    """Have orders charged by a cashier who knows them again."""
    return await till(orders, set())


INPUT = {"orders": ["order 1", "order 2"]}
RULE = "CHARGED-ONCE"
WITNESS = {"inject": [{"fault": "delay", "tool": "charge", "nth": 1}]}
CAUSE = {"tool": "charge", "nth": 1}
