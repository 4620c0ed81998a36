"""Thread pools, and the ways between threads and an event loop."""

from __future__ import annotations

import asyncio
import concurrent.futures
import time
from concurrent.futures import ThreadPoolExecutor

from tests.conformance.world import app, fetch, look

NAMES = [f"n{number}" for number in range(6)]


@app.agent
async def to_thread() -> list[str]:
    """asyncio.to_thread: blocking tools side by side."""
    seen: list[str] = []

    async def one(name: str) -> None:
        seen.append(await asyncio.to_thread(look, name))

    await asyncio.gather(*map(one, NAMES))
    return seen


@app.agent
async def to_thread_races_tasks() -> list[str]:
    """asyncio.to_thread beside asynchronous calls: who is first."""
    calls = [asyncio.to_thread(look, name) for name in NAMES[:3]] + [fetch(name) for name in NAMES[3:]]
    return [await done for done in asyncio.as_completed(calls)]


@app.agent
async def to_thread_too_late() -> list[str]:
    """asyncio.to_thread under a timeout that may fire; the thread goes on regardless."""
    seen: list[str] = []

    def slow(name: str) -> str:
        answer = look(name)
        seen.append(f"thread {answer}")
        return answer

    for name in NAMES[:4]:
        try:
            seen.append(await asyncio.wait_for(asyncio.to_thread(slow, name), 0.002))
        except TimeoutError:
            seen.append(f"{name} is too late")
    await asyncio.sleep(0.01)
    return seen


@app.agent
async def run_in_executor() -> list[str]:
    """loop.run_in_executor with the default executor, several calls in each job."""
    loop, seen = asyncio.get_running_loop(), []

    def job(name: str) -> str:
        return look(look(name))

    for done in asyncio.as_completed([loop.run_in_executor(None, job, name) for name in NAMES]):
        seen.append(await done)
    return seen


@app.agent
async def run_in_own_executor() -> list[str]:
    """loop.run_in_executor with a pool of two threads of one's own."""
    loop, started = asyncio.get_running_loop(), []

    def job(name: str) -> str:
        started.append(name)
        return look(name)

    with ThreadPoolExecutor(2) as pool:
        answers = await asyncio.gather(*(loop.run_in_executor(pool, job, name) for name in NAMES))
    return started + answers


@app.agent
def pool_map() -> list[str]:
    """ThreadPoolExecutor.map: results in order, starts in any."""
    seen: list[str] = []

    def job(name: str) -> str:
        answer = look(name)
        seen.append(answer)
        return look(f"again {name}")

    with ThreadPoolExecutor(3) as pool:
        return list(pool.map(job, NAMES)) + seen


@app.agent
def pool_as_completed() -> list[str]:
    """concurrent.futures.as_completed over submitted jobs."""
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(look, name) for name in NAMES]
        return [future.result() for future in concurrent.futures.as_completed(futures)]


@app.agent
def pool_wait() -> list[list[str]]:
    """concurrent.futures.wait(FIRST_COMPLETED), round after round."""
    rounds: list[list[str]] = []
    with ThreadPoolExecutor(3) as pool:
        pending = {pool.submit(look, name) for name in NAMES}
        while pending:
            done, pending = concurrent.futures.wait(pending, return_when=concurrent.futures.FIRST_COMPLETED)
            rounds.append(sorted(future.result() for future in done))
    return rounds


@app.agent
def pool_result_timeout() -> list[str]:
    """Future.result(timeout=…) that may be too impatient."""
    seen: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(look, name) for name in NAMES]:
            try:
                seen.append(future.result(timeout=0.001))
            except concurrent.futures.TimeoutError:
                seen.append("not yet")
                seen.append(future.result())
    return seen


@app.agent
def pool_cancelled() -> list[str]:
    """ThreadPoolExecutor.shutdown(cancel_futures=True): which jobs had begun."""
    pool = ThreadPoolExecutor(2)
    futures = [pool.submit(look, name) for name in NAMES]
    look("meanwhile")
    pool.shutdown(cancel_futures=True)
    return ["cancelled" if future.cancelled() else future.result() for future in futures]


@app.agent
def pool_callbacks() -> list[str]:
    """Future.add_done_callback: told by the threads, in the order of ends."""
    seen: list[str] = []
    with ThreadPoolExecutor(4) as pool:
        for name in NAMES:
            pool.submit(look, name).add_done_callback(lambda future: seen.append(future.result()))
    return seen


@app.agent
async def run_coroutine_threadsafe() -> list[str]:
    """asyncio.run_coroutine_threadsafe: threads that have the loop call for them."""
    loop, seen = asyncio.get_running_loop(), []

    def job(name: str) -> str:
        answer = asyncio.run_coroutine_threadsafe(fetch(name), loop).result()
        seen.append(answer)
        return look(answer)

    answers = await asyncio.gather(*(asyncio.to_thread(job, name) for name in NAMES))
    return seen + answers


@app.agent
async def call_soon_threadsafe() -> list[str]:
    """loop.call_soon_threadsafe: threads that put their answers into the loop's own queue."""
    loop, inbox = asyncio.get_running_loop(), asyncio.Queue[str]()

    def job(name: str) -> None:
        loop.call_soon_threadsafe(inbox.put_nowait, look(name))

    jobs = asyncio.gather(*(asyncio.to_thread(job, name) for name in NAMES))
    seen = [await inbox.get() for _ in NAMES]
    await jobs
    return seen


@app.agent
async def blocking_sleep() -> list[str]:
    """time.sleep in an asynchronous agent: everybody has to wait."""
    seen: list[str] = []

    async def rude(name: str) -> None:
        time.sleep(0.002)
        seen.append(await fetch(name))
        time.sleep(0.001)
        seen.append(f"{name} slept")

    await asyncio.gather(*map(rude, NAMES[:4]))
    return seen


@app.agent
async def loop_in_a_thread() -> list[str]:
    """asyncio.run in a thread of an asynchronous agent: two loops at once."""
    seen: list[str] = []

    async def inner(name: str) -> str:
        return "+".join(await asyncio.gather(fetch(f"{name} one"), fetch(f"{name} two")))

    async def one(name: str) -> None:
        seen.append(await asyncio.to_thread(lambda: asyncio.run(inner(name))))

    await asyncio.gather(one("a"), one("b"), one("c"))
    return seen


@app.agent
def wrapped_future() -> list[str]:
    """asyncio.wrap_future: a pool's futures awaited in a loop."""

    async def main() -> list[str]:
        with ThreadPoolExecutor(3) as pool:
            jobs = [asyncio.wrap_future(pool.submit(look, name)) for name in NAMES]
            return [await done for done in asyncio.as_completed(jobs)]

    return asyncio.run(main())
