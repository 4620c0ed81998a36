"""Do the cells of a suite and report what they found.

The result does not depend on the order, nor on who does the cells: they share nothing but code, each has a folder of
its own, and rows come back in the suite's order. What this does not verify: that a suite keeps its own promise to share
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

from harness.bench.executor import Done, Executor
from harness.bench.figures import Figure, report_of
from harness.bench.local import Here
from harness.bench.manifest import manifest_of
from harness.bench.store import Store
from harness.bench.suite import Suite
from harness.bench.task import Broken, Cell, Row
from harness.errors import UsageError

_PACKAGES: Final = ("openai", "orjson")


@dataclass(frozen=True)
class Result:
    """What all cells found, and those that found nothing; ``wall_s`` is what each took, and no part of the result."""

    rows: tuple[Row, ...]
    broken: tuple[Broken, ...]
    wall_s: Mapping[Cell, float] = field(default_factory=dict, compare=False)

    @property
    def facts(self) -> list[dict[str, Any]]:
        """Give every row, and at the end every broken cell, as JSON."""
        return [
            *({**row.cell.facts, **row.found} for row in self.rows),
            *({**one.cell.facts, "infrastructure": one.error} for one in self.broken),
        ]

    @property
    def cells(self) -> list[Cell]:
        """Give the cell of every fact."""
        return [*(row.cell for row in self.rows), *(one.cell for one in self.broken)]


def run_cells(
    suite: Suite,
    cells: Iterable[Cell],
    told: Callable[[Cell], object] = lambda cell: None,
    *,
    executor: Executor | None = None,
    store: Store | None = None,
    traces: str = "",
) -> Result:
    """Do cells, here and in the order given unless there is an executor; ``told`` hears of each one that is done.

    What is in the store is not done again, and what is done is kept there, its trace too unless ``traces`` is the URL
    to keep them at.
    """
    asked = list(cells)
    kept = {cell: one for cell in asked if store and (one := store.kept(cell))}
    for cell in kept:
        told(cell)
    done = list(kept.values())
    place = traces or (str(store.traces) if store else None)
    for one in (executor or Here()).do(suite, [cell for cell in asked if cell not in kept], place):
        if store:
            store.keep(one)
        done.append(one)
        told(one.cell)
    return result_of(suite, done)


def result_of(suite: Suite, done: Iterable[Done]) -> Result:
    """Give what became of cells as a result, in the suite's order."""
    found = _in_order(suite, done)
    return Result(
        tuple(Row(one.cell, one.found) for one in found if one.found is not None),
        tuple(Broken(one.cell, one.error) for one in found if one.found is None),
        {one.cell: one.wall_s for one in found},
    )


def chosen(suite: Suite, cells: Iterable[Cell], tasks: Sequence[str], conditions: Sequence[str]) -> list[Cell]:
    """Give the cells whose task and condition fit one of the patterns, all where there is none.

    UsageError for a pattern that nothing fits.
    """
    for what, patterns, names in (
        ("task", tasks, [task.name for task in suite.tasks]),
        ("condition", conditions, [condition.name for condition in suite.conditions]),
    ):
        for pattern in patterns:
            if not any(fnmatchcase(name, pattern) for name in names):
                cure = f"there is {', '.join(names[:5]) or 'none'}{' …' if len(names) > 5 else ''}"
                cure += f"; the suite needs {', '.join(suite.needs)}" if suite.needs else ""  # or it has fewer
                raise UsageError(f"no {what} is named {pattern!r}", where=f"suite {suite.name}", cure=cure)
    fitting = [cell for cell in cells if _fits(cell.task.name, tasks) and _fits(cell.condition.name, conditions)]
    if not fitting:
        raise UsageError("none of these tasks is done under these conditions", where=f"suite {suite.name}")
    return fitting


def reported(suite: Suite, result: Result, figures: Mapping[str, Figure], stands: Mapping[str, Any]) -> dict[str, Any]:
    """Give the report of a result as JSON, with the manifest of what it depends on, times and memory included."""
    cells = result.cells
    seed = {"seed": min(cell.seed for cell in cells)} if cells else {}
    whole = report_of(suite.name, stands["code"]["version"], figures, result.facts, packages=_PACKAGES, **seed)
    manifest = manifest_of(stands, cells)
    manifest["code"] = {**manifest["code"], "commit": whole["commit"]}
    return {**whole, "manifest": manifest}


def parted(suite: Suite, result: Result, report: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part a report from its times and memory: the first comes out the same each time, the second never does."""
    rows = report["rows"]
    fixed = {**report, "figures": _but(suite, report["figures"]), "rows": [_but(suite, row) for row in rows]}
    times = {
        "name": report["name"],
        "version": report["version"],
        "environment": report["environment"],
        "figures": {name: one for name, one in report["figures"].items() if name in suite.measured},
        "cells": [
            {**cell.facts, "wall_s": result.wall_s[cell], **{name: row[name] for name in suite.measured if name in row}}
            for cell, row in zip(result.cells, rows, strict=True)
        ],
    }
    return fixed, times


def _but(suite: Suite, of: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in of.items() if name not in suite.measured}


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def _in_order(suite: Suite, done: Iterable[Done]) -> list[Done]:
    tasks = {task.name: place for place, task in enumerate(suite.tasks)}
    conditions = {condition.name: place for place, condition in enumerate(suite.conditions)}
    return sorted(done, key=lambda one: (tasks[one.cell.task.name], conditions[one.cell.condition.name], one.cell.seed))
