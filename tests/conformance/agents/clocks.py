"""Clocks, in all their spellings, and names that were bound before any session."""

# ruff: noqa: D401 (a docstring names the construct that its agent is about)
from __future__ import annotations

import asyncio
import datetime
import time
from datetime import UTC
from datetime import datetime as moment
from time import monotonic, perf_counter_ns
from time import time as now
from typing import Any

from tests.conformance.world import app, fetch, look


@app.agent
def wall_clock() -> list[Any]:
    """time.time and time.time_ns around a call."""
    before = time.time()
    look(f"at {before}")
    return [before, time.time_ns()]


@app.agent
def monotonic_deadline() -> list[str]:
    """time.monotonic: calls until a deadline."""
    end, seen = time.monotonic() + 0.008, []
    while (left := end - time.monotonic()) > 0:
        seen.append(look(f"{left:.6f} left"))
    return seen


@app.agent
def stop_watch() -> list[str]:
    """time.perf_counter: how long each call took goes into the next."""
    took = "nothing"
    seen: list[str] = []
    for number in range(4):
        start = time.perf_counter()
        seen.append(look(f"{number} after {took}"))
        took = f"{time.perf_counter() - start:.9f}"
    return seen


@app.agent
def cpu_time() -> list[Any]:
    """time.process_time, time.thread_time and time.clock_gettime."""
    return [time.process_time(), time.thread_time_ns(), time.clock_gettime(time.CLOCK_REALTIME), look("x")]


@app.agent
def calendar() -> list[str]:
    """datetime.now, utcnow-like, today, date.today, and time.strftime of the present."""
    today = f"{datetime.datetime.now():%A %H:%M:%S.%f} {datetime.date.today()}"  # noqa: DTZ005, DTZ011
    look(f"today is {today}")
    return [today, str(datetime.datetime.now(UTC)), time.strftime("%H:%M:%S"), time.ctime(), str(time.localtime())]


@app.agent
def early_bound_time() -> list[Any]:
    """``from time import time``, bound when the module was imported."""
    seen = [now(), monotonic(), perf_counter_ns()]
    return [*seen, look(str(seen))]


@app.agent
def early_bound_datetime() -> list[str]:
    """``from datetime import datetime``, bound when the module was imported."""
    seen = moment.now(UTC).isoformat()
    return [seen, look(seen)]


class Stamp(datetime.datetime):
    """A subclass, as pendulum and others make them."""


@app.agent
def datetime_subclass() -> list[str]:
    """A subclass of datetime keeps its class and is captured."""
    stamp = Stamp.now(UTC)
    return [type(stamp).__name__, look(stamp.isoformat())]


@app.agent
def bound_method() -> list[str]:
    """A clock handed on as a value: a default factory, a bound classmethod."""
    clock = datetime.datetime.now
    seen = [str(clock(UTC)) for _ in range(3)]
    return [*seen, look(seen[-1])]


@app.agent
def sleeping() -> list[str]:
    """time.sleep measured by the clock."""
    start = time.monotonic()
    time.sleep(0.003)
    return [look(f"slept {time.monotonic() - start:.9f}")]


@app.agent
async def loop_time() -> list[Any]:
    """loop.time beside time.monotonic in tasks."""
    loop, seen = asyncio.get_running_loop(), []

    async def one(name: str) -> None:
        start = loop.time(), time.monotonic()
        await fetch(name)
        seen.append([name, loop.time() - start[0], time.monotonic() - start[1]])

    await asyncio.gather(one("a"), one("b"), one("c"))
    return seen


@app.agent
async def clock_in_tasks() -> list[str]:
    """time.time_ns read by racing tasks, between calls."""
    seen: list[str] = []

    async def one(name: str) -> None:
        for number in range(3):
            seen.append(await fetch(f"{name}{number} at {time.time_ns()}"))

    await asyncio.gather(one("a"), one("b"), one("c"))
    return seen


@app.agent
def time_to_live_cache() -> list[str]:
    """A cache whose entries grow old."""
    kept: dict[str, tuple[float, str]] = {}
    seen: list[str] = []
    for _ in range(6):
        until, answer = kept.get("x", (0.0, ""))
        if time.monotonic() >= until:
            answer = look("x")
            kept["x"] = (time.monotonic() + 0.002, answer)
        seen.append(answer)
        look("else")
    return seen


@app.agent
async def rate_limiter() -> list[str]:
    """A token bucket on the clock of the event loop."""
    loop = asyncio.get_running_loop()
    next_free, seen = loop.time(), []

    async def one(name: str) -> None:
        nonlocal next_free
        mine = max(next_free, loop.time())
        next_free = mine + 0.001
        await asyncio.sleep(mine - loop.time())
        seen.append(await fetch(name))

    await asyncio.gather(*(one(f"n{number}") for number in range(6)))
    return seen
