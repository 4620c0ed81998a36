"""The airline and retail registries on recorded conversations: ``python -m benchmarks.real.tau --data DIR [--json]``.

The suite ``tau`` with every rule and every annotated step as a row of its own; ``benchmarks/suites/tau/counts.py`` says
what is counted.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.speed.measure import report
from benchmarks.suites.tau import SUITE
from benchmarks.suites.tau.cells import Run, run_of
from benchmarks.suites.tau.counts import rows_of
from benchmarks.suites.tau.data import registry_of
from harness.bench.runner import run_cells
from harness.bench.suite import with_data
from harness.bench.task import Row


def brief(row: dict[str, Any]) -> dict[str, Any]:
    """Give a row without its intervals, for a terminal."""
    counts: dict[str, Any] = {name: row[name] for name in ("wrong", "refused", "right") if name in row}
    what = row.get("rule") or f"{row['failure']} {row['category']}: {', '.join(row['violated']) or 'nothing'}"
    return {"data": row["data"], "what": what, "otherwise": row.get("otherwise", ""), **counts}


def detailed(rows: tuple[Row, ...]) -> Iterator[dict[str, Any]]:
    """Yield a row for each rule, and for each annotated step, of every set that a registry judges."""
    sets: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for row in rows:
        if "writes" in row.found:
            sets[row.cell.task.group, row.cell.task.data["domain"]].append(run_of(row))
    for (data, domain), runs in sets.items():
        yield from rows_of(data, registry_of(domain), runs)
        for run in runs:
            for failure in run.failures:
                yield {"data": data, "failure": f"{run.task.removeprefix(f'{data}/')}:{failure['step']}", **failure}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the recorded conversations")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    suite = with_data(SUITE, arguments.data)
    result = run_cells(suite, suite.cells())
    for one in result.broken:
        parser.exit(5, f"{one.cell.task.name}, {one.cell.condition.name}: {one.error}\n")
    rows = list(detailed(result.rows))
    report("tau", dict(suite.figures(result.rows)), rows if arguments.json else map(brief, rows))


if __name__ == "__main__":
    main()
