"""Agents that deal with each other: messages, handoffs and shared memory pass the door."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.adapters.files import open_trace
from harness.door.app import Harness
from harness.door.bus import Mail
from harness.errors import NotRecordable, RecordedError, Refused, UsageError, Waiting
from harness.ports import Approval, Pending, Question
from harness.registry.load import load
from harness.trace.event import Event

RULES = """
registry: team
version: 1.0.0
default: refuse
tools:
  look: {effect: read}
  ask_expert: {effect: read}
  think: {effect: read}
  pay: {effect: write}
  send: {effect: write, idempotent: true, arguments: {properties: {to: {type: string}, content: {}}}}
  handoff: {effect: write, idempotent: true, arguments: {properties: {to: {type: string}, input: {}}}}
  memory.read: {effect: read, idempotent: true}
  memory.write: {effect: write, idempotent: true}
invariants:
  - {id: SHORT, on: action, tool: send, when: exists(call.args.content.text), otherwise: rewrite,
     require: len(call.args.content.text) <= 5, rewrite: {args.content: '{"text": "short"}'}}
  - {id: POLITE, on: action, tool: send, require: 'not text(call.args.content).contains("fool")', otherwise: block}
  - {id: MOVED, on: action, tool: handoff, require: call.args.to != "old", otherwise: rewrite,
     rewrite: {args.to: '"new"'}}
  - {id: ONCE, on: action, tool: handoff, require: 'count(action, call.tool == "handoff") < 2', otherwise: block}
  - {id: KEYS, on: action, tool: memory.write, require: call.args.key != "locked", otherwise: block}
  - {id: SEALED, on: result, tool: memory.read, require: result != "sealed", otherwise: block}
  - {id: ASK, on: action, tool: "[ph]a*", when: call.args.to == "boss" or call.tool == "pay", require: "False",
     otherwise: escalate}
"""


class Desk:
    """Somebody who answers when there is time."""

    def __init__(self) -> None:
        self.open = False

    def __call__(self, question: Question) -> Approval | Pending:
        return Approval(True, "Ann", digest=question.digest) if self.open else Pending("the desk", "nobody is in")


desk = Desk()
app = Harness(load(RULES, "team.yaml"), approver=desk)
paid: list[str] = []


@app.tool(effect="read")
def look(where: str) -> str:
    """Look somewhere."""
    return where.upper()


@app.tool(effect="write")
def pay(name: str) -> str:
    """Pay somebody."""
    paid.append(name)
    return f"paid {name}"


def recorded(agent: Callable[..., Any], trace: Path, by: Harness = app) -> tuple[Any, list[Event]]:
    """Run an agent, replay it, and give its result and its events."""
    session = by.session(trace=trace)
    result = session.run(agent)
    again = harness.replay(session.trace.path, entry=by.agent(agent))
    assert again.equal, again.divergence
    with open_trace(session.trace.path) as reader:
        return result, list(reader)


def acts(events: list[Event]) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Give who did what on which surface."""
    return [
        (event.agent, event.body["surface"], event.body["tool"], event.body["args"])
        for event in events
        if event.kind == "action"
    ]


def test_a_message_is_delivered_as_it_was_judged(tmp_path: Path) -> None:
    """As it was sent, or rewritten; one that is refused does not come."""

    def agent() -> list[Any]:
        team = app.session()
        sent = {"text": "far too long", "to": ["a"]}
        delivered = [team.send("bob", "hello"), team.send("bob", sent)]
        sent["to"] = "changed afterwards"
        with pytest.raises(Refused, match="POLITE"):
            team.send("bob", "you fool")
        with team.acting("bob"):
            first = team.mail()
            assert team.mail() == []
        with team.acting("eve"):
            assert team.mail() == []
        return [delivered, [list(one) for one in first]]

    (delivered, mail), events = recorded(agent, tmp_path / "a.mat.jsonl")
    assert delivered == ["hello", {"text": "short"}]
    assert [Mail(*one) for one in mail] == [Mail("main", "hello"), Mail("main", {"text": "short"})]
    assert acts(events)[0] == ("main", "message", "send", {"to": "bob", "content": "hello"})


def test_a_handoff_lets_somebody_else_act(tmp_path: Path) -> None:
    """What happens inside is theirs, one inside another, and in threads; afterwards it is one's own again."""

    def agent() -> Any:
        team = app.session()
        with team.handoff("clerk", {"order": "W-77"}) as given:
            look(given["order"])
            with team.handoff("old") as nothing:
                assert nothing is None
                thread = threading.Thread(target=look, args=("thread",))
                thread.start()
                thread.join()
            look("clerk again")
        return look("main again")

    _, events = recorded(agent, tmp_path / "h.mat.jsonl")
    assert [(agent, args) for agent, surface, _, args in acts(events) if surface == "tool"] == [
        ("clerk", {"where": "W-77"}),
        ("new", {"where": "thread"}),
        ("clerk", {"where": "clerk again"}),
        ("main", {"where": "main again"}),
    ]
    handoffs = [event for event in events if event.kind == "action" and event.body["surface"] == "handoff"]
    assert [(one.agent, one.body["args"]["to"]) for one in handoffs] == [
        ("main", "clerk"),
        ("clerk", "old"),
        ("clerk", "new"),
    ]
    ended = [event.body["action"] for event in events if event.kind == "observation" and "ok" in event.body]
    assert {handoffs[0].seq, handoffs[2].seq} < set(ended)


def test_a_refused_handoff_leaves_the_same_agent(tmp_path: Path) -> None:
    """The code inside does not run, and who acted goes on."""

    def agent() -> str:
        team = app.session()
        for name in ("a", "b", "c"):
            try:
                with team.handoff(name):
                    look(name)
            except Refused as refused:
                return f"{refused.rule}: {look('still here')}"
        return "never"

    result, events = recorded(agent, tmp_path / "r.mat.jsonl")
    assert result == "ONCE: STILL HERE"
    assert acts(events)[-1][0] == "main"


def test_a_handoff_fails_with_what_is_inside(tmp_path: Path) -> None:
    """An error is its outcome and goes on; a task that is cancelled leaves it unknown."""

    async def agent() -> list[str]:
        team = app.session()
        said = []
        try:
            async with team.ahandoff("clerk"):
                raise ValueError("no order")
        except (ValueError, RecordedError) as error:
            said.append(str(error))

        async def late() -> None:
            async with team.ahandoff("clerk"):
                await asyncio.sleep(10)

        task = asyncio.create_task(late())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return said

    result, events = recorded(agent, tmp_path / "f.mat.jsonl")
    assert result == ["no order"]
    outcomes = [event.body for event in events if event.kind == "observation"]
    assert outcomes[0]["failed"]["error"]["message"] == "no order"
    assert outcomes[1]["unknown"] == {"reason": "cancelled"}


def test_what_agents_share_is_read_and_written_through_the_door(tmp_path: Path) -> None:
    """What is not there is None; what a rule refuses is not kept, and what it withholds is not given."""

    def agent() -> list[Any]:
        memory = app.session().memory
        found = {"iban": "DE1"}
        memory.write("supplier", found)
        found["iban"] = "changed afterwards"
        memory["note"] = "sealed"
        memory["gone"] = None
        for refused in (lambda: memory.write("locked", 1), lambda: memory.read("note")):
            with pytest.raises(Refused):
                refused()
        with pytest.raises(KeyError):
            memory["gone"]
        return [memory["supplier"], memory.read("nothing"), memory.read("locked")]

    result, events = recorded(agent, tmp_path / "m.mat.jsonl")
    assert result == [{"iban": "DE1"}, None, None]
    assert acts(events)[0] == ("main", "memory", "memory.write", {"key": "supplier", "value": {"iban": "DE1"}})


def test_the_twins_do_the_same(tmp_path: Path) -> None:
    """Asynchronous agents at once, each with its name."""

    async def agent() -> list[Any]:
        team = app.session()

        async def one(name: str) -> Any:
            async with team.ahandoff(name, {"n": name}) as given:
                await team.memory.awrite(name, given)
                await team.asend("main", name)
                return await team.memory.aread(name)

        return [await asyncio.gather(one("a"), one("b")), [one.sender for one in team.mail()]]

    result, events = recorded(agent, tmp_path / "t.mat.jsonl")
    assert result == [[{"n": "a"}, {"n": "b"}], ["a", "b"]]
    assert sorted(who for who, surface, *_ in acts(events) if surface == "memory") == ["a", "a", "b", "b"]


@app.tool(effect="read")
async def think(delay_ms: int) -> int:
    """Take a while."""
    await asyncio.sleep(delay_ms / 1000)
    return delay_ms


def test_agents_in_a_loop_of_somebody_else_s_share_in_the_recorded_order(tmp_path: Path) -> None:
    """Who reads what others wrote depends on how long each thinks; a replay takes no time and reads the same."""

    async def agent() -> list[Any]:
        team = app.session()

        async def one(delay_ms: int) -> Any:
            found = []
            for _ in range(3):
                await think(delay_ms)
                found.append(await team.memory.aread("last"))
                await team.memory.awrite("last", delay_ms)
                await team.asend("main", found)
            return found

        async with team.ahandoff("crowd"):
            return await asyncio.gather(*map(one, (17, 11, 5)))

    async def served() -> Any:
        async with app.session(trace=tmp_path / "c.mat.jsonl") as session:
            assert await app.agent(agent)() != [[None, 17, 17], [None, 11, 11], [None, 5, 5]]
        return session

    session = asyncio.run(served())
    again = harness.replay(session.trace.path, entry=app.agent(agent))
    assert again.equal, again.divergence


def test_a_store_of_the_app_s_is_the_world(tmp_path: Path) -> None:
    """It is read and written once, for real; a replay does neither."""
    store: dict[str, Any] = {"before": [1]}
    shared = Harness(load(RULES, "team.yaml"), memory=store)

    async def agent() -> list[Any]:
        memory = shared.session().memory
        memory.write("a", {"n": 1})
        await memory.awrite("b", 2)
        return [memory.read("before"), await memory.aread("a"), memory.read("c")]

    session = shared.session(trace=tmp_path / "s.mat.jsonl")
    assert session.run(agent) == [[1], {"n": 1}, None]
    assert store == {"before": [1], "a": {"n": 1}, "b": 2}
    store.clear()
    again = harness.replay(session.trace.path, entry=shared.agent(agent))
    assert again.equal, again.divergence
    assert store == {}


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_handoff_goes_on_in_another_process(tmp_path: Path, asynchronous: bool, monkeypatch: Any) -> None:
    """A run that waits inside a handoff has not failed there; resumed, it has what was shared and said before."""
    monkeypatch.setattr(desk, "open", False)
    paid.clear()

    def agent() -> list[Any]:
        team = app.session()
        team.memory.write("payee", "Bob")
        team.send("clerk", "hurry")
        with team.handoff("clerk"):
            return [pay(team.memory.read("payee")), *(one.content for one in team.mail())]

    async def aagent() -> list[Any]:
        team = app.session()
        await team.memory.awrite("payee", "Bob")
        await team.asend("clerk", "hurry")
        async with team.ahandoff("clerk"):
            return [pay(await team.memory.aread("payee")), *(one.content for one in team.mail())]

    session = app.session(trace=tmp_path / "w.mat.jsonl")
    with pytest.raises(Waiting):
        session.run(aagent if asynchronous else agent)
    with open_trace(session.trace.path) as reader:
        assert not [event for event in reader if event.kind == "observation" and "failed" in event.body]
    assert paid == []
    monkeypatch.setattr(desk, "open", True)
    resumed = harness.resume(session.trace.path, entry=app.agent(aagent if asynchronous else agent))
    assert resumed.result == ["paid Bob", "hurry"]
    assert paid == ["Bob"]


def test_a_run_that_was_cut_off_anywhere_goes_on(tmp_path: Path) -> None:
    """Cut after each event: nothing that agents did to each other is asked about, lost or doubled."""

    def agent() -> list[Any]:
        team = app.session()
        team.memory.write("n", 1)
        with team.handoff("clerk", "count"):
            team.memory.write("n", team.memory.read("n") + 1)
            team.send("main", team.memory.read("n"))
        return [look("end"), team.memory.read("n"), [one.content for one in team.mail()]]

    entry = app.agent(agent)
    session = app.session(trace=tmp_path / "whole.mat.jsonl")
    whole = session.run(agent)
    lines = Path(session.trace.path).read_bytes().splitlines(keepends=True)
    for kept in range(2, len(lines) - 1):
        cut = tmp_path / f"cut-{kept}.mat.jsonl"
        cut.write_bytes(b"".join(lines[:kept]))
        assert harness.resume(cut, entry=entry).result == whole, kept
    shutil.rmtree(tmp_path)


@app.tool(effect="read")
def ask_expert(question: str) -> str:
    """Let an expert work inside the effect of a tool."""
    team = app.session()
    with team.handoff("expert", question):
        team.memory.write("answer", [question, team.memory.read("n")])
        team.send("main", "answered")
        with pytest.raises(UsageError, match="inside a tool"):
            team.mail()
    return "done"


def test_an_agent_inside_a_tool_shares_what_the_others_share(tmp_path: Path) -> None:
    """A replay, and a run that goes on, do not perform the tool again, and have what was kept and said there."""

    def agent() -> list[Any]:
        team = app.session()
        team.memory.write("n", 1)
        ask_expert("why")
        return [look("after"), team.memory.read("answer"), [list(one) for one in team.mail()]]

    entry = app.agent(agent)
    whole, _ = recorded(agent, tmp_path / "x.mat.jsonl")
    assert whole == ["AFTER", ["why", 1], [["expert", "answered"]]]
    lines = (tmp_path / "x.mat.jsonl").read_bytes().splitlines(keepends=True)
    for kept in range(2, len(lines) - 1):
        cut = tmp_path / f"cut-{kept}.mat.jsonl"
        cut.write_bytes(b"".join(lines[:kept]))
        assert harness.resume(cut, entry=entry).result == whole, kept


def test_a_handoff_may_be_asked_about(tmp_path: Path) -> None:
    """Somebody says yes to who takes over, with what: with that, whatever became of it while they thought."""
    work: list[str] = []

    def approve(question: Question) -> Approval:
        work.append("more than was said")
        return Approval(True, "Ann", digest=question.digest)

    asking = Harness(load(RULES, "team.yaml"), approver=approve)

    def agent() -> list[str]:
        work[:] = ["little"]
        with asking.session().handoff("boss", work) as given:
            return list(given)

    result, events = recorded(agent, tmp_path / "q.mat.jsonl", asking)
    assert result == ["little"]
    assert [event.body["answer"]["by"] for event in events if "answer" in event.body] == ["Ann"]


def test_the_model_s_id_is_kept(tmp_path: Path) -> None:
    """So that coverage knows the call that was asked for."""

    def agent() -> None:
        team = app.session()
        team.send("bob", "hello", call_id="c1")
        with team.handoff("bob", call_id="c2"):
            team.memory.write("a", 1, call_id="c3")
            team.memory.read("a", call_id="c4")

    _, events = recorded(agent, tmp_path / "i.mat.jsonl")
    assert [event.body["id"] for event in events if event.kind == "action"] == ["c1", "c2", "c3", "c4"]


def test_what_cannot_be_said_is_told(tmp_path: Path) -> None:
    """Names are texts, and what is said or kept is data."""
    with app.session(trace=tmp_path / "e.mat.jsonl") as team:
        for wrong in (
            lambda: team.send("", "hello"),
            lambda: team.memory.read(5),
            lambda: team.handoff(None).__enter__(),
        ):  # type: ignore[arg-type]
            with pytest.raises(UsageError, match="give a text"):
                wrong()
        with pytest.raises(NotRecordable):
            team.send("bob", object())
        with pytest.raises(NotRecordable):
            team.memory.write("a", {"b": object()})
    assert not (tmp_path / "e.mat.jsonl").exists()
