"""The counterexample in a trace, made small."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from harness.adapters.files import open_trace
from harness.door.agents import load_entry
from harness.door.app import app_of
from harness.door.replay import replay
from harness.door.shrink import shrink_trace, write_trial
from harness.door.trial import Trials, trial
from harness.errors import Divergence, UsageError
from harness.stress.header import begun
from harness.stress.schedule import schedule_of

HERE: Final = Path(__file__).parent.parent / "stress"
DAY: Final = {
    "seed": 3,
    "inject": [
        {"fault": "delay", "tool": "*", "strength": {"delay_ms": 20}},
        {"fault": "commit_then_timeout", "tool": "p*", "chance": 0.7},
        {"fault": "shuffle"},
        {"fault": "error", "tool": "paid"},
    ],
    "changes": [["/greeting", "Good morning"], ["/customers", ["Ann", "Bob", "Cy"]]],
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make a project of the shop, and go there."""
    for name in ("shop.py", "shop.yaml"):
        shutil.copy(HERE / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("shop", None)


def found(schedule: dict[str, Any], trace: str = "found.mat.jsonl", **given: Any) -> Path:
    """Run the shop under a schedule and write its trace."""
    write_trial(trial("shop:main", schedule, input={"customers": [], **given}, before="shop:fresh"), trace)
    return Path(trace)


def test_a_trace_says_how_to_run_it_again(shop: Path) -> None:
    """Its header gives back the schedule, the input before the changes, and what puts the world back."""
    with open_trace(found(DAY)) as reader:
        assert begun(reader.header.run) == (schedule_of(DAY), {"customers": []}, "shop:fresh")
        assert reader.header.run["input"] == {"customers": ["Ann", "Bob", "Cy"], "greeting": "Good morning"}
    assert replay("found.mat.jsonl").equal


def test_what_is_left_violates_and_replays_and_nothing_less_does(shop: Path) -> None:
    """Of six elements two are needed: the lost answer, and somebody to pay for."""
    small = shrink_trace(found(DAY))
    schedule, given = small.shrunk.schedule, small.shrunk.input
    assert schedule.stated() == {
        "inject": [{"name": "timeout-1", "fault": "timeout", "tool": ["pay"], "nth": [1]}],
        "changes": [["/customers", ["Ann"]]],
    }
    assert given == {}
    assert (small.shrunk.minimal, small.replays) == (True, True)
    assert (small.was.elements, small.now.elements, small.was.calls, small.now.calls) == (6, 2, 7, 3)
    assert small.title == "An order is paid once"
    trials = Trials(app_of(load_entry("shop:main")), load_entry("shop:main"), before="shop:fresh")
    assert trials.run(schedule, given).seen.rules == {"PAY-ONCE"}
    assert trials.run(schedule.without(0), given).seen.rules == frozenset()
    with pytest.raises(UsageError, match="missing a required argument"):
        trials.run(schedule.without(1), given)
    with open_trace(small.path) as reader:
        assert begun(reader.header.run) == (schedule, given, "shop:fresh")
        assert [event.kind for event in reader].count("verdict") == 1
    assert replay(small.path).digest == small.digest


def test_it_is_the_same_every_time(shop: Path) -> None:
    """Two shrinkings make the same runs and write the same trace."""
    trace = found(DAY)
    one, other = shrink_trace(trace), shrink_trace(trace)
    assert one.path != other.path
    assert (one.digest, one.shrunk) == (other.digest, other.shrunk)


def test_a_recorded_run_is_shrunk_too(shop: Path) -> None:
    """One that a plan of faults struck when it was recorded, in real time: its input and its strikes become fewer."""
    main = load_entry("shop:main")
    Path("plan.yaml").write_text("faults: x\ninject:\n  - {fault: timeout, tool: pay, when: call.args.cents > 1}\n")
    app_of(main).session(trace="run.mat.jsonl", faults="plan.yaml").run(main, customers=["Ann", "Bob"])
    small = shrink_trace("run.mat.jsonl", before="shop:fresh", out="small.mat.jsonl")
    assert small.path == "small.mat.jsonl"
    assert small.shrunk.schedule.stated()["inject"] == [
        {"name": "timeout-1", "fault": "timeout", "tool": ["pay"], "nth": [1]}
    ]
    assert small.shrunk.input == {"customers": ["Ann"]}


def test_the_rule_is_the_one_that_is_named(shop: Path) -> None:
    """One that the trace does not violate is refused with those it does; so is a trace that violates none."""
    trace = found(DAY)
    with pytest.raises(UsageError, match=r"does not violate PAID.*\n.*PAY-ONCE"):
        shrink_trace(trace, rule="PAID")
    with pytest.raises(UsageError, match="violates no rule"):
        shrink_trace(found({}, "good.mat.jsonl"))
    assert shrink_trace(trace, rule="PAY-ONCE").shrunk.rule == "PAY-ONCE"


def test_an_agent_that_was_mended_is_told(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trace is a counterexample to what the agent was."""
    trace = found(DAY)
    monkeypatch.setattr(sys.modules["shop"], "settled", lambda order: "later")
    with pytest.raises(Divergence, match="does not violate PAY-ONCE, but no rule"):
        shrink_trace(trace)


def test_a_world_that_nobody_puts_back_is_told(shop: Path) -> None:
    """The ledger grows from run to run, which a receipt shows; nothing is shrunk, and the cure is named."""
    write_trial(trial("shop:main", DAY, input={"customers": ["Ann"]}), "found.mat.jsonl")
    with pytest.raises(Divergence, match=r"(?s)/calls/./value.*receipt.*--before module:function"):
        shrink_trace("found.mat.jsonl")
    assert not list(Path().glob("*shrunk*"))


def test_a_budget_that_ends_is_told(shop: Path) -> None:
    """Four runs are not enough."""
    small = shrink_trace(found(DAY), budget=4)
    assert not small.shrunk.minimal
    assert small.replays
    assert "PAY-ONCE" in small.shrunk.seen.rules


def test_rules_from_elsewhere_are_named(shop: Path) -> None:
    """Where the app does not bring the rules, whoever runs it again is told where they are."""
    (shop / "strict.yaml").write_text((shop / "shop.yaml").read_text().replace("PAY-ONCE", "PAY-STRICTLY"))
    one = trial("shop:main", DAY, input={"customers": []}, registry="strict.yaml", before="shop:fresh")
    write_trial(one, "found.mat.jsonl")
    small = shrink_trace("found.mat.jsonl")
    assert (small.shrunk.rule, small.registries) == ("PAY-STRICTLY", (str(shop / "strict.yaml"),))
    assert shrink_trace(found(DAY, "own.mat.jsonl")).registries == ()


def test_on_the_record_nothing_is_performed(shop: Path) -> None:
    """What a lost answer made of a live run is made of the recorded outcomes, and the tools are never called."""
    trace = found(DAY)
    sys.modules["shop"].LEDGER.clear()
    small = shrink_trace(trace, recorded=True)
    assert sys.modules["shop"].LEDGER == []
    assert (small.shrunk.minimal, small.replays, small.now.elements) == (True, True, 2)
    assert [fault.tools for fault in small.shrunk.schedule.faults] == [("pay",)]
    assert "PAY-ONCE" in small.shrunk.seen.rules
    assert replay(small.path).equal
