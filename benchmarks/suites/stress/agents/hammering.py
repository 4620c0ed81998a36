"""A service that asks for a pause is asked again at once.

Family: rate limit ignored
Planted: the retry treats being throttled like any failure and goes on without waiting; it has to wait as long as it is
told.
"""

from __future__ import annotations

import asyncio

from harness import Harness
from harness.registry.load import load

RULES = """
registry: geocoding
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: PAUSE-KEPT
    title: Within a second of a failure the service is not asked again
    on: action
    tool: locate
    require: not happened(action, call.tool == "locate" and default(failed, False), within="900 ms")
    severity: medium
    otherwise: observe
"""
APP = Harness(load(RULES, "hammering.yaml"))
PLACES = {"Bergstr. 1": [49.41, 8.69], "Hafen 3": [53.54, 9.98], "Markt 8": [50.93, 11.58]}


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="read")
async def locate(address: str) -> list[float]:
    """Find the place of an address."""
    await asyncio.sleep(0.05)
    return PLACES[address]


@APP.tool(effect="write")
async def plan_tour(stops: list[list[float]]) -> str:
    """Plan a tour."""
    return f"{len(stops)} stops"


@APP.agent
async def agent(addresses: list[str]) -> str:
    """Plan a tour by addresses, each looked up with up to three attempts."""
    stops = []
    for address in addresses:
        for _ in range(3):
            try:
                stops.append(await locate(address))
                break
            except Exception:
                continue
    return await plan_tour(stops)


@APP.agent
async def mended(addresses: list[str]) -> str:
    """Plan a tour by addresses, each looked up with up to three attempts and pauses."""
    stops = []
    for address in addresses:
        for _ in range(3):
            try:
                stops.append(await locate(address))
                break
            except Exception:
                await asyncio.sleep(1.0)
    return await plan_tour(stops)


INPUT = {"addresses": ["Bergstr. 1", "Hafen 3", "Markt 8"]}
RULE = "PAUSE-KEPT"
WITNESS = {"inject": [{"fault": "rate_limit", "tool": "locate", "nth": 2}]}
CAUSE = {"tool": "locate", "nth": 2}
