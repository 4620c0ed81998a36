"""Plans in real sessions: who works when, what a failed try is told, what the trace holds, and that it replays."""

from __future__ import annotations

import asyncio
import contextvars
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.adapters.files import open_trace
from harness.converge.plan.board import Board, Standing
from harness.converge.plan.change import Change
from harness.converge.plan.plan import Node, Plan
from harness.converge.plan.view import View
from harness.door.app import Harness
from harness.door.current import session_var
from harness.door.planning import Pursuit, apursue, pursue
from harness.door.session import Session
from harness.errors import PlanError, UsageError
from harness.trace.event import Event

TRIP = Plan(
    "trip",
    [
        Node("book", "Book both.", ["flight", "hotel"], ["booked"]),
        Node("flight", "Find a flight.", ["city"], {"flight": {"type": "string"}}),
        Node("hotel", "Find a hotel.", ["city"], {"hotel": {"type": "string"}}),
    ],
    given=["city"],
)

Agent = Callable[[], Any]


def present() -> Session:
    """Give the session of the code that asks."""
    session = session_var.get()
    assert session is not None
    return session


def said(view: View) -> dict[str, Any]:
    """Write under each key what it is made of."""
    return {key: f"{key} of {', '.join(map(str, view.values()))}" for key in view.writes}


def played(app: Harness, agent: Agent, *, asynchronous: bool = False) -> tuple[Any, list[Event]]:
    """Run an agent, replay it to the same digest and the same result, and give that with the events."""

    async def acts() -> Any:
        return await agent()

    entry = acts if asynchronous else agent
    session = app.session()
    result = session.run(entry)
    with open_trace(session.trace.path) as reader:
        events = list(reader)
    again = app.replaying(session.trace.path)
    assert shown(again.run(entry)) == shown(result)
    assert again.trace.digest == session.trace.digest
    return result, events


def shown(result: Any) -> Any:
    """Give what can be compared of a result."""
    return (*result[:3], result.board.facts()) if isinstance(result, Pursuit) else result


def states(events: list[Event], does: str = "") -> list[tuple[str, str, dict[str, Any]]]:
    """Give who said what of which node, in the order of the trace."""
    told = [(one.agent, one.body["name"], one.body["data"]) for one in events if one.kind == "state"]
    return [one for one in told if not does or one[2]["does"] == does]


def both(plan: Any, workers: Any, given: Mapping[str, Any], revise: Any = None) -> list[tuple[Agent, bool]]:
    """Give a synchronous and an asynchronous agent that pursue a plan."""

    async def later() -> Pursuit:
        return await apursue(present(), plan, workers, given, revise)

    return [(lambda: pursue(present(), plan, workers, given, revise), False), (later, True)]


def test_nodes_work_one_after_the_other(tmp_path: Path) -> None:
    """Each node works once all it reads is there, under its own name, and the trace holds what each has written."""
    for agent, asynchronous in both(TRIP, said, {"city": "Rome"}):
        result, events = played(Harness(traces=tmp_path), agent, asynchronous=asynchronous)
        assert (result.end, result.left) == ("done", {})
        assert result.results == {"booked": "booked of flight of Rome, hotel of Rome"}
        done = states(events, "finish")
        assert [(who, name) for who, name, _ in done] == [("flight", "flight"), ("hotel", "hotel"), ("book", "book")]
        assert done[0][2]["written"] == {"flight": "flight of Rome"}
        assert [(who, name) for who, name, _ in states(events, "begin")] == [("main", "trip")]


def test_ready_nodes_are_under_way_together(tmp_path: Path) -> None:
    """Flight and hotel wait for each other, and would for ever if one came after the other; book comes behind both."""
    app = Harness(traces=tmp_path)

    @app.tool(effect="read")
    async def search(what: str) -> str:
        started.append(what)
        while {*started} < {"flight", "hotel"}:
            await asyncio.sleep(0.001)
        return what

    started: list[str] = []

    async def worker(view: View) -> dict[str, Any]:
        found = await search(view.name)
        return dict.fromkeys(view.writes, found)

    async def agent() -> Pursuit:
        return await apursue(present(), TRIP, worker, {"city": "Rome"})

    result, events = played(app, agent, asynchronous=True)
    assert (result.end, started) == ("done", ["flight", "hotel", "book"])
    actions = [one for one in events if one.kind == "action"]
    assert [one.agent for one in actions] == ["flight", "hotel", "book"]
    assert len({one.task for one in actions}) == 3


def test_a_failed_try_is_told_to_the_next(tmp_path: Path) -> None:
    """What a worker raises, and what does not fit, costs a try each; the third one knows of both."""
    seen: list[tuple[str, ...]] = []

    def worker(view: View) -> Any:
        seen.append(view.failed)
        if not view.failed:
            raise ValueError("no flights on Sundays")
        return {"flight": 7 if len(view.failed) == 1 else "LH 1"}

    plan = Plan("one", [Node("flight", writes={"flight": {"type": "string"}})])
    for agent, asynchronous in both(plan, worker, {}):
        seen.clear()
        result, events = played(Harness(traces=tmp_path), agent, asynchronous=asynchronous)
        assert result.results == {"flight": "LH 1"}
        assert seen[2] == (
            "ValueError: no flights on Sundays",
            "UsageError: what flight has written: flight: 7 is not of type 'string'",
        )
        assert [(data["why"], data["again"]) for _, _, data in states(events, "fail")] == [
            (why, True) for why in seen[2]
        ]


def test_an_exhausted_node_takes_those_behind_it_along(tmp_path: Path) -> None:
    """After its tries a node is given up; what waits for it is named, in the trace too, and the others are done."""

    def worker(view: View) -> Any:
        if view.name == "flight":
            raise ConnectionError("down")
        return said(view)

    for agent, asynchronous in both(TRIP, worker, {"city": "Rome"}):
        result, events = played(Harness(traces=tmp_path), agent, asynchronous=asynchronous)
        assert result.end == "stuck"
        assert result.left == {
            "flight": "3 tries, the last: ConnectionError: down",
            "book": "waits for flight",
        }
        assert result.board.states()["hotel"] == "finished"
        last = states(events, "fail")[-1][2]
        assert (last["again"], last["unreachable"]) == (False, ["book"])
        assert len(states(events, "fail")) == 3


@pytest.mark.parametrize("written", [None, "prose", ["flight"], {}, {"flight": "x", "hotel": "y"}, {"flight": {1}}])
def test_what_is_no_answer_costs_a_try(written: Any, tmp_path: Path) -> None:
    """Prose, nothing, a missing key, one too many, and what is no JSON are not taken."""
    plan = Plan("one", [Node("flight", writes=["flight"], tries=1)])
    result, _ = played(Harness(traces=tmp_path), lambda: pursue(present(), plan, lambda _: written, {}))
    assert result.end == "stuck"
    assert "what flight has written" in result.left["flight"]


@dataclass(frozen=True)
class Seat:
    """A value of one key."""

    row: int


@dataclass(frozen=True)
class Booking:
    """A whole answer, as structured output of a framework is one."""

    flight: Seat


@pytest.mark.parametrize("written", [{"flight": Seat(7)}, Booking(Seat(7)), {"flight": {"row": 7}}])
def test_an_object_counts_as_its_fields(written: Any, tmp_path: Path) -> None:
    """What frameworks give as structured output need not be taken apart by hand."""
    plan = Plan("one", [Node("flight", writes=["flight"], tries=1)])
    result, _ = played(Harness(traces=tmp_path), lambda: pursue(present(), plan, lambda _: written, {}))
    assert result.results == {"flight": {"row": 7}}


# --- artifacts --------------------------------------------------------------------------------------------------------

DRIVING = Plan("drive", [Node("choose", "Choose a speed.", writes=["driving_plan"], rules=["driving_plan"])])


def test_an_artifact_is_judged_before_it_is_kept(tmp_path: Path) -> None:
    """A speed that a rule blocks is not handed on; the worker is shown the rules and how far away it was."""
    views: list[View] = []

    def worker(view: View) -> Any:
        views.append(view)
        return {"driving_plan": {"v_kmh": 100 if not view.failed else 90}}

    app = Harness("driving_degradation", traces=tmp_path).with_registry(parameters={"perception_m": 90})
    result, events = played(app, lambda: pursue(present(), DRIVING, worker, {}))
    assert result.results == {"driving_plan": {"v_kmh": 90}}
    assert [law.id for law in views[0].rules] == ["FORWARD-BRAKING", "REAR-DECELERATION"]
    assert "FORWARD-BRAKING" in views[1].failed[0]
    assert "artifact.v_kmh: decrease by about 5 to 95" in views[1].failed[0]
    judged = [(one.agent, one.body["rule"]) for one in events if one.kind == "verdict"]
    assert judged == [("choose", "FORWARD-BRAKING")]


def test_the_schema_of_an_artifact_holds_without_another(tmp_path: Path) -> None:
    """What is written under an artifact's name fits the schema that the registry declares for it."""
    app = Harness("driving_degradation", traces=tmp_path)
    result, _ = played(app, lambda: pursue(present(), DRIVING, lambda _: {"driving_plan": {"v_kmh": "fast"}}, {}))
    assert "driving_plan/v_kmh: 'fast' is not of type 'number'" in result.left["choose"]


# --- changes ----------------------------------------------------------------------------------------------------------


def test_a_plan_is_changed_while_it_is_pursued(tmp_path: Path) -> None:
    """When no flight is found a train takes its place; a change of what is finished is refused, and both are told."""

    def worker(view: View) -> Any:
        if view.name == "flight" and "train" not in view.instructions:
            raise ConnectionError("down")
        return said(view)

    def revise(standing: Standing) -> Change | None:
        if standing.states["flight"] == "exhausted":
            other = Node("flight", "Find a train.", ["city"], ["flight"])
            return Change(replace=(other,), why=standing.failed["flight"][-1])
        return Change(remove=("hotel",)) if standing.states["hotel"] == "finished" else None

    for agent, asynchronous in both(TRIP, worker, {"city": "Rome"}, revise):
        result, events = played(Harness(traces=tmp_path), agent, asynchronous=asynchronous)
        assert result.end == "done"
        made = states(events, "change")
        assert [data["change"]["why"] for _, _, data in made] == ["ConnectionError: down"]
        refused = [data["why"] for _, _, data in states(events, "refuse")]
        assert refused
        assert all("hotel is finished or under way" in why for why in refused)


def test_a_board_is_pursued_further(tmp_path: Path) -> None:
    """What was left when nothing went on is done later, from the state as JSON, and nothing twice."""
    calls: list[str] = []
    down = True

    def worker(view: View) -> Any:
        calls.append(view.name)
        if down and view.name == "book":
            raise ConnectionError("down")
        return said(view)

    app = Harness(traces=tmp_path)
    with app.session():
        first = pursue(present(), TRIP, worker, {"city": "Rome"})
    assert (first.end, calls) == ("stuck", ["flight", "hotel", "book", "book", "book"])
    state = json.loads(json.dumps(first.board.facts()))
    calls.clear()
    down = False
    with app.session():
        board = Board.of(state)
        board.change(Change(replace=(Node("book", "Book again.", ["flight", "hotel"], ["booked"]),)))
        second = pursue(present(), board, worker, {})
    assert (second.end, calls) == ("done", ["book"])


# --- before anything is done ------------------------------------------------------------------------------------------


def test_a_plan_is_checked_before_anything_is_done(tmp_path: Path) -> None:
    """A file with mistakes, a missing worker, a wrong name among what is given: nobody works, nothing is written."""
    app = Harness(traces=tmp_path / "runs")
    file = tmp_path / "plan.yaml"
    file.write_text("plan: p\nnodes:\n  a: {reads: [x], writes: [y]}\n  a2: {reads: [b]}\n", encoding="utf-8")
    with app.session() as session:
        with pytest.raises(PlanError, match=r"plan\.yaml:3:15  nobody writes or hands in 'x'") as found:
            pursue(session, file, said, {})
        assert len(found.value.mistakes) == 2
        with pytest.raises(UsageError, match="the node flight of trip has no worker"):
            pursue(session, TRIP, {"book": said, "flihgt": said, "hotel": said}, {"city": "Rome"})
        with pytest.raises(UsageError, match="what is given to trip has no city and has cty"):
            pursue(session, TRIP, said, {"cty": "Rome"})
        assert not session.begun


def test_a_coroutine_needs_an_asynchronous_agent(tmp_path: Path) -> None:
    """A worker that would have to be awaited is refused before anything is done."""

    async def worker(view: View) -> Any:
        return said(view)

    with (
        Harness(traces=tmp_path).session() as session,
        pytest.raises(UsageError, match="the worker of book is asynchronous"),
    ):
        pursue(session, TRIP, worker, {"city": "Rome"})


def test_a_cancelled_plan_leaves_its_board_whole(tmp_path: Path) -> None:
    """What was under way when the agent was cancelled has not begun, and can be pursued further."""
    boards: list[Board] = []

    async def worker(view: View) -> Any:
        if view.name == "book":
            await asyncio.sleep(60)
        return said(view)

    async def agent() -> str:
        board = Board(TRIP, {"city": "Rome"})
        boards.append(board)
        try:
            await asyncio.wait_for(apursue(present(), board, worker, {}), 0.05)
        except TimeoutError:
            return "too late"
        return "done"

    result, _ = played(Harness(traces=tmp_path), agent, asynchronous=True)
    assert result == "too late"
    assert Board.of(boards[0].facts()).ready() == ("book",)


def test_a_worker_that_waits_for_what_is_cancelled_has_failed(tmp_path: Path) -> None:
    """That something else was cancelled costs a try, and does not end the plan in silence."""

    async def worker(view: View) -> Any:
        if not view.failed:
            other = asyncio.ensure_future(asyncio.sleep(60))
            asyncio.get_running_loop().call_soon(other.cancel)
            await other
        return said(view)

    async def agent() -> Pursuit:
        return await apursue(present(), TRIP, worker, {"city": "Rome"})

    result, events = played(Harness(traces=tmp_path), agent, asynchronous=True)
    assert result.end == "done"
    assert {data["why"] for _, _, data in states(events, "fail")} == {"CancelledError: "}


# --- contexts ---------------------------------------------------------------------------------------------------------

mood: contextvars.ContextVar[str] = contextvars.ContextVar("mood", default="calm")


def test_what_a_worker_sets_in_its_context_no_other_finds(tmp_path: Path) -> None:
    """A context variable that one node sets is as before for all others, and for whoever pursues the plan."""
    found: list[str] = []

    def worker(view: View) -> Any:
        found.append(mood.get())
        mood.set(f"set by {view.name}")
        return said(view)

    for agent, asynchronous in both(TRIP, worker, {"city": "Rome"}):
        found.clear()
        played(Harness(traces=tmp_path), agent, asynchronous=asynchronous)
        assert found == ["calm"] * 6  # recorded, and replayed
        assert mood.get() == "calm"
