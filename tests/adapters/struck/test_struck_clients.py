"""Faults of conversations as the official clients meet them, over real HTTP: three APIs, whole and streamed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from harness.adapters.files import open_trace
from harness.door.replay import replay
from harness.door.resume import resume
from harness.faults.file import load_faults
from harness.faults.plan import KINDS
from harness.run.changes import changed_part
from harness.testing.model_server import Answer, ModelRequest, ModelServer, Reply, call, say
from harness.trace.event import Event
from harness.trace.history import restored
from tests.adapters.answers.talking import APIS, Talk

GOAL = "Refund 4800 cents of order W-77 to Ann, please. Then tell Bob."
TOLD = Answer("I looked. The order W-77 of Ann costs 4800 cents.", (call("refund", order="W-77", cents=4800),))
REQUESTS = [kind for kind, family in KINDS.items() if family == "request"]
ANSWERS = [kind for kind, family in KINDS.items() if family == "answer"]


def policy(request: ModelRequest) -> Reply:
    """Ask for a call first, then say that it is done."""
    if any(message["role"] == "tool" for message in request.messages):
        return say("Order W-77 of Ann is refunded with 4800 cents. All is done.")
    return TOLD


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    """Give a scripted server."""
    with ModelServer(policy) as running:
        yield running


@pytest.fixture(
    params=[(api, stream) for api in APIS for stream in (False, True)], ids=lambda one: f"{one[0]}-{one[1]}"
)
def talk(request: pytest.FixtureRequest, server: ModelServer) -> Talk:
    """Give an agent for each API, whole and streamed, whose tools take whatever they are given."""
    return talking(server, *request.param)


def talking(server: ModelServer, api: str, stream: bool, **options: Any) -> Talk:
    """Give an agent whose tools take whatever they are given."""
    talk = Talk(server, api, stream=stream, **({"judge_calls": False} | options))
    talk._run = lambda tool, args: f"{tool} done"  # type: ignore[method-assign]
    return talk


def told(talk: Talk, tmp_path: Path, inject: str, kind: str = "agent") -> tuple[Any, list[Event]]:
    """Run a struck agent, replay it offline, and give its result and its events."""
    app = talk.app(tmp_path)
    agent = getattr(talk, kind)(app)
    session = app.session(faults=load_faults(f"faults: t\nseed: 3\ninject: [{inject}]", "t.yaml") if inject else None)
    result = session.run(agent, text=GOAL)
    sent = len(talk.server.requests)
    again = replay(session.trace.path, entry=agent, app=app)
    assert again.equal, again.divergence
    assert again.result == result
    assert len(talk.server.requests) == sent
    with open_trace(session.trace.path) as reader:
        return result, list(reader)


def of_kind(events: list[Event], kind: str) -> list[dict[str, Any]]:
    """Give what the events of a kind say."""
    return [event.body for event in events if event.kind == kind]


@pytest.mark.parametrize("kind", ["agent", "async_agent"])
@pytest.mark.parametrize("fault", REQUESTS)
def test_a_model_is_asked_something_else(talk: Talk, fault: str, kind: str, tmp_path: Path) -> None:
    """The action keeps what the agent asked, the fault says what was sent in its place, and that is what came in."""
    before = len(talk.server.requests)
    _, events = told(talk, tmp_path, f"{{fault: {fault}, nth: 2, strength: {STRENGTHS.get(fault, '{}')}}}", kind)
    (struck,) = of_kind(events, "fault")
    assert struck["effective"]
    assert struck["at"] == next(iter(struck["sent"]))
    assert "clean" not in struck
    asked = {event.seq: args for event, (_, args) in restored(events)}[struck["action"]]
    changes = {f"args.{at}": value for at, value in struck["sent"].items()}
    assert changed_part(asked, "args", changes) == talk.server.requests[before + 1].body != asked


STRENGTHS = {"ML": "{keep: 1}", "CLV": "{pad: 50}"}


@pytest.mark.parametrize("kind", ["agent", "async_agent"])
@pytest.mark.parametrize("fault", ANSWERS)
def test_a_model_says_something_else(talk: Talk, fault: str, kind: str, tmp_path: Path) -> None:
    """The agent gets the faulty answer, the trace knows the true one, and a stream says what a whole answer does."""
    clean, unstruck = told(talk, tmp_path / "clean", "")
    result, events = told(talk, tmp_path, f"{{fault: {fault}, nth: 1}}", kind)
    (struck,) = of_kind(events, "fault")
    assert struck["effective"]
    assert struck["at"]
    assert plain(result[0]) != plain(clean[0])
    assert said_by(struck["clean"]) == said_by(of_kind(unstruck, "observation")[0])
    whole = told(talking(talk.server, talk.api, False), tmp_path / "w", f"{{fault: {fault}, nth: 1}}")[0]
    assert plain(result[0]) == plain(whole[0])


def plain(seen: Any) -> Any:
    """Give what was seen without the ids, which are those of the request."""
    return seen.text, [tuple(one)[1:] for one in seen.calls], seen.ended


def said_by(outcome: dict[str, Any]) -> Any:
    """Give the body of an answer, or the text of its stream."""
    kept = outcome["ok"]
    return kept["body"] if "body" in kept else "".join(piece for _, piece in kept["chunks"])


def test_a_fault_that_finds_nothing_to_change_is_inert(talk: Talk, tmp_path: Path) -> None:
    """What a conversation does not offer is told as inert; the model is asked as before, and says what it says."""
    inject = "{fault: ML, nth: 1}, {fault: TSE, nth: 2}, {fault: PFE, nth: 2}, {fault: partial}"
    clean, _ = told(talk, tmp_path / "clean", "")
    result, events = told(talk, tmp_path, inject)
    assert result == clean
    assert [
        (one["kind"], one["effective"], set(one) & {"at", "clean", "sent"}) for one in of_kind(events, "fault")
    ] == [
        ("ML", False, set()),
        ("TSE", False, set()),
        ("PFE", False, set()),
    ]


def test_a_plan_that_strikes_nothing_changes_nothing(talk: Talk, tmp_path: Path) -> None:
    """But for its header and its times, the trace is the one of a run without a plan."""
    clean = told(talk, tmp_path / "clean", "")[1]
    events = told(
        talk, tmp_path, "{fault: H, tool: nobody}, {fault: RA, nth: 9}, {fault: error, when: call.args.no == 1}"
    )[1]
    assert timeless(events) == timeless(clean)


def timeless(events: list[Event]) -> list[Any]:
    """Give what no clock and no chance has a hand in: no times, and not what the client has drawn."""
    return [
        (one.kind, one.task, {**one.body, "ok": said_by(one.body)} if "chunks" in one.body.get("ok", ()) else one.body)
        for one in events
        if one.kind != "read"
    ]


def test_calls_are_judged_as_the_faulty_answer_asks_for_them(talk: Talk, tmp_path: Path) -> None:
    """A rule speaks of the call that the agent will be asked to make, not of the one that the model meant."""
    judging = talking(talk.server, talk.api, talk.stream, judge_calls=True)
    _, events = told(judging, tmp_path, "{fault: IP, nth: 1}")
    calls = [body for body in of_kind(events, "action") if body["surface"] == "tool"]
    assert [body["tool"] for body in calls] == ["refund_v2"]
    (struck,) = of_kind(events, "fault")
    assert "refund_v2" not in str(struck["clean"])


def test_several_faults_of_one_call_are_told_in_order(talk: Talk, tmp_path: Path) -> None:
    """Each says the difference that it made of what the one before had left."""
    inject = (
        "{fault: BT, nth: 1}, {fault: H, nth: 1}, {fault: IP, nth: 1}, {fault: delay, nth: 1, strength: {delay_ms: 3}}"
    )
    result, events = told(talk, tmp_path, inject)
    assert [(one["kind"], one["effective"]) for one in of_kind(events, "fault")] == [
        *(("BT", True), ("H", True), ("IP", True), ("delay", True))
    ]
    assert result[0].text != TOLD.text
    assert result[0].calls[0][1] == "refund_v2"


def test_nothing_is_sent_where_a_service_fails(talk: Talk, tmp_path: Path) -> None:
    """The faults of a conversation that does not take place are inert, whatever their place in the plan."""
    app, sent = talk.app(tmp_path), len(talk.server.requests)
    plan = load_faults("faults: t\ninject: [{fault: RA}, {fault: error}, {fault: H}]", "t.yaml")
    session = app.session(faults=plan)
    with pytest.raises((openai.InternalServerError, anthropic.InternalServerError), match="the service answers 500"):
        session.run(talk.agent(app), text=GOAL)
    assert len(talk.server.requests) == sent
    with open_trace(session.trace.path) as reader:
        faults = of_kind(list(reader), "fault")
    assert [(one["kind"], one["effective"]) for one in faults] == [("RA", False), ("error", True), ("H", False)]


def test_a_run_cut_off_anywhere_goes_on_being_struck(talk: Talk, tmp_path: Path) -> None:
    """Wherever it was killed, the resumed run asks, hears and is told what it would have been without that."""
    app = talk.app(tmp_path)
    agent, inject = talk.agent(app), "{fault: BT, nth: 1}, {fault: IP, nth: 1}, {fault: H, nth: 2}"
    session = app.session(faults=load_faults(f"faults: t\ninject: [{inject}]", "t.yaml"))
    result = session.run(agent, text=GOAL)
    lines = Path(session.trace.path).read_bytes().splitlines(keepends=True)[:-1]
    for count in range(1, len(lines)):
        cut = tmp_path / f"cut-{count}.mat.jsonl"
        cut.write_bytes(b"".join(lines[:count]))
        resumed = resume(cut, entry=agent, app=app)
        assert resumed.result == result
        assert replay(resumed.path, entry=agent, app=app).equal
        with open_trace(resumed.path) as reader:
            faults = {(one["kind"], one["effective"]) for one in of_kind(list(reader), "fault")}
        assert faults == {("BT", True), ("IP", True), ("H", True)}
