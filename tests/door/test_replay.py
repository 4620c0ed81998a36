"""Replay: the agent's own code again, every outcome from the trace."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given

from harness.adapters.files import open_trace
from harness.door.app import Harness
from harness.door.replay import replay
from harness.errors import UsageError
from harness.registry.load import load
from tests.strategies import json_values


class World:
    """An app with tools that cannot give the same answer twice."""

    def __init__(self, folder: Path) -> None:
        self.app = Harness(traces=folder)
        self.calls = 0
        world = self

        @self.app.tool(effect="read")
        async def slow(name: str) -> float:
            world.calls += 1
            await asyncio.sleep(random.random() * 0.005)
            return random.random()

        @self.app.tool(effect="read")
        def draw(name: str = "") -> float:
            world.calls += 1
            return random.random()

        self.slow, self.draw = slow, draw

    def record(self, agent: Callable[..., Any], **arguments: Any) -> tuple[Any, str]:
        session = self.app.session()
        return session.run(agent, **arguments), session.trace.path


def test_racing_tasks_replay_identically(tmp_path: Path) -> None:
    """Sixty tasks over gather, as_completed, wait and timeouts give the same trace, a hundred times of a hundred."""
    world = World(tmp_path)

    async def agent(count: int) -> list[Any]:
        seen: list[Any] = list(await asyncio.gather(*(world.slow(f"a{number}") for number in range(count))))
        for done in asyncio.as_completed([world.slow(f"b{number}") for number in range(count)]):
            seen.append(await done)
            world.draw(f"after {len(seen)}")
        tasks = [asyncio.create_task(world.slow(f"c{number}")) for number in range(count)]
        finished, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in rest:
            task.cancel()
        seen.append(sorted(task.result() for task in finished))
        try:
            async with asyncio.timeout(0.001):
                seen.append(await world.slow("d"))
        except TimeoutError:
            seen.append("too late")
        return seen

    for _ in range(100):
        result, path = world.record(agent, count=20)
        calls = world.calls
        replayed = replay(path, entry=agent, app=world.app)
        assert replayed.equal, replayed.divergence
        assert replayed.result == result
        assert world.calls == calls


def changed(world: World, what: str) -> Callable[[], Any]:
    """Give an agent, or the same agent after one change."""

    def agent() -> list[float]:
        names = ["one", "two", "three"]
        if what == "argument":
            names[1] = "TWO"
        if what == "extra":
            names.append("four")
        if what == "missing":
            names.pop()
        if what == "order":
            names.reverse()
        return [world.draw(name) for name in names]

    return agent


@pytest.mark.parametrize(
    ("what", "step", "pointer", "cause"),
    [
        ("argument", 1, "/args/name", "the arguments changed"),
        ("extra", 3, "", ""),
        ("missing", 2, "", ""),
        ("order", 0, "/args/name", "calls were reordered, or one is missing"),
    ],
)
def test_a_changed_agent_diverges_at_the_change(what: str, step: int, pointer: str, cause: str, tmp_path: Path) -> None:
    """Each kind of change is found at its first step, and no tool is called."""
    world = World(tmp_path)
    _, path = world.record(changed(world, ""))
    calls = world.calls
    found = replay(path, entry=changed(world, what), app=world.app)
    assert found.divergence is not None
    assert found.divergence.step == step
    assert not found.equal
    assert world.calls == calls
    if pointer:
        assert (found.divergence.pointer, found.divergence.cause) == (pointer, cause)


def test_calls_that_time_out_at_once_replay_in_their_order(tmp_path: Path) -> None:
    """Several waits end at one moment; what the effects have waited for themselves has no part in their order."""
    app = Harness()

    @app.tool(effect="read")
    async def slow(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    @app.agent
    async def impatient() -> list[int]:
        ended: list[int] = []

        async def one(place: int, seconds: float) -> None:
            with suppress(TimeoutError):
                await asyncio.wait_for(slow(seconds), 0.03)
            ended.append(place)

        await asyncio.gather(*(one(place, seconds) for place, seconds in enumerate((0.001, 5, 5, 9, 0.001, 0.005, 5))))
        return ended

    trace = tmp_path / "t.mat.jsonl"
    result = app.session(trace=trace).run(impatient)
    assert result[-4:] == [1, 2, 3, 6]
    again = replay(trace, app=app, entry=impatient)
    assert again.equal, again.divergence


def test_an_agent_cannot_go_on_over_a_divergence(tmp_path: Path) -> None:
    """Not even an agent that catches every Exception gets past the first difference."""
    world = World(tmp_path)
    _, path = world.record(changed(world, ""))
    reached: list[str] = []

    def stubborn() -> None:
        for name in ("other", "another"):
            try:
                world.draw(name)
            except Exception:
                reached.append(name)

    assert replay(path, entry=stubborn, app=world.app).divergence is not None
    assert reached == []


def test_a_changed_result_of_the_agent_is_a_divergence(tmp_path: Path) -> None:
    """What the entry returns is part of the run."""
    world = World(tmp_path)

    def agent() -> float:
        return world.draw("x")

    _, path = world.record(agent)

    def other() -> float:
        return -world.draw("x")

    found = replay(path, entry=other, app=world.app).divergence
    assert found is not None
    assert found.pointer == "/returned"


def test_a_killed_run_replays_up_to_its_end(tmp_path: Path) -> None:
    """A record that was cut off is replayed as far as it goes, and said to be cut off."""
    world = World(tmp_path)
    _, path = world.record(changed(world, ""))
    lines = Path(path).read_bytes().splitlines(keepends=True)
    Path(path).write_bytes(b"".join(lines[:4]))  # header, one whole call, one intent
    found = replay(path, entry=changed(world, ""), app=world.app)
    assert found.ended is not None
    assert found.divergence is None
    assert found.steps == 2


def test_a_changed_tool_declaration_is_told_before_anything_runs(tmp_path: Path) -> None:
    """Replay compares the tools of the header with those of the code."""
    world = World(tmp_path)
    world.app.tool(effect="read", name="late")(lambda: None)
    _, path = world.record(changed(world, ""))
    other = World(tmp_path)
    other.app.tool(effect="write", name="late")(lambda: None)
    entry = other.app.agent(changed(other, ""))
    found = replay(path, entry=entry).divergence
    assert found is not None
    assert found.cause == "a tool's declaration changed"


def test_a_tool_that_was_declared_since_is_no_difference(tmp_path: Path) -> None:
    """Other modules of the process may give the app tools that the recorded run never knew."""
    world = World(tmp_path)
    _, path = world.record(changed(world, ""))
    other = World(tmp_path)
    other.app.tool(effect="write", name="new")(lambda: None)
    assert replay(path, entry=other.app.agent(changed(other, ""))).equal


def test_a_trace_without_an_entry_says_so(tmp_path: Path) -> None:
    """A session around plain calls has no function to run again."""
    world = World(tmp_path)
    with world.app.session() as session:
        world.draw("x")
    with pytest.raises(UsageError, match="--entry"):
        replay(session.trace.path)


def test_replay_writes_nothing(tmp_path: Path) -> None:
    """A replay leaves the folder of traces as it was."""
    world = World(tmp_path)
    _, path = world.record(changed(world, ""))
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    replay(path, entry=changed(world, ""), app=world.app)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_check_offline_gives_the_verdict_of_the_door(tmp_path: Path) -> None:
    """The demo registry judges a stored trace exactly as it judged the live run."""
    import harness

    app = Harness("demo", traces=tmp_path)

    @app.tool(effect="write")
    def refund(order_id: str, amount_cents: int) -> dict[str, Any]:
        return {"paid": True}

    with app.session() as session:
        for cents in (48_000, 0):
            with pytest.raises(harness.Refused):
                refund("W-77", cents)
    report = harness.check(session.trace.path, registry="demo")
    with open_trace(session.trace.path) as reader:
        online = [(event.body["rule"], event.body["verdict"]) for event in reader if event.kind == "verdict"]
    assert report.verdict == session.verdict == "violated"
    assert [(finding.verdict.rule, finding.verdict.truth) for finding in report.findings] == online


def test_a_module_that_acts_when_imported_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replay never lets the import of the entry make calls for real; it says how to guard the module."""
    source = """
import harness

app = harness.Harness(traces="runs")

@app.tool
def act() -> None:
    open("acted", "a").close()

@app.agent
def agent() -> None:
    act()

with app.session():
    agent()
"""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "unguarded_agent.py").write_text(source, encoding="utf-8")
    __import__("unguarded_agent")
    monkeypatch.delitem(__import__("sys").modules, "unguarded_agent")
    (tmp_path / "acted").unlink()
    with pytest.raises(UsageError, match="when it is imported"):
        replay("runs/run-000001.mat.jsonl")
    assert not (tmp_path / "acted").exists()


def test_replay_restores_the_base_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that words its requests by the service it talks to reads the recorded base URL, and mine is kept."""
    world = World(tmp_path)

    def agent() -> str:
        return str(world.draw(os.environ.get("OPENAI_BASE_URL", "")))

    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/recorded")
    _, path = world.record(agent)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/mine")
    assert replay(path, entry=agent, app=world.app).equal
    assert os.environ["OPENAI_BASE_URL"] == "http://127.0.0.1:9/mine"


def test_an_undecorated_entry_belongs_to_the_only_app_of_its_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rules are never left out because a decorator is missing; with several apps the choice is asked for."""
    source = """
import harness

app = harness.Harness("demo", traces="runs")

@app.tool(effect="write")
def refund(order_id: str, amount_cents: int) -> str:
    return "paid"

def agent() -> str:
    try:
        return refund("W-77", 48_000)
    except harness.Refused:
        return "refused"
"""
    from harness.cli import execute
    from harness.door.app import app_of

    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    (tmp_path / "undecorated_agent.py").write_text(source, encoding="utf-8")
    assert execute(["run", "undecorated_agent:agent", "--trace", "t.mat.jsonl"]) == 1
    assert replay("t.mat.jsonl").equal
    module = __import__("undecorated_agent")
    module.other = Harness()
    with pytest.raises(UsageError, match="any of the 2 apps"):
        app_of(module.agent)


def test_a_rewritten_call_replays(tmp_path: Path) -> None:
    """The rules rewrite the call again, and the outcome is that of the call in its place."""
    rules = load(
        "registry: r\nversion: 1\ndefault: allow\ntools: {pay: {effect: write}}\ninvariants:\n- id: CLAMP\n"
        "  on: action\n  tool: pay\n  require: call.args.cents <= 100\n"
        "  otherwise: rewrite\n  rewrite: {args.cents: '100'}\n",
        "r.yaml",
    )
    app = Harness(rules, traces=tmp_path)
    paid: list[int] = []

    @app.tool(effect="write")
    def pay(cents: int) -> int:
        paid.append(cents)
        return cents

    def agent() -> list[int]:
        return [pay(500), pay(7)]

    session = app.session()
    assert session.run(agent) == [100, 7]
    replayed = replay(session.trace.path, entry=agent, app=app)
    assert replayed.equal, replayed.divergence
    assert replayed.result == [100, 7]
    assert paid == [100, 7]


def test_a_run_under_other_rules_than_the_apps_replays_under_them(tmp_path: Path) -> None:
    """The trace says which files its rules came from; where they are as they were, they are used."""
    rules = tmp_path / "rules.yaml"
    rules.write_text("registry: r\nversion: 1\ndefault: allow\ninvariants: [{id: A, on: end, require: step < 9}]\n")
    world = World(tmp_path / "runs")

    @world.app.agent
    def agent() -> float:
        return float(world.draw("a"))

    session = world.app.with_registry(rules).session()
    session.run(agent)
    replayed = replay(session.trace.path, entry=agent)
    assert replayed.equal, replayed.divergence
    handed = replay(session.trace.path, entry=agent, app=world.app).divergence
    rules.write_text(rules.read_text().replace("9", "8"))
    changed = replay(session.trace.path, entry=agent).divergence
    assert handed is not None
    assert changed is not None
    assert handed.cause == changed.cause == "the registry changed"


def test_a_tool_that_says_cancelled_has_an_outcome(tmp_path: Path) -> None:
    """The word is the result of a call, and its agent gets it when it came, though another call is under way."""
    app = Harness(traces=tmp_path)

    @app.tool(effect="read")
    async def look() -> str:
        await asyncio.sleep(0.02)
        return "found"

    @app.tool(effect="write")
    async def cancel() -> str:
        return "cancelled"

    async def agent() -> list[str]:
        return list(await asyncio.gather(look(), cancel()))

    session = app.session()
    assert session.run(agent) == ["found", "cancelled"]
    again = replay(session.trace.path, entry=agent, app=app)
    assert again.equal, again.divergence


@given(json_values)
def test_an_input_keeps_the_order_of_its_keys(value: Any) -> None:
    """What an agent reads off that order is the same when it is replayed, and another order is another trace."""
    app = Harness(secret_fields=())  # what an agent writes of a secret is not what it writes of its placeholder

    @app.agent
    def spelled(value: Any) -> str:
        return json.dumps(value)

    with TemporaryDirectory() as folder:
        trace = Path(folder) / "order.mat.jsonl"
        with app.session(trace=trace):
            said = spelled(value)
        result = replay(trace, app=app, entry=spelled)
        assert (result.result, result.equal) == (said, True)
        with app.session(trace=Path(folder) / "turned.mat.jsonl"):
            turned = spelled(_turned(value))
        assert (_header(Path(folder) / "turned.mat.jsonl") == _header(trace)) == (turned == said)


@dataclass(frozen=True)
class Dose:
    drug: str
    at: datetime


def test_an_input_comes_back_from_the_annotations_of_the_entry(tmp_path: Path) -> None:
    """A dataclass is itself again, in a list too; what its annotation no longer takes is told before anything runs."""
    app = Harness(traces=tmp_path)

    @app.agent
    def given(first: Dose, others: list[Dose]) -> str:
        return f"{first.drug} {[dose.at.year for dose in others]}"

    dose = Dose("A", datetime(2026, 1, 1, tzinfo=UTC))
    with app.session() as session:
        assert given(dose, [dose]) == "A [2026]"
    assert replay(session.trace.path, app=app, entry=given).equal

    def other(first: int, others: list[Dose]) -> None:
        pass

    with pytest.raises(UsageError, match="recorded first does not come back"):
        replay(session.trace.path, app=app, entry=other)


def test_a_run_that_a_usage_error_ended_replays_from_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the agent's files lie is nothing that a trace says."""
    code = "import harness\napp = harness.Harness(traces='.')\n@app.tool(effect='read')\ndef look(at):\n    return 1\n"
    code += "@app.agent\ndef agent():\n    look(object())\n"
    for folder in (tmp_path / "here", tmp_path / "there"):
        folder.mkdir()
        (folder / "wandering.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path / "here")
    module = importlib.import_module("wandering")
    with pytest.raises(UsageError, match=r"here/wandering\.py:3: "), module.app.session(trace=tmp_path / "t.mat.jsonl"):
        module.agent()
    monkeypatch.delitem(sys.modules, "wandering")
    replayed = replay(tmp_path / "t.mat.jsonl", path=tmp_path / "there")
    assert replayed.equal, replayed.divergence
    assert "there/wandering.py" in str(replayed.error)


def test_what_a_script_calls_its_own_is_found_when_it_is_replayed_by_name(tmp_path: Path) -> None:
    """Errors that its tools or its entry raise, and results of its classes, are not those of ``__main__``."""
    script = tmp_path / "own.py"
    script.write_text(_SCRIPT)
    subprocess.run([sys.executable, str(script)], check=True, cwd=tmp_path, env=os.environ | {"PYTHONPATH": _ROOT})
    for name in ("caught", "raised", "opaque"):
        replayed = replay(tmp_path / f"{name}.mat.jsonl")
        assert replayed.equal, replayed.divergence


_ROOT = str(Path(__file__).parents[2])
_SCRIPT = """
import harness

app = harness.Harness()

class Wrong(Exception):
    pass

@app.tool(effect="read")
def dose(amount):
    raise Wrong("too much")

@app.tool(effect="read")
def say(text):
    return text

@app.agent
def caught():
    try:
        dose(3)
    except Wrong:
        return say("caught")
    except Exception:
        return say("missed")

@app.agent
def raised():
    raise Wrong("mine")

@app.agent
def opaque():
    return Wrong("a thing")

if __name__ == "__main__":
    for agent in (caught, raised, opaque):
        with app.session(trace=f"{agent.__name__}.mat.jsonl"):
            try:
                agent()
            except Wrong:
                pass
"""


def _header(trace: Path) -> str:
    with open_trace(trace) as reader:
        return reader.header.digest


def _turned(value: Any) -> Any:
    """Give the same value with the keys of its objects the other way round."""
    if isinstance(value, dict):
        return {name: _turned(value[name]) for name in reversed(value)}
    return [_turned(one) for one in value] if isinstance(value, list) else value
