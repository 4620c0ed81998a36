"""Tasks of asyncio: who ends first, who is cancelled, who is late."""

# ruff: noqa: D401 (a docstring names the construct that its agent is about)
from __future__ import annotations

import asyncio
import contextvars
import random
from typing import Any

from tests.conformance.world import app, broken, fetch, late

NAMES = [f"n{number}" for number in range(8)]


@app.agent
async def gather() -> dict[str, Any]:
    """asyncio.gather: results in order, ends in any."""
    ended: list[str] = []

    async def one(name: str) -> str:
        answer = await fetch(name)
        ended.append(name)
        return answer

    return {"answers": await asyncio.gather(*map(one, NAMES)), "ended": ended}


@app.agent
async def gather_with_errors() -> list[str]:
    """asyncio.gather(return_exceptions=True)."""
    calls = [fetch(name) if number % 2 else broken(name) for number, name in enumerate(NAMES)]
    return [str(found) for found in await asyncio.gather(*calls, return_exceptions=True)]


@app.agent
async def as_completed() -> list[str]:
    """asyncio.as_completed over coroutines, a call after each."""
    seen: list[str] = []
    for done in asyncio.as_completed([fetch(name) for name in NAMES]):
        seen += [await done, await fetch(f"after {len(seen)}")]
    return seen


@app.agent
async def as_completed_tasks() -> list[str]:
    """asyncio.as_completed over a set of tasks."""
    tasks = {asyncio.create_task(fetch(name)) for name in NAMES}
    return [await done for done in asyncio.as_completed(tasks)]


@app.agent
async def wait_first_completed() -> list[Any]:
    """asyncio.wait(FIRST_COMPLETED), round after round."""
    pending = {asyncio.create_task(fetch(name), name=name) for name in NAMES}
    rounds: list[Any] = []
    while pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        rounds.append([task.result() for task in done])
    return rounds


@app.agent
async def wait_first_exception() -> list[Any]:
    """asyncio.wait(FIRST_EXCEPTION): how many had ended when the first one failed."""
    tasks = [asyncio.create_task(fetch(name)) for name in NAMES]
    tasks.append(asyncio.create_task(broken("bad")))
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    for task in pending:
        task.cancel()
    return [sorted(str(task.exception() or task.result()) for task in done), len(pending)]


@app.agent
async def wait_with_timeout() -> list[Any]:
    """asyncio.wait(timeout=…): what is there in time."""
    tasks = [asyncio.create_task(fetch(name)) for name in NAMES]
    done, pending = await asyncio.wait(tasks, timeout=0.002)
    found: list[Any] = [sorted(task.result() for task in done), len(pending)]
    for task in pending:
        task.cancel()
    return found


@app.agent
async def task_group() -> list[str]:
    """asyncio.TaskGroup: children that note when they end."""
    seen: list[str] = []

    async def child(name: str) -> None:
        seen.append(await fetch(name))

    async with asyncio.TaskGroup() as group:
        for name in NAMES:
            group.create_task(child(name))
    return seen


@app.agent
async def task_group_failing() -> list[Any]:
    """asyncio.TaskGroup with a child that fails: the others are cancelled wherever they are."""
    seen: list[str] = []
    failed: list[str] = []

    async def child(name: str) -> None:
        try:
            seen.append(await fetch(name))
        except asyncio.CancelledError:
            seen.append(f"{name} cancelled")
            raise

    try:
        async with asyncio.TaskGroup() as group:
            for name in NAMES:
                group.create_task(child(name))
            group.create_task(broken("bad"))
    except* ConnectionError as errors:
        failed += [str(error) for error in errors.exceptions]
    return [seen, failed]


@app.agent
async def nested_tasks() -> list[str]:
    """Tasks that make tasks that make tasks."""
    seen: list[str] = []

    async def branch(name: str, depth: int) -> None:
        seen.append(await fetch(name))
        if depth:
            await asyncio.gather(*(branch(f"{name}.{number}", depth - 1) for number in range(2)))

    await asyncio.gather(branch("a", 2), branch("b", 2))
    return seen


@app.agent
async def cancellation() -> list[str]:
    """Task.cancel in the middle of a call, with a call while being cancelled."""
    seen: list[str] = []

    async def worker(name: str) -> None:
        try:
            for number in range(9):
                seen.append(await fetch(f"{name}{number}"))
        finally:
            seen.append(await fetch(f"{name} says goodbye"))

    workers = [asyncio.create_task(worker(name)) for name in "abc"]
    await fetch("long enough")
    await fetch("really")
    for task in workers:
        task.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    return seen


@app.agent
async def cancelled_in_a_sleep() -> list[str]:
    """A cancellation that meets a sleep, a call or nothing any more."""

    async def worker(number: int) -> str:
        await asyncio.sleep(number / 2000)
        return await fetch(f"w{number}")

    tasks = [asyncio.create_task(worker(number)) for number in range(6)]
    await fetch("a while")
    ends = [f"{number}:{task.cancel()}" for number, task in enumerate(tasks)]
    found = await asyncio.gather(*tasks, return_exceptions=True)
    return ends + [repr(one) for one in found]


@app.agent
async def shield() -> list[str]:
    """asyncio.shield: the caller is cancelled, the call goes on."""
    inner = [asyncio.create_task(fetch(name)) for name in NAMES[:4]]
    seen: list[str] = []
    for task in inner:
        try:
            seen.append(await asyncio.wait_for(asyncio.shield(task), 0.001))
        except TimeoutError:
            seen.append("later")
    return seen + await asyncio.gather(*inner)


@app.agent
async def wait_for_timeout() -> list[str]:
    """asyncio.wait_for that fires, or does not."""
    seen: list[str] = []
    for name in NAMES:
        try:
            seen.append(await asyncio.wait_for(fetch(name), 0.002))
        except TimeoutError:
            seen.append(f"{name} is too late")
    return seen


@app.agent
async def timeout_block() -> list[str]:
    """asyncio.timeout around several calls: how far they came."""
    seen: list[str] = []
    try:
        async with asyncio.timeout(0.008) as limit:
            for name in NAMES:
                seen.append(await fetch(name))
                if name == "n1":
                    limit.reschedule(limit.when() + 0.002)  # type: ignore[operator]
    except TimeoutError:
        seen.append("time is up")
    return seen


@app.agent
async def timeout_that_always_fires() -> list[str]:
    """A timeout that is always shorter than the call."""
    seen: list[str] = []
    for number in range(3):
        try:
            async with asyncio.timeout(0.001 * (number + 1)):
                seen.append(await late(f"l{number}", 5))
        except TimeoutError:
            seen.append("too late")
    return seen


@app.agent
async def call_later() -> list[str]:
    """loop.call_later and call_at beside calls: what comes first."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    seen: list[str] = []
    for number in range(4):
        loop.call_later(number / 1000, seen.append, f"timer {number}")
    loop.call_at(loop.time() + 0.006, done.set)

    async def call(name: str) -> None:
        seen.append(await fetch(name))

    await asyncio.gather(done.wait(), *map(call, NAMES[:4]))
    return seen


@app.agent
async def done_callbacks() -> list[str]:
    """Task.add_done_callback: told in the order of ends."""
    seen: list[str] = []
    tasks = [asyncio.create_task(fetch(name)) for name in NAMES]
    for task in tasks:
        task.add_done_callback(lambda ended: seen.append(ended.result()))
    await asyncio.wait(tasks)
    return seen


@app.agent
async def bare_future() -> list[str]:
    """A future that whoever is first resolves."""
    first: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def racer(name: str) -> None:
        answer = await fetch(name)
        if not first.done():
            first.set_result(answer)

    tasks = [asyncio.create_task(racer(name)) for name in NAMES]
    winner = await first
    await asyncio.gather(*tasks)
    return [winner]


@app.agent
async def context_variables() -> list[str]:
    """contextvars: each task writes its own, and what it finds there goes into its next call."""
    said: contextvars.ContextVar[str] = contextvars.ContextVar("said", default="nothing")
    seen: list[str] = []

    async def one(name: str) -> None:
        said.set(await fetch(f"{name} after {said.get()}"))
        seen.append(await fetch(said.get()))

    said.set("hello")
    await asyncio.gather(*map(one, NAMES[:4]))
    return [*seen, said.get()]


@app.agent
async def polling() -> list[Any]:
    """asyncio.sleep in a loop until a call has ended: how many times round."""
    task, rounds = asyncio.create_task(fetch("slow")), 0
    while not task.done():
        await asyncio.sleep(0.0005)
        rounds += 1
    return [rounds, task.result()]


@app.agent
async def sleep_sort() -> list[str]:
    """Tasks that sleep for as long as a tool's answer says."""
    seen: list[str] = []

    async def one(name: str) -> None:
        answer = await fetch(name)
        await asyncio.sleep(int(answer[-3:-1]) / 50_000)
        seen.append(answer)

    await asyncio.gather(*map(one, NAMES))
    return seen


@app.agent
async def hedged_requests() -> str:
    """The first of several equal calls wins, the rest are cancelled, with random starts."""

    async def hedge(after: float) -> str:
        await asyncio.sleep(after)
        return await fetch("the same")

    tasks = [asyncio.create_task(hedge(random.random() / 500)) for _ in range(4)]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    return next(iter(done)).result()
