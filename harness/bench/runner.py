"""Do the cells of a suite one after another in this process.

The result does not depend on the order: cells share nothing but code, each has a folder of its own, and rows come back
in the suite's order. What this does not verify: that a suite keeps its own promise to share nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from harness.bench.suite import Suite
from harness.bench.task import Broken, Cell, Row


class Result(NamedTuple):
    """What all cells found, and those that found nothing."""

    rows: tuple[Row, ...]
    broken: tuple[Broken, ...]

    @property
    def facts(self) -> list[dict[str, Any]]:
        """Give every row, and at the end every broken cell, as JSON."""
        return [
            *({**row.cell.facts, **row.found} for row in self.rows),
            *({**one.cell.facts, "infrastructure": one.error} for one in self.broken),
        ]


def run_cells(suite: Suite, cells: Iterable[Cell], told: Callable[[Cell], object] = lambda cell: None) -> Result:
    """Do cells in the order given; ``told`` hears of each one that is done."""
    done: dict[Cell, Row | Broken] = {}
    for cell in cells:
        done[cell] = _run(suite, cell)
        told(cell)
    found = [done[cell] for cell in _in_order(suite, done)]
    return Result(
        tuple(one for one in found if isinstance(one, Row)), tuple(one for one in found if isinstance(one, Broken))
    )


def _run(suite: Suite, cell: Cell) -> Row | Broken:
    with tempfile.TemporaryDirectory(prefix=f"harness-{suite.name}-") as folder:
        try:
            return Row(cell, suite.run(cell, Path(folder)))
        except Exception as error:  # noqa: BLE001 - whatever stops a measurement is kept apart from what it measures
            return Broken(cell, f"{type(error).__name__}: {error}")


def _in_order(suite: Suite, done: Iterable[Cell]) -> Sequence[Cell]:
    tasks = {task: place for place, task in enumerate(suite.tasks)}
    conditions = {condition: place for place, condition in enumerate(suite.conditions)}
    return sorted(done, key=lambda cell: (tasks[cell.task], conditions[cell.condition], cell.seed))
