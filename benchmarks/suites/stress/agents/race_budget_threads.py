"""Buyers in two threads look how much is left of a budget, and together they spend more than there is.

Family: budget overrun
Planted: what is left is looked up and spent without a lock; the mended buyers hold one over both.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from harness import Harness
from harness.registry.load import load

RULES = """
registry: purse
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: READ-SINCE
    title: Money is spent by a balance that was read after the last purchase
    on: action
    tool: buy
    require: >-
      not happened(action, call.tool == "buy",
      since=last(action, call.tool == "read_balance" and call.args.buyer == now.call.args.buyer))
    severity: high
    otherwise: observe
    says: Something was bought since {call.args.buyer} has read the balance.
"""
APP = Harness(load(RULES, "purse.yaml"))
LEFT = {"cents": 0}


def fresh() -> None:
    """Put the world back."""
    LEFT["cents"] = 1000


@APP.tool(effect="read")
def find_offer(item: str) -> int:
    """Find the price of an item that is not in the catalogue."""
    return 600


@APP.tool(effect="read")
def read_balance(buyer: str) -> int:
    """Read how much is left of the budget."""
    return LEFT["cents"]


@APP.tool(effect="write")
def buy(buyer: str, item: str, cents: int) -> str:
    """Buy an item."""
    LEFT["cents"] -= cents
    return f"{buyer} has bought {item}"


def shop(buyer: str, item: str, cents: int | None, alone: AbstractContextManager[Any]) -> str:
    """Buy an item if there is money for it; what has no price in the catalogue is looked for."""
    if cents is None:
        cents = find_offer(item)
    with alone:
        if read_balance(buyer) < cents:
            return f"{buyer} has to wait"
        return buy(buyer, item, cents)


def spend(alone: AbstractContextManager[Any]) -> list[str]:
    """Let two buyers shop at the same time."""
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(shop, "ann", "desk", 700, alone), pool.submit(shop, "bob", "lamp", None, alone)]
        return [str(one.exception() or one.result()) for one in asked]


@APP.agent
def agent() -> list[str]:
    """Buy what is needed."""
    return spend(nullcontext())


@APP.agent
def mended() -> list[str]:
    """Buy what is needed, one look and purchase at a time."""
    return spend(threading.Lock())


INPUT: dict[str, object] = {}
RULE = "READ-SINCE"
WITNESS = {"turns": [[1, 1]]}
CAUSE = {"tool": "read_balance", "nth": 2}
