"""Messages that a fault leads astray: back to their sender, several times, or to everybody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.adapters.files import open_trace
from harness.door.app import Harness
from harness.door.replay import replay
from harness.door.resume import resume
from harness.faults.file import load_faults
from harness.registry.load import load
from harness.trace.event import Event

RULES = """
registry: team
version: 1.0.0
default: allow
agents: {main: {may: [post, send, handoff]}, ann: {}, bob: {}, eve: {}, zoe: {}}
tools: {post: {effect: read}, send: {effect: read}, handoff: {effect: read}}
"""

APP = Harness(load(RULES, "team.yaml"))


@APP.tool(effect="read")
def post(to: str, text: str) -> str:
    """Send a message from inside a tool."""
    APP.session().send(to, text)
    return "posted"


@APP.agent
def team() -> Any:
    """Send three messages, one from inside a tool, and tell who has found what."""
    session = APP.session()
    session.send("bob", "one")
    post("ann", "two")
    session.send("eve", "three")
    found = {}
    for name in ("main", "ann", "bob", "eve", "zoe"):
        with session.acting(name):
            found[name] = [one.content for one in session.mail()]
    return found


def struck(agent: Any, tmp_path: Path, inject: str, app: Harness = APP) -> tuple[Any, list[Event], Path]:
    """Run a struck agent, replay it, and give its result, its events and its trace."""
    trace = tmp_path / "t.mat.jsonl"
    result = app.session(trace=trace, faults=load_faults(f"faults: t\ninject: [{inject}]", "t.yaml")).run(agent)
    again = replay(trace, app=app, entry=agent)
    assert again.equal, again.divergence
    assert again.result == result
    with open_trace(trace) as reader:
        return result, list(reader), trace


def faults_in(events: list[Event]) -> list[Any]:
    """Give what the trace says of faults."""
    return [(one.body["kind"], one.body["effective"], one.body["to"]) for one in events if one.kind == "fault"]


MEANT = {"main": [], "ann": ["two"], "bob": ["one"], "eve": ["three"], "zoe": []}


@pytest.mark.parametrize(
    ("inject", "found"),
    [
        ("{fault: MC, nth: 1}", {"main": ["one"], "bob": []}),
        ("{fault: MS, nth: 1}", {"bob": ["one"] * 3}),
        ("{fault: MS, nth: 2, strength: {times: 2}}", {"ann": ["two"] * 2}),
        ("{fault: MBA, nth: 1}", {"ann": ["one", "two"], "eve": ["one", "three"], "zoe": ["one"]}),
        ("{fault: MC, when: call.args.to == 'ann'}", {"main": ["two"], "ann": []}),
        ("{fault: MC, nth: 1}, {fault: MS, nth: 1}", {"main": ["one"] * 3, "bob": []}),
    ],
)
def test_a_message_goes_where_the_fault_says(tmp_path: Path, inject: str, found: dict[str, list[str]]) -> None:
    """Sent by an agent's own code or from inside a tool, live and on replay, where no tool is called."""
    result, events, _ = struck(team, tmp_path, inject)
    assert result == MEANT | found
    assert all(effective for _, effective, _ in faults_in(events))


def test_what_changes_nobody_is_inert(tmp_path: Path) -> None:
    """A message to oneself comes back anyway."""

    @APP.agent
    def alone() -> Any:
        session = APP.session()
        session.send("main", "note")
        return [one.content for one in session.mail()]

    result, events, _ = struck(alone, tmp_path, "{fault: MC}, {fault: MS, strength: {times: 1}}")
    assert result == ["note"]
    assert faults_in(events) == [("MC", False, ["main"]), ("MS", False, ["main"])]


def test_a_broadcast_reaches_whoever_the_run_has_heard_of(tmp_path: Path) -> None:
    """Those that rules declare, that have acted, that were written to; also where that was inside a tool."""
    app = Harness()

    @app.tool(effect="read")
    def consult(text: str) -> str:
        with app.session().acting("expert"):
            app.session().send("clerk", text)
        return text

    @app.agent
    def agent() -> Any:
        session = app.session()
        session.send("ann", "hello")
        consult("what now")
        with session.acting("bob"):
            consult("and now")
            session.send("ann", "all")
        with session.acting("expert"):
            return [one.content for one in session.mail()]

    result, events, _ = struck(agent, tmp_path, "{fault: MBA, nth: 4}", app)
    assert faults_in(events) == [("MBA", True, ["ann", "clerk", "expert", "main"])]
    assert result == ["all"]


def test_a_handoff_comes_back_to_whoever_hands_over(tmp_path: Path) -> None:
    """The work is done under the name of the sender; storms and broadcasts leave handoffs alone."""

    @APP.agent
    def agent() -> Any:
        session = APP.session()
        with session.handoff("bob", "please") as given:
            session.note("at work")
            return given

    result, events, _ = struck(agent, tmp_path, "{fault: MC}, {fault: MS}, {fault: MBA}")
    assert result == "please"
    assert faults_in(events) == [("MC", True, ["main"])]
    assert [one.agent for one in events if one.body.get("text") == "at work"] == ["main"]


def test_an_asynchronous_message_goes_astray_too(tmp_path: Path) -> None:
    """What holds for ``send`` holds for ``asend``."""

    @APP.agent
    async def agent() -> Any:
        session = APP.session()
        await session.asend("bob", "one")
        async with session.ahandoff("eve"):
            return [one.content for one in session.mail()], [one.content for one in session.mail()]

    result, events, _ = struck(agent, tmp_path, "{fault: MC, nth: [1, 2]}")
    assert result == (["one"], [])
    assert [one.agent for one in events if one.kind == "fault"] == ["main", "main"]


@pytest.mark.parametrize(
    "inject", ["{fault: MC, nth: 9}", "{fault: MS, nth: 2}", "{fault: MBA, nth: 3}, {fault: MC, nth: 2}"]
)
def test_a_run_cut_off_anywhere_goes_on_being_struck(tmp_path: Path, inject: str) -> None:
    """What was sent inside a tool counts, performed again or not; nobody finds a message more or less."""
    result, _, trace = struck(team, tmp_path, inject)
    lines = trace.read_bytes().splitlines(keepends=True)[:-1]
    for count in range(1, len(lines)):
        cut = tmp_path / f"cut-{count}.mat.jsonl"
        cut.write_bytes(b"".join(lines[:count]))
        resumed = resume(cut, entry=team, app=APP)
        assert replay(resumed.path, entry=team, app=APP).equal
        assert resumed.result == result, count
