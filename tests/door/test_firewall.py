"""Context firewalls: nothing of another node's keys appears in a node's prompts, tool calls or events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai import AsyncOpenAI, OpenAI, PermissionDeniedError

from harness.adapters.files import open_trace
from harness.adapters.registries import load_registry
from harness.assertion.report import check
from harness.converge.plan.plan import Node, Plan
from harness.converge.plan.view import View
from harness.door.app import Harness
from harness.door.current import session_var
from harness.door.planning import apursue, pursue
from harness.door.session import Session
from harness.errors import Refused
from harness.testing.model_server import ModelRequest, ModelServer, say
from harness.trace.event import Event
from harness.trace.history import restored
from tests.converge.plan.plans import plans

NAMES = ("anna", "bert", "cleo", "dora")
CANARIES = {name: f"CANARY-{name}-{number}-Zq" for number, name in enumerate(NAMES, 4711)}
READS = {
    "anna": ["given_anna", "shared"],
    "bert": ["given_bert", "out_anna"],
    "cleo": ["given_cleo", "out_anna"],
    "dora": ["given_dora", "out_bert", "out_cleo"],
}
PLAN = Plan(
    "four",
    [Node(name, f"You are {name}.", READS[name], [f"out_{name}"]) for name in NAMES],
    given=[*(f"given_{name}" for name in NAMES), "shared"],
)
GIVEN = {**{f"given_{name}": {"note": CANARIES[name]} for name in NAMES}, "shared": "CANARY-shared-99-Zq"}
MARKS = {**{f"given_{name}": CANARIES[name] for name in NAMES}, "shared": "CANARY-shared-99-Zq"}
MARKS |= {f"out_{name}": f"OUT-{name}-Zq-{name}" for name in NAMES}


def policy(request: ModelRequest) -> Any:
    """Answer as the node that the prompt is for: with what it is to write."""
    name = request.messages[0]["content"].partition("You are ")[2].partition(".")[0]
    return say(json.dumps({f"out_{name}": MARKS[f"out_{name}"]}))


@pytest.fixture
def server() -> Iterator[ModelServer]:
    """Serve the policy."""
    with ModelServer(policy) as running:
        yield running


def present() -> Session:
    """Give the session of the code that asks."""
    session = session_var.get()
    assert session is not None
    return session


def messages_of(view: View) -> list[Any]:
    """Give what a model is asked."""
    return [{"role": "user", "content": view.prompt}]


class Four:
    """An app with a model and a tool, whose workers ask the one and call the other with all they can see."""

    def __init__(self, server: ModelServer, folder: Path, *registries: str, mode: Any = "enforce") -> None:
        self.app = Harness(registries or None, traces=folder, mode=mode)
        self.client = self.app.wrap(OpenAI(base_url=server.base_url, api_key="none", max_retries=0))
        self.url = server.base_url

        @self.app.tool(effect="read")
        def look_up(what: Any) -> str:
            return "nothing new"

        self.look_up = look_up

    def worker(self, view: View) -> Any:
        """Do a node's work."""
        self.look_up(dict(view))
        answer = self.client.chat.completions.create(model="m", messages=messages_of(view))
        return json.loads(answer.choices[0].message.content or "")

    async def aworker(self, view: View) -> Any:
        """Do it while others do theirs."""
        self.look_up(dict(view))
        async with self.app.wrap(AsyncOpenAI(base_url=self.url, api_key="none", max_retries=0)) as client:
            answer = await client.chat.completions.create(model="m", messages=messages_of(view))
        await asyncio.sleep(0.001)
        return json.loads(answer.choices[0].message.content or "")


def events_of(path: str) -> list[Event]:
    """Give the events of a trace."""
    with open_trace(path) as reader:
        return list(reader)


def marks_in(said: Any) -> set[str]:
    """Give the keys whose canary stands in something."""
    text = json.dumps(said)
    return {key for key, mark in MARKS.items() if mark in text}


@pytest.mark.parametrize("asynchronous", [False, True])
def test_no_canary_crosses_into_another_node(asynchronous: bool, server: ModelServer, tmp_path: Path) -> None:
    """Each node's prompts, tool calls and events hold the canaries of its own keys, all of them, and no other one."""
    four = Four(server, tmp_path)

    async def later() -> Any:
        return (await apursue(present(), PLAN, four.aworker, GIVEN))[:3]

    def agent() -> Any:
        return pursue(present(), PLAN, four.worker, GIVEN)[:3]

    entry = later if asynchronous else agent
    session = four.app.session()
    assert session.run(entry) == ("done", {"out_dora": MARKS["out_dora"]}, {})
    events = events_of(session.trace.path)
    prompts = {one.messages[0]["content"].split()[2].rstrip("."): one.body for one in server.requests}
    calls: dict[str, list[Any]] = {name: [] for name in NAMES}
    for event, (_, args) in restored(events):
        calls[event.agent].append(args)
    for name in NAMES:
        own = {*READS[name], f"out_{name}"}
        assert marks_in(prompts[name]) == {*READS[name]}
        assert marks_in(calls[name]) == {*READS[name]}
        assert marks_in([one.body for one in events if one.agent == name]) == own
    asked = len(server.requests)
    again = four.app.replaying(session.trace.path)
    assert again.run(entry)[0] == "done"
    assert (again.trace.digest, len(server.requests)) == (session.trace.digest, asked)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plans(), st.booleans())
def test_walls_stand_around_every_plan(tmp_path: Path, plan: Plan, asynchronous: bool) -> None:
    """Whatever the plan: events of a node hold the canaries of its own keys only, and no wall is raised for nothing."""
    app = Harness(traces=tmp_path / "runs")

    @app.tool(effect="read")
    def look_up(what: Any) -> str:
        return "nothing new"

    def worker(view: View) -> Any:
        look_up([dict(view), view.prompt])
        return {key: {"note": f"CANARY of {key} here"} for key in view.writes}

    async def later(view: View) -> Any:
        await asyncio.sleep(0)
        return worker(view)

    async def run() -> Any:
        return (await apursue(present(), plan, later, {"start": "CANARY of start here"})).end

    session = app.session()
    if asynchronous:
        assert session.run(run) == "done"
    else:
        with session:
            assert pursue(session, plan, worker, {"start": "CANARY of start here"}).end == "done"
    events = events_of(session.trace.path)
    assert leaks(events) == []
    keys = {"start", *(key for node in plan.nodes for key in node.outputs)}
    for node in plan.nodes:
        text = json.dumps([one.body for one in events if one.agent == node.name])
        assert {key for key in keys if f"CANARY of {key} here" in text} == {*node.inputs, *node.outputs}


class Chatty(Four):
    """Workers that share one history of messages, as agents that were written in a hurry do."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*parts, **options)
        self.history: list[Any] = []
        self.refusals: list[str] = []

    def worker(self, view: View) -> Any:
        asked = [*messages_of(view), *self.history]
        self.history += messages_of(view)
        try:
            answer = self.client.chat.completions.create(model="m", messages=asked)
        except PermissionDeniedError as error:
            self.refusals.append(view.name)
            raise Refused("told", str(error)) from None
        return json.loads(answer.choices[0].message.content or "")


def pursued(four: Four) -> tuple[Session, list[Event], Any]:
    """Let a plan be pursued, replay it, and give what came of it."""

    def agent() -> Any:
        return pursue(present(), PLAN, four.worker, GIVEN)[:3]

    session = four.app.session()
    result = session.run(agent)
    events = events_of(session.trace.path)
    if isinstance(four, Chatty):
        four.history.clear()
    again = four.app.replaying(session.trace.path)
    assert again.run(agent) == result
    assert again.trace.digest == session.trace.digest
    return session, events, result


def leaks(events: list[Event]) -> list[tuple[str, str, set[str]]]:
    """Give who leaked, through which tool, and the keys."""
    told = [one for one in events if one.kind == "note" and one.body.get("artifact") == "context_leak"]
    return [(one.agent, one.body["data"]["tool"], {leak["key"] for leak in one.body["data"]["leaks"]}) for one in told]


def test_a_shared_history_is_stopped_at_the_door(server: ModelServer, tmp_path: Path) -> None:
    """What anna was told is not sent for bert: the call is refused before it is made, and the trace says why."""
    four = Chatty(server, tmp_path)
    _, events, result = pursued(four)
    assert result[0] == "stuck"
    assert all("CONTEXT-FIREWALL" in why for why in (result[2]["bert"], result[2]["cleo"]))
    assert [one.messages[0]["content"].split()[2] for one in server.requests] == ["anna."]
    who, tool, keys = leaks(events)[0]
    assert (who, tool, keys) == ("bert", "openai:chat/completions", {"given_anna", "shared"})
    assert not marks_in([one.body for one in events if one.agent == "bert"]) - {"given_bert", "out_anna"}


def test_a_rule_makes_it_a_violation(server: ModelServer, tmp_path: Path) -> None:
    """With common/firewall the verdict is violated, in the session and offline."""
    session, events, result = pursued(Chatty(server, tmp_path, "common/firewall"))
    assert (session.verdict, result[0]) == ("violated", "stuck")
    found = check(events, load_registry("common/firewall")).findings
    assert {one.verdict.rule for one in found} == {"CONTEXT-FIREWALL"}
    assert {one.agent for one in found} == {"bert", "cleo"}


@pytest.mark.parametrize("mode", ["shadow", "warn"])
def test_a_mode_that_only_tells_lets_it_through(mode: str, server: ModelServer, tmp_path: Path) -> None:
    """In shadow and warn mode the plan comes to its end, and the trace tells of every leak."""
    session, events, result = pursued(Chatty(server, tmp_path, "common/firewall", mode=mode))
    assert (session.verdict, result[0]) == ("violated", "done")
    assert [who for who, _, _ in leaks(events)] == ["bert", "cleo", "dora"]


def test_a_tool_call_is_heard_too(server: ModelServer, tmp_path: Path) -> None:
    """A value that bert has come by, deep in an argument and escaped, is refused to him; anna may say it."""
    four = Four(server, tmp_path)
    said: list[str] = []

    def worker(view: View) -> Any:
        try:
            four.look_up({"q": [json.dumps({"note": f"see {CANARIES['anna']}"})]})
            said.append(view.name)
        except Refused as refused:
            assert (refused.rule, refused.call) == ("CONTEXT-FIREWALL", "look_up")
        return {key: MARKS[key] for key in view.writes}

    with four.app.session() as session:
        assert pursue(session, PLAN, worker, GIVEN).end == "done"
        four.look_up(CANARIES["anna"])  # whoever pursues the plan may
    assert said == ["anna"]
    assert [(who, tool) for who, tool, _ in leaks(events_of(session.trace.path))] == [
        (name, "look_up") for name in ("bert", "cleo", "dora")
    ]


def test_a_plan_within_a_plan_stands_behind_both_walls(server: ModelServer, tmp_path: Path) -> None:
    """A worker may pursue a plan of its own, also with a node of a name that is there: each wall keeps its own keys."""
    four = Four(server, tmp_path)
    secret = "the inner secret of bert"
    inner = Plan("inner", [Node("bert", "", ["mine"], ["done"]), Node("y", "", ["done"], ["end"])], given=["mine"])

    def inside(view: View) -> Any:
        four.look_up(secret if view.name == "bert" else CANARIES["anna"])
        for hidden in (CANARIES["dora"], *([secret] if view.name == "y" else [])):
            with pytest.raises(Refused):
                four.look_up(hidden)
        return dict.fromkeys(view.writes, view.name)

    def worker(view: View) -> Any:
        if view.name == "anna":
            assert pursue(present(), inner, inside, {"mine": secret}).end == "done"
            four.look_up(secret)
        if view.name == "bert":
            with present().acting("anna"), pytest.raises(Refused):
                four.look_up(CANARIES["anna"])
        return {key: MARKS[key] for key in view.writes}

    def agent() -> Any:
        return pursue(present(), PLAN, worker, GIVEN).end

    session = four.app.session()
    assert session.run(agent) == "done"
    told = [one for one in events_of(session.trace.path) if one.body.get("artifact") == "context_leak"]
    assert [(one.agent, one.body["data"]["node"]) for one in told] == [
        ("bert", "anna"), ("y", "anna"), ("y", "y"), ("anna", "bert")
    ]  # fmt: skip


def test_a_wall_stands_in_a_loop_of_others(server: ModelServer, tmp_path: Path) -> None:
    """Under an event loop that is not the session's a leak is refused as well, and the trace replays there."""
    four = Four(server, tmp_path)

    async def worker(view: View) -> Any:
        answer = await four.aworker(view)
        if view.name != "anna":
            with pytest.raises(Refused):
                four.look_up(CANARIES["anna"])
        return answer

    async def run(session: Session) -> Any:
        async with session:
            return (await apursue(session, PLAN, worker, GIVEN))[:3]

    session = four.app.session()
    result = asyncio.run(run(session))
    assert result[0] == "done"
    assert [who for who, _, _ in leaks(events_of(session.trace.path))][-1] == "dora"
    again = four.app.replaying(session.trace.path)
    assert asyncio.run(run(again)) == result
    assert again.trace.digest == session.trace.digest
