"""An event loop whose order is recorded and enforced."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
import time
from typing import Any

import pytest

from harness.determinism import address
from harness.determinism.loop import SessionLoop, _Task, beside, run
from harness.determinism.schedule import Timeline

NEVER = 10**18


class _Outside:
    """An outside world with random delays: recorded once, then served from what was recorded."""

    def __init__(self, recorded: dict[int, int] | None = None) -> None:
        self.recorded = recorded
        self.seen: dict[int, int] = {}

    async def call(self, timeline: Any, number: int) -> int:
        if self.recorded is None:
            with address.inside(number):
                await asyncio.sleep(random.random() * 0.01)
            await timeline.arrive()
            self.seen[number] = timeline.now
        else:
            await timeline.arrive(self.recorded.get(number, NEVER))
        return number


async def _agent(timeline: Any, outside: _Outside) -> list[Any]:
    """Race sixty calls over gather, as_completed and wait, with timers of its own in between."""
    log: list[Any] = []

    async def one(number: int) -> int:
        await outside.call(timeline, number)
        log.append(("came", number, timeline.now))
        await asyncio.sleep((number * 7 % 11) / 2000)
        log.append(("slept", number))
        await asyncio.sleep(0)
        return number

    log.extend(await asyncio.gather(*(one(number) for number in range(20))))
    for done in asyncio.as_completed([one(number) for number in range(20, 40)]):
        log.append(("done", await done))
    tasks = {asyncio.create_task(one(number)) for number in range(40, 60)}
    finished, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    log.append([task.result() for task in finished])
    for task in rest:
        task.cancel()
    log.append(len(rest))
    return log


def _run(timeline: Timeline, outside: _Outside) -> list[Any]:
    return run(timeline, _agent(timeline, outside))


def _stalled() -> None:
    raise AssertionError("nothing is left to arrive")


def test_a_recorded_order_is_enforced_a_hundred_times_of_a_hundred() -> None:
    """Sixty racing tasks give the same log on replay, in every one of a hundred recordings."""
    different = 0
    for _ in range(100):
        outside = _Outside()
        recorded = _run(Timeline(time.monotonic_ns), outside)
        different += _run(Timeline(stalled=_stalled), _Outside(outside.seen)) != recorded
    assert different == 0


def test_two_recordings_of_a_race_differ() -> None:
    """The law above has teeth: without the recorded order the same agent gives different logs."""
    logs = {repr(_run(Timeline(time.monotonic_ns), _Outside())) for _ in range(5)}
    assert len(logs) > 1


def test_waiting_costs_nothing_on_replay() -> None:
    """A virtual timeline jumps over an hour of sleep."""

    async def patient() -> float:
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    started = time.monotonic()
    assert run(Timeline(stalled=_stalled), patient()) == pytest.approx(3600)
    assert time.monotonic() - started < 5


def test_a_timeout_fires_before_an_outcome_that_came_too_late() -> None:
    """Timers and recorded arrivals interleave by their logical times."""
    timeline = Timeline(stalled=_stalled)

    async def impatient() -> str:
        try:
            async with asyncio.timeout(1):
                await timeline.arrive(2_000_000_000)
        except TimeoutError:
            return "too late"
        return "in time"

    assert run(timeline, impatient()) == "too late"


def test_waiting_for_what_never_comes_is_told() -> None:
    """When every task waits and nothing is recorded, the loop says so instead of hanging."""

    async def stuck() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(AssertionError, match="nothing is left"):
        run(Timeline(stalled=_stalled), stuck())


def test_an_outcome_reaches_a_loop_whose_schedule_is_dissolved() -> None:
    """Whether it comes after that or had come before, the agent goes on with it."""

    async def effect(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    async def agent() -> list[float]:
        calls = [asyncio.create_task(beside(effect(seconds))) for seconds in (0.0, 0.02)]
        for _ in range(3):
            await asyncio.sleep(0)  # the first has come, and its turn has not
        timeline.dissolve("for a test")
        return await asyncio.wait_for(asyncio.gather(*calls), 5)

    timeline = Timeline(time.monotonic_ns)
    assert run(timeline, agent()) == [0.0, 0.02]


def test_a_timer_is_not_early_once_the_schedule_is_dissolved() -> None:
    """News from outside wakes the loop, and no timer that is not due."""

    async def agent() -> float:
        timeline.dissolve("for a test")
        started = time.monotonic()
        asyncio.get_running_loop().run_in_executor(None, time.sleep, 0.01)
        await asyncio.sleep(0.2)
        return time.monotonic() - started

    timeline = Timeline(time.monotonic_ns)
    assert run(timeline, agent()) >= 0.19


def test_a_loop_waits_at_rest_once_a_replay_is_over() -> None:
    """A loop that is left over waits for its timers for real, at no cost."""

    async def agent() -> float:
        timeline.dissolve("for a test")
        before = time.process_time()
        await asyncio.sleep(0.2)
        return time.process_time() - before

    timeline = Timeline()
    started = time.monotonic()
    assert run(timeline, agent()) < 0.1
    assert time.monotonic() - started >= 0.19


@pytest.mark.parametrize("others", [(), (3, 30, 1, 20, 2), (30, 25, 21, 22)])
def test_timers_of_one_moment_fire_in_the_order_in_which_they_were_set(others: tuple[int, ...]) -> None:
    """Whatever other timers there are, such as those of effects, which are not set on replay."""

    async def agent() -> list[int]:
        loop, fired = asyncio.get_running_loop(), list[int]()
        now = loop.time()
        for place in range(6):
            loop.call_at(now + 10, fired.append, place)
            for other in others[place : place + 1]:
                loop.call_at(now + other, int)
        await asyncio.sleep(40)
        return fired

    assert run(Timeline(), agent()) == [0, 1, 2, 3, 4, 5]


def test_a_loop_may_run_in_another_thread_than_made_it() -> None:
    """Forty timers of a loop in the background fall due while another thread computes; none waits for the next look."""
    timeline = Timeline(time.monotonic_ns)
    main = timeline.begin()
    loop, member = SessionLoop(timeline), timeline.add()

    def background() -> None:
        timeline.join(member)
        loop.run_forever()
        timeline.leave(member)

    thread = threading.Thread(target=background, daemon=True)
    thread.start()
    started = time.monotonic()
    for _ in range(40):
        done = asyncio.run_coroutine_threadsafe(asyncio.sleep(0.001), loop)
        timeline.sleep(main, 500_000)
        time.sleep(0.002)
        timeline.pause(main, done.done)
    assert time.monotonic() - started < 1.5
    loop.call_soon_threadsafe(loop.stop)
    timeline.pause(main, lambda: member.finished)
    timeline.leave(main)
    thread.join()
    loop.close()


def test_a_task_costs_no_more_where_there_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks of a loop do not meet in the set that asyncio keeps of all there are: each is not compared with each."""
    compared = 0

    def equal(one: object, other: object) -> bool:
        nonlocal compared
        compared += 1
        return one is other

    async def crowd() -> None:
        await asyncio.gather(*(asyncio.sleep(0) for _ in range(1000)))

    gc.collect()  # tasks of other tests that nobody has freed yet have the same numbers
    monkeypatch.setattr(_Task, "__eq__", equal, raising=False)
    run(Timeline(stalled=_stalled), crowd())
    assert compared < 100_000  # a few with tasks of loops that have ended and are still to be collected
