"""A session replaces the shared memory by its own copy, and what another one has added in between is gone.

Family: lost update
Reported: https://github.com/NousResearch/hermes-agent/issues/26045 -- replacing an entry writes the whole file from
what this session once read, without a look at the file: 8167 bytes of a parallel session became 333. This reproduces
the mechanism, not the framework's code.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

from harness import Harness
from harness.registry.load import load

RULES = """
registry: notes
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: NOBODY-BETWEEN
    title: What is written back was read after the last write of somebody else
    on: action
    tool: memory.write
    require: >-
      not happened(action, call.tool == "memory.write" and agent != now.agent,
      since=last(action, call.tool == "memory.read" and agent == now.agent))
    severity: high
    otherwise: observe
    says: Somebody else has written since {agent} has read.
"""
STORE: dict[str, Any] = {}
APP = Harness(load(RULES, "notes.yaml"), memory=STORE)


def fresh() -> None:
    """Put the world back."""
    STORE.clear()


@APP.tool(effect="read")
async def ask_user(session: str) -> str:
    """Ask a user for something that is worth keeping."""
    return f"{session} prefers tea"


async def remember(text: str, alone: AbstractAsyncContextManager[Any]) -> str:
    """Add an entry to the memory, ``alone`` if that is asked for."""
    memory = APP.session().memory
    async with alone:
        entries = await memory.aread("MEMORY") or []
        await memory.awrite("MEMORY", [*entries, text])
    return text


async def sessions(alone: AbstractAsyncContextManager[Any]) -> list[str]:
    """Let two sessions remember something; one of them asks its user first."""

    async def one(name: str, *, asks: bool) -> str:
        with APP.session().acting(name):
            return await remember(await ask_user(name) if asks else f"{name} is in Oslo", alone)

    done = await asyncio.gather(one("north", asks=False), one("south", asks=True), return_exceptions=True)
    return [str(one) for one in done]


@APP.agent
async def agent() -> list[str]:
    """Keep what two sessions learn."""
    return await sessions(nullcontext())


@APP.agent
async def mended() -> list[str]:
    """Keep what two sessions learn, one at a time."""
    return await sessions(asyncio.Lock())


INPUT: dict[str, object] = {}
RULE = "NOBODY-BETWEEN"
WITNESS = {"turns": [[0, 1]]}
CAUSE = {"tool": "memory.read", "nth": 2}
