"""Threads and what they wait for."""

# ruff: noqa: D401 (a docstring names the construct that its agent is about)
from __future__ import annotations

import queue as queues
import threading
import time
from collections.abc import Callable
from typing import Any

from tests.conformance.world import app, look

NAMES = [f"n{number}" for number in range(5)]


def _all(job: Callable[[str], None], names: list[str] = NAMES) -> None:
    threads = [threading.Thread(target=job, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@app.agent
def threads() -> list[str]:
    """threading.Thread: answers in the order of ends."""
    seen: list[str] = []
    _all(lambda name: seen.append(look(name)))
    return seen


@app.agent
def thread_queue() -> list[str]:
    """threading.Thread and queue.Queue: producers and consumers."""
    work: queues.Queue[str | None] = queues.Queue(maxsize=2)
    seen: list[str] = []

    def consume(name: str) -> None:
        while (item := work.get()) is not None:
            seen.append(f"{name} got {look(item)}")

    consumers = [threading.Thread(target=consume, args=(name,)) for name in "xy"]
    for thread in consumers:
        thread.start()
    _all(lambda name: work.put(look(name)))
    for _ in consumers:
        work.put(None)
    for thread in consumers:
        thread.join()
    return seen


@app.agent
def simple_queue() -> list[str]:
    """queue.SimpleQueue, which is written in C."""
    inbox: queues.SimpleQueue[str] = queues.SimpleQueue()
    threads = [threading.Thread(target=lambda name=name: inbox.put(look(name))) for name in NAMES]
    for thread in threads:
        thread.start()
    seen = [inbox.get() for _ in NAMES]
    for thread in threads:
        thread.join()
    return seen


@app.agent
def queue_timeout() -> list[str]:
    """queue.Queue.get(timeout=…) that may come back with nothing."""
    inbox: queues.Queue[str] = queues.Queue()
    threads = [threading.Thread(target=lambda name=name: inbox.put(look(name))) for name in NAMES]
    for thread in threads:
        thread.start()
    seen: list[str] = []
    while sum(item != "nothing" for item in seen) < len(NAMES):
        try:
            seen.append(inbox.get(timeout=0.0007))
        except queues.Empty:
            seen.append("nothing")
    for thread in threads:
        thread.join()
    return seen


@app.agent
def thread_lock() -> list[str]:
    """threading.Lock: whoever gets it."""
    gate, seen = threading.Lock(), []

    def job(name: str) -> None:
        look(f"{name} warms up")
        with gate:
            seen.append(look(name))
            seen.append(f"{name} leaves")

    _all(job)
    return seen


@app.agent
def lock_not_waited_for() -> list[str]:
    """Lock.acquire(blocking=False) and acquire(timeout=…): some go away."""
    gate, seen = threading.Lock(), []

    def job(name: str) -> None:
        look(f"{name} warms up")
        if gate.acquire(blocking=False) or gate.acquire(timeout=0.001):
            seen.append(look(name))
            gate.release()
        else:
            seen.append(f"{name} went away")

    _all(job)
    return seen


@app.agent
def reentrant_lock() -> list[str]:
    """threading.RLock, taken twice."""
    gate, seen = threading.RLock(), []

    def job(name: str) -> None:
        with gate:
            seen.append(look(name))
            with gate:
                seen.append(f"{name} again")

    _all(job)
    return seen


@app.agent
def thread_event() -> list[str]:
    """threading.Event: set by the first, waited for by the others, with a timeout."""
    ready, seen = threading.Event(), []

    def job(name: str) -> None:
        answer = look(name)
        if name == "n2":
            ready.set()
        seen.append(f"{answer} {ready.wait(0.001)}")

    _all(job)
    return seen


@app.agent
def thread_condition() -> list[str]:
    """threading.Condition: waiters for a count."""
    changed, seen = threading.Condition(), []
    count = 0

    def job(name: str) -> None:
        nonlocal count
        answer = look(name)
        with changed:
            count += 1
            changed.notify_all()
            changed.wait_for(lambda: count >= 3)
            seen.append(f"{answer} at {count}")

    _all(job)
    return seen


@app.agent
def thread_barrier() -> list[Any]:
    """threading.Barrier: places in the order of coming."""
    gate, seen = threading.Barrier(len(NAMES)), []

    def job(name: str) -> None:
        answer = look(name)
        seen.append([answer, gate.wait()])

    _all(job)
    return seen


@app.agent
def thread_semaphore() -> list[str]:
    """threading.Semaphore: two at a time."""
    gate, seen = threading.BoundedSemaphore(2), []

    def job(name: str) -> None:
        with gate:
            seen.append(f"{name} in")
            seen.append(look(name))

    _all(job)
    return seen


@app.agent
def timer_thread() -> list[str]:
    """threading.Timer: some fire, some are cancelled in time."""
    seen: list[str] = []
    timers = [
        threading.Timer(number / 1000, lambda number=number: seen.append(f"timer {number}")) for number in range(5)
    ]
    for timer in timers:
        timer.start()
    seen.append(look("meanwhile"))
    for timer in timers:
        timer.cancel()
        timer.join()
    return seen


@app.agent
def thread_local() -> list[str]:
    """threading.local: each thread finds its own."""
    own, seen = threading.local(), []

    def job(name: str) -> None:
        own.name = look(name)
        look("in between")
        seen.append(own.name)

    _all(job)
    return [*seen, str(hasattr(own, "name"))]


@app.agent
def join_with_timeout() -> list[str]:
    """Thread.join(timeout=…) and is_alive: who is still there."""
    seen: list[str] = []
    threads = [threading.Thread(target=lambda name=name: seen.append(look(name))) for name in NAMES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=0.0005)
        seen.append(f"alive {thread.is_alive()}")
    for thread in threads:
        thread.join()
    return seen


@app.agent
def threads_that_sleep() -> list[str]:
    """time.sleep in threads: the order of waking."""
    seen: list[str] = []

    def job(name: str) -> None:
        answer = look(name)
        time.sleep(int(answer[-2:]) / 50_000)
        seen.append(answer)

    _all(job)
    return seen


@app.agent
def shared_list() -> list[str]:
    """Threads that share a list without a lock, looking at it again and again."""
    seen: list[str] = []

    def job(name: str) -> None:
        for number in range(3):
            before = len(seen)
            answer = look(f"{name}{number}")
            seen.append(f"{answer} {len(seen) - before}")

    _all(job, NAMES[:3])
    return seen


@app.agent
def lost_updates() -> int:
    """A counter that threads read before and write after a call."""
    count = 0

    def job(name: str) -> None:
        nonlocal count
        for _ in range(4):
            before = count
            look(name)
            count = before + 1

    _all(job)
    return count


@app.agent
def thread_with_an_error() -> list[str]:
    """A thread whose end is an exception that it hands over itself."""
    seen: list[str] = []

    def job(name: str) -> None:
        try:
            answer = look(name)
            if int(answer[-1]) % 2:
                raise ValueError(f"odd: {answer}")
            seen.append(answer)
        except ValueError as error:
            seen.append(str(error))

    _all(job)
    return seen


@app.agent
def threads_of_threads() -> list[str]:
    """Threads that start threads."""
    seen: list[str] = []

    def job(name: str) -> None:
        seen.append(look(name))
        _all(lambda inner: seen.append(look(f"{name}/{inner}")), NAMES[:2])

    _all(job, NAMES[:3])
    return seen


@app.agent
def daemon_thread() -> list[str]:
    """A daemon thread that is still at work when the agent returns."""
    seen: list[str] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.0005):
            seen.append("tick")

    threading.Thread(target=watch, daemon=True).start()
    answers = [look(name) for name in NAMES[:3]]
    stop.set()
    return answers + seen[:]


@app.agent
def spinning() -> int:
    """A thread that looks at the clock until another one has ended, which must get its turn all the same."""
    thread = threading.Thread(target=look, args=("slow",))
    thread.start()
    rounds, deadline = 0, time.monotonic() + 3
    while thread.is_alive():
        rounds += 1
        if time.monotonic() > deadline:
            raise TimeoutError("the other thread never got its turn")
    return rounds
