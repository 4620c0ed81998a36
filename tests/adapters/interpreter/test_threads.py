"""Threads of an agent take turns, and nobody else's do."""

from __future__ import annotations

import _queue
import _thread
import asyncio
import queue
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import harness
from harness import Harness
from harness.door.trial import Trials, trial
from harness.stress.schedule import Schedule

SHARED_LOCK = threading.Lock()
SHARED_CONDITION = threading.Condition()
SHARED_POOL = ThreadPoolExecutor(2)
SHARED_QUEUE: queue.Queue[str] = queue.Queue()

app = Harness()


@app.tool(effect="read")
def look(name: str) -> str:
    """Answer after a while."""
    time.sleep(random.random() / 300)
    return f"{name} {time.time_ns() % 1000}"


def _in_threads(job: Any, count: int = 4) -> None:
    threads = [threading.Thread(target=job, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@app.agent
def pool_of_everybody() -> list[str]:
    """Use a pool that was made when the module was imported."""
    jobs = [SHARED_POOL.submit(look, f"n{number}") for number in range(6)]
    return [job.result() for job in as_completed(jobs)]


@app.agent
def lock_of_everybody() -> list[str]:
    """Hold a lock of the module's across a call."""
    seen: list[str] = []

    def job(number: int) -> None:
        look(f"warm {number}")
        with SHARED_LOCK:
            seen.append(look(str(number)))

    _in_threads(job)
    return seen


@app.agent
def queue_of_everybody() -> list[str]:
    """Hand on through a queue and a condition of the module's."""
    seen: list[str] = []

    def job(number: int) -> None:
        SHARED_QUEUE.put(look(str(number)))
        with SHARED_CONDITION:
            SHARED_CONDITION.notify_all()

    threads = [threading.Thread(target=job, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    with SHARED_CONDITION:
        SHARED_CONDITION.wait_for(lambda: SHARED_QUEUE.qsize() >= 2)
    seen.append(f"{SHARED_QUEUE.qsize()} are there")
    seen += [SHARED_QUEUE.get() for _ in threads]
    for thread in threads:
        thread.join()
    return seen


@app.agent
def interrupted_wait() -> list[str]:
    """Wait with timeouts for what comes later, or never."""
    never, seen = threading.Event(), []
    thread = threading.Thread(target=lambda: seen.append(look("slow")))
    thread.start()
    seen.append(f"never: {never.wait(0.001)}")
    seen.append(f"lock: {SHARED_LOCK.acquire(timeout=0.001)}")
    SHARED_LOCK.release()
    thread.join(0.002)
    seen.append(f"alive: {thread.is_alive()}")
    thread.join()
    return seen


@app.agent
def loops_in_threads() -> list[str]:
    """Run an event loop in each of two threads."""
    seen: list[str] = []

    async def main(number: int) -> None:
        for turn in range(3):
            await asyncio.sleep(0.0005 * number)
            seen.append(await asyncio.to_thread(look, f"{number}.{turn}"))

    _in_threads(lambda number: asyncio.run(main(number)), 2)
    return seen


AGENTS = [pool_of_everybody, lock_of_everybody, queue_of_everybody, interrupted_wait, loops_in_threads]


@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.__name__)
def test_races_replay(agent: Any, tmp_path: Path) -> None:
    """What was made outside the session is waited for in turn all the same, six recordings of six."""
    for number in range(6):
        trace = tmp_path / f"{number}.mat.jsonl"
        recorded = app.session(trace=trace).run(agent)
        replayed = harness.replay(trace, entry=agent)
        assert replayed.equal, replayed.divergence
        assert replayed.result == recorded


def test_two_recordings_of_a_race_differ(tmp_path: Path) -> None:
    """The test above has teeth: the order is not always the same."""
    orders = set()
    for number in range(8):
        seen = app.session(trace=tmp_path / f"{number}.mat.jsonl").run(lock_of_everybody)
        orders.add(" ".join(answer.split()[0] for answer in seen))
    assert len(orders) > 1


def test_nothing_is_left_of_it(tmp_path: Path) -> None:
    """After the session locks, queues, threads, pools and loops are what they were."""

    def places() -> list[Any]:
        return [
            _thread.LockType.acquire,
            _thread.LockType.__enter__,
            type(threading.RLock()).acquire,
            _queue.SimpleQueue.get,
            threading.Thread.start,
            threading.Thread.join,
            ThreadPoolExecutor.submit,
            asyncio.new_event_loop.__code__,
            asyncio.as_completed.__code__,
        ]

    before = places()
    app.session(trace=tmp_path / "a.mat.jsonl").run(pool_of_everybody)
    assert places() == before
    assert SHARED_POOL.submit(int, "7").result() == 7


def test_threads_of_others_wait_as_ever(tmp_path: Path) -> None:
    """While a session's threads take turns, a thread outside works with the same lock and is not stopped."""
    stop, rounds = threading.Event(), 0

    def outside() -> None:
        nonlocal rounds
        while not stop.is_set():
            with SHARED_LOCK:
                rounds += 1
            time.sleep(0.0002)

    thread = threading.Thread(target=outside)
    thread.start()
    app.session(trace=tmp_path / "a.mat.jsonl").run(lock_of_everybody)
    stop.set()
    thread.join()
    assert rounds > 5


def test_an_error_in_a_thread_is_the_agents(tmp_path: Path) -> None:
    """A job's exception reaches whoever asks for its result, recording and replaying."""

    @app.agent
    def failing() -> str:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(lambda: look("x") + 1).result()  # type: ignore[operator]

    with pytest.raises(TypeError):
        app.session(trace=tmp_path / "a.mat.jsonl").run(failing)
    replayed = harness.replay(tmp_path / "a.mat.jsonl", entry=failing)
    assert replayed.equal
    assert isinstance(replayed.error, TypeError)


def test_a_thread_that_cannot_be_started_is_no_member(tmp_path: Path) -> None:
    """A second start is refused as Python words it, and nobody waits for the turn of a thread that is not there."""

    def agent() -> str:
        thread = threading.Thread(target=look, args=("a",))
        thread.start()
        with pytest.raises(RuntimeError, match="once"):
            thread.start()
        thread.join(5)
        return look("b").split()[0]

    assert app.session(trace=tmp_path / "a.mat.jsonl").run(agent) == "b"


def test_a_worker_outlives_the_session_that_started_it(tmp_path: Path) -> None:
    """A job from outside is no call of a session that has ended, though a session was the first to use the pool."""

    def agent() -> str:
        return pool.submit(look, "inside").result().split()[0]

    with ThreadPoolExecutor(1) as pool:
        assert app.session(trace=tmp_path / "a.mat.jsonl").run(agent) == "inside"
        assert pool.submit(look, "outside").result().split()[0] == "outside"


def test_what_prepares_a_worker_belongs_to_the_session(tmp_path: Path) -> None:
    """A pool's initializer calls a tool, and the call is in the trace."""

    def agent() -> None:
        with ThreadPoolExecutor(1, initializer=look, initargs=("first",)) as pool:
            pool.submit(look, "then").result()

    with app.session(trace=tmp_path / "a.mat.jsonl") as session:
        session.run(agent)
        assert session.steps == 2


def test_sessions_at_once_have_pools_of_their_own(tmp_path: Path) -> None:
    """Two sessions that take turns with a pool of the module's each keep one worker for all their jobs."""
    meeting = threading.Barrier(2)
    workers: dict[str, set[int]] = {}

    @app.tool(effect="read")
    def meet() -> None:
        meeting.wait(10)

    def agent(name: str) -> None:
        for _ in range(3):
            workers.setdefault(name, set()).add(pool.submit(threading.get_ident).result())
            meet()

    def session(name: str) -> None:
        app.session(trace=tmp_path / f"{name}.mat.jsonl").run(agent, name=name)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
        sessions = [threading.Thread(target=session, args=(name,)) for name in "ab"]
        for one in sessions:
            one.start()
        for one in sessions:
            one.join()
    assert {name: len(seen) for name, seen in workers.items()} == {"a": 1, "b": 1}


@app.agent
def pool_of_its_own() -> list[str]:
    """Use a pool that ends with the work."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(str, range(2)))


def test_a_pool_ends_in_the_same_way_every_time() -> None:
    """Its workers are joined in the order in which they began, so that a run has as many places of its order again."""
    trials = Trials(app, pool_of_its_own)
    assert len({trials.run(Schedule()).seen.widths for _ in range(30)}) == 1


def test_nobody_gives_a_turn_away_for_a_lock_of_harness(tmp_path: Path) -> None:
    """A call that finds the trace being written to by an effect goes before one whose turn is later."""
    order: list[str] = []

    def agent() -> None:
        look("warm")

        def job(name: str) -> None:
            if name == "first":
                held.set()
                _spin(taken)
                session.note(name)
            order.append(name)

        threads = [threading.Thread(target=job, args=(name,)) for name in ("first", "second")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def outside() -> None:
        held.wait(5)
        assert session.live is not None
        with session.live.lock:
            taken.set()
            time.sleep(0.1)

    held, taken = threading.Event(), threading.Event()
    writer = threading.Thread(target=outside)
    writer.start()
    with app.session(trace=tmp_path / "a.mat.jsonl") as session:
        session.run(agent)
    writer.join()
    assert order == ["first", "second"]


@app.agent
def jobs_that_only_sleep() -> list[float]:
    """Let a thread, a pool and an event loop each have a job that does nothing but sleep, and look at the time."""
    times = [time.monotonic()]
    thread = threading.Thread(target=time.sleep, args=(2,))
    thread.start()
    thread.join()
    times.append(time.monotonic())
    SHARED_POOL.submit(time.sleep, 3).result()
    times.append(time.monotonic())
    asyncio.run(asyncio.to_thread(time.sleep, 4))
    times.append(time.monotonic())
    return [after - before for before, after in pairwise(times)]


def test_to_sleep_may_be_all_that_a_thread_does() -> None:
    """In virtual time it costs nothing, and the time passes: the sleep is the agent's, whoever calls it."""
    assert trial(jobs_that_only_sleep).result == pytest.approx([2, 3, 4])


def test_a_thread_without_a_caller_may_sleep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that C code starts with nothing but a sleep to do has no frame to look at, and sleeps as ever."""
    complaints: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)

    def agent() -> None:
        _thread.start_new_thread(time.sleep, (0.001,))
        time.sleep(0.05)  # nothing tells when such a thread has ended

    with Harness().session(trace=tmp_path / "a.mat.jsonl") as session:
        session.run(agent)
    assert complaints == []


TOLD = threading.Event()


@app.tool(effect="read")
def echo(name: str) -> str:
    """Answer at once."""
    return name


@app.tool(effect="read")
def ask_for_it(name: str) -> str:
    """Wait for an event, and for the lock of everybody, inside the effect."""
    TOLD.wait()
    with SHARED_LOCK:
        return name


@app.agent
def effects_that_wait() -> list[str]:
    """Let an effect wait for what a thread only does after calls and sleeps of its own."""
    TOLD.clear()
    seen = []

    def job() -> None:
        with SHARED_LOCK:
            seen.append(echo("held"))
            time.sleep(1)
            TOLD.set()
            seen.append(echo("told"))

    thread = threading.Thread(target=job)
    thread.start()
    echo("first")
    seen.append(ask_for_it("after"))
    thread.join()
    return seen


def test_an_effect_may_wait_for_another_thread() -> None:
    """In virtual time it gives its turn away as long as it waits, and comes back at the same place in every run."""
    one, two = (trial(effects_that_wait) for _ in range(2))
    assert one.result == ["held", "told", "after"]
    orders = [[(event.kind, event.task, event.parents) for event in run.events] for run in (one, two)]
    assert orders[0] == orders[1]
    assert b"dissolved" not in b"".join(one.lines)


def _spin(event: threading.Event) -> None:
    """Wait for something outside without giving the turn away."""
    while not event._flag:  # type: ignore[attr-defined]
        pass
