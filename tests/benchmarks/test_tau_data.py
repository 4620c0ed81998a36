"""Which conversations a folder holds, and what can be done with their results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.suites.tau import SUITE
from benchmarks.suites.tau.data import recordings
from harness.bench.local import Pool
from harness.bench.pairing import paired, read_report
from harness.bench.runner import Result, chosen, reported, run_cells
from harness.bench.suite import DATA, Suite, load_suite, with_data
from harness.errors import UsageError
from tests.benchmarks.tau_talks import AIRLINE, ASKS, folder_of, said, simulations, talk


def test_files_are_taken_for_what_they_hold(tmp_path: Path) -> None:
    """Sets and agents come from the contents, trials are cells, and any other JSON is passed over."""
    talks = [said([AIRLINE, ASKS], task=task, trial=trial) for task, trial in ((7, 0), (7, 1), (8, 0))]
    files = {
        "deep/down/gpt-5-airline.json": talks,
        "one.json": simulations("gpt-5", {"a": 1}),
        "alone.json": simulations("gpt-5", {"a": 1}, implementation="llm_agent_solo"),
        "nobody.json": [said([ASKS], task=9)],
        "sources.json": {"files": ["one.json"]},
        "empty.json": [],
    }
    suite = with_data(SUITE, folder_of(tmp_path, files))
    cells = {(cell.task.name, cell.condition.name, cell.seed) for cell in suite.cells()}
    airline = {("airline/7", "gpt-5", 0), ("airline/7", "gpt-5", 1), ("airline/8", "gpt-5", 0)}
    others = {("telecom_tau2/a", "gpt-5", 0), ("telecom_tau2_solo/a", "gpt-5", 0), ("desk/9", "nobody", 0)}
    assert cells == airline | others


def test_two_files_of_one_model_are_told_apart(tmp_path: Path) -> None:
    """Where a set holds one model twice, both are called by their files."""
    files = {"old/one.json": simulations("gpt-5", {"a": 1}), "new/one.json": simulations("gpt-5", {"a": 0})}
    assert [one.name for one in with_data(SUITE, folder_of(tmp_path, files)).conditions] == ["new/one", "old/one"]


def test_a_trial_that_stands_twice_is_told(tmp_path: Path) -> None:
    """A file that holds one trial of a task twice is named, and nothing is measured."""
    twice = simulations("gpt-5", {"a": 1})
    twice["simulations"] *= 2
    with pytest.raises(UsageError, match=r"one\.json: task a, trial 0 stands here a second time"):
        recordings(folder_of(tmp_path, {"one.json": twice})).tasks()


@pytest.mark.parametrize(
    "said",
    [
        {"simulations": [], "info": "none"},
        {"simulations": [], "tasks": [], "info": {"agent_info": "none"}},
        [{"traj": ["none"]}],
        [{"traj": [{"content": [{"text": "none"}]}]}],
    ],
)
def test_a_file_that_only_begins_like_one_is_told(tmp_path: Path, said: object) -> None:
    """Where a file has the mark of a format and is not of it, the reader is told its name."""
    with pytest.raises(UsageError, match=r"one\.json: .*not a "):
        recordings(folder_of(tmp_path, {"one.json": said})).tasks()


def test_without_conversations_nothing_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no folder is named, or holds no conversation, what to do is said."""
    monkeypatch.delenv(DATA, raising=False)
    with pytest.raises(UsageError, match="cure  --data DIR"):
        with_data(SUITE, None)
    with pytest.raises(UsageError, match="holds no recorded conversations"):
        with_data(SUITE, folder_of(tmp_path, {"sources.json": {}}))


def measured(suite: Suite, agent: str, file: Path) -> Result:
    """Store what one agent's conversations come to."""
    result = run_cells(suite, chosen(suite, suite.cells(), (), (agent,)))
    stands = {"code": {"version": "1", "digest": ""}}
    file.write_text(json.dumps(reported(suite, result, dict(suite.figures(result.rows)), stands)))
    return result


def test_two_agents_are_compared_task_by_task(tmp_path: Path) -> None:
    """The results of two agents on the same tasks are paired, and what was lost and gained is named."""
    rewards = {str(task): float(task < 5) for task in range(8)}
    files = {
        "a.json": simulations("old", rewards),
        "b.json": simulations("new", {**rewards, "0": 0, "6": 1, "7": 0.5}),
    }
    suite = with_data(SUITE, folder_of(tmp_path / "data", files))
    for agent in ("old", "new"):
        measured(suite, agent, tmp_path / f"{agent}.json")
    pairing = paired(read_report(tmp_path / "old.json"), read_report(tmp_path / "new.json"))
    [tasks] = pairing.conditions.values()
    changed = {task: pair.difference for task, [pair] in tasks.items() if pair.difference}
    assert (len(tasks), pairing.alone) == (8, 0)
    assert changed == {"telecom_tau2/0": -1, "telecom_tau2/6": 1}


def test_workers_find_the_same(tmp_path: Path) -> None:
    """Cells that are done in other processes, from the suite as it is installed, find what they find here."""
    talked = [AIRLINE, ASKS, *talk(("get_user_details", {"user_id": "ada_byron_1815"}, "ok"))]
    suite = with_data(load_suite("tau"), folder_of(tmp_path, {"gpt-5-airline.json": [said(talked)]}))
    [there] = run_cells(suite, suite.cells(), executor=Pool(1)).rows
    [here] = run_cells(suite, suite.cells()).rows
    assert there.found == here.found
    assert there.found["steps"] == 1
