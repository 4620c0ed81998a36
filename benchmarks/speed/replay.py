"""What it costs to replay a run: one tool step, one model call, and minutes of waiting.

A step is one call of a tool that takes its outcome from the record: its intent and its outcome are written, chained
and held against the recorded lines. The floor is a call of a plain function that looks the outcome up and compares two
prepared lines. Reading and proving the trace comes before the first step and has figures of its own.

The clock is read outside the session: inside it would be the recorded one.
"""

from __future__ import annotations

import asyncio
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from contextvars import Context, copy_context
from functools import partial
from typing import Any, Final, NamedTuple

from benchmarks.speed.door import ARGUMENTS, RESULT, RULES, book
from benchmarks.speed.measure import Figure, Samples, measured, report, side_by_side, us_per_call
from benchmarks.speed.model_calls import CALLS, KINDS, model_timings
from benchmarks.speed.replay_peers import PEERS, peer_timings
from harness.door.app import Harness
from harness.door.recorded import RecordedSession

LENGTHS: Final = (10, 1_000, 10_000, 100_000)
REPETITIONS: Final = 3  # the longest run alone takes ten seconds
SHORTEST: Final = 200  # steps that a figure stands for; a shorter run is replayed as often as that takes
TASKS: Final = 100
NAPS: Final = 60


class Recorded(NamedTuple):
    """A recorded run, the app it belongs to, its agent, and its number of steps."""

    app: Harness
    path: str
    agent: Callable[[int], None]
    steps: int


def calling(folder: str, steps: int, rules: bool = False) -> Recorded:
    """Record a run of so many calls of one tool."""
    app = Harness(RULES if rules else None, durability="none")
    tool = app.tool(effect="write", idempotent=True)(book)

    def agent(calls: int) -> None:
        for _ in range(calls):
            tool(**ARGUMENTS)

    path = os.path.join(folder, f"calling-{steps}{'-rules' * rules}.mat.jsonl")
    with app.session(trace=path):
        agent(steps)
    return Recorded(app, path, agent, steps)


def opened(run: Recorded) -> tuple[RecordedSession, Context]:
    """Begin a replay, and give the context in which the agent has to run."""
    session, inside = RecordedSession(run.app, run.path), copy_context()
    inside.run(session.__enter__)
    inside.run(session.started)
    return session, inside


def closed(session: RecordedSession, inside: Context) -> None:
    """End a replay, which raises the Divergence if there was one."""
    inside.run(session.__exit__, None, None, None)
    assert session.failed is None


def replay_us(run: Recorded) -> float:
    """Time the steps of a replay."""
    times = max(SHORTEST // run.steps, 1)
    taken = []
    for _ in range(times):
        session, inside = opened(run)
        taken.append(us_per_call(partial(inside.run, run.agent), run.steps))
        closed(session, inside)
    return statistics.median(taken)


def load_us(run: Recorded) -> float:
    """Time reading and proving a trace, for one of its steps."""

    def load(_: int) -> None:
        RecordedSession(run.app, run.path)

    return us_per_call(load, run.steps)


def floor_us(steps: int) -> float:
    """Time the least that could serve an outcome and notice a difference."""
    outcomes = dict.fromkeys(range(steps), RESULT)
    line, recorded = b"x" * 600, bytes(bytearray(b"x" * 600))

    def serve(number: int, **arguments: Any) -> dict[str, Any]:
        if line != recorded:
            raise ValueError(number)
        return outcomes[number]

    def loop(calls: int) -> None:
        for number in range(calls):
            serve(number, **ARGUMENTS)

    return us_per_call(loop, steps)


def asynchronous(folder: str, steps: int) -> Callable[[], float]:
    """Record tasks that call a tool side by side, and give the timing of their whole replay for one step."""
    app = Harness(durability="none")

    @app.tool(effect="read", name="book")
    async def look(**arguments: Any) -> dict[str, Any]:
        await asyncio.sleep(0)
        return RESULT

    async def calls(number: int) -> None:
        for _ in range(steps // TASKS):
            await look(**ARGUMENTS, task=number)

    @app.agent
    async def crowd() -> None:
        await asyncio.gather(*map(calls, range(TASKS)))

    path = os.path.join(folder, "asynchronous.mat.jsonl")
    app.session(trace=path).run(crowd)

    def timing() -> float:
        session = RecordedSession(app, path)
        return us_per_call(lambda _: session.run(crowd), steps)

    return timing


class Leaping:
    """A clock that is two seconds further at each look, so that to record minutes of waiting takes no time either."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        self.now += 2_000_000_000
        return self.now


def waiting(folder: str) -> tuple[float, Callable[[], float]]:
    """Record sleep and timeouts; give the seconds that the agent waited by its own clock, and a replay's timing."""
    app = Harness(durability="none", clock=Leaping())

    @app.tool(effect="read")
    async def look() -> bool:
        return False

    @app.agent
    async def patient() -> float:
        start = asyncio.get_running_loop().time()
        for _ in range(NAPS):
            await asyncio.sleep(1)
            await look()
            try:
                async with asyncio.timeout(1):
                    await asyncio.sleep(60)
            except TimeoutError:
                await look()
        return asyncio.get_running_loop().time() - start

    path = os.path.join(folder, "waiting.mat.jsonl")
    waited: float = app.session(trace=path).run(patient)

    def timing() -> float:
        session = RecordedSession(app, path)
        start = time.perf_counter()
        assert session.run(patient) == waited
        return (time.perf_counter() - start) * 1000

    return waited, timing


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        runs = {steps: calling(folder, steps) for steps in LENGTHS}
        judged = calling(folder, 10_000, rules=True)
        steps = side_by_side(
            {
                "floor": lambda: floor_us(10_000),
                **{f"step_at_{steps}": partial(replay_us, run) for steps, run in runs.items()},
                "step_with_ten_rules": partial(replay_us, judged),
                "asynchronous_step": asynchronous(folder, 10_000),
                **{f"load_at_{steps}": partial(load_us, run) for steps, run in runs.items()},
                **peer_timings(folder),
            },
            "us",
            REPETITIONS,
        )
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        calls = side_by_side(model_timings(folder), "us")
        waited, timing = waiting(folder)
        replayed = side_by_side({"waiting": timing}, "ms")["waiting"]
    targets = {f"step_at_{steps}": "< 15" for steps in LENGTHS}
    figures: dict[str, Figure] = {f"{name}_us": measured(one, targets.get(name, "")) for name, one in steps.items()}
    figures["step_ratio_floor"] = measured(steps["step_at_10000"].over(steps["floor"]))
    figures["step_at_100000_ratio_at_10"] = measured(steps["step_at_100000"].over(steps["step_at_10"]), "<= 1.2")
    figures["peak_rss_mb"] = Figure(peak_mb, "MB", target="< 1000")
    figures |= {f"{name}_us": measured(one) for name, one in calls.items()}
    for kind in KINDS:
        target = "<= 1.15" if not kind.startswith("stream") else ""
        figures[f"{kind}_ratio_mock"] = measured(calls[f"{kind}_replayed"].over(calls[f"{kind}_mock"]), target)
    figures["waited_s"] = Figure(waited, "s", target=">= 120")
    figures["waiting_replayed_ms"] = measured(replayed, "< 1000")
    report("replay", figures, rows(steps))


def rows(steps: dict[str, Samples]) -> list[dict[str, Any]]:
    """Say of each peer what was timed, or that it is not installed."""
    described: list[dict[str, Any]] = []
    for peer in PEERS:
        row: dict[str, Any] = {"peer": peer.name, "does": peer.does}
        for calls in peer.lengths:
            name = f"{peer.name}_at_{calls}"
            row[f"us_at_{calls}"] = steps[name].median if name in steps else None
        described.append(row if peer.there else {**row, "skipped": f"{peer.package} is not installed"})
    described.append({"peer": "openai on httpx2.MockTransport", "does": f"{CALLS} calls, the same canned answer"})
    return described


if __name__ == "__main__":
    main()
