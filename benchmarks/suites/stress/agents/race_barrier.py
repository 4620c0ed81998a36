"""A barrier opens when all parts have arrived, and counts a part that has failed as one.

Family: barrier that counts failures
Planted: who arrives is counted whatever came of it; the mended agent counts parts that are there.
"""

from __future__ import annotations

import asyncio

from harness import Harness
from harness.registry.load import load

RULES = """
registry: papers
version: 1.0.0
default: allow
unknown: allow
parameters:
  parts: {value: 3, unit: "1", source: "layout of the paper"}
invariants:
  - id: WHOLE-PAPER
    title: A paper is published when all of its parts are there
    on: action
    tool: publish
    require: count(result, call.tool == "write_part") >= params.parts
    severity: high
    otherwise: observe
    says: Not all parts are there.
"""
APP = Harness(load(RULES, "papers.yaml"))
PARTS = {"methods": 1.0, "results": 1.0, "outlook": 1.5}
TRIES = 2


def fresh() -> None:
    """Put the world back: nothing is kept."""


@APP.tool(effect="read")
async def write_part(name: str) -> str:
    """Write a part of the paper."""
    await asyncio.sleep(PARTS[name])
    return f"About the {name}."


@APP.tool(effect="write")
async def publish(names: list[str]) -> str:
    """Publish the paper."""
    return f"{len(names)} parts are out"


class Barrier:
    """Let through whoever waits when a number of parts have arrived."""

    def __init__(self, parts: int) -> None:
        self._left, self._open = parts, asyncio.Event()
        self.there: list[str] = []

    def arrive(self, name: str) -> None:
        """Count a part."""
        self.there.append(name)
        self._left -= 1
        if self._left <= 0:
            self._open.set()

    async def passed(self, seconds: float) -> bool:
        """Wait until all have arrived; False where that takes too long."""
        try:
            return await asyncio.wait_for(self._open.wait(), seconds)
        except TimeoutError:
            return False


async def paper(*, failures: bool) -> str:
    """Have all parts written at the same time, each with a second try, and publish them."""
    barrier = Barrier(len(PARTS))

    async def part(name: str) -> None:
        for _ in range(TRIES):
            try:
                await write_part(name)
            except Exception:
                if failures:
                    barrier.arrive(name)
            else:
                barrier.arrive(name)
                return

    writing = [asyncio.ensure_future(part(name)) for name in PARTS]
    try:
        return await publish(barrier.there) if await barrier.passed(60) else "The paper is not out."
    finally:
        await asyncio.gather(*writing, return_exceptions=True)


@APP.agent
async def agent() -> str:
    """Bring the paper out."""
    return await paper(failures=True)


@APP.agent
async def mended() -> str:
    """Bring the paper out when it is whole."""
    return await paper(failures=False)


INPUT: dict[str, object] = {}
RULE = "WHOLE-PAPER"
WITNESS = {"inject": [{"fault": "error", "tool": "write_part", "nth": 3}]}
CAUSE = {"tool": "write_part", "nth": 3}
