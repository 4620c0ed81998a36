"""A list that agents share is changed under a lock, but where that fails the second try is made without it.

Family: lost update after a retry
Planted: the helper that tries again calls the change itself and not the change under the lock; the mended one keeps the
lock over both tries.
"""

from __future__ import annotations

import asyncio
from typing import Any

from harness import Harness
from harness.registry.load import load

RULES = """
registry: minutes
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
APP = Harness(load(RULES, "minutes.yaml"), memory=STORE)


def fresh() -> None:
    """Put the world back."""
    STORE.clear()


@APP.tool(effect="read")
async def transcribe(speaker: str) -> str:
    """Write down what somebody has said."""
    return f"{speaker} agrees, after a long story"


@APP.tool(effect="read")
async def shorten(text: str) -> str:
    """Say it in fewer words."""
    return text.split(",", maxsplit=1)[0]


async def add(line: str) -> str:
    """Add a line to the minutes."""
    memory = APP.session().memory
    await memory.awrite("minutes", [*(await memory.aread("minutes") or []), line])
    return line


async def noted(line: str, alone: asyncio.Lock, *, locked: bool) -> str:
    """Add a line alone, with a second try, which is ``locked`` too if that is asked for."""
    try:
        async with alone:
            return await add(line)
    except Exception:
        if not locked:
            return await add(line)
        async with alone:
            return await add(line)


async def meeting(*, locked: bool) -> list[str]:
    """Let two writers take the minutes; one of them has to listen first."""
    alone = asyncio.Lock()

    async def writer(name: str, *, listens: bool) -> str:
        with APP.session().acting(name):
            line = await shorten(await transcribe(name)) if listens else f"{name} is late"
            return await noted(line, alone, locked=locked)

    both = asyncio.gather(writer("ada", listens=False), writer("grace", listens=True), return_exceptions=True)
    return [str(one) for one in await both]


@APP.agent
async def agent() -> list[str]:
    """Take the minutes of a meeting."""
    return await meeting(locked=False)


@APP.agent
async def mended() -> list[str]:
    """Take the minutes of a meeting, always one at a time."""
    return await meeting(locked=True)


INPUT: dict[str, object] = {}
RULE = "NOBODY-BETWEEN"
WITNESS = {"inject": [{"fault": "error", "tool": "memory.read", "nth": 1}], "turns": [[2, 1]]}
CAUSE = {"tool": "memory.read", "nth": 1}
