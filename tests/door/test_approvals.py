"""Runs that stop for an answer, in one thread, in tasks and in threads, and go on when it is there."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openai
import pytest

from harness.adapters.files import open_trace
from harness.door.app import Harness
from harness.door.replay import replay
from harness.door.resume import resume
from harness.errors import Refused, Waiting
from harness.ports import Approval, Pending, Question
from harness.registry.load import load
from harness.testing.model_server import ModelRequest, ModelServer, Reply, say, slow
from harness.trace.event import Event

RULES = """
registry: asked
version: "1"
default: allow
tools:
  look: {effect: read}
  alook: {effect: read}
  outer: {effect: read}
  pay: {effect: write}
  apay: {effect: write}
  aput: {effect: write}
invariants:
  - {id: ASK, title: somebody says yes to a payment, on: action, tool: "*pay", require: "False", severity: high,
     otherwise: escalate}
"""


class Desk:
    """Somebody who answers when there is time: by digest, by name, or not yet."""

    def __init__(self) -> None:
        self.asked: list[Question] = []
        self.yes: set[str] = set()

    def __call__(self, question: Question) -> Approval | Pending:
        self.asked.append(question)
        said = question.digest in self.yes or question.args["name"] in self.yes
        return Approval(True, "Ann", digest=question.digest) if said else Pending("the desk", "nobody is in")


class World:
    """An app with tools that count their calls, and somebody to ask."""

    def __init__(self, folder: Path) -> None:
        (folder / "asked.yaml").write_text(RULES)
        self.desk: Any = Desk()
        self.app = Harness(folder / "asked.yaml", traces=folder, approver=lambda question: self.desk(question))
        self.calls: Counter[str] = Counter()
        self.slow_s = 0.02

        @self.app.tool(effect="read")
        def look(name: str) -> str:
            threading.Event().wait(self.slow_s)
            return self.done("look", name)

        @self.app.tool(effect="read")
        async def alook(name: str) -> str:
            await asyncio.sleep(self.slow_s * (5 if name == "slow" else 1))
            return self.done("alook", name)

        @self.app.tool(effect="write")
        def pay(name: str) -> str:
            return self.done("pay", name)

        @self.app.tool(effect="write")
        async def apay(name: str) -> str:
            return self.done("apay", name)

        @self.app.tool(effect="write")
        async def aput(name: str) -> str:
            return self.done("aput", name)

        @self.app.tool(effect="read")
        def outer(name: str) -> str:
            return f"outer {pay(name)}"

        self.look, self.alook, self.aput, self.pay, self.apay, self.outer = look, alook, aput, pay, apay, outer

    def done(self, tool: str, name: str) -> str:
        self.calls[f"{tool} {name}"] += 1
        return f"{tool} {name}"

    def stopped(self, agent: Callable[[], Any]) -> Waiting:
        """Run an agent up to where it waits."""
        session = self.app.session()
        with pytest.raises(Waiting) as waiting:
            session.run(agent)
        assert waiting.value.trace == session.trace.path
        return waiting.value

    def resumed(self, trace: str, agent: Callable[[], Any]) -> Any:
        """Resume a run to its end, check that it replays equal, and give what the agent returned."""
        resumed = resume(trace, entry=agent, app=self.app)
        assert resumed.error is None, resumed.error
        calls, asked = Counter(self.calls), len(self.desk.asked)
        replayed = replay(resumed.path, entry=agent, app=self.app)
        assert replayed.equal, replayed.divergence or replayed.ended
        assert (self.calls, len(self.desk.asked), replayed.result) == (calls, asked, resumed.result)
        return resumed.result


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Give an app whose desk says yes to nothing yet."""
    return World(tmp_path)


def events(trace: str) -> list[Event]:
    """Give the events of a trace, which must be sound."""
    with open_trace(trace) as reader:
        return list(reader)


def test_a_run_stops_before_the_call_and_goes_on_when_there_is_an_answer(world: World) -> None:
    """Nothing of the call has happened, the trace ends with what it waits for, and a resumption asks the same."""

    def agent() -> list[str]:
        try:
            return [world.look("a"), world.pay("one"), world.pay("two")]
        except Exception as error:
            return [str(error)]  # no agent can go on over the stop

    waiting = world.stopped(agent)
    (question,) = waiting.questions
    assert (question["tool"], question["args"], question["where"]) == ("pay", {"name": "one"}, "the desk")
    assert world.calls == {"look a": 1}
    last = events(waiting.trace)[-1]
    assert (last.kind, last.body["decision"], "answer" in last.body) == ("decision", "escalate", False)
    world.desk.yes.add(question["digest"])
    with pytest.raises(Waiting) as second:
        resume(waiting.trace, entry=agent, app=world.app)
    assert world.calls == {"look a": 1, "pay one": 1}
    assert second.value.questions[0]["args"] == {"name": "two"}
    world.desk.yes.add("two")
    assert world.resumed(second.value.trace, agent) == ["look a", "pay one", "pay two"]
    assert world.calls == {"look a": 1, "pay one": 1, "pay two": 1}


def test_asking_again_in_vain_leaves_no_trace(world: World, tmp_path: Path) -> None:
    """As often as a run is resumed without an answer, the question has one digest and the folder one trace."""

    def agent() -> str:
        return world.pay("one")

    waiting = world.stopped(agent)
    for _ in range(3):
        with pytest.raises(Waiting) as again:
            resume(waiting.trace, entry=agent, app=world.app)
        assert again.value.trace == waiting.trace
    assert len({question.digest for question in world.desk.asked}) == 1
    assert [path.name for path in tmp_path.glob("*.mat.jsonl*")] == [Path(waiting.trace).name]
    world.desk.yes.add("one")
    assert world.resumed(waiting.trace, agent) == "pay one"


def test_what_is_under_way_beside_the_question_ends_first(world: World) -> None:
    """Tasks that are making a call get their outcome into the trace; after that none begins another."""
    world.slow_s = 0.05

    async def one(name: str) -> list[str]:
        return [await world.alook(name), await world.alook(f"{name} again")]

    async def agent() -> list[Any]:
        return list(await asyncio.gather(one("a"), world.apay("x"), one("b"), world.apay("y")))

    waiting = world.stopped(agent)
    assert sorted(one["args"]["name"] for one in waiting.questions) == ["x", "y"]
    assert world.calls == {"alook a": 1, "alook b": 1}
    assert replay(waiting.trace, entry=agent, app=world.app).divergence is None
    world.desk.yes |= {"x", "y"}
    said = world.resumed(waiting.trace, agent)
    assert said == [["alook a", "alook a again"], "apay x", ["alook b", "alook b again"], "apay y"]
    assert set(world.calls.values()) == {1}


def test_what_a_stop_held_back_is_begun_once(world: World, tmp_path: Path) -> None:
    """A write that a stop kept from beginning is no doubt when the run goes on; killed then, it is."""

    async def put() -> str:
        return f"{await world.alook('a')}, {await world.aput('b')}"

    async def agent() -> list[str]:
        said = await asyncio.gather(world.apay("x"), put(), world.alook("slow"), return_exceptions=True)
        return [str(one) for one in said]

    waiting = world.stopped(agent)
    assert world.calls == {"alook a": 1, "alook slow": 1}
    assert [event.body["tool"] for event in events(waiting.trace) if event.kind == "action"][-1] == "aput"
    world.desk.yes.add("x")
    resumed = resume(waiting.trace, entry=agent, app=world.app)
    assert (resumed.doubts, world.calls["aput b"]) == ((), 1)
    lines = Path(resumed.path).read_bytes().splitlines(keepends=True)
    (began,) = [number for number, line in enumerate(lines) if b'"name":"begins"' in line]
    for kept, doubts in ((began, []), (began + 1, ["aput"])):
        path = tmp_path / f"cut-{kept}.mat.jsonl"
        path.write_bytes(b"".join(lines[:kept]))
        Path(f"{waiting.trace}.resumed").write_text(str(path))
        again = resume(path, entry=agent, app=world.app.with_approver(lambda question: Approval(False, "Ann")))
        assert [one.tool for one in again.doubts if one.decided == "left"] == doubts
        assert replay(again.path, entry=agent, app=world.app).equal


def test_a_task_group_is_stopped_like_any_other(world: World) -> None:
    """A group that cancels its tasks when one fails does not cut off what they have under way."""

    async def agent() -> list[str]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in (world.alook("a"), world.apay("x"), world.alook("b"))]
        return [task.result() for task in tasks]

    session = world.app.session()
    with pytest.raises((Waiting, BaseExceptionGroup)):
        session.run(agent)
    observed = [event for event in events(session.trace.path) if event.kind == "observation"]
    assert [event.body.keys() for event in observed] == [{"action", "ok"}] * 2
    world.desk.yes.add("x")
    assert world.resumed(session.trace.path, agent) == ["alook a", "apay x", "alook b"]
    assert set(world.calls.values()) == {1}


def test_an_agent_that_collects_errors_does_not_end_the_run(world: World) -> None:
    """Where the stop is swallowed the run is not sealed all the same, and says nothing more."""

    async def agent() -> list[str]:
        said = await asyncio.gather(world.apay("x"), world.alook("a"), return_exceptions=True)
        return [str(one) for one in said]

    waiting = world.stopped(agent)
    assert not any("returned" in event.body for event in events(waiting.trace))
    world.desk.yes.add("x")
    assert world.resumed(waiting.trace, agent) == ["apay x", "alook a"]


def test_a_timeout_around_a_question_is_the_agents_own(world: World) -> None:
    """An agent may give a question up; that is recorded, and replays."""

    async def never(question: Question) -> Approval:
        await asyncio.sleep(30)
        raise AssertionError

    app = world.app.with_approver(never)

    async def agent() -> str:
        try:
            async with asyncio.timeout(0.02):
                return await world.apay("x")
        except TimeoutError:
            return await world.alook("late")

    session = app.session()
    assert session.run(agent) == "alook late"
    replayed = replay(session.trace.path, entry=agent, app=app)
    assert replayed.equal, replayed.divergence or replayed.ended
    assert world.calls == {"alook late": 1}


def test_an_answer_of_a_model_is_waited_for(world: World) -> None:
    """A response that is on its way when somebody is asked is kept, and so is a stream that was read to its end."""
    asked: list[str] = []

    def policy(request: ModelRequest) -> Reply:
        asked.append(request.text)
        return slow(say("hello there"), first_ms=50) if request.text == "whole" else say("one two three")

    async def whole(client: Any) -> str:
        said = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "whole"}])
        return str(said.choices[0].message.content)

    async def piecewise(client: Any) -> str:
        messages = [{"role": "user", "content": "stream"}]
        pieces = [
            piece async for piece in await client.chat.completions.create(model="m", messages=messages, stream=True)
        ]
        return f"{await world.apay('x')} after {len(pieces)}"

    with ModelServer(policy) as server:

        async def agent() -> list[str]:
            async with openai.AsyncOpenAI(base_url=server.base_url, api_key="none") as plain:
                client = world.app.wrap(plain)
                return list(await asyncio.gather(whole(client), piecewise(client)))

        waiting = world.stopped(agent)
        world.desk.yes.add("x")
        said = world.resumed(waiting.trace, agent)
    assert (said[0], said[1].startswith("apay x after")) == ("hello there", True)
    assert Counter(asked) == {"whole": 1, "stream": 1}


def test_threads_finish_what_they_have_under_way(world: World) -> None:
    """A question in one thread stops the others before their next call."""
    world.slow_s = 0.05

    def work(name: str) -> list[str]:
        return [world.pay(name)] if name == "x" else [world.look(name), world.look(f"{name} again")]

    def agent() -> list[list[str]]:
        with ThreadPoolExecutor(3) as pool:
            return list(pool.map(work, ["a", "x", "b"]))

    waiting = world.stopped(agent)
    assert world.calls == {"look a": 1, "look b": 1}
    assert replay(waiting.trace, entry=agent, app=world.app).divergence is None
    world.desk.yes.add("x")
    said = world.resumed(waiting.trace, agent)
    assert said == [["look a", "look a again"], ["pay x"], ["look b", "look b again"]]
    assert set(world.calls.values()) == {1}


@pytest.mark.parametrize("beside", [False, True])
def test_a_question_inside_a_tool_keeps_its_digest(world: World, beside: bool) -> None:
    """A tool that reads, and asks inside, is performed again on resumption; its question is the one that was asked."""

    def agent() -> list[str]:
        with ThreadPoolExecutor(2) as pool:
            other = pool.submit(world.look, "a") if beside else None
            said = world.outer("one")
            return [said, other.result() if other else ""]

    waiting = world.stopped(agent)
    (question,) = waiting.questions
    for _ in range(2):
        with pytest.raises(Waiting) as again:
            resume(waiting.trace, entry=agent, app=world.app)
        waiting = again.value
        assert waiting.questions[0]["digest"] == question["digest"]
    world.desk.yes.add(question["digest"])
    assert world.resumed(waiting.trace, agent)[0] == "outer pay one"
    assert world.calls["pay one"] == 1


def test_a_question_that_is_asked_again_is_about_one_call(world: World) -> None:
    """A call that waits for its answer inside a tool is announced again on resumption; no rule counts it twice."""
    once = """  - {id: ONCE, on: action, tool: pay, otherwise: block,
     require: "not happened(action, call.tool == 'pay' and call.args.name == now.call.args.name)"}
"""
    world.app.reload(load(RULES + once, "once.yaml"))

    def agent() -> list[str]:
        return [world.outer("one")]

    waiting = world.stopped(agent)
    with pytest.raises(Waiting) as again:
        resume(waiting.trace, entry=agent, app=world.app)
    world.desk.yes.add("one")
    assert world.resumed(again.value.trace, agent) == ["outer pay one"]
    assert world.calls["pay one"] == 1


def test_a_run_in_somebody_elses_loop_stops_too(world: World) -> None:
    """In a loop that harness has not made, too, outcomes under way are kept, and the run goes on."""

    async def agent() -> list[str]:
        return list(await asyncio.gather(world.alook("a"), world.apay("x"), world.alook("b")))

    async def serve() -> str:
        entry = world.app.agent(agent)
        with pytest.raises(Waiting) as waiting:
            async with world.app.session():
                await entry()
        return waiting.value.trace

    trace = asyncio.run(serve())
    assert world.calls == {"alook a": 1}  # here a question is answered before the next task has its first turn
    world.desk.yes.add("x")
    assert world.resumed(trace, agent) == ["alook a", "apay x", "alook b"]
    assert set(world.calls.values()) == {1}


def test_each_of_two_equal_calls_is_asked_about(world: World) -> None:
    """An answer allows one call: the next one, equal to it, has another digest and is asked about anew."""

    def agent() -> list[str]:
        return [world.pay("one"), world.pay("one")]

    waiting = world.stopped(agent)
    world.desk.yes.add(waiting.questions[0]["digest"])
    with pytest.raises(Waiting) as second:
        resume(waiting.trace, entry=agent, app=world.app)
    assert second.value.questions[0]["digest"] != waiting.questions[0]["digest"]
    assert world.calls == {"pay one": 1}
    other = world.stopped(agent)  # nor is another run's equal call the same
    assert other.questions[0]["digest"] not in world.desk.yes


@pytest.mark.parametrize(("left", "allowed"), [(timedelta(hours=1), True), (timedelta(hours=-1), False)])
def test_a_replay_decides_by_the_recorded_time(world: World, left: timedelta, allowed: bool) -> None:
    """Whether a yes had expired is told by when it came, which the trace keeps; nobody is asked again."""
    expires = datetime.now(UTC) + left
    app = world.app.with_approver(lambda question: Approval(True, "Ann", "", question.digest, expires))

    def agent() -> str:
        try:
            return world.pay("one")
        except Refused as refused:
            return f"{refused.reason} {refused.retryable}"

    session = app.session()
    said = session.run(agent)
    assert said == ("pay one" if allowed else f"the answer of Ann expired at {expires.isoformat()} True")
    assert world.calls["pay one"] == allowed
    answer = next(event.body["answer"] for event in events(session.trace.path) if "answer" in event.body)
    assert answer.keys() == {"allowed", "answered", "by", "digest", "expires"}
    replayed = replay(session.trace.path, entry=agent, app=app)
    assert (replayed.equal, replayed.result) == (True, said)


def test_a_yes_that_expired_before_the_call_was_made_is_asked_for_again(world: World, tmp_path: Path) -> None:
    """A run that was killed between a yes and its idempotent call does not make it after the yes has expired."""

    @world.app.tool(effect="write", idempotent=True, name="safe_pay")
    def safe_pay(name: str) -> str:
        return world.done("safe_pay", name)

    soon = datetime.now(UTC) + timedelta(seconds=0.3)
    asked: list[str] = []

    def approver(question: Question) -> Approval:
        asked.append(question.rule)
        return Approval(True, "Ann", "", question.digest, soon if question.rule == "ASK" else None)

    def agent() -> str:
        return safe_pay("one")

    app = world.app.with_approver(approver)
    session = app.session()
    session.run(agent)
    lines = Path(session.trace.path).read_bytes().splitlines(keepends=True)
    cut = 1 + next(number for number, line in enumerate(lines) if b'"answer"' in line)
    path = tmp_path / "cut.mat.jsonl"
    path.write_bytes(b"".join(lines[:cut]))
    threading.Event().wait(0.35)
    resumed = resume(path, entry=agent, app=app)
    assert asked == ["ASK", "IN-DOUBT"]
    assert (resumed.result, world.calls) == ("safe_pay one", {"safe_pay one": 2})


def _fails(question: Question) -> Approval:
    raise ConnectionError("the desk is closed")


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize(
    ("approver", "why"),
    [
        (_fails, "the approver failed: ConnectionError: the desk is closed"),
        (lambda _: True, "the approver gave True, which is neither yes nor no"),
        (lambda _: Approval("no", "Ann"), "the approver gave Approval(allowed='no', by='Ann'"),
    ],
)
def test_what_is_neither_yes_nor_no_stops_the_run(world: World, approver: Any, why: str, asynchronous: bool) -> None:
    """An approver that fails, or gives what is no answer, has allowed nothing; asked again, the run goes on."""

    def agent() -> list[str]:
        try:
            return [world.look("one"), world.pay("two")]
        except Exception as error:
            return [str(error)]

    async def aagent() -> list[str]:
        try:
            return [await world.alook("one"), await world.apay("two")]
        except Exception as error:
            return [str(error)]

    chosen = aagent if asynchronous else agent
    desk, world.desk = world.desk, approver
    waiting = world.stopped(chosen)
    assert waiting.questions[0]["why"].startswith(why)
    assert world.calls.total() == 1
    world.desk = desk
    desk.yes.add("two")
    assert world.resumed(waiting.trace, chosen)[1].endswith("pay two")


def test_a_question_shows_no_secret(tmp_path: Path) -> None:
    """In the place of a secret whoever is asked sees what the trace has; the tool gets the real one."""
    (tmp_path / "asked.yaml").write_text(RULES)
    asked: list[Question] = []

    def approver(question: Question) -> Approval:
        asked.append(question)
        question.args["name"] = "changed"  # what somebody does to a question changes no call
        return Approval(True, "Ann")

    app, given = Harness(tmp_path / "asked.yaml", traces=tmp_path, approver=approver), []

    @app.tool(effect="write")
    def pay(name: str, password: str) -> None:
        given.append((name, password))

    def agent() -> None:
        pay("one", "hunter2hunter2")

    session = app.session()
    session.run(agent)
    lines = Path(session.trace.path).read_bytes().splitlines(keepends=True)
    cut = 1 + next(number for number, line in enumerate(lines) if b'"answer"' in line)
    (tmp_path / "cut.mat.jsonl").write_bytes(b"".join(lines[:cut]))
    resume(tmp_path / "cut.mat.jsonl", entry=agent, app=app)
    assert [(one.rule, one.args["password"]) for one in asked] == [
        ("ASK", "⟦secret:password:1⟧"),
        ("IN-DOUBT", "⟦secret:password:1⟧"),
    ]
    assert given == [("one", "hunter2hunter2")] * 2
