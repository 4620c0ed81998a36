"""Two agents find that nobody leads, both write their names into the shared memory, and both act as the leader.

Family: race in shared memory
Planted: who has written its name leads; the mended agents take and use the lead one at a time.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

from harness import Harness
from harness.registry.load import load

RULES = """
registry: crew
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: LEADER-SENDS
    title: Who sends the digest is the last who has taken the lead
    on: action
    tool: send_digest
    require: last(action, call.tool == "memory.write" and call.args.key == "leader").agent == agent
    severity: high
    otherwise: observe
    says: Somebody else has taken the lead after {agent}.
"""
STORE: dict[str, Any] = {}
APP = Harness(load(RULES, "crew.yaml"), memory=STORE)


def fresh() -> None:
    """Put the world back."""
    STORE.clear()


@APP.tool(effect="read")
async def read_news(reader: str) -> list[str]:
    """Read the news of the day."""
    return ["It rains."]


@APP.tool(effect="write")
async def send_digest(sender: str) -> str:
    """Send the digest of the day to all readers."""
    return f"{sender} has sent it"


async def crew_member(name: str, alone: AbstractAsyncContextManager[Any], *, curious: bool) -> str:
    """Take the lead if nobody has it, and send the digest then."""
    memory = APP.session().memory
    with APP.session().acting(name):
        if curious:
            await read_news(name)
        async with alone:
            if await memory.aread("leader") is not None:
                return f"{name} follows"
            await memory.awrite("leader", name)
            return await send_digest(name)


async def crew(alone: AbstractAsyncContextManager[Any]) -> list[str]:
    """Let two agents find out who leads."""
    both = (crew_member("ada", alone, curious=False), crew_member("grace", alone, curious=True))
    return [str(one) for one in await asyncio.gather(*both, return_exceptions=True)]


@APP.agent
async def agent() -> list[str]:
    """Have the digest sent."""
    return await crew(nullcontext())


@APP.agent
async def mended() -> list[str]:
    """Have the digest sent by one who leads alone."""
    return await crew(asyncio.Lock())


INPUT: dict[str, object] = {}
RULE = "LEADER-SENDS"
WITNESS = {"turns": [[0, 1]]}
CAUSE = {"tool": "memory.read", "nth": 2}
