"""Results of parallel tool calls are paired with the calls by position, in the order in which they came.

Family: result taken for another call's
Reported: https://github.com/modelscope/ms-swift/pull/10174 -- results of parallel tool calls may come in another order
than the calls; where the ids of calls are dropped and results stand as they came, each is read as the answer to
another call. This reproduces the mechanism, not the framework's code.
"""

from __future__ import annotations

import asyncio
from typing import Any

from harness import Harness
from harness.registry.load import load

RULES = """
registry: payouts
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: PAY-WHAT-IS-OWED
    title: A partner is paid what was looked up for this partner
    on: action
    tool: pay_out
    require: >-
      call.args.cents == last(result, call.tool == "look_up" and call.args.partner == now.call.args.partner).result
    severity: critical
    otherwise: observe
    says: "{call.args.partner} is owed something else."
"""
APP = Harness(load(RULES, "payouts.yaml"))
OWED = {"north": 1200, "south": 80}
PAID: list[tuple[str, int]] = []


def fresh() -> None:
    """Put the world back."""
    PAID.clear()


@APP.tool(effect="read")
async def look_up(partner: str) -> int:
    """Look up what a partner is owed, in cents."""
    await asyncio.sleep(0.2)
    return OWED[partner]


@APP.tool(effect="write")
async def pay_out(partner: str, cents: int) -> str:
    """Pay a partner."""
    PAID.append((partner, cents))
    return "paid"


async def pay_all(partners: list[str], owed: list[Any]) -> int:
    """Pay each partner what stands in its place, where that is an amount."""
    paid = 0
    for partner, cents in zip(partners, owed, strict=True):
        if isinstance(cents, int) and not isinstance(cents, bool):
            await pay_out(partner, cents)
            paid += cents
    return paid


@APP.agent
async def agent(partners: list[str]) -> int:
    """Pay partners what they are owed."""
    came = asyncio.as_completed([look_up(partner) for partner in partners])
    return await pay_all(partners, [await one for one in came])


@APP.agent
async def mended(partners: list[str]) -> int:
    """Pay partners what they are owed; results stand where their calls stand."""
    return await pay_all(partners, await asyncio.gather(*(look_up(partner) for partner in partners)))


INPUT = {"partners": ["north", "south"]}
RULE = "PAY-WHAT-IS-OWED"
WITNESS = {"inject": [{"fault": "delay", "tool": "look_up", "nth": 1}]}
CAUSE = {"tool": "look_up", "nth": 1}
