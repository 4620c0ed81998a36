"""A shop whose agent pays twice where a payment's answer is lost, and ships what was never paid."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any

from harness import Harness, InDoubt
from harness.registry.load import load

RULES = """
registry: shop
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: PAID-ONCE
    title: An order is paid again only where the payment before is known to have failed
    on: action
    tool: pay
    require: >-
      not happened(action, call.tool == "pay" and call.args.order == now.call.args.order and not default(failed, False))
    severity: high
    otherwise: observe
  - id: SHIPPED-IF-PAID
    on: action
    tool: ship
    require: happened(result, call.tool == "pay" and call.args.order == now.call.args.order)
    severity: high
    otherwise: observe
    says: what is shipped was paid
  - id: FEW-CALLS
    on: action
    tool: pay
    require: count(action, call.tool == "pay") < 100
    severity: low
    otherwise: observe
"""
APP = Harness(load(RULES, "shop.yaml"))
PAID: list[str] = []
BEGUN: list[int] = []


def fresh() -> None:
    """Nothing is paid, and one more run begins."""
    PAID.clear()
    BEGUN.append(1)


def broken() -> None:
    """Raise what a database does that is not there."""
    raise ConnectionError("no database")


async def awaited() -> None:
    """Put nothing back, because nobody awaits it."""
    PAID.clear()


@APP.tool(effect="read")
def price(order: str) -> dict[str, Any]:
    """Tell what an order costs."""
    return {"cents": 5, "items": ["pen", "ink"]}


@APP.tool(effect="write")
def pay(order: str, cents: int) -> str:
    """Pay for an order."""
    PAID.append(order)
    return "paid"


@APP.tool(effect="write")
def ship(order: str) -> str:
    """Send an order."""
    return "sent"


@APP.agent
def agent(order: str) -> str:
    """Pay and ship, whatever it takes."""
    cents = price(order)["cents"]
    for _ in range(2):
        with suppress(Exception):
            pay(order, cents)
            break
    return ship(order)


@APP.agent
def mended(order: str) -> str:
    """Pay, again only if the first payment has failed, and ship what is paid."""
    cents = price(order)["cents"]
    try:
        pay(order, cents)
    except InDoubt:
        return "a person looks at it"
    except Exception:
        pay(order, cents)
    return ship(order)


@APP.agent
def forgetful(order: str) -> str:
    """Ship what was not paid, every other time with a look at the price."""
    PAID.append(order)
    if len(PAID) % 2:
        price(order)
    return ship(order)


@APP.agent
def hardening(order: str) -> str:
    """Ship what was not paid, but never after the first few runs."""
    PAID.append(order)
    return ship(order) if len(PAID) < 4 else "not sent"


@APP.agent
def wandering(order: str) -> str:
    """Pay twice where nobody knows, somewhere else."""
    os.chdir(os.environ["ELSEWHERE"])
    return agent(order)


@APP.agent
def hasty(order: str, paid: bool) -> str:
    """Believe whoever says that an order is paid."""
    return ship(order) if paid else "not sent"


@APP.agent
def quitter(order: str) -> str:
    """Pay, again where that fails, and leave the process with it."""
    try:
        return pay(order, 5)
    except InDoubt:
        sys.exit(pay(order, 5))
