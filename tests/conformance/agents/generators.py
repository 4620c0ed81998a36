"""Generators and context managers, plain and asynchronous."""

# ruff: noqa: D401 (a docstring names the construct that its agent is about)
from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, AsyncIterator, Iterator

from tests.conformance.world import app, fetch, look


async def _answers(name: str, count: int) -> AsyncIterator[str]:
    for number in range(count):
        yield await fetch(f"{name}{number}")


@app.agent
async def async_generator() -> list[str]:
    """Two async generators taken from by racing tasks."""
    seen: list[str] = []

    async def drain(name: str) -> None:
        async for answer in _answers(name, 4):
            seen.append(answer)

    await asyncio.gather(drain("a"), drain("b"))
    return seen


@app.agent
async def async_generator_left_early() -> list[str]:
    """An async generator that is left in the middle and makes a call while it is closed."""
    seen: list[str] = []

    async def talking() -> AsyncGenerator[str, None]:
        try:
            while True:
                yield await fetch("more")
        finally:
            seen.append(await fetch("closing"))

    async with contextlib.aclosing(talking()) as answers:
        async for answer in answers:
            seen.append(answer)
            if random.random() < 0.4:
                break
    return seen


@app.agent
async def async_generator_never_closed() -> list[str]:
    """An async generator that nobody closes: the loop does, at its end."""
    seen: list[str] = []
    async for answer in _answers("a", 9):
        seen.append(answer)
        if len(seen) == 3:
            break
    return [*seen, await fetch("last")]


@app.agent
def generator() -> list[str]:
    """Plain generators that call tools, one fed by the other."""

    def answers(count: int) -> Iterator[str]:
        for number in range(count):
            yield look(f"g{number}")

    def doubled(source: Iterator[str]) -> Iterator[str]:
        for answer in source:
            yield look(f"again {answer}")

    return list(doubled(answers(3)))


@app.agent
async def exit_stack() -> list[str]:
    """contextlib.AsyncExitStack over a number of contexts that chance decides."""
    seen: list[str] = []

    @contextlib.asynccontextmanager
    async def opened(name: str) -> AsyncIterator[str]:
        answer = await fetch(f"open {name}")
        yield answer
        seen.append(await fetch(f"close {answer}"))

    async with contextlib.AsyncExitStack() as stack:
        for number in range(random.randint(2, 5)):
            seen.append(await stack.enter_async_context(opened(f"c{number}")))
    return seen
