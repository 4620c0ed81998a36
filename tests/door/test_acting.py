"""Who acts, and what machines have come to, as the trace says it."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.adapters.files import open_trace
from harness.door.app import Harness
from harness.door.current import session_var
from harness.registry.load import load

RULES = """\
registry: room
version: 1.0.0
default: allow
invariants:
  - id: NOT-THE-CLERK
    title: Only the surgeon cuts
    on: action
    tool: cut
    require: agent == "surgeon"
    severity: critical
    otherwise: block
    says: Leave that to the surgeon.
"""

app = Harness(load(RULES, "room.yaml"))
reached = "the same"


@app.tool(effect="read")
def look(where: str) -> str:
    """Look somewhere."""
    return where.upper()


@app.tool(effect="read")
async def peek(where: str) -> str:
    """Look somewhere, slowly."""
    await asyncio.sleep(0.01)
    return where.upper()


@app.tool(effect="write")
def cut(where: str) -> str:
    """Cut."""
    return where


def told(trace: str) -> list[tuple[str, str]]:
    """Give who did what, of the actions and states of a trace."""
    with open_trace(trace) as reader:
        return [
            (event.agent, (event.body.get("args") or event.body["data"])["where"])
            for event in reader
            if event.kind in ("action", "state")
        ]


@app.agent
def staged() -> str:
    """Act under three names, one inside another, and in a thread."""
    session = session_var.get()
    assert session is not None
    look("a")
    with session.acting("clerk"):
        look("b")
        with session.acting("surgeon"):
            cut("c")
            thread = threading.Thread(target=look, args=("d",))
            thread.start()
            thread.join()
        session.state("plan", "ward", {"where": reached})
    look("f")
    return "done"


@app.agent
async def crowded() -> list[str]:
    """Act under many names at once."""
    session = session_var.get()
    assert session is not None

    async def one(name: str) -> str:
        with session.acting(name):
            await peek(name)
            return (await asyncio.gather(peek(name), peek(name)))[0]

    return await asyncio.gather(*(one(f"node-{number}") for number in range(5)))


def test_events_carry_who_acts(tmp_path: Path) -> None:
    """The name holds inside, also in threads that are started there, and is given back after."""
    session = app.session(trace=tmp_path / "a.mat.jsonl")
    assert session.run(staged) == "done"
    who = [("main", "a"), ("clerk", "b"), ("surgeon", "c"), ("surgeon", "d"), ("clerk", "the same"), ("main", "f")]
    assert told(session.trace.path) == who


def test_rules_see_who_acts() -> None:
    """A rule that speaks of an agent speaks of the name that is acted under."""
    with app.session() as session, pytest.raises(harness.Refused, match="surgeon"), session.acting("clerk"):
        cut("x")


def test_tasks_inherit_who_acts(tmp_path: Path) -> None:
    """What tasks do at once is told apart, and replays."""
    session = app.session(trace=tmp_path / "c.mat.jsonl")
    session.run(crowded)
    assert sorted(told(session.trace.path)) == sorted((f"node-{n}", f"node-{n}") for n in range(5) for _ in range(3))
    assert harness.replay(session.trace.path).digest == session.trace.digest


def test_a_machine_has_to_come_to_the_same_on_replay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state is recomputed and held against the record."""
    session = app.session(trace=tmp_path / "s.mat.jsonl")
    session.run(staged)
    assert harness.replay(session.trace.path).digest == session.trace.digest
    monkeypatch.setitem(globals(), "reached", "something else")
    found = harness.replay(session.trace.path).divergence
    assert found is not None
    assert "the plan comes to something else" in str(found)


def test_a_state_that_is_no_json_is_refused() -> None:
    """Data that a trace cannot hold is an error where it is given."""
    with app.session() as session, pytest.raises(harness.HarnessError):
        session.state("plan", "ward", {"where": object()})


def test_show_tells_one_agent_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``show --agent`` prints what one of them did, and a state as one line."""
    from harness.cli import execute

    session = app.session(trace=tmp_path / "show.mat.jsonl")
    session.run(staged)
    assert execute(["show", str(tmp_path / "show.mat.jsonl"), "--agent", "clerk"]) == 0
    lines: Any = capsys.readouterr().out.splitlines()[1:-1]
    assert [line.split()[-1] for line in lines if "plan" in line] == ['same"']
    assert not any('"a"' in line or '"c"' in line for line in lines)
