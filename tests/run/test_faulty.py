"""Faults that strike the calls of a run, from the door to the trace and back."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from harness import Harness, InDoubt
from harness.adapters.files import open_trace
from harness.door.replay import replay
from harness.door.resume import resume
from harness.door.shrink import write_trial
from harness.door.trial import trial
from harness.errors import PlanError
from harness.faults.file import load_faults
from harness.trace.event import Event
from harness.trace.outcome import Unknown, from_body

MADE: list[str] = []
APP = Harness()


@APP.tool(effect="read")
def look(order: str) -> dict[str, Any]:
    """Give an order, and remember that somebody looked."""
    MADE.append(f"look {order}")
    return {"order": order, "lines": ["mug", "tea", f"no. {len(MADE)}"]}


@APP.tool(effect="write")
def pay(order: str, cents: int) -> str:
    """Pay, and remember it."""
    MADE.append(f"pay {order} {cents}")
    return f"paid {cents}"


@APP.tool(effect="write")
async def apay(order: str, cents: int) -> str:
    """Pay asynchronously."""
    MADE.append(f"pay {order} {cents}")
    return f"paid {cents}"


@APP.agent
def shop(orders: list[str]) -> list[Any]:
    """Look at orders and pay each; tell what came of it."""
    told: list[Any] = []
    for order in orders:
        try:
            told.append(look(order))
            told.append(pay(order, cents=5))
        except Exception as error:
            told.append(f"{type(error).__name__}: {error}")
    return told


@APP.agent
async def ashop(orders: list[str]) -> list[Any]:
    """Pay orders at once, and tell what came of each."""
    return [repr(one) for one in await asyncio.gather(*(apay(one, 5) for one in orders), return_exceptions=True)]


def _recorded(tmp_path: Path, inject: str, agent: Any = shop, orders: list[str] | None = None) -> tuple[Any, Path]:
    MADE.clear()
    trace = tmp_path / "faulty.mat.jsonl"
    plan = load_faults(f"faults: t\nseed: 7\ninject: [{inject}]", "t.yaml")
    result = APP.session(trace=trace, faults=plan).run(agent, orders=["a", "b"] if orders is None else orders)
    return result, trace


def _events(trace: Path, kind: str) -> list[Event]:
    with open_trace(trace) as reader:
        return [event for event in reader if event.kind == kind]


@pytest.mark.parametrize(
    ("kind", "made", "told"),
    [
        ("timeout", ["look a", "look b", "pay b 5"], "InDoubt: pay may have happened"),
        ("commit_then_timeout", ["look a", "pay a 5", "look b", "pay b 5"], "InDoubt: pay may have happened"),
        ("reset", ["look a", "look b", "pay b 5"], "ConnectionResetError: the connection was reset"),
        ("error", ["look a", "look b", "pay b 5"], "RecordedError: "),
    ],
)
def test_a_call_is_struck_once(tmp_path: Path, kind: str, made: list[str], told: str) -> None:
    """The first payment meets its fault, and what the tools have really done is as the fault says."""
    result, trace = _recorded(tmp_path, f"{{fault: {kind}, tool: pay, nth: 1}}")
    assert made == MADE
    assert str(result[1]).startswith(told)
    assert result[3] == "paid 5"
    (fault,) = _events(trace, "fault")
    assert fault.body["effective"]
    assert ("clean" in fault.body) == (kind == "commit_then_timeout")


def test_the_trace_knows_what_came_in_truth(tmp_path: Path) -> None:
    """The observation is what the agent saw; the fault holds the result of the tool, and where the two differ."""
    result, trace = _recorded(tmp_path, "{fault: truncate, tool: look, nth: 2, strength: {keep: 1}}")
    (fault,) = _events(trace, "fault")
    assert result[2] == {"order": "b", "lines": ["mug"]}
    assert fault.body["clean"] == {"ok": {"order": "b", "lines": ["mug", "tea", "no. 3"]}}
    assert fault.body["at"].startswith("/ok/lines")


def test_a_fault_that_changes_nothing_says_so(tmp_path: Path) -> None:
    """What is shuffled into the same order is inert, and is not counted as injected."""
    _, trace = _recorded(tmp_path, "{fault: stale, tool: pay, nth: 1}")
    (fault,) = _events(trace, "fault")
    assert not fault.body["effective"]


def test_a_duplicate_happens_twice(tmp_path: Path) -> None:
    """A network that delivers twice lets the tool act twice, and the agent sees one answer."""
    result, _ = _recorded(tmp_path, "{fault: duplicate, tool: pay}", orders=["a"])
    assert MADE == ["look a", "pay a 5", "pay a 5"]
    assert result[1] == "paid 5"


def test_several_faults_strike_in_order(tmp_path: Path) -> None:
    """Each is told with the difference that it made of what the one before had left."""
    _, trace = _recorded(tmp_path, "{fault: truncate, tool: look}, {fault: empty, tool: look}", orders=["a"])
    assert [event.body["kind"] for event in _events(trace, "fault")] == ["truncate", "empty"]
    (seen,) = [event.body["ok"] for event in _events(trace, "observation") if "order" not in str(event.body)][:1]
    assert seen == {}


@pytest.mark.parametrize("agent", [shop, ashop])
@pytest.mark.parametrize("kind", ["timeout", "commit_then_timeout", "corrupt", "delay", "duplicate", "rate_limit"])
def test_a_struck_run_replays(tmp_path: Path, agent: Any, kind: str) -> None:
    """The agent's code runs again, and meets the same faults without a tool being called."""
    strength = ", strength: {delay_ms: 5}" if kind == "delay" else ""
    _, trace = _recorded(tmp_path, f"{{fault: {kind}, chance: 0.7{strength}}}", agent, ["a", "b", "c", "d"])
    assert _events(trace, "fault")
    MADE.clear()
    again = replay(trace, app=APP, entry=agent)
    assert again.equal, again
    assert MADE == []


def test_an_asynchronous_call_is_struck_too(tmp_path: Path) -> None:
    """Of calls made at once those are struck that the plan numbers."""
    result, trace = _recorded(tmp_path, "{fault: timeout, nth: [2]}", ashop, ["a", "b", "c"])
    assert [InDoubt.__name__ in one for one in result] == [False, True, False]
    assert [isinstance(from_body(one.body), Unknown) for one in _events(trace, "observation")].count(True) == 1


def test_a_late_error_for_which_nobody_waits_is_told(tmp_path: Path) -> None:
    """What nothing was performed for is told like what was: the delay made the agent give up."""

    @APP.agent
    async def impatient() -> str:
        try:
            return await asyncio.wait_for(apay("a", 5), 0.5)
        except TimeoutError:
            return "too late"

    seen = trial(impatient, {"inject": [{"fault": "delay"}, {"fault": "error"}]}, app=APP)
    assert seen.result == "too late"
    assert [(one.kind, one.effective) for one in seen.seen.struck] == [("delay", True), ("error", True)]
    write_trial(seen, tmp_path / "late.mat.jsonl")
    again = replay(tmp_path / "late.mat.jsonl", app=APP, entry=impatient)
    assert again.equal, again.divergence


def test_a_run_without_faults_holds_no_word_of_them(tmp_path: Path) -> None:
    """Neither its header nor its events change."""
    APP.session(trace=tmp_path / "clean.mat.jsonl").run(shop, orders=["a"])
    with open_trace(tmp_path / "clean.mat.jsonl") as reader:
        assert "faults" not in reader.header.run
    assert not _events(tmp_path / "clean.mat.jsonl", "fault")


def test_a_broken_plan_keeps_a_session_from_opening(tmp_path: Path) -> None:
    """The mistakes of a file are told before anything runs."""
    (tmp_path / "plan.yaml").write_text("faults: t\ninject: [{fault: timeot}]")
    with pytest.raises(PlanError, match="did you mean 'timeout'"):
        APP.session(faults=tmp_path / "plan.yaml")


def test_a_fault_strikes_what_is_performed(tmp_path: Path) -> None:
    """A condition speaks of the arguments in force, which a rule may have put in the place of the agent's own."""
    rules = """
registry: t
version: 1.0.0
default: allow
tools: {pay: {effect: write, arguments: {properties: {order: {type: string}, cents: {type: integer}}}}}
invariants:
  - id: CAP
    on: action
    tool: pay
    require: call.args.cents <= 3
    otherwise: rewrite
    rewrite: {args.cents: "3"}
"""
    (tmp_path / "t.yaml").write_text(rules)
    trace = tmp_path / "t.mat.jsonl"
    plan = load_faults("faults: t\ninject: [{fault: timeout, tool: pay, when: call.args.cents == 3}]", "t.yaml")
    result = APP.with_registry(tmp_path / "t.yaml").session(trace=trace, faults=plan).run(shop, orders=["a"])
    assert "InDoubt" in result[1]


@pytest.mark.parametrize(
    ("faults", "effective"),
    [
        (["delay", "timeout"], [True, True]),
        (["duplicate", "reset"], [False, True]),
        (["reset", "timeout"], [True, False]),
        (["truncate", "error"], [False, True]),
        (["duplicate", "empty"], [True, True]),
    ],
)
def test_each_of_several_faults_is_told_for_itself(tmp_path: Path, faults: list[str], effective: list[bool]) -> None:
    """Only what made a difference, let time pass, or let something happen again was effective."""
    strengths = {"delay": ", strength: {delay_ms: 1}"}
    inject = ", ".join(f"{{fault: {kind}, tool: pay{strengths.get(kind, '')}}}" for kind in faults)
    _, trace = _recorded(tmp_path, inject, orders=["a"])
    assert [event.body["effective"] for event in _events(trace, "fault")] == effective


def test_of_two_deliveries_the_last_counts(tmp_path: Path) -> None:
    """Where the first raises and the second returns, the agent gets what returned, live and replayed."""
    app, tried = Harness(traces=tmp_path), []

    @app.tool(effect="write")
    def flaky() -> str:
        tried.append(1)
        if len(tried) == 1:
            raise ConnectionError("not yet")
        return "done"

    @app.agent
    def once() -> str:
        return flaky()

    trace = tmp_path / "twice.mat.jsonl"
    plan = load_faults("faults: t\ninject: [{fault: duplicate}]", "t.yaml")
    assert app.session(trace=trace, faults=plan).run(once) == "done"
    assert replay(trace, app=app, entry=once).equal


@pytest.mark.parametrize(
    "inject",
    [
        "{fault: stale, tool: look, nth: [3, 4]}",
        "{fault: empty, tool: look, nth: [1, 2]}, {fault: stale, tool: look, nth: 4}",
        "{fault: corrupt, tool: look, nth: 2}, {fault: stale, tool: twice, nth: 2}, {fault: error, tool: look, nth: 6}",
    ],
)
def test_a_run_cut_off_anywhere_goes_on_being_struck(tmp_path: Path, inject: str) -> None:
    """What was called and what came of it is counted and remembered, of calls inside of others too."""
    app = Harness()

    @app.tool(effect="read")
    def look(order: str) -> str:
        return f"order {order}"

    @app.tool(effect="read")
    def twice(order: str) -> list[str]:
        return [look(order), look(order.upper())]

    @app.agent
    def agent() -> list[Any]:
        told: list[Any] = [look("a"), *twice("b"), look("c")]
        try:
            return [*told, *twice("d")]
        except Exception as error:
            return [*told, repr(error)]

    trace = tmp_path / "t.mat.jsonl"
    plan = load_faults(f"faults: t\nseed: 7\ninject: [{inject}]", "t.yaml")
    result = app.session(trace=trace, faults=plan).run(agent)
    assert result != agent()
    lines = trace.read_bytes().splitlines(keepends=True)[:-1]
    for length in range(1, len(lines)):
        cut = tmp_path / f"cut-{length}.mat.jsonl"
        cut.write_bytes(b"".join(lines[:length]))
        resumed = resume(cut, entry=agent, app=app)
        assert replay(resumed.path, entry=agent, app=app).equal
        assert resumed.result == result, length


@pytest.mark.parametrize("fault", [{"fault": "delay", "strength": {"delay_ms": 5000}}, {"fault": "duplicate"}])
def test_a_fault_is_told_whose_caller_did_not_wait(tmp_path: Path, fault: dict[str, Any]) -> None:
    """The call is given up because of what the fault has added; the run replays."""
    app = Harness()

    @app.tool(effect="read")
    async def slow(order: str) -> str:
        await asyncio.sleep(2)
        return order

    @app.agent
    async def agent() -> list[str]:
        told = []
        for order in "ab":
            try:
                told.append(await asyncio.wait_for(slow(order), 3))
            except TimeoutError:
                told.append("late")
        return told

    struck = trial(agent, {"inject": [fault]})  # in virtual time
    assert struck.result == ["late", "late"]
    told = [event.body for event in struck.events if event.kind == "fault"]
    assert [(one["effective"], one["clean"]) for one in told] == [(True, {"ok": "a"}), (True, {"ok": "b"})]
    write_trial(struck, tmp_path / "t.mat.jsonl")
    assert replay(tmp_path / "t.mat.jsonl", entry=agent, app=app).equal
