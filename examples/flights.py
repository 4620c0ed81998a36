"""An agent against the clock: several airlines are asked, late ones are dropped, a slow booking is given up.

Record it and replay it, from the root of the repository; it needs no model::

    harness run examples.flights:main --trace flights.mat.jsonl
    harness replay flights.mat.jsonl --verify 3

A call that is cancelled while it is under way ends as ``unknown``: it may have happened. That is why this agent looks
before it books again.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

import harness

app = harness.Harness()

AIRLINES = {"north": 0.01, "south": 0.02, "east": 0.03, "west": 5.0}
booked: list[str] = []


@app.tool(effect="read")
async def offer(airline: str, to: str) -> int:
    """Ask an airline for its price in cents; some take for ever."""
    await asyncio.sleep(AIRLINES[airline] * (0.5 + random.random()))
    return 20_000 - int(AIRLINES[airline] * 100_000)


@app.tool(effect="read")
async def bookings(to: str) -> list[str]:
    """Give the bookings that have been made."""
    return list(booked)


@app.tool(effect="write", probe="bookings")
async def book(airline: str, to: str) -> str:
    """Book a seat; the first confirmation gets lost on its way."""
    booked.append(airline)
    await asyncio.sleep(5 if len(booked) == 1 else 0.005)
    return f"{airline} to {to}"


async def offers(to: str) -> dict[str, int]:
    """Collect what comes in time, and cancel the rest."""
    asked = {asyncio.create_task(offer(airline, to), name=airline) for airline in AIRLINES}
    done, late = await asyncio.wait(asked, timeout=0.08)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    return {task.get_name(): task.result() for task in done}


@app.agent
async def main(to: str = "Lisbon") -> dict[str, Any]:
    """Find the cheapest seat that is offered in time, and book it once."""
    prices = await offers(to)
    airline = min(sorted(prices), key=prices.__getitem__)
    try:
        async with asyncio.timeout(0.05):
            confirmed = await book(airline, to)
    except TimeoutError:
        known = await asyncio.shield(bookings(to))
        confirmed = f"{airline} to {to}, found" if airline in known else await book(airline, to)
    return {"offers": dict(sorted(prices.items())), "confirmed": confirmed}
