"""Faults of conversations as the official clients meet them, over real HTTP: three APIs, whole and streamed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.adapters.files import open_trace
from harness.door.replay import replay
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
    clean, (true, *_) = told(talk, tmp_path / "clean", "")[0], of_kind(told(talk, tmp_path / "c", "")[1], "observation")
    result, events = told(talk, tmp_path, f"{{fault: {fault}, nth: 1}}", kind)
    (struck,) = of_kind(events, "fault")
    assert struck["effective"]
    assert struck["at"]
    assert plain(result[0]) != plain(clean[0])
    assert said_by(struck["clean"]) == said_by(true)
    whole = told(talking(talk.server, talk.api, False), tmp_path / "w", f"{{fault: {fault}, nth: 1}}")[0]
    assert plain(result[0]) == plain(whole[0])


def plain(seen: Any) -> Any:
    """Give what was seen without the ids, which are those of the request."""
    return seen.text, [tuple(one)[1:] for one in seen.calls], seen.ended


def said_by(outcome: dict[str, Any]) -> Any:
    """Give the body of an answer, or the text of its stream."""
    kept = outcome["ok"]
    return kept["body"] if "body" in kept else "".join(piece for _, piece in kept["chunks"])
