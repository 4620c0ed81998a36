"""What became of a row is told from what the row says, and from nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from harness.bench.report.outcome import key_of, outcome_of, outcomes_of, rules_of, shares_by, tries_of, why_of
from harness.statistics.cluster import wilson_by_cluster
from harness.statistics.interval import wilson
from tests.bench.report.made import ROWS


@pytest.mark.parametrize(
    ("row", "outcome", "tries"),
    [
        ({"passed": True}, "passed", (1, 1)),
        ({"passed": False}, "failed", (0, 1)),
        ({"correct": True}, "passed", (1, 1)),
        ({"correct": False, "passed": True}, "passed", (1, 1)),
        ({"passed": True, "infrastructure": "no disk"}, "unmeasured", None),
        ({"passed": ["a task"], "passes": 7, "injections": 9}, "unjudged", (7, 9)),
        ({"passes": 7, "tasks": 10}, "unjudged", (7, 10)),
        ({"passes": True, "tasks": 10}, "unjudged", None),
        ({}, "unjudged", None),
    ],
)
def test_an_outcome_is_what_the_row_says(row: dict[str, Any], outcome: str, tries: tuple[int, int] | None) -> None:
    """A broken measurement is never a failure, and a list is no verdict."""
    assert (outcome_of(row), tries_of(row)) == (outcome, tries)


def test_outcomes_are_counted() -> None:
    """Every outcome is there, also one that no row has."""
    assert outcomes_of(ROWS) == {"passed": 2, "failed": 2, "unmeasured": 1, "unjudged": 1}
    assert outcomes_of([]) == {"passed": 0, "failed": 0, "unmeasured": 0, "unjudged": 0}


def test_shares_count_tries_and_not_rows() -> None:
    """A row of many tries weighs as many; one that says nothing weighs nothing; the interval is Wilson's."""
    rows = [{"group": "a", "passes": 7, "tasks": 9}, {"group": "a", "passed": True}, {"group": "b", "steps": 3}]
    low, high = wilson(8, 10)
    assert shares_by(rows, "group") == {"a": (8, 10, low, high)}
    assert shares_by(rows, "condition") == {}
    assert shares_by([{"group": "a", "passes": 0, "tasks": 0}], "group") == {}  # a share of nothing


def test_rows_of_one_task_count_for_less() -> None:
    """The interval of a share is clustered by task, so ten rows of two tasks say less than ten tasks."""
    rows = [{"group": "a", "task": f"task {n % 2}", "passed": n % 2 == 0} for n in range(10)]
    assert shares_by(rows, "group") == {"a": (5, 10, *wilson_by_cluster([(5, 5), (0, 5)]))}
    assert wilson_by_cluster([(5, 5), (0, 5)]).low < wilson(5, 10).low


def test_a_row_says_why() -> None:
    """The reason of a broken measurement, its own words, or else the rules that it violates, each once."""
    assert [why_of(row) for row in ROWS] == ["", "paid twice", "", "violates CAP", "", "OSError: no scale\nat all"]
    assert rules_of({"violations": 3}) == []


def test_a_row_without_a_task_has_a_number() -> None:
    """Rows of other measurements are told apart too."""
    assert key_of({"value": 3}, 7) == ("row 7", "", None)
    assert str(key_of(ROWS[0], 0)) == "refund · guarded"
