"""Trials against a record, and what they can say of it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness import Harness, InDoubt, RecordedError
from harness.cli import execute
from harness.door.blame import blame, blame_trial
from harness.door.recorded_trials import RecordedTrials
from harness.door.trial import Trials
from harness.errors import Divergence, UsageError
from harness.faults.file import load_faults
from harness.registry.load import load
from harness.stress.schedule import Schedule, schedule_of

RULES = """
registry: pay once
version: 1.0.0
default: allow
invariants:
  - {id: ONCE, title: An order is paid once, on: action, tool: pay, severity: high, otherwise: observe,
     require: 'not happened(action, call.tool == "pay" and call.args.order == now.call.args.order)',
     says: "{call.args.order} is paid twice."}
  - {id: SMALL, title: Small sums only, on: action, tool: pay, severity: high, otherwise: observe,
     require: call.args.cents < 100}
"""
MADE: list[str] = []
PRICES = {"a": 5, "b": 7}
APP = Harness(load(RULES, "once.yaml"))


@APP.tool(effect="read")
def price(order: str) -> int:
    """Give what an order costs."""
    MADE.append(f"price {order}")
    return PRICES[order]


@APP.tool(effect="write")
def pay(order: str, cents: int) -> str:
    """Pay."""
    MADE.append(f"pay {order}")
    return f"paid {cents}"


@APP.agent
def payer(orders: list[str]) -> list[str]:
    """Pay some orders; where nobody knows whether one was paid, pay again."""
    said = []
    for order in orders:
        try:
            cents = price(order)
        except RecordedError:
            cents = 999
        for _ in range(2):
            try:
                said.append(pay(order, cents))
                break
            except InDoubt:
                said.append("?")
            except RecordedError:
                break
    return said


@APP.tool(effect="read")
async def aprice(order: str) -> int:
    """Give what an order costs."""
    MADE.append(f"price {order}")
    await asyncio.sleep(0.001)
    return PRICES[order]


@APP.agent
async def crowd(orders: list[str]) -> list[int]:
    """Tell the prices in the order in which they come."""
    came: list[int] = []

    async def one(order: str) -> None:
        came.append(await aprice(order))

    await asyncio.gather(*map(one, orders))
    return came


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the trace of a run without faults."""
    trace = tmp_path_factory.mktemp("record") / "run.mat.jsonl"
    APP.session(trace=trace).run(payer, orders=["a", "b"])
    return trace


def _struck(folder: Path, inject: str, **given: Any) -> Path:
    plan = load_faults(f"faults: t\nseed: 7\ninject: [{inject}]", "t.yaml")
    trace = folder / f"struck-{len(list(folder.iterdir()))}.mat.jsonl"
    APP.session(trace=trace, faults=plan).run(payer, **(given or {"orders": ["a", "b"]}))
    MADE.clear()
    return trace


KINDS = st.sampled_from(["error", "rate_limit", "corrupt", "timeout", "commit_then_timeout", "delay", "empty"])
FAULTS = st.fixed_dictionaries(
    {"fault": KINDS, "tool": st.sampled_from(["price", "pay"]), "nth": st.integers(1, 3)},
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(FAULTS, max_size=3))
def test_on_a_record_all_is_as_it_would_be_live(record: Path, inject: list[dict[str, Any]]) -> None:
    """As far as the record knows the calls, a trial on it comes to the same calls, strikes and violations."""
    schedule = schedule_of({"inject": inject, "seed": 3})
    live = Trials(APP, payer).run(schedule, {"orders": ["a", "b"]}).seen
    MADE.clear()
    trial = RecordedTrials(record, entry=payer, app=APP).run(schedule)
    assert MADE == []
    known = len(trial.seen.calls) - (not trial.seen.end)
    assert [call[1:] for call in trial.seen.calls[:known]] == [call[1:] for call in live.calls[:known]]
    assert trial.seen.end == (live.end if known == len(trial.seen.calls) else "")
    if trial.seen.end:
        assert trial.seen.rules == live.rules
        assert [(one.fault, one.effective) for one in trial.seen.struck] == [
            (one.fault, one.effective) for one in live.struck
        ]
    else:
        assert isinstance(trial.error, Divergence)


def test_what_the_record_does_not_know_ends_a_trial(record: Path) -> None:
    """The violation is seen all the same: a call is judged before anybody asks what it gives."""
    trials = RecordedTrials(record, entry=payer, app=APP)
    trial = trials.run(schedule_of({"inject": [{"fault": "commit_then_timeout", "tool": "pay", "nth": 2}]}))
    assert (trial.seen.end, trial.seen.rules) == ("", {"ONCE"})
    assert "does not know this call of pay" in str(trial.error)
    assert trials.run(Schedule()).seen.end == "returned"


def test_another_trace_knows_more(record: Path, tmp_path: Path) -> None:
    """Calls that the record lacks are taken from other traces."""
    other = _struck(tmp_path, "{fault: commit_then_timeout, tool: pay, nth: 1}", orders=["b"])
    trial = RecordedTrials(record, entry=payer, app=APP, more=(other,)).run(
        schedule_of({"inject": [{"fault": "commit_then_timeout", "tool": "pay", "nth": 2}]})
    )
    assert (trial.result, trial.seen.rules) == (["paid 5", "?", "paid 7"], {"ONCE"})
    assert MADE == []


def test_the_input_is_changed(record: Path) -> None:
    """In part or as a whole, as in a live trial; fewer orders are known, others are not."""
    trials = RecordedTrials(record, entry=payer, app=APP)
    assert trials.run(schedule_of({"changes": [["/orders", ["b"]]]})).result == ["paid 7"]
    assert trials.run(Schedule(), {"orders": ["b", "a"]}).result == ["paid 7", "paid 5"]
    assert not trials.run(schedule_of({"changes": [["/orders/1", "c"]]})).seen.end
    with pytest.raises(UsageError):
        trials.run(schedule_of({"changes": [["/orders/x/y", "c"]]}))


def test_turns_reach_a_record(tmp_path: Path) -> None:
    """Which of the recorded outcomes comes first is chosen, and nothing is called."""
    trace = tmp_path / "crowd.mat.jsonl"
    APP.session(trace=trace).run(crowd, orders=["a", "b"])
    MADE.clear()
    trials = RecordedTrials(trace, entry=crowd, app=APP)
    plain = trials.run(Schedule())
    turned = {tuple(trials.run(schedule_of({"turns": [[place, 1]]})).result) for place in range(len(plain.seen.widths))}
    assert turned | {tuple(plain.result)} == {(5, 7), (7, 5)}
    assert MADE == []


@APP.agent
async def hasty(order: str) -> str:
    """Pay what an order costs; where the price does not come in time, pay a lot."""
    try:
        cents = await asyncio.wait_for(aprice(order), 5)
    except TimeoutError:
        cents = 999
    return pay(order, cents)


def test_who_gives_up_waiting_is_found_on_the_record(tmp_path: Path) -> None:
    """An answer that a fault has delayed for too long is told of, comes in time without the fault, and is blamed."""
    schedule = schedule_of({"inject": [{"fault": "delay", "tool": "aprice", "strength": {"delay_ms": 60_000}}]})
    live = Trials(APP, hasty).run(schedule, {"order": "a"})
    assert (live.seen.rules, [one.effective for one in live.seen.struck]) == ({"SMALL"}, [True])
    trace = tmp_path / "late.mat.jsonl"
    trace.write_bytes(b"".join(live.lines))
    trials = RecordedTrials(trace, entry=hasty, app=APP)
    again = trials.run(schedule)
    assert (again.seen.violated, again.seen.struck, again.result) == (live.seen.violated, live.seen.struck, live.result)
    found = blame(trace, entry=hasty, app=APP)
    assert (found.tool, found.nth, found.how, found.partly) == ("aprice", 1, "struck by delay (delay-1)", True)


def test_outcomes_are_put_in_their_place(record: Path) -> None:
    """A call gives what it is told to give, by the number of its event."""
    from harness.trace.outcome import Ok

    trials = RecordedTrials(record, entry=payer, app=APP)
    paid = next(event.seq for event in trials.events if event.kind == "action" and event.body["tool"] == "pay")
    assert trials.run(Schedule(), outcomes={paid: Ok("free")}).result == ["free", "paid 7"]


# --- blame -----------------------------------------------------------------------------------------------------------


def test_a_strike_is_blamed_on_the_record_alone(tmp_path: Path) -> None:
    """The plan stands in the header, the truth in the fault's event: nothing is called to find the cause."""
    trace = _struck(tmp_path, "{fault: commit_then_timeout, tool: pay}")
    found = blame(trace, entry=payer, app=APP)
    assert MADE == []
    assert (found.rule, found.tool, found.nth, found.step) == ("ONCE", "pay", 1, 1)
    assert [(link.tool, link.nth) for link in found.chain] == [("pay", 1), ("pay", 2)]
    second = _struck(tmp_path, "{fault: error, tool: price, nth: 2}")
    found = blame(second, entry=payer, app=APP, live=True, before=MADE.clear)
    assert (found.rule, found.tool, found.nth, found.how) == ("SMALL", "price", 2, "struck by error (error-1)")
    assert MADE != []


def test_what_the_record_cannot_repair_is_open(tmp_path: Path) -> None:
    """A call that was never performed has no outcome to put in its place; a good run has one."""
    trace = _struck(tmp_path, "{fault: error, tool: price, nth: 2}")
    found = blame(trace, entry=payer, app=APP)
    assert (found.found, found.runs, found.open) == (False, 1, 1)
    good = _struck(tmp_path, "{fault: delay, tool: price, nth: 9}")
    found = blame(trace, entry=payer, app=APP, twin=good)
    assert (found.tool, found.nth) == ("price", 2)
    assert found.open == 0


def test_a_run_without_faults_is_repaired_by_a_good_one(tmp_path: Path) -> None:
    """The first call whose outcome, taken from the good run, makes the violation go away."""
    good = _struck(tmp_path, "{fault: delay, tool: price, nth: 9}")
    bad = tmp_path / "bad.mat.jsonl"
    PRICES["b"] = 700
    try:
        APP.session(trace=bad).run(payer, orders=["a", "b"])
    finally:
        PRICES["b"] = 7
    MADE.clear()
    found = blame(bad, entry=payer, app=APP, twin=good)
    assert (found.rule, found.tool, found.nth, found.how) == (
        "SMALL",
        "price",
        2,
        f"its outcome; not with that of {good.name}",
    )
    assert [link.tool for link in found.chain] == ["price", "pay"]
    repaired = blame(bad, entry=payer, app=APP, repairs={"2": 50})
    assert (repaired.found, repaired.open, repaired.partly) == (True, 1, True)  # nobody has recorded a payment of 50
    assert MADE == []


def test_another_outcome_of_the_same_tool_is_tried(tmp_path: Path) -> None:
    """Without a twin, what the record has of a tool is what can be put in the place of a result."""
    bad = tmp_path / "bad.mat.jsonl"
    PRICES["b"] = 700
    try:
        APP.session(trace=bad).run(payer, orders=["a", "b"])
    finally:
        PRICES["b"] = 7
    found = blame(bad, entry=payer, app=APP)
    assert (found.tool, found.nth, found.how, found.partly) == (
        "price",
        2,
        "its outcome; not with that of event 0",
        True,
    )
    twice = tmp_path / "twice.mat.jsonl"
    APP.session(trace=twice).run(payer, orders=["a", "b", "a"])
    hopeless = blame(twice, rule="ONCE", entry=payer, app=APP)
    assert not hopeless.found
    assert hopeless.runs > hopeless.open > 0


def test_a_trial_on_a_record_is_blamed_like_any_other(record: Path) -> None:
    """Whoever runs schedules can be asked."""
    trials = RecordedTrials(record, entry=payer, app=APP)
    trial = trials.run(schedule_of({"inject": [{"fault": "commit_then_timeout", "tool": "pay", "nth": 1}]}))
    found = blame_trial(trials, trial, input=trials.begun.input)
    assert (found.tool, found.nth) == ("pay", 1)


def test_a_run_that_violates_nothing_is_a_usage_error(record: Path) -> None:
    """And so are repairs that lead nowhere, and outcomes for a live run."""
    with pytest.raises(UsageError, match="violates no rule"):
        blame(record, entry=payer, app=APP)
    with pytest.raises(UsageError, match="does not violate ONCE"):
        blame(record, rule="ONCE", entry=payer, app=APP)
    with pytest.raises(UsageError, match="live run"):
        blame(record, entry=payer, app=APP, live=True, twin=record)


AGENT = f"""\
from harness import Harness, InDoubt
from harness.registry.load import load

APP = Harness(load('''{RULES}''', "once.yaml"))

@APP.tool(effect="write")
def pay(order: str, cents: int) -> str:
    return "paid"

@APP.agent
def main(order: str) -> str:
    try:
        return pay(order, 5)
    except InDoubt:
        return pay(order, 5)

def fresh() -> None:
    pass
"""


def test_the_command_line_says_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run is struck, blamed, forked without its faults, and the exit codes say what was found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    (tmp_path / "blamed_payer.py").write_text(AGENT, encoding="utf-8")
    (tmp_path / "plan.yaml").write_text("faults: lost\ninject: [{fault: commit_then_timeout, nth: 1}]\n")
    run = ["run", "blamed_payer:main", "--input", '{"order": "a"}', "--faults", "plan.yaml", "--trace", "t.mat.jsonl"]
    assert execute(run) == 1
    capsys.readouterr()
    assert execute(["blame", "t.mat.jsonl"]) == 0
    said = capsys.readouterr().out
    assert "ONCE violated at event" in said
    assert "blamed  step 0 (event 0)  pay no. 1: struck by commit_then_timeout" in said
    assert "step 1 (event 3)  pay no. 2: made only because of it" in said
    assert execute(["blame", "t.mat.jsonl", "--live", "--before", "blamed_payer:fresh", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["tool"], facts["nth"], facts["found"], facts["runs"]) == ("pay", 1, True, 1)
    assert execute(["blame", "t.mat.jsonl", "--before", "blamed_payer:fresh"]) == 0
    assert execute(["fork", "t.mat.jsonl", "--no-faults", "--offline"]) == 0
    assert "verdict  violated → holds" in capsys.readouterr().out
    assert execute(["fork", "t.mat.jsonl", "--no-faults", "--faults", "plan.yaml"]) == 2
    assert execute(["fork", "t.mat.jsonl"]) == 2
    (tmp_path / "repairs.json").write_text('{"9": 1}')
    assert execute(["blame", "t.mat.jsonl", "--repair", "repairs.json"]) == 2
    (tmp_path / "plan.yaml").write_text("faults: lost\ninject: [{fault: timeout, nth: 1}]\n")
    assert execute([*run[:-1], "u.mat.jsonl"]) == 1
    assert execute(["blame", "u.mat.jsonl"]) == 0


def test_what_came_inside_an_effect_may_be_stale_on_a_record_too(tmp_path: Path) -> None:
    """The earlier result that comes again is that of a call inside a tool, which is not performed on the record."""
    app, counted = Harness(traces=tmp_path), [0]

    @app.tool(effect="read")
    def count() -> int:
        counted[0] += 1
        return counted[0]

    @app.tool(effect="read")
    def twice() -> int:
        return count() + count()

    @app.agent
    def counts() -> list[int]:
        return [count(), twice(), count()]

    trace = tmp_path / "counts.mat.jsonl"
    plan = load_faults("faults: schedule\ninject: [{fault: stale, tool: count, nth: 4}]", "f.yaml")
    live = app.session(trace=trace, faults=plan).run(counts)
    assert (live, counted) == ([1, 5, 3], [4])
    again = RecordedTrials(trace, entry=counts, app=app).run(Schedule(plan.faults))
    assert (again.result, counted) == (live, [4])
    named_otherwise = load_faults("faults: a bad day\ninject: [{fault: stale, tool: count, nth: 4}]", "f.yaml")
    trace = tmp_path / "other.mat.jsonl"
    counted[0] = 0
    assert app.session(trace=trace, faults=named_otherwise).run(counts) == live
    assert RecordedTrials(trace, entry=counts, app=app).run(Schedule(plan.faults)).result == live
