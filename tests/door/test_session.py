"""Sessions: how they begin, end, join and keep apart."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.adapters.files import open_trace
from harness.adapters.live import LiveWorld
from harness.door.app import Harness
from harness.errors import StoreError, UsageError
from harness.registry.load import load


def app_with_tool(folder: Path, **options: Any) -> tuple[Harness, Any]:
    """Give an app and a tool that doubles."""
    app = Harness(traces=folder, **options)

    @app.tool(effect="read")
    def double(number: int) -> int:
        return 2 * number

    return app, double


def test_a_session_without_a_call_leaves_no_file(tmp_path: Path) -> None:
    """Nothing is written before the first call."""
    app, _ = app_with_tool(tmp_path)
    with app.session() as session:
        pass
    assert session.verdict == "holds"
    assert list(tmp_path.iterdir()) == []


def test_traces_are_numbered_and_never_written_over(tmp_path: Path) -> None:
    """Each run has a file of its own; a named file that exists is an error with the cure."""
    app, double = app_with_tool(tmp_path)
    for _ in range(3):
        with app.session():
            double(1)
    assert [path.name for path in sorted(tmp_path.iterdir())] == [f"run-00000{n}.mat.jsonl" for n in (1, 2, 3)]
    with pytest.raises(UsageError, match="never written over"), app.session(trace=tmp_path / "run-000001.mat.jsonl"):
        double(1)


def test_an_inner_session_joins_the_outer_one(tmp_path: Path) -> None:
    """A script that opens a session records into the ambient one when it is run inside another."""
    app, double = app_with_tool(tmp_path)
    with app.session() as outer:
        with harness.session(trace=tmp_path / "other.mat.jsonl") as inner:
            double(1)
        double(2)
    assert inner is outer
    assert outer.steps == 2
    assert len(list(tmp_path.iterdir())) == 1


def test_the_entry_and_its_result_are_in_the_trace(tmp_path: Path) -> None:
    """The header names the function and its JSON input, the last event what it returned."""
    app, double = app_with_tool(tmp_path)

    @app.agent
    def agent(number: int, times: int = 2) -> int:
        return double(number) * times

    with app.session(seed=7, tenant="bank", subject="Ada", conversation="c-1") as session:
        assert agent(4) == 16
    with open_trace(session.trace.path) as reader:
        events = list(reader)
    assert reader.header.run["entry"].endswith("agent")
    assert reader.header.run["input"] == {"number": 4, "times": 2}
    assert {"seed": 7, "tenant": "bank", "subject": "Ada", "conversation": "c-1"}.items() <= reader.header.run.items()
    assert events[-1].body == {"returned": 16}
    assert reader.footer is not None


def test_an_agent_that_raises_is_sealed_with_its_error(tmp_path: Path) -> None:
    """The error reaches the caller and the trace."""
    app, double = app_with_tool(tmp_path)

    def agent() -> None:
        double(1)
        raise LookupError("nothing here")

    session = app.session()
    with pytest.raises(LookupError):
        session.run(agent)
    with open_trace(session.trace.path) as reader:
        assert list(reader)[-1].body["raised"]["message"] == "nothing here"
    assert reader.footer is not None


def test_a_result_that_is_no_json_is_kept_by_its_type(tmp_path: Path) -> None:
    """A framework's result object reaches the caller; the trace says what it was."""
    app, double = app_with_tool(tmp_path)

    def agent() -> Any:
        double(1)
        return app

    session = app.session()
    assert session.run(agent) is app
    with open_trace(session.trace.path) as reader:
        assert list(reader)[-1].body["returned"] == {"$type": "opaque", "value": "harness.door.app.Harness"}


def test_input_that_is_no_json_is_refused_at_the_entry(tmp_path: Path) -> None:
    """A live object as input could not be replayed, and is told with the cure."""
    app, _ = app_with_tool(tmp_path)

    def agent(client: Any) -> None: ...

    with pytest.raises(UsageError, match=r"/client of .* is no JSON"):
        app.session().run(agent, client=object())


def test_sessions_of_different_tasks_do_not_mix(tmp_path: Path) -> None:
    """Concurrent sessions in one loop each hold their own calls, in order, and nothing of the others."""
    app = Harness(traces=tmp_path)

    @app.tool(effect="read")
    async def echo(token: str) -> str:
        await asyncio.sleep(0.001)
        return token

    async def one(number: int) -> str:
        async with app.session(subject=f"s{number}") as session:
            await asyncio.gather(*(echo(f"s{number}-{part}") for part in range(3)))
        return session.trace.path

    async def everyone() -> list[str]:
        return await asyncio.gather(*(one(number) for number in range(20)))

    for path in asyncio.run(everyone()):
        with open_trace(path) as reader:
            events = list(reader)
            subject = reader.header.run["subject"]
        tokens = [event.body["args"]["token"] for event in events if event.kind == "action"]
        assert tokens == [f"{subject}-{part}" for part in range(3)]


def test_two_recordings_of_the_same_run_differ_only_in_time(tmp_path: Path) -> None:
    """With a clock that stands still the digests of two recordings are equal."""
    digests = set()
    for _ in range(2):
        app, double = app_with_tool(tmp_path, clock=lambda: 0)
        with app.session() as session:
            double(2)
        digests.add(session.trace.digest)
    assert len(digests) == 1


def test_first_calls_of_two_threads_begin_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In somebody else's loop nobody gives them turns: the one that comes second waits until the header is written."""
    app, double = app_with_tool(tmp_path)
    begin = LiveWorld.begin

    def slowly(world: LiveWorld, header: bytes) -> None:
        time.sleep(0.05)
        begin(world, header)

    monkeypatch.setattr(LiveWorld, "begin", slowly)

    async def crowd() -> str:
        async with app.session() as session:
            assert sorted(await asyncio.gather(*(asyncio.to_thread(double, n) for n in range(4)))) == [0, 2, 4, 6]
        return session.trace.path

    with open_trace(asyncio.run(crowd())) as reader:
        assert sum(event.kind == "observation" for event in reader) == 4


def test_messages_and_notes_can_be_said_outright(tmp_path: Path) -> None:
    """What passes no call can still be recorded, and is seen by rules."""
    app, _ = app_with_tool(tmp_path)
    with app.session() as session:
        session.message("user", "yes, do it")
        session.note("about to pay", order="W-77")
    with open_trace(session.trace.path) as reader:
        kinds = [(event.kind, event.body) for event in reader]
    assert kinds == [
        ("message", {"message": {"content": "yes, do it", "role": "user"}}),
        ("note", {"data": {"order": "W-77"}, "text": "about to pay"}),
    ]


def test_a_full_disk_stops_the_agent_and_says_what_is_safe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that cannot be recorded does not go on, not even past an ``except Exception``."""
    app, double = app_with_tool(tmp_path)

    def agent() -> None:
        double(1)
        monkeypatch.setattr("os.write", _full)
        try:
            double(2)
        except Exception:
            raise AssertionError("the agent went on") from None

    with pytest.raises(StoreError) as stopped:
        app.session().run(agent)
    assert "every line before this one is safe" in str(stopped.value)


def _full(*_: Any) -> int:
    raise OSError(28, "No space left on device")


def test_session_run_inside_a_loop_says_what_to_do(tmp_path: Path) -> None:
    """Starting a loop inside a loop is refused with the cure."""
    app, _ = app_with_tool(tmp_path)

    async def agent() -> None: ...

    async def outside() -> None:
        app.session().run(agent)

    with pytest.raises(UsageError, match="inside another"):
        asyncio.run(outside())


def test_a_generator_closed_elsewhere_seals_its_session(tmp_path: Path) -> None:
    """A streamed response that the server drops from another task ends its session without an error."""
    app, double = app_with_tool(tmp_path)

    async def pieces() -> Any:
        async with app.session():
            while True:
                yield double(1)

    async def server() -> None:
        generator = pieces()
        assert await asyncio.create_task(anext(generator)) == 2
        await generator.aclose()

    asyncio.run(server())
    with open_trace(tmp_path / "run-000001.mat.jsonl") as reader:
        assert len(list(reader)) == 2
        assert reader.footer is not None


def test_a_session_is_one_run(tmp_path: Path) -> None:
    """A session that has ended takes no second run, and says what to do instead."""
    app, double = app_with_tool(tmp_path)
    session = app.session()
    with session:
        double(1)
    with pytest.raises(UsageError, match="has ended"), session:
        double(2)


def test_a_task_that_outlives_its_session_cannot_act_unrecorded(tmp_path: Path) -> None:
    """A call in the name of a session that was sealed is an error, not a call that slips past."""
    app, double = app_with_tool(tmp_path)

    async def late() -> None:
        await asyncio.sleep(0.01)
        double(2)

    async def agent() -> None:
        async with app.session():
            double(1)
            task = asyncio.create_task(late())
        with pytest.raises(harness.HarnessError, match="closed"):
            await task

    asyncio.run(agent())


AGENTS = """
registry: r
version: 1
default: refuse
tools: {double: {effect: read}, halve: {effect: write}}
agents:
  clerk: {may: [double], budget: {calls: 2}}
"""


def test_a_session_has_an_agent_that_rules_know(tmp_path: Path) -> None:
    """What an agent may do, and how often, is judged by the name given at the beginning; a replay keeps it."""
    app = harness.Harness(load(AGENTS, "r.yaml"), traces=tmp_path)

    @app.tool(effect="read")
    def double(number: int) -> int:
        return 2 * number

    @app.tool(effect="write")
    def halve(number: int) -> int:
        return number // 2

    def agent() -> list[str]:
        told = []
        for call in (double, halve, double, double):
            try:
                told.append(str(call(4)))
            except harness.Refused as refused:
                told.append(refused.rule)
        return told

    session = app.session(agent="clerk")
    assert session.run(agent) == ["8", "AGENT-clerk-MAY", "8", "AGENT-clerk-CALLS"]
    with open_trace(session.trace.path) as reader:
        assert {event.agent for event in reader} == {"clerk"}
    replayed = harness.replay(session.trace.path, entry=agent, app=app)
    assert replayed.equal, replayed.divergence
    assert app.session().run(agent) == ["AGENT-DECLARED"] * 4


def test_a_seed_gives_the_same_chance_again(tmp_path: Path) -> None:
    """What an agent draws from ``random`` follows from the seed of its session; without one it does not repeat."""
    app = Harness(traces=tmp_path)

    def draw() -> float:
        return random.random()

    one, again, other, unseeded = (app.session(seed=seed).run(draw) for seed in (7, 7, 8, None))
    assert one == again
    assert len({one, other, unseeded}) == 3


def test_a_second_loop_in_a_session_goes_on_in_its_time(tmp_path: Path) -> None:
    """Two agents run one after the other inside one session: the clock of their loops never goes back."""
    app = Harness(traces=tmp_path)

    @app.agent
    async def patient() -> float:
        await asyncio.sleep(0.01)
        return asyncio.get_running_loop().time()

    with app.session() as session:
        first = session.run(patient)
        assert session.run(patient) > first
