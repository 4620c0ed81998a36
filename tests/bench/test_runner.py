"""Cells are done one by one, in any order, with failures of the measurement kept apart."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.bench.figures import SEED
from harness.bench.runner import run_cells
from harness.bench.suite import Suite
from harness.bench.task import Cell, Condition, Task

TASKS = tuple(Task(f"task {number}", "a", {"number": number}, seeded=number % 2 == 0) for number in range(6))


def measured(cell: Cell, folder: Path) -> Mapping[str, Any]:
    """Give a number that follows from the cell, by way of its folder; the third task cannot be measured."""
    assert list(folder.iterdir()) == []
    (folder / "note").write_text(cell.condition.name)
    if cell.task.data["number"] == 3:
        raise ConnectionError("no disk\nat all")
    return {"said": (folder / "note").read_text() * cell.task.data["number"], "seed": cell.seed}


SUITE = Suite("few", "1", "A few", TASKS, (Condition("us"), Condition("them")), measured, lambda rows: {})


@pytest.mark.parametrize("seed", range(3))
def test_the_result_does_not_depend_on_the_order(seed: int) -> None:
    """Shuffled cells give the rows of the suite's own order."""
    cells = list(SUITE.cells(2))
    shuffled = random.Random(seed).sample(cells, len(cells))
    assert run_cells(SUITE, shuffled) == run_cells(SUITE, cells)
    assert [row.cell for row in run_cells(SUITE, shuffled).rows] == [
        cell for cell in cells if cell.task.data["number"] != 3
    ]


def test_what_could_not_be_measured_is_no_row() -> None:
    """A cell whose measurement failed is kept apart, with the reason, and the others go on."""
    result = run_cells(SUITE, SUITE.cells())
    assert [(one.cell.condition.name, one.error) for one in result.broken] == [
        ("us", "ConnectionError: no disk\nat all"),
        ("them", "ConnectionError: no disk\nat all"),
    ]
    assert len(result.rows) == 10
    assert result.facts[0] == {"task": "task 0", "group": "a", "condition": "us", "seed": SEED, "said": ""}
    assert [fact for fact in result.facts if "infrastructure" in fact] == result.facts[-2:]


def test_every_cell_is_told_when_it_is_done() -> None:
    """Whoever watches hears of each cell once, in the order they are done, broken ones too."""
    heard: list[Cell] = []
    cells = list(SUITE.cells())
    run_cells(SUITE, cells, heard.append)
    assert heard == cells


def test_an_interruption_is_no_result() -> None:
    """Ctrl-C ends the run; it is not taken for a broken cell."""

    def interrupted(cell: Cell, folder: Path) -> Mapping[str, Any]:
        raise KeyboardInterrupt

    suite = Suite("few", "1", "A few", TASKS, (Condition("us"),), interrupted, lambda rows: {})
    with pytest.raises(KeyboardInterrupt):
        run_cells(suite, suite.cells())


def test_a_folder_is_gone_when_its_cell_is_done() -> None:
    """Nothing of a cell is left on the disk."""
    seen: list[Path] = []

    def noted(cell: Cell, folder: Path) -> Mapping[str, Any]:
        seen.append(folder)
        return {}

    suite = Suite("few", "1", "A few", TASKS[:2], (Condition("us"),), noted, lambda rows: {})
    result = run_cells(suite, suite.cells())
    assert len(result.rows) == len(set(seen)) == 2
    assert not any(folder.exists() for folder in seen)
