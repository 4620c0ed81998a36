"""A trip is called off while a part of it is still being booked, and that part stays booked.

Family: wrong undo
Planted: what is to be cancelled is cancelled at once; the mended agent waits until it knows what was booked.
"""

from __future__ import annotations

import asyncio

from harness import Harness
from harness.registry.load import load

RULES = """
registry: trips
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: CANCEL-WHAT-IS-BOOKED
    title: Only what is booked is cancelled
    on: action
    tool: cancel
    require: happened(result, call.tool == "book" and call.args.part == now.call.args.part)
    severity: high
    otherwise: observe
    says: "{call.args.part} is not booked, or not yet."
"""
APP = Harness(load(RULES, "trips.yaml"))
BOOKED: list[str] = []


def fresh() -> None:
    """Put the world back."""
    BOOKED.clear()


@APP.tool(effect="write")
async def book(part: str) -> str:
    """Book a part of a trip."""
    await asyncio.sleep(1)
    BOOKED.append(part)
    return f"{part} is booked"


@APP.tool(effect="write")
async def cancel(part: str) -> str:
    """Cancel a part of a trip."""
    if part in BOOKED:
        BOOKED.remove(part)
        return f"{part} is cancelled"
    return f"there is no booking of {part}"


@APP.agent
async def agent(parts: list[str]) -> list[str]:
    """Book a trip as a whole, or not at all."""
    booking = {part: asyncio.ensure_future(book(part)) for part in parts}
    done, open_ = await asyncio.wait(booking.values(), return_when=asyncio.FIRST_EXCEPTION)
    failed = {one for one in done if one.exception()}
    if not failed:
        return [one.result() for one in booking.values()]
    said = await asyncio.gather(
        *(cancel(part) for part, one in booking.items() if one not in failed), return_exceptions=True
    )
    await asyncio.gather(*open_, return_exceptions=True)
    return [str(one) for one in said]


@APP.agent
async def mended(parts: list[str]) -> list[str]:
    """Book a trip as a whole, or cancel what was booked of it."""
    booking = {part: asyncio.ensure_future(book(part)) for part in parts}
    await asyncio.wait(booking.values())
    failed = {one for one in booking.values() if one.exception()}
    if not failed:
        return [one.result() for one in booking.values()]
    said = await asyncio.gather(
        *(cancel(part) for part, one in booking.items() if one not in failed), return_exceptions=True
    )
    return [str(one) for one in said]


INPUT = {"parts": ["flight", "hotel"]}
RULE = "CANCEL-WHAT-IS-BOOKED"
WITNESS = {"inject": [{"fault": "error", "tool": "book", "nth": 1}]}
CAUSE = {"tool": "book", "nth": 1}
