"""A price that could not be written is written later, over the newer one that came meanwhile.

Family: lost update after retry
Planted: each change retries by itself, whatever was written since; what is older may not be written after what is
newer.
"""

from __future__ import annotations

import asyncio

from harness import Harness
from harness.registry.load import load

RULES = """
registry: shop-prices
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: NEWER-STAYS
    title: A price is not written after one of a later change
    on: action
    tool: write_price
    require: not happened(result, call.tool == "write_price" and call.args.change > now.call.args.change)
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "retry_overwrites.yaml"))
PAUSE_S = 0.5
EVERY_S = 1.0


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="write", idempotent=True)
async def write_price(article: str, cents: int, change: int) -> str:
    """Write a price; ``change`` is which of the changes of the day it is."""
    await asyncio.sleep(0.2)
    return f"{article}: {cents}"


@APP.tool(effect="read")
async def allowed(article: str, cents: int) -> bool:
    """Ask whether a price is within bounds."""
    await asyncio.sleep(0.1)
    return 0 < cents < 100000


@APP.agent
async def agent(article: str, prices: list[int]) -> int:
    """Write the prices of a day as they come, each with one more try."""
    written: list[int] = []

    async def change(number: int, cents: int) -> None:
        await asyncio.sleep(number * EVERY_S)
        if not await allowed(article, cents):
            return
        try:
            await write_price(article, cents, number)
        except Exception:
            await asyncio.sleep(PAUSE_S)
            await write_price(article, cents, number)
        written.append(number)

    await asyncio.gather(*(change(number, cents) for number, cents in enumerate(prices)))
    return len(written)


@APP.agent
async def mended(article: str, prices: list[int]) -> int:
    """Write the prices of a day as they come, each with one more try unless a newer one is on its way."""
    written: list[int] = []
    begun: list[int] = []

    async def change(number: int, cents: int) -> None:
        await asyncio.sleep(number * EVERY_S)
        if not await allowed(article, cents) or max(begun, default=-1) > number:
            return
        begun.append(number)
        try:
            await write_price(article, cents, number)
        except Exception:
            await asyncio.sleep(PAUSE_S)
            if max(begun) > number:
                return
            await write_price(article, cents, number)
        written.append(number)

    await asyncio.gather(*(change(number, cents) for number, cents in enumerate(prices)))
    return len(written)


INPUT = {"article": "mug", "prices": [990, 890]}
RULE = "NEWER-STAYS"
WITNESS = {"inject": [{"fault": "error", "tool": "write_price", "nth": 1}], "turns": [[1, 1]]}
CAUSE = {"tool": "write_price", "nth": 1}
