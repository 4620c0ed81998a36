"""One app for every small agent, and tools that never take the same time nor give the same answer twice."""

from __future__ import annotations

import asyncio
import random
import time
import uuid

import harness

app = harness.Harness()


@app.tool(effect="read")
async def fetch(name: str) -> str:
    """Answer after a while."""
    await asyncio.sleep(_a_while())
    return _answer(name)


@app.tool(effect="read")
def look(name: str) -> str:
    """Answer after a while, holding up the thread that asks."""
    time.sleep(_a_while())
    return _answer(name)


@app.tool(effect="read")
async def late(name: str, seconds: float) -> str:
    """Answer after a given time."""
    await asyncio.sleep(seconds)
    return _answer(name)


@app.tool(effect="write")
def unsure(name: str, attempt: int) -> str:
    """Fail two times of three."""
    time.sleep(_a_while() / 4)
    if random.random() < 2 / 3:
        raise ConnectionError(f"{name} is down for the {attempt}. time, says {uuid.uuid4()}")
    return _answer(name)


@app.tool(effect="write")
async def broken(name: str) -> str:
    """Fail after a while, always."""
    await asyncio.sleep(_a_while())
    raise ConnectionError(_answer(name))


@app.tool(effect="write")
def booked(name: str) -> str:
    """Give a booking number that is new each time."""
    return f"{name}-{uuid.uuid4()}"


def _a_while() -> float:
    return random.random() * 0.004


def _answer(name: str) -> str:
    return f"{name}:{random.getrandbits(24):06x}@{time.time_ns() % 1_000_000}"
