"""The corpus of agents with a bug each: every bug shows under its witness, and the mended agents are right."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import replace
from functools import cache
from itertools import zip_longest
from random import Random
from typing import Any

import pytest

from benchmarks.suites.stress.cases import FOLDER, Case, case_names, case_of
from harness.door.trial import Trial, Trials
from harness.faults.plan import KINDS, Fault
from harness.stress.schedule import Change, Schedule

NAMES = case_names()
SERVICE = [kind for kind, family in KINDS.items() if family == "service"]
MOST_CALLS = 15


@cache
def case(name: str) -> Case:
    """Give a case, read once."""
    return case_of(name)


def runs(name: str, *, mended: bool = False) -> Trials:
    """Give the runs of an agent of a case."""
    one = case(name)
    return Trials(one.app, one.mended if mended else one.agent, before=one.fresh)


def run(name: str, schedule: Schedule, *, mended: bool = False) -> Trial:
    """Run an agent of a case on its own input."""
    return runs(name, mended=mended).run(schedule, case(name).input)


@cache
def faults(name: str) -> list[Fault]:
    """Give every fault of a service at the first and the last call of each tool that the mended agent uses."""
    last = {call.tool: call.nth for call in run(name, Schedule(), mended=True).seen.calls}
    places = sorted({(tool, nth) for tool in last for nth in (1, last[tool])})
    return [Fault(f"{kind}-{nth}", kind, (tool,), nth=(nth,)) for kind in SERVICE for tool, nth in places]


def spared(schedule: Schedule, fault: str, tool: str, nth: int) -> Schedule:
    """Take one strike of a fault away and leave the others; a fault of the corpus strikes one tool."""
    others = tuple(one for one in range(1, MOST_CALLS + 1) if one != nth)
    left = tuple(
        replace(one, nth=tuple(set(one.nth or others) - {nth}) or (MOST_CALLS + 1,)) if one.name == fault else one
        for one in schedule.faults
    )
    assert all(one.tools == (tool,) for one in schedule.faults if one.name == fault)
    return replace(schedule, faults=left)


def steps(trial: Trial) -> list[tuple[int, Any]]:
    """Give the calls and outcomes of a run in their order, each after the number of its call."""
    events = [event for event in trial.events if event.kind in ("action", "observation")]
    return [(event.body.get("action", event.seq), event.body) for event in events]


def first_difference(one: list[Any], other: list[Any]) -> int:
    """Give the first place at which two lists differ."""
    return next(place for place, pair in enumerate(zip_longest(one, other)) if pair[0] != pair[1])


def told(trial: Trial) -> list[tuple[str, Any]]:
    """Give what a trace tells."""
    return [(event.kind, event.body) for event in trial.events]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_wrong_while_nothing_goes_wrong(name: str) -> None:
    """Neither the agent nor the mended one violates a rule or raises in a run that nothing strikes."""
    for mended in (False, True):
        one = run(name, Schedule(), mended=mended)
        assert (one.seen.rules, one.error) == (frozenset(), None)
        assert 0 < len(one.seen.calls) < MOST_CALLS


@pytest.mark.parametrize("name", NAMES)
def test_the_witness_shows_the_bug(name: str) -> None:
    """The rule is violated under the witness, twice in the same way, after few calls, and not by the mended agent."""
    one = run(name, case(name).witness)
    assert case(name).rule in one.seen.rules
    assert not one.seen.inert
    assert len(one.seen.calls) < MOST_CALLS
    assert told(run(name, case(name).witness)) == told(one)
    assert run(name, case(name).witness, mended=True).seen.rules == frozenset()


@pytest.mark.parametrize("name", NAMES)
def test_the_witness_is_minimal(name: str) -> None:
    """Nothing can be left out of the witness, and it is not empty."""
    witness = case(name).witness
    assert len(witness) > 0
    for number in range(len(witness)):
        assert case(name).rule not in run(name, witness.without(number)).seen.rules


@pytest.mark.parametrize("name", [name for name in NAMES if case(name).witness.faults])
def test_the_cause_is_the_first_strike_that_matters(name: str) -> None:
    """Where faults strike, the cause is the earliest call without whose strike the rule would have held."""
    one = run(name, case(name).witness)
    made = {call.seq: call for call in one.seen.calls}
    for struck in sorted(one.seen.struck, key=lambda struck: struck.action):
        call = made[struck.action]
        if case(name).rule not in run(name, spared(case(name).witness, struck.fault, call.tool, call.nth)).seen.rules:
            assert (call.tool, call.nth) == case(name).cause
            return
    pytest.fail("no single strike matters")


@pytest.mark.parametrize("name", [name for name in NAMES if not case(name).witness.faults])
def test_the_cause_is_a_call_that_another_order_reaches(name: str) -> None:
    """Where only turns do harm, the cause is a call that was not over when the run parts from one without a turn."""
    one = run(name, case(name).witness)
    others = (run(name, case(name).witness.without(number)) for number in range(len(case(name).witness)))
    parts = min(first_difference(steps(one), steps(other)) for other in others)
    reached = {seq for seq, _ in steps(one)[parts:]}
    assert case(name).cause in {(made.tool, made.nth) for made in one.seen.calls if made.seq in reached}


@pytest.mark.parametrize("name", NAMES)
def test_the_mended_agent_is_right(name: str) -> None:
    """No single fault of a service at the first or last call of a tool makes the mended agent violate a rule."""
    for fault in faults(name):
        struck = run(name, Schedule((fault,)), mended=True)
        assert struck.seen.rules == frozenset(), fault


@pytest.mark.parametrize("name", NAMES)
def test_the_mended_agent_is_right_when_two_things_go_wrong(name: str) -> None:
    """Nor do pairs of such faults, of which some are drawn for each agent."""
    chance = Random(name)
    for seed in range(8):
        pair = tuple(chance.sample(faults(name), 2))
        assert run(name, Schedule(pair, seed=seed), mended=True).seen.rules == frozenset(), (seed, pair)


@pytest.mark.parametrize("name", NAMES)
def test_other_inputs_are_inputs(name: str) -> None:
    """Every other value that an input may have fits the agent, and the mended agent is right with it."""
    for pointer, values in case(name).vary.items():
        for value in values:
            changed = Schedule(changes=(Change(pointer, value),))
            assert run(name, changed, mended=True).seen.rules == frozenset()


@pytest.mark.parametrize("name", NAMES)
def test_a_case_stands_by_itself(name: str) -> None:
    """A case needs harness and the standard library, and says of what family its bug is and where it comes from."""
    tree = ast.parse((FOLDER / "agents" / f"{name}.py").read_text())
    imported = {one.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for one in node.names}
    imported |= {
        node.module.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module
    }
    assert imported <= sys.stdlib_module_names | {"harness"}
    one = case(name)
    assert one.family
    assert one.title.endswith(".")
    assert one.source.startswith("https://github.com/") == one.reported
    assert one.app.registry.invariant(one.rule) is not None


def test_a_fresh_process_finds_an_agent() -> None:
    """The name of an entry leads to it in any process that knows the folder."""
    one = case(NAMES[0])
    code = "import sys; from harness.door.agents import load_entry; print(load_entry(*sys.argv[1:]).__qualname__)"
    done = subprocess.run([sys.executable, "-c", code, one.entry, str(FOLDER)], capture_output=True, text=True, cwd="/")
    assert done.stdout.strip() == "agent", done.stderr
