"""Two assistants look whether a room is free, both find it so, and both book it.

Family: check then act
Planted: nothing keeps the look and the booking together; the mended assistants do both under one lock.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

from harness import Harness
from harness.registry.load import load

RULES = """
registry: rooms
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: LOOKED-SINCE
    title: A room is booked by who has looked at it after the last booking
    on: action
    tool: book
    require: >-
      not happened(action, call.tool == "book" and call.args.room == now.call.args.room,
      since=last(action, call.tool == "is_free" and call.args.room == now.call.args.room and agent == now.agent))
    severity: high
    otherwise: observe
    says: "{call.args.room} was booked since {agent} has looked."
"""
APP = Harness(load(RULES, "rooms.yaml"))
BOOKED: dict[str, str] = {}


def fresh() -> None:
    """Put the world back."""
    BOOKED.clear()


@APP.tool(effect="read")
async def read_wishes(guest: str) -> str:
    """Read what a guest wishes."""
    return "quiet"


@APP.tool(effect="read")
async def is_free(room: str) -> bool:
    """Tell whether nobody has booked a room."""
    return room not in BOOKED


@APP.tool(effect="write")
async def book(room: str, guest: str) -> str:
    """Book a room."""
    BOOKED[room] = guest
    return f"{guest} has {room}"


async def assist(guest: str, rooms: list[str], alone: AbstractAsyncContextManager[Any], *, regular: bool) -> str:
    """Book the first room that is free; what regular guests wish is known."""
    with APP.session().acting(f"assistant of {guest}"):
        if not regular:
            await read_wishes(guest)
        for room in rooms:
            async with alone:
                if await is_free(room) is True:
                    return await book(room, guest)
        return f"no room for {guest}"


async def reception(alone: AbstractAsyncContextManager[Any]) -> list[str]:
    """Serve two guests at the same time."""
    rooms = ["room 1", "room 2"]
    served = (assist("ann", rooms, alone, regular=True), assist("bob", rooms, alone, regular=False))
    return [str(one) for one in await asyncio.gather(*served, return_exceptions=True)]


@APP.agent
async def agent() -> list[str]:
    """Find rooms for two guests."""
    return await reception(nullcontext())


@APP.agent
async def mended() -> list[str]:
    """Find rooms for two guests, one look and booking at a time."""
    return await reception(asyncio.Lock())


INPUT: dict[str, object] = {}
RULE = "LOOKED-SINCE"
WITNESS = {"turns": [[0, 1]]}
CAUSE = {"tool": "is_free", "nth": 2}
