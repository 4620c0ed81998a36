"""The constructs of anyio, on asyncio."""

from __future__ import annotations

import anyio
import anyio.from_thread
import anyio.to_thread
from anyio.streams.memory import MemoryObjectSendStream

from tests.conformance.world import app, fetch, look

NAMES = [f"n{number}" for number in range(5)]


@app.agent
async def anyio_task_group() -> list[str]:
    """anyio.create_task_group, left by cancelling its scope once three are there."""
    seen: list[str] = []

    async with anyio.create_task_group() as group:

        async def one(name: str) -> None:
            seen.append(await fetch(name))
            if len(seen) == 3:
                group.cancel_scope.cancel()

        for name in NAMES:
            group.start_soon(one, name)
    return seen


@app.agent
async def anyio_to_thread() -> list[str]:
    """anyio.to_thread.run_sync under a limiter of two, and from_thread.run back into the loop."""
    seen: list[str] = []
    limiter = anyio.CapacityLimiter(2)

    def job(name: str) -> None:
        seen.append(look(name))
        seen.append(anyio.from_thread.run(fetch, f"back {name}"))

    async with anyio.create_task_group() as group:

        async def one(name: str) -> None:
            await anyio.to_thread.run_sync(job, name, limiter=limiter)

        for name in NAMES:
            group.start_soon(one, name)
    return seen


@app.agent
async def anyio_move_on_after() -> list[str]:
    """anyio.move_on_after and fail_after."""
    seen: list[str] = []
    for name in NAMES:
        with anyio.move_on_after(0.002) as scope:
            seen.append(await fetch(name))
        seen.append(str(scope.cancelled_caught))
    try:
        with anyio.fail_after(0.003):
            for name in NAMES:
                seen.append(await fetch(name))
    except TimeoutError:
        seen.append("time is up")
    return seen


@app.agent
async def anyio_memory_stream() -> list[str]:
    """anyio.create_memory_object_stream between tasks."""
    seen: list[str] = []
    send, receive = anyio.create_memory_object_stream[str](1)

    async def produce(name: str, out: MemoryObjectSendStream[str]) -> None:
        async with out:
            for number in range(2):
                await out.send(await fetch(f"{name}{number}"))

    async with anyio.create_task_group() as group:
        async with send:
            for name in "abc":
                group.start_soon(produce, name, send.clone())
        async with receive:
            async for item in receive:
                seen.append(item)
    return seen


@app.agent
def anyio_run() -> list[str]:
    """anyio.run in a synchronous agent."""

    async def main() -> list[str]:
        seen: list[str] = []

        async def one(name: str) -> None:
            seen.append(await fetch(name))

        async with anyio.create_task_group() as group:
            for name in NAMES:
                group.start_soon(one, name)
        return seen

    return anyio.run(main)
