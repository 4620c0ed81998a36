"""Forks whose faults are others: recorded outcomes are struck, and nothing is performed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from harness import Harness, InDoubt, RecordedError
from harness.adapters.files import open_trace
from harness.door.fork import Fork, fork
from harness.door.replay import replay
from harness.door.resume import resume
from harness.errors import PlanError, UsageError
from harness.faults.file import load_faults
from harness.faults.plan import Plan
from harness.trace.event import Event

MADE: list[str] = []
APP = Harness()


@APP.tool(effect="read")
def look(order: str) -> dict[str, Any]:
    """Give an order."""
    MADE.append(f"look {order}")
    return {"order": order, "lines": ["mug", "tea"], "no": len(MADE)}


@APP.tool(effect="write")
def pay(order: str, cents: int) -> str:
    """Pay."""
    MADE.append(f"pay {order} {cents}")
    return f"paid {cents} as no. {len(MADE)}"


@APP.tool(effect="read")
async def ask(name: str) -> str:
    """Take a moment to answer."""
    MADE.append(f"ask {name}")
    await asyncio.sleep(0.01)
    return f"{name} says yes"


@APP.agent
def shop(order: str) -> list[Any]:
    """Look, and pay; where paying fails, once more."""
    told: list[Any] = [look(order)]
    for _ in range(2):
        try:
            told.append(pay(order, len(told[0].get("lines", ()))))
            return told
        except (InDoubt, RecordedError, ConnectionError) as error:
            told.append(type(error).__name__)
    return told


@APP.agent
async def crowd(names: list[str]) -> list[str]:
    """Ask several at once, and tell who was in time."""

    async def one(name: str) -> str:
        try:
            return await asyncio.wait_for(ask(name), 5)
        except TimeoutError:
            return f"{name} is late"
        except (InDoubt, RecordedError):
            return f"nobody knows about {name}"

    return list(await asyncio.gather(*(one(name) for name in names)))


def _plan(inject: str) -> Plan:
    return load_faults(f"faults: t\nseed: 7\ninject: [{inject}]", "t.yaml")


def _record(folder: Path, inject: str = "", agent: Any = shop, **given: Any) -> Path:
    MADE.clear()
    trace = folder / f"run-{len(list(folder.iterdir()))}.mat.jsonl"
    APP.session(trace=trace, faults=_plan(inject) if inject else None).run(agent, **(given or {"order": "a"}))
    MADE.clear()
    return trace


def _fork(trace: Path, inject: str | None = None, agent: Any = shop, **options: Any) -> Fork:
    """Fork under another plan (None: without one); whatever became of it replays."""
    found = fork(
        trace, set={"faults": None if inject is None else _plan(inject)}, entry=agent, app=APP, offline=True, **options
    )
    if found.divergence is None:
        again = replay(found.path, entry=agent, app=APP)
        assert again.equal, again.divergence
    assert MADE == []
    return found


def _faults(path: str | Path) -> list[Event]:
    with open_trace(path) as reader:
        return [event for event in reader if event.kind == "fault"]


def test_a_recorded_outcome_is_struck(tmp_path: Path) -> None:
    """The agent meets another result than was recorded, the proof of it is in the new trace, and nothing is called."""
    found = _fork(_record(tmp_path), "{fault: error, tool: pay, nth: 1}")
    assert found.result[1:] == ["RecordedError", "paid 2 as no. 2"]
    (fault,) = _faults(found.path)
    assert (fault.body["kind"], fault.body["effective"]) == ("error", True)
    with open_trace(found.path) as reader:
        assert reader.header.run["faults"]["inject"][0]["fault"] == "error"
        assert reader.header.run["forked_from"][0]["set"]["faults"] == reader.header.run["faults"]


def test_what_was_performed_once_is_known_once(tmp_path: Path) -> None:
    """After a payment whose answer is lost the record has no second one: the fork ends at the retry."""
    found = _fork(_record(tmp_path), "{fault: commit_then_timeout, tool: pay, nth: 1}")
    assert "does not know this call of pay" in str(found.divergence)
    assert [event.body["clean"] for event in _faults(found.path)] == [{"ok": "paid 2 as no. 2"}]


@pytest.mark.parametrize("kind", ["timeout", "error", "commit_then_timeout", "corrupt", "rate_limit", "delay", "stale"])
@pytest.mark.parametrize(("agent", "given"), [(shop, {"order": "a"}), (crowd, {"names": ["ann", "bob", "cyd"]})])
def test_the_same_plan_changes_nothing(tmp_path: Path, kind: str, agent: Any, given: dict[str, Any]) -> None:
    """A struck run that is forked under its own plan is struck at the same calls in the same way."""
    trace = _record(tmp_path, f"{{fault: {kind}, nth: 2}}", agent, **given)
    found = _fork(trace, f"{{fault: {kind}, nth: 2}}", agent)
    assert (found.difference, found.divergence, found.went_live) == (None, None, ())
    assert [one.body for one in _faults(found.path)] == [one.body for one in _faults(trace)]
    kept = fork(trace, set={"seed": 0}, entry=agent, app=APP, offline=True)
    assert kept.difference is None
    assert len(_faults(kept.path)) == len(_faults(trace)) == 1


@pytest.mark.parametrize("kind", ["corrupt", "partial", "empty", "duplicate", "delay"])
def test_a_plan_is_taken_away(tmp_path: Path, kind: str) -> None:
    """What came in truth stands in the record, and is what the agent gets without the fault."""
    trace = _record(tmp_path, f"{{fault: {kind}, tool: look}}")
    (fault,) = _faults(trace)
    assert fault.body["effective"]
    found = _fork(trace)
    with open_trace(found.path) as reader:
        assert "faults" not in reader.header.run
        seen = next(event.body["ok"] for event in reader if event.kind == "observation")
    assert seen == fault.body["clean"]["ok"]
    assert _faults(found.path) == []


def test_a_retry_tells_what_the_first_call_would_have_given(tmp_path: Path) -> None:
    """Where a fault stood in the place of an effect, the next performance of the same request is what it gave."""
    trace = _record(tmp_path, "{fault: timeout, tool: pay, nth: 1}")
    found = _fork(trace)
    assert found.result[1:] == ["paid 2 as no. 2"]
    lone = _record(tmp_path, "{fault: timeout, tool: pay}")
    assert "does not know this call of pay" in str(_fork(lone).divergence)


def test_a_duplicate_of_what_is_recorded_is_inert(tmp_path: Path) -> None:
    """Nothing is performed twice: the second outcome is the recorded one."""
    found = _fork(_record(tmp_path), "{fault: duplicate, tool: pay}")
    assert found.difference is None
    assert [event.body["effective"] for event in _faults(found.path)] == [False]


def test_a_delayed_outcome_comes_later(tmp_path: Path) -> None:
    """Time passes without being waited for: who is delayed beyond a timeout is late."""
    trace = _record(tmp_path, "", crowd, names=["ann", "bob"])
    found = _fork(trace, "{fault: delay, tool: ask, nth: 1, strength: {delay_ms: 60000}}", crowd)
    assert found.result == ["ann is late", "bob says yes"]
    late = _record(tmp_path, "{fault: delay, tool: ask, nth: 1, strength: {delay_ms: 40}}", crowd, names=["ann", "bob"])
    assert _fork(late, None, crowd).result == ["ann says yes", "bob says yes"]


def test_one_strike_is_spared(tmp_path: Path) -> None:
    """A plan may leave out single calls of those that fit."""
    trace = _record(tmp_path, "{fault: error, tool: pay}")
    found = fork(trace, set={"faults": _plan("{fault: error, tool: pay, spare: 2}")}, entry=shop, app=APP)
    assert found.result[1:] == ["RecordedError", "paid 2 as no. 1"]
    assert MADE == ["pay a 2"]


def test_faults_go_with_another_change(tmp_path: Path) -> None:
    """An outcome that is set is what the agent gets; other calls are struck."""
    found = fork(
        _record(tmp_path),
        at=0,
        set={"outcome./lines": ["one", "two"], "faults": _plan("{fault: reset, nth: [1, 2]}")},
        entry=shop,
        app=APP,
        offline=True,
    )
    assert found.result == [{"order": "a", "lines": ["one", "two"], "no": 1}, "ConnectionResetError", "paid 2 as no. 2"]


def test_a_fork_of_a_fork_keeps_its_plan(tmp_path: Path) -> None:
    """What strikes a fork strikes whoever goes on from it."""
    first = _fork(_record(tmp_path), "{fault: error, tool: pay, nth: 1}")
    second = fork(first.path, at=0, set={"outcome./no": 9}, entry=shop, app=APP, offline=True)
    assert second.result == [{"order": "a", "lines": ["mug", "tea"], "no": 9}, "RecordedError", "paid 2 as no. 2"]


def test_a_plan_with_mistakes_is_told(tmp_path: Path) -> None:
    """Before anything runs, with file and cure."""
    trace, plan = _record(tmp_path), tmp_path / "plan.yaml"
    plan.write_text("faults: x\ninject: [{fault: tiemout}]\n")
    with pytest.raises(PlanError, match=r"plan\.yaml"):
        fork(trace, set={"faults": plan}, entry=shop, app=APP)
    with pytest.raises(UsageError):
        fork(trace, set={"faults./seed": 1}, entry=shop, app=APP)


@APP.tool(effect="read")
def total(orders: list[str]) -> int:
    """Look at several orders, and count what is there."""
    seen = 0
    for order in orders:
        try:
            seen += len(look(order)["lines"])
        except RecordedError:
            seen += 100
    return seen


@APP.agent
def totals(order: str) -> list[Any]:
    """Count, and look once more."""
    return [total([order, "b"]), len(look(order)["lines"])]


def test_calls_inside_an_effect_count_and_are_not_struck(tmp_path: Path) -> None:
    """Their caller's outcome is in the record; without the plan that struck one of them nobody knows it."""
    trace = _record(tmp_path, "{fault: truncate, tool: look, nth: [2, 3]}", totals)
    same = _fork(trace, "{fault: truncate, tool: look, nth: [2, 3]}", totals)
    kept = fork(trace, set={"seed": 0}, entry=totals, app=APP, offline=True)
    assert (kept.result, kept.difference) == ([3, 1], None)
    assert "does not know this call of total" in str(same.divergence)
    clean = _record(tmp_path, "", totals)
    assert _fork(clean, "{fault: truncate, tool: look, nth: 3}", totals).result == [4, 1]
    assert _fork(clean, "{fault: truncate, tool: look, nth: [1, 2]}", totals).result == [4, 2]


def test_a_fork_that_was_killed_goes_on_being_struck(tmp_path: Path) -> None:
    """Its header holds the plan: what is performed after the cut is struck as it would have been."""
    first = _fork(_record(tmp_path), "{fault: error, tool: pay}")
    assert first.result[1:] == ["RecordedError", "RecordedError"]
    lines = Path(first.path).read_bytes().splitlines(keepends=True)
    cut = tmp_path / "cut.mat.jsonl"
    kinds = [json.loads(line).get("kind") for line in lines]
    cut.write_bytes(b"".join(lines[: kinds.index("fault") + 2]))
    resumed = resume(cut, entry=shop, app=APP)
    assert resumed.result == first.result
    assert MADE == []
    assert len(_faults(resumed.path)) == 2
