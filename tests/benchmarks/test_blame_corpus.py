"""Blame names the planted cause of the corpus, live and on the record alone."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from benchmarks.suites.stress.cases import FOLDER, Case, case_names, case_of
from harness.door.blame import blame, blame_trial
from harness.door.trial import Trial, Trials
from harness.stress.causes.blame import Blame

NAMES = case_names()
AT_LEAST = 0.9


@cache
def _run(name: str) -> tuple[Case, Trials, Trial]:
    case = case_of(name)
    trials = Trials(case.app, case.agent, before=case.fresh)
    return case, trials, trials.run(case.witness, case.input)


@cache
def _blame(name: str) -> Blame:
    case, trials, trial = _run(name)
    return blame_trial(trials, trial, rule=case.rule, input=case.input)


def test_the_planted_cause_is_named() -> None:
    """Exactly, tool and number of the call, in nine of ten cases."""
    missed = [name for name in NAMES if (_blame(name).tool, _blame(name).nth) != tuple(_run(name)[0].cause)]
    assert len(NAMES) >= 40
    assert len(missed) <= (1 - AT_LEAST) * len(NAMES), missed


@pytest.mark.parametrize("name", [name for name in NAMES if _run(name)[0].witness.faults])
def test_a_fault_is_named_exactly(name: str) -> None:
    """Where faults strike there is nothing to argue about: the earliest strike that flips the verdict by itself."""
    found, case = _blame(name), _run(name)[0]
    assert (found.tool, found.nth) == tuple(case.cause)
    assert found.rule == case.rule
    assert not found.together


def test_the_record_names_no_other(tmp_path: Path) -> None:
    """From the trace alone, without calling a tool, the same call is named or none, and often it is."""
    exact, tried = 0, [name for name in NAMES if _run(name)[0].witness.faults]
    for name in tried:
        case, _, trial = _run(name)
        trace = tmp_path / f"{name}.mat.jsonl"
        trace.write_bytes(b"".join(trial.lines))
        found = blame(trace, rule=case.rule, app=case.app, path=FOLDER, before=case.fresh)
        same = (found.tool, found.nth) == tuple(case.cause)
        assert same or not found.found or found.open, name
        exact += same
    assert exact >= 0.4 * len(tried)
