"""Two rooms are booked when the second hotel answers before the booking at the first one has come back.

Family: order-dependent double write
Planted: whether a room is booked is looked at before booking and noted after it; it has to be noted before anybody
else can look.
"""

from __future__ import annotations

import asyncio

from harness import Harness
from harness.registry.load import load

RULES = """
registry: room-booking
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: ONE-ROOM
    title: A second room is booked only if booking the first is known to have failed
    on: action
    tool: book_room
    require: not happened(action, call.tool == "book_room" and not default(failed, False))
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "hedged_booking.yaml"))
ANSWERS_AFTER_S = {"Adler": 0.25, "Bellevue": 0.15}
PATIENCE_S = 0.3  # before the next hotel is asked, too


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="read")
async def ask_hotel(hotel: str, night: str) -> bool:
    """Ask a hotel for a free room."""
    await asyncio.sleep(ANSWERS_AFTER_S[hotel])
    return True


@APP.tool(effect="write")
async def book_room(hotel: str, night: str) -> str:
    """Book a room."""
    await asyncio.sleep(0.125)
    return f"a room at {hotel}"


@APP.agent
async def agent(hotels: list[str], night: str) -> list[str]:
    """Ask one hotel after the other without waiting for each, and book where an answer comes first."""
    booked: list[str] = []

    async def attempt(place: int, hotel: str) -> None:
        await asyncio.sleep(place * PATIENCE_S)
        if booked:
            return
        if await ask_hotel(hotel, night) and not booked:
            booked.append(await book_room(hotel, night))

    await asyncio.gather(*(attempt(place, hotel) for place, hotel in enumerate(hotels)))
    return booked


@APP.agent
async def mended(hotels: list[str], night: str) -> list[str]:
    """Ask one hotel after the other without waiting for each, and book where an answer comes first, once."""
    booked: list[str] = []
    chosen: list[str] = []

    async def attempt(place: int, hotel: str) -> None:
        await asyncio.sleep(place * PATIENCE_S)
        if chosen:
            return
        if await ask_hotel(hotel, night) and not chosen:
            chosen.append(hotel)
            booked.append(await book_room(hotel, night))

    await asyncio.gather(*(attempt(place, hotel) for place, hotel in enumerate(hotels)))
    return booked


INPUT = {"hotels": ["Adler", "Bellevue"], "night": "2026-12-24"}
RULE = "ONE-ROOM"
WITNESS = {"turns": [[1, 1], [2, 1]]}
CAUSE = {"tool": "ask_hotel", "nth": 2}
