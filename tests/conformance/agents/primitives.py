"""Queues, locks and their like from asyncio."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.conformance.world import app, fetch

NAMES = [f"n{number}" for number in range(6)]


@app.agent
async def queue() -> list[str]:
    """asyncio.Queue: three producers, two consumers, a bound."""
    work: asyncio.Queue[str] = asyncio.Queue(maxsize=2)
    seen: list[str] = []

    async def produce(name: str) -> None:
        for number in range(3):
            await work.put(await fetch(f"{name}{number}"))

    async def consume(name: str) -> None:
        while True:
            item = await work.get()
            seen.append(f"{name} got {await fetch(item)}")
            work.task_done()

    consumers = [asyncio.create_task(consume(name)) for name in "xy"]
    await asyncio.gather(*map(produce, "abc"))
    await work.join()
    for task in consumers:
        task.cancel()
    return seen


@app.agent
async def priority_queue() -> list[str]:
    """asyncio.PriorityQueue filled by racing calls."""
    work: asyncio.PriorityQueue[tuple[str, str]] = asyncio.PriorityQueue()

    async def produce(name: str) -> None:
        answer = await fetch(name)
        await work.put((answer[-3:], answer))

    tasks = [asyncio.create_task(produce(name)) for name in NAMES]
    seen = [(await work.get())[1] for _ in NAMES]
    await asyncio.gather(*tasks)
    return seen


@app.agent
async def queue_with_timeouts() -> list[str]:
    """asyncio.Queue read by one who does not wait for ever."""
    inbox: asyncio.Queue[str] = asyncio.Queue()

    async def source(name: str) -> None:
        await inbox.put(await fetch(name))

    tasks = [asyncio.create_task(source(name)) for name in NAMES]
    seen: list[str] = []
    while sum(item != "nothing" for item in seen) < len(NAMES):
        try:
            seen.append(await asyncio.wait_for(inbox.get(), 0.0005))
        except TimeoutError:
            seen.append("nothing")
    await asyncio.gather(*tasks)
    return seen


@app.agent
async def semaphore() -> list[str]:
    """asyncio.Semaphore: two at a time."""
    gate, seen = asyncio.Semaphore(2), []

    async def one(name: str) -> None:
        async with gate:
            seen.append(f"{name} in")
            seen.append(await fetch(name))

    await asyncio.gather(*map(one, NAMES))
    return seen


@app.agent
async def lock() -> list[str]:
    """asyncio.Lock: those who wait get it in the order they came."""
    gate, seen = asyncio.Lock(), []

    async def one(name: str) -> None:
        await fetch(f"{name} warms up")
        async with gate:
            seen.append(await fetch(name))

    await asyncio.gather(*map(one, NAMES))
    return seen


@app.agent
async def event() -> list[str]:
    """asyncio.Event: set by the first to come, waited for by the others."""
    ready, seen = asyncio.Event(), []

    async def one(name: str) -> None:
        answer = await fetch(name)
        if not ready.is_set():
            ready.set()
            seen.append(f"{name} was first")
        await ready.wait()
        seen.append(answer)

    await asyncio.gather(*map(one, NAMES))
    return seen


@app.agent
async def condition() -> list[str]:
    """asyncio.Condition: waiters for a count that grows with every answer."""
    changed, seen = asyncio.Condition(), []
    count = 0

    async def wait_for(number: int) -> None:
        async with changed:
            await changed.wait_for(lambda: count >= number)
            seen.append(f"{number} at {count}")

    async def one(name: str) -> None:
        nonlocal count
        answer = await fetch(name)
        async with changed:
            count += 1
            seen.append(answer)
            changed.notify_all()

    await asyncio.gather(*map(wait_for, (5, 3, 1)), *map(one, NAMES))
    return seen


@app.agent
async def barrier() -> list[Any]:
    """asyncio.Barrier: places in the order of coming."""
    gate, seen = asyncio.Barrier(3), []

    async def one(name: str) -> None:
        answer = await fetch(name)
        place = await gate.wait()
        seen.append([answer, place])

    await asyncio.gather(*map(one, NAMES))
    return seen
