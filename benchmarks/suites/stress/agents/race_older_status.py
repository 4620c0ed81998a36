"""Updates of a parcel are applied in the order in which they come, and an older one overwrites the newer.

Family: last writer wins
Planted: each update is written when it comes; the mended agent writes none that is older than what it has written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from harness import Harness
from harness.registry.load import load

RULES = """
registry: parcels
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: FORWARD
    title: The status of a parcel goes forward only
    on: action
    tool: set_status
    require: not happened(action, call.tool == "set_status" and call.args.version > now.call.args.version)
    severity: medium
    otherwise: observe
    says: A status newer than {call.args.version} was set before.
"""
APP = Harness(load(RULES, "parcels.yaml"))
UPDATES = {"by mail": (1, "packed"), "by phone": (2, "on its way"), "by courier": (3, "delivered")}
STATUS: dict[str, Any] = {}


def fresh() -> None:
    """Put the world back."""
    STATUS.clear()


@APP.tool(effect="read")
async def fetch_update(source: str) -> dict[str, Any]:
    """Fetch the newest update that a source has."""
    await asyncio.sleep(0.2)
    version, status = UPDATES[source]
    return {"version": version, "status": status}


@APP.tool(effect="write")
async def set_status(version: int, status: str) -> str:
    """Write the status where customers see it."""
    STATUS.update(version=version, status=status)
    return "written"


async def follow(sources: list[str], wanted: Callable[[int], bool]) -> list[str]:
    """Ask all sources at the same time, and write what is ``wanted`` of what they say."""

    async def one(source: str) -> str:
        update = await fetch_update(source)
        version, status = update["version"], update["status"]
        if not isinstance(version, int) or not wanted(version):
            return "left out"
        return await set_status(version, str(status))

    return [str(said) for said in await asyncio.gather(*map(one, sources), return_exceptions=True)]


@APP.agent
async def agent(sources: list[str]) -> list[str]:
    """Follow a parcel."""
    return await follow(sources, lambda version: True)


@APP.agent
async def mended(sources: list[str]) -> list[str]:
    """Follow a parcel, and never back."""
    newest = 0

    def newer(version: int) -> bool:
        nonlocal newest
        if version <= newest:
            return False
        newest = version
        return True

    return await follow(sources, newer)


INPUT = {"sources": list(UPDATES)}
RULE = "FORWARD"
WITNESS = {"turns": [[0, 1]]}
CAUSE = {"tool": "fetch_update", "nth": 2}
