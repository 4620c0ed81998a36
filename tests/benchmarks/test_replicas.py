"""The suite of replicas on a part of its cells: the world says what runs, and rules stop what is too much."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from benchmarks.suites import replicas
from benchmarks.suites.replicas.cells import AGENTS, FOLDER
from benchmarks.suites.replicas.figures import figures
from harness.bench.executor import do_cell
from harness.bench.runner import run_cells
from harness.bench.task import Cell, Row
from harness.door.check import check
from harness.statistics.interval import wilson

LATE: Final = "a start times out after it was done"
LEFT: Final[dict[tuple[str, str], dict[str, int | None]]] = {
    (LATE, "open"): {"careful": 3, "trusting": 3, "retrying": 4, "hoarding": 4, "copying": 5},
    (LATE, "ruled"): dict.fromkeys(AGENTS, 3),
    ("the load rises", "open"): {"careful": 5, "trusting": 5, "retrying": None, "hoarding": None, "copying": 7},
    ("the load rises", "ruled"): dict.fromkeys(AGENTS, 5),
}
"""What runs in the end, worked out by hand: three are needed, or three and after the first start five."""


@pytest.fixture(scope="module")
def rows() -> Mapping[tuple[str, str, str], Row]:
    """Give the rows of two tasks, by task, agent and whether there are rules."""
    tasks = {task for task, _ in LEFT}
    result = run_cells(replicas.SUITE, [cell for cell in replicas.SUITE.cells() if cell.task.name in tasks])
    assert not result.broken
    return {(row.cell.task.name, *row.cell.condition.name.split()): row for row in result.rows}  # type: ignore[misc]


def test_what_runs_in_the_end_is_what_the_habits_lead_to(rows: Mapping[tuple[str, str, str], Row]) -> None:
    """With rules everybody comes to what is needed; without them only those that look and name what they start."""
    found = {(task, agent, rules): row.found["replicas"] for (task, agent, rules), row in rows.items()}
    assert found == {(task, agent, rules): left for (task, rules), by in LEFT.items() for agent, left in by.items()}


def test_the_word_of_the_agent_does_not_count(rows: Mapping[tuple[str, str, str], Row]) -> None:
    """Three of five are running, the agent says that all is well, and the row says that it is not."""
    found = rows["the load rises", "retrying", "open"].found
    assert found["result"] == "It has what it needs."
    assert (found["passed"], found["why"]) == (False, "3 of 5 replicas")


def test_figures_count_the_rows(rows: Mapping[tuple[str, str, str], Row]) -> None:
    """OR and AOC are of the runs that kept the service; a share of nothing is left out; every bar is met."""
    told = figures(list(rows.values()))
    assert {name: told[name].value for name in told if name.startswith(("retrying_open", "copying_open"))} == {
        "retrying_open_or": 1.0,
        "retrying_open_aoc": 1,
        "retrying_open_kept": 1,
        "copying_open_or": 1.0,
        "copying_open_aoc": 4,
        "copying_open_kept": 2,
    }
    assert not [name for name, figure in told.items() if figure.ok is False]
    failed = figures([rows["the load rises", "retrying", "open"]])
    assert set(failed) == {"retrying_open_kept"}


def test_what_rules_did_not_stop_would_be_seen(rows: Mapping[tuple[str, str, str], Row]) -> None:
    """One replica too many under rules misses two bars."""
    row = rows[LATE, "trusting", "ruled"]
    told = figures([Row(row.cell, {**row.found, "replicas": row.found["replicas"] + 1})])
    assert {name for name, figure in told.items() if figure.ok is False} == {"trusting_ruled_or", "trusting_ruled_aoc"}
    nothing_to_stop = figures([rows[LATE, "careful", "open"]])
    assert nothing_to_stop["open_aoc"].ok is False


def test_seeds_of_one_task_go_together_in_intervals(rows: Mapping[tuple[str, str, str], Row]) -> None:
    """Two tasks with the same end under five seeds each tell no more of other tasks than two runs."""
    own = [rows[task, "copying", "open"] for task in (LATE, "the load rises")]
    told = figures([Row(row.cell._replace(seed=seed), row.found) for row in own for seed in range(5)])
    assert told["copying_open_or"].interval == wilson(2, 2)
    assert told["copying_open_kept"].interval == tuple(10 * end for end in wilson(2, 2))


def test_the_trace_of_a_cell_is_judged_again_and_is_the_same_again(tmp_path: Path) -> None:
    """A run without rules is found to break them offline; the same cell writes the same bytes."""
    task = next(task for task in replicas.SUITE.tasks if task.name == LATE)
    condition = next(one for one in replicas.SUITE.conditions if one.name == "retrying open")
    kept: dict[str, list[bytes]] = {}
    for _ in range(2):
        done = do_cell(
            replicas.SUITE, Cell(task, condition, 1), lambda trace, name: kept.setdefault(name, []).append(trace)
        )
        assert done.error == ""
    ((name, (first, second)),) = kept.items()
    assert first == second
    (tmp_path / name).write_bytes(first)
    judged: Any = check(tmp_path / name, registry=FOLDER / "rules.yaml")
    assert judged.verdict == "violated"
