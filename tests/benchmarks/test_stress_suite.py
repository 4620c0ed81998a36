"""The suite of searches on a few agents: what a cell tells, and what is counted over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from benchmarks.suites import stress
from benchmarks.suites.stress.cases import case_of
from benchmarks.suites.stress.figures import figures
from benchmarks.suites.stress.signatures import signatures
from harness.bench.runner import run_cells
from harness.bench.task import Cell, Condition, Row, Task
from harness.door.trial import Trials
from harness.stress.schedule import Schedule, Turn


@pytest.fixture(scope="module")
def rows() -> Sequence[Row]:
    """Give the rows of one agent whose bug takes one fault, and of the same agent mended."""
    cells = [one for one in stress.SUITE.cells() if one.task.name == "double_charge" and one.condition.name != "random"]
    result = run_cells(stress.SUITE, cells)
    assert not result.broken
    return result.rows


def test_a_cell_tells_what_was_found_and_what_it_costs(rows: Sequence[Row]) -> None:
    """A bill is paid twice after one payment in doubt: one call that is struck, a high risk rule, a write of a tool."""
    guided, mended = (row.found for row in rows)
    assert (guided["passed"], guided["elements"], guided["cost"]) == (True, 1, 1.0)
    [[severity, surface, label, operator]] = guided["signatures"]
    assert (severity, surface, label) == ("high", "tool", "write")
    assert operator in ("timeout", "drop", "commit_then_timeout")
    assert guided["trace"].endswith(".mat.jsonl")
    assert (mended["passed"], mended["alarms"]) == (True, 0)


def test_the_signatures_of_a_run_are_of_all_that_was_done_to_it() -> None:
    """One for each rule that is violated and each kind of what is done; none where nothing is violated."""
    case = case_of("double_charge")
    trials = Trials(case.app, case.agent, before=case.fresh)
    assert signatures(trials.run(Schedule(), case.input), case.app.registry) == []
    both = Schedule(case.witness.faults, (Turn(0, 0),))
    told = signatures(trials.run(both, case.input), case.app.registry)
    assert told == [("high", "tool", "write", operator) for operator in ("commit_then_timeout", "turn")]


def fed(found: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Give rows of the guided search that say no more than the suite counts."""
    usual = {"found": True, "reported": False, "runs": 5, "elements": 1, "cost": 1.0, "signatures": []}
    usual |= {"minimal": True, "replays": True, "blame_exact": True}
    cells = [Cell(Task(str(number), "agents"), Condition("guided"), 0) for number in range(len(found))]
    return [Row(cell, usual | one) for cell, one in zip(cells, found, strict=True)]


def test_the_curve_of_a_vector_has_its_area() -> None:
    """Ten agents of which one breaks at a cost of 1, three more at 2, one more at 3: the area is .75 (2603.18096)."""
    costs = [1.0, 1.5, 1.9, 2.0, 2.5, 3.5, 4.0]
    told = figures(fed([*({"cost": one} for one in costs), *({"found": False} for _ in range(3))]))
    assert [told[f"unbroken_at_{budget}"].value for budget in (1, 2, 3)] == [0.9, 0.6, 0.5]
    assert told["robustness_area"].value == pytest.approx(0.75)


def test_counterexamples_that_show_nothing_new_are_left_out() -> None:
    """Four failures with three signatures: two of them show all that any shows."""
    one, two, three = (["high", "tool", "write", operator] for operator in ("drop", "error", "timeout"))
    told = figures(fed([{"signatures": some} for some in ([one], [one, two], [three], [two])]))
    assert (told["signatures"].value, told["cover"].value) == (3, 2)


def test_searches_of_one_agent_go_together_in_intervals() -> None:
    """Four agents searched under five seeds each, with the same end, tell as much as four searches."""
    once = fed([{"cost": 1.0}, {"cost": 1.0}, {"found": False}, {"found": False}])
    several = [Row(row.cell._replace(seed=seed), row.found) for row in once for seed in range(5)]
    told, alone = figures(several), figures(once)
    assert told["robustness_area"] == alone["robustness_area"]
    assert told["unbroken_at_1"].value == alone["unbroken_at_1"].value == 0.5
    wide, narrow = (figure["unbroken_at_1"].interval or (0, 1) for figure in (told, alone))
    assert wide[0] <= narrow[0] and narrow[1] <= wide[1]
