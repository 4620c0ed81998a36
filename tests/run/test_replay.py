"""The world of a replay: what a step costs in it, and whose turn it is in somebody else's loop."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Generator
from cProfile import Profile
from pathlib import Path
from typing import Any

import pytest

from harness.door.app import Harness
from harness.door.recorded import RecordedSession
from harness.run.replay import RecordedWorld
from harness.trace.codec import Header
from harness.trace.event import Event
from harness.trace.reader import Reader
from harness.trace.writer import Writer


def calls_in_replay(folder: Path, steps: int) -> int:
    """Count the function calls that replaying so many steps takes, opening and closing left out."""
    app = Harness(durability="none")
    tool = app.tool(effect="read", name="look")(lambda number: number)
    path = folder / f"{steps}.mat.jsonl"
    with app.session(trace=path):
        for number in range(steps):
            tool(number)
    count = 0

    def called(*_: Any) -> None:
        nonlocal count
        count += 1

    with RecordedSession(app, path) as session:
        session.started()
        sys.setprofile(called)
        for number in range(steps):
            tool(number)
        sys.setprofile(None)
    return count


def test_a_step_costs_the_same_whatever_the_length(tmp_path: Path) -> None:
    """Ten times as many steps take ten times as many function calls."""
    assert calls_in_replay(tmp_path, 2_000) == pytest.approx(10 * calls_in_replay(tmp_path, 200), rel=0.02)


def calls_of_tasks(folder: Path, tasks: int) -> int:
    """Count the function calls that replaying so many tasks takes, each of which calls a tool."""
    app = Harness(durability="none")

    @app.tool(effect="read")
    async def look(number: int) -> int:
        await asyncio.sleep(0)
        return number

    @app.agent
    async def everybody() -> None:
        await asyncio.gather(*map(look, range(tasks)))

    path = folder / f"{tasks}-tasks.mat.jsonl"
    app.session(trace=path).run(everybody)
    session = RecordedSession(app, path)
    profile = Profile()
    profile.runcall(session.run, everybody)
    return sum(entry.callcount for entry in profile.getstats())


def test_a_step_costs_the_same_however_many_tasks_wait(tmp_path: Path) -> None:
    """Four times as many tasks take four times as many function calls, and a few that any replay takes."""
    assert calls_of_tasks(tmp_path, 200) < 4.4 * calls_of_tasks(tmp_path, 50)


def crowd(count: int) -> RecordedWorld:
    """Give the world of a run in somebody else's loop whose calls ended in the reverse of their order."""
    header = Header({"entry": None}, {"order": "completions"})
    writer = Writer(header)
    tool = {"surface": "tool", "tool": "t", "args": {}, "rules": []}
    actions = [Event(seq, "action", "main", f"0.{seq}", (), seq, tool) for seq in range(count)]
    ends = [
        Event(count + number, "observation", "main", f"0.{seq}", (seq,), count + number, {"action": seq, "ok": None})
        for number, seq in enumerate(reversed(range(count)))
    ]
    lines = [writer.append(event) for event in [*actions, *ends]]
    world = RecordedWorld(Reader([writer.header_line, *lines, writer.footer_line("holds")]))
    world.replayed = count
    return world


def test_each_task_is_woken_when_it_is_its_turn_and_only_then() -> None:
    """Two hundred waiting tasks end in the recorded order, each after one wake-up."""
    world, count, woken = crowd(200), 200, 0
    ended: list[int] = []

    class Turn:
        def __init__(self, action: int) -> None:
            self.waiting = world.turn_to_end(action, action)

        def __await__(self) -> Generator[Any, None, None]:
            nonlocal woken
            for future in self.waiting.__await__():
                yield future
                woken += 1

    async def task(action: int) -> None:
        await Turn(action)
        ended.append(action)
        world.write(world.entries[world.replayed].line, False, False)

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            for action in range(count):
                group.create_task(task(action))

    asyncio.run(main())
    assert ended == list(reversed(range(count)))
    assert woken < count


def test_a_crowd_whose_turn_never_comes_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the record goes on with what nobody does, the tasks go on after a while, and find the difference."""
    monkeypatch.setattr("harness.run.replay._PATIENCE_S", 0.05)
    world = crowd(4)
    ended: list[int] = []

    async def task(action: int) -> None:
        await world.turn_to_end(action, action)
        ended.append(action)
        if action == 3:
            world.write(world.entries[world.replayed].line, False, False)

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            for action in (0, 1, 3):  # two goes missing after three has ended
                group.create_task(task(action))

    asyncio.run(asyncio.wait_for(main(), 5))
    assert ended[0] == 3
    assert sorted(ended[1:]) == [0, 1]
