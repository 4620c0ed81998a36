"""The rules that the speed of checking is measured on: they mean what their hand-written counterparts mean."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.speed import check
from benchmarks.speed.check_rules import ARGUMENTS, TOOLS, lookalikes, mixed, orders, predicates, run
from harness.assertion.interface import Checker
from harness.trace.event import Event

arguments = st.fixed_dictionaries(
    {
        "cents": st.integers(-10, 2000),
        "currency": st.sampled_from(["EUR", "USD"]),
        "method": st.sampled_from(["card", "cash", "m1065", "m1030"]),
        "seats": st.integers(0, 2000),
        "note": st.just("thank you") | st.integers(1, 1600).map("x".__mul__),
        "fee": st.integers(-5, 5),
        "urgent": st.booleans(),
    }
)
RULES, WRITTEN = predicates(500)


@given(st.sampled_from(TOOLS), st.just(ARGUMENTS) | arguments)
def test_the_hand_written_function_says_the_same(tool: str, args: dict[str, Any]) -> None:
    """For any call, it says yes exactly where no rule of the tool is violated."""
    call = check.action_body(tool, ARGUMENTS | args)
    verdicts = Checker(RULES).judge(Event(0, "action", "main", "0", (), 0, call)).verdicts
    assert WRITTEN[tool](call) == (not verdicts)


def test_nothing_is_violated_in_what_is_timed() -> None:
    """The arguments fit all rules, so that every one of them is looked at."""
    assert all(WRITTEN[tool](check.action_body(tool, ARGUMENTS)) for tool in TOOLS)
    assert len(RULES.invariants) == 500


@pytest.mark.parametrize("sources", [False, True])
def test_fifty_mixed_rules_hold_throughout(sources: bool) -> None:
    """Each speaks in the run, and none is violated or unknown; with sources ten ask where a value comes from."""
    rules = mixed(sources=sources)
    checker, spoke = Checker(rules), set()
    for event in run(2000):
        judgement = checker.judge(event)
        assert judgement.verdicts == ()
        spoke |= set(judgement.rules)
    assert spoke == {rule.id for rule in rules.invariants}
    assert len(spoke) == 50
    assert rules.program.asks_sources == sources


def test_a_long_run_is_one_run() -> None:
    """What follows a number of steps is what it would have been without a break."""
    assert [*run(30), *run(20, 30)] == list(run(50))


def test_the_peers_are_given_the_same_run() -> None:
    """The calls, their arguments and their results are those of our trace, and none breaks a rule."""
    from benchmarks.speed.check_peers import STEPS, trace

    said = trace(STEPS)
    ours = list(orders())
    calls = [one["tool_calls"][0]["function"] for one in said if "tool_calls" in one]
    made = [event.body for event in ours if event.kind == "action"]
    assert calls == [{"name": one["tool"], "arguments": one["args"]} for one in made]
    assert [one["content"] for one in said if one["role"] == "tool"] == ["fine"] * STEPS
    for registry in lookalikes().values():
        checker = Checker(registry)
        assert not any(checker.judge(event).verdicts for event in ours)


def test_peers_that_are_not_installed_are_left_out() -> None:
    """The script runs where none of them is there, and says so by an empty object."""
    script = Path(check.__file__).with_name("check_peers.py")
    hidden = "import sys; sys.modules.update(dict.fromkeys(['invariant', 'invariant.analyzer', 'reelay', 'rtamt']))"
    code = f"{hidden}; import runpy; runpy.run_path({str(script)!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {}
