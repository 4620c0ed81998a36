"""How control goes: retries, recursion, errors, and loops inside plain functions."""

# ruff: noqa: D401 (a docstring names the construct that its agent is about)
from __future__ import annotations

import asyncio
import functools
import random
import time

from tests.conformance.catalogue import raises
from tests.conformance.world import app, broken, fetch, look, unsure


@app.agent
def retries() -> list[str]:
    """A failing tool, tried again after a sleep with jitter."""
    seen: list[str] = []
    for attempt in range(1, 30):
        try:
            return [*seen, unsure("x", attempt)]
        except ConnectionError as error:
            pause = random.uniform(0.1, 1) * 0.0005 * min(attempt, 4)
            seen.append(f"{error} {pause}")
            time.sleep(pause)
    return seen


@app.agent
async def retries_side_by_side() -> list[str]:
    """Failing tools in tasks, each tried again after a sleep with jitter."""
    seen: list[str] = []

    async def one(name: str) -> None:
        for attempt in range(1, 4):
            try:
                await (fetch if attempt == 3 else broken)(name)
                seen.append(f"{name} at {attempt}")
                return
            except ConnectionError as error:
                seen.append(str(error))
                await asyncio.sleep(random.random() * 0.003)

    await asyncio.gather(one("a"), one("b"), one("c"))
    return seen


@raises("RuntimeError")
@app.agent
def raising() -> None:
    """An entry that ends with an error which chance words."""
    raise RuntimeError(f"{look('x')} {random.random()}")


@app.agent
async def exception_group() -> list[str]:
    """A group of errors in the order they came."""
    errors: list[Exception] = []

    async def one(name: str) -> None:
        try:
            await broken(name)
        except ConnectionError as error:
            errors.append(error)

    await asyncio.gather(*map(one, "abcd"))
    try:
        raise ExceptionGroup("all", errors)
    except* ConnectionError as group:
        seen = [str(error) for error in group.exceptions]
    return seen


@app.agent
async def recursion(depth: int = 3) -> list[str]:
    """An agent that calls itself, two at a time."""
    if depth == 0:
        return [await fetch("leaf")]
    found = [await done for done in asyncio.as_completed([recursion(depth - 1), recursion(depth - 1)])]
    return [*(answer for answers in found for answer in answers), await fetch(f"depth {depth}")]


@app.agent
def loop_in_a_function() -> list[str]:
    """asyncio.run in a synchronous agent, twice, with asynchronous tools."""

    async def race(name: str) -> list[str]:
        return [await done for done in asyncio.as_completed([fetch(f"{name}{number}") for number in range(4)])]

    return [*asyncio.run(race("a")), look("between"), *asyncio.run(race("b"))]


@app.agent
def runner_in_a_function() -> list[str]:
    """asyncio.Runner: several runs in one loop, with a task that stays between them."""
    seen: list[str] = []

    async def start() -> asyncio.Task[str]:
        return asyncio.create_task(fetch("staying"))

    async def end(task: asyncio.Task[str]) -> str:
        return await fetch(await task)

    with asyncio.Runner() as runner:
        task = runner.run(start())
        seen.append(look("between"))
        seen.append(runner.run(end(task)))
    return seen


@app.agent
def new_event_loop() -> list[str]:
    """asyncio.new_event_loop and run_until_complete, as older programs do it."""
    loop = asyncio.new_event_loop()
    try:
        return list(loop.run_until_complete(_race()))
    finally:
        loop.close()


async def _race() -> list[str]:
    return [await done for done in asyncio.as_completed([fetch(f"r{number}") for number in range(4)])]


@app.agent
def cached() -> list[str]:
    """functools.lru_cache over a tool, cleared by the agent."""
    seen = functools.lru_cache(look)
    return [seen("a"), seen("a"), seen("b"), seen("a")]
