"""What is paid out is what the replica says that answers first, and that one may be the wrong one.

Family: order-dependent choice of a source
Planted: two replicas are asked and the answer that comes first counts; the ledger of record has to count.
"""

from __future__ import annotations

import asyncio

from harness import Harness
from harness.registry.load import load

RULES = """
registry: winnings
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: PAID-BY-RECORD
    title: What is paid out is what the ledger of record says
    on: action
    tool: pay_out
    require: >-
      call.args.cents == last(result, call.tool == "read_ledger" and call.args.replica == "record").result
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "first_replica.yaml"))
WINNINGS = {"L-5": 1250}


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="read")
async def read_ledger(replica: str, ticket: str) -> int:
    """Read what a ticket has won, in cents."""
    await asyncio.sleep(0.01)
    return WINNINGS[ticket]


@APP.tool(effect="write", impact="payment")
async def pay_out(ticket: str, cents: int) -> str:
    """Pay winnings out."""
    return f"{ticket}: {cents}"


@APP.agent
async def agent(ticket: str) -> str:
    """Pay out what a ticket has won."""
    answers: list[int] = []

    async def ask(replica: str) -> None:
        answers.append(await read_ledger(replica, ticket))

    await asyncio.gather(ask("record"), ask("copy"))
    return await pay_out(ticket, answers[0])


@APP.agent
async def mended(ticket: str) -> str:
    """Pay out what a ticket has won, if both replicas say so."""
    record, copy = await asyncio.gather(read_ledger("record", ticket), read_ledger("copy", ticket))
    return await pay_out(ticket, record) if record == copy else f"{record} or {copy}: ask the office"


INPUT = {"ticket": "L-5"}
RULE = "PAID-BY-RECORD"
WITNESS = {"inject": [{"fault": "corrupt", "tool": "read_ledger", "nth": 2}], "turns": [[0, 1]]}
CAUSE = {"tool": "read_ledger", "nth": 2}
