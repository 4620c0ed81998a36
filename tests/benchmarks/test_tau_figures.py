"""The figures of the suite of recorded desks, over rows made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.suites.tau.conduct import Conduct
from benchmarks.suites.tau.figures import figures
from harness.bench.task import Cell, Condition, Row, Task
from harness.statistics.interval import wilson
from tests.benchmarks.tau_talks import judged_by, talk


def row_of(task: str, agent: str = "us", seed: int = 0, *, passed: bool = False, **found: Any) -> Row:
    """Give the row of a conversation in which little happened."""
    cell = Cell(Task(task, task.partition("/")[0]), Condition(agent), seed)
    return Row(cell, {"passed": passed, **Conduct(0, 1, 0, 0, 0)._asdict(), **found})


def values_of(rows: Sequence[Row]) -> dict[str, float]:
    """Give the values of the figures of one set."""
    [of] = {row.cell.task.group for row in rows}
    return {name.removeprefix(f"{of}_"): figure.value for name, figure in figures(rows).items()}


def test_shares_of_writes_count_what_they_say(tmp_path: Path) -> None:
    """Precision, recall and false blocks of four calls, by hand."""
    gold = [{"name": "pay", "kwargs": {"cents": cents}} for cents in (10, 1)]
    calls = talk(
        ("pay", {"cents": 10}, "ok"),  # right, stopped
        ("pay", {"cents": 11}, "ok"),  # wrong, stopped
        ("pay", {"cents": 7}, "ok"),  # wrong, asked about
        ("pay", {"cents": 1}, "ok"),  # right, let through
    )
    writes = [write._asdict() for write in judged_by(tmp_path, calls, gold).writes]
    values = values_of([row_of("airline/1", writes=writes)])
    assert (values["right"], values["wrong"], values["refused"]) == (2, 2, 0)
    assert (values["precision"], values["recall"], values["false_block"]) == (0.5, 0.5, 0.5)
    assert (values["asked_of_right"], values["run_precision"], values["run_recall"]) == (0, 1, 1)


def test_success_at_k_and_pass_k_are_those_of_the_vector() -> None:
    """Six of eight trials passed: .964286 and .535714 for two, 1 and .214286 for four (arXiv 2603.18096)."""
    values = values_of([row_of("airline/1", seed=trial, passed=trial < 6) for trial in range(8)])
    assert values["success"] == 0.75
    assert [values[f"{name}_2"] for name in ("success_at", "pass")] == pytest.approx([0.964286, 0.535714], abs=1e-6)
    assert [values[f"{name}_4"] for name in ("success_at", "pass")] == pytest.approx([1, 0.214286], abs=1e-6)


def test_trials_of_two_agents_are_not_trials_of_one() -> None:
    """Success@k is the mean over tasks and agents; where an agent made a task once there is none."""
    rows = [row_of("airline/1", agent, trial, passed=agent == "us") for agent in ("us", "them") for trial in (0, 1)]
    assert (values_of(rows)["success_at_2"], values_of(rows)["pass_2"]) == (0.5, 0.5)
    assert "pass_2" not in values_of(rows[1:3])


def test_unsupported_claims_are_those_of_the_vector() -> None:
    """Of ten claims three have no support and two of these are used: .3, .2, .6667 (arXiv 2603.18096)."""
    rows = [
        row_of("airline/1", claims=4, unsupported=["a", "b"], used=1),
        row_of("airline/2", claims=6, unsupported=["c"], used=1),
    ]
    values = values_of(rows)
    shares = [values[name] for name in ("unsupported", "unsupported_used", "used_of_unsupported")]
    assert (values["claims"], *shares) == pytest.approx((10, 0.3, 0.2, 2 / 3))


def test_recovery_repetition_and_cost_are_counted_by_hand() -> None:
    """One of two runs with an error passed; two of eight calls came again, one of three errors; a success costs all."""
    rows = [
        row_of("airline/1", passed=True, tokens=9_000, **Conduct(3, 4, 1, 0, 0)._asdict()),
        row_of("airline/2", tokens=3_000, **Conduct(5, 6, 2, 2, 1)._asdict()),
        row_of("airline/3", passed=True),
    ]
    values = values_of(rows)
    assert (values["with_error"], values["recovered"]) == (2 / 3, 1 / 2)
    assert (values["failed_again"], values["repeated"]) == (1 / 3, 2 / 8)
    assert (values["calls_per_success"], values["turns_per_success"]) == (4, 5.5)
    assert values["tokens_per_success"] == 12_000


def test_what_there_is_nothing_of_is_left_out() -> None:
    """Without an error, a success, a write and a claim there is no share of them and no cost."""
    assert set(values_of([row_of("airline/1")])) == {"conversations", "success", "with_error"}


def test_intervals_take_tasks_for_units() -> None:
    """Four equal trials of a task say no more of tasks than one, and where all agree no more than Wilson's interval."""
    alike = figures([row_of(f"airline/{task}", seed=n, passed=task < 5) for task in range(9) for n in range(4)])
    once = figures([row_of(f"airline/{task}", passed=task < 5) for task in range(9)])
    all_ = figures([row_of(f"airline/{task}", seed=n, passed=True) for task in range(9) for n in range(4)])
    width = {name: one["airline_success"].interval for name, one in (("alike", alike), ("once", once), ("all", all_))}
    assert width["once"] == wilson(5, 9)
    assert width["all"] == wilson(9, 9)
    assert width["alike"] == pytest.approx(width["once"], abs=0.12)
