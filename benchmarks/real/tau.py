"""The airline and retail registries on recorded conversations: ``python -m benchmarks.real.tau --data DIR [--json]``.

The suite ``tau`` with every rule and every annotated step as a row of its own; ``benchmarks/suites/tau/counts.py`` says
what is counted.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.speed.measure import Figure, report
from benchmarks.suites.tau.cells import found_in
from benchmarks.suites.tau.data import DATA
from benchmarks.suites.tau.figures import figures_of


def brief(row: dict[str, Any]) -> dict[str, Any]:
    """Give a row without its intervals, for a terminal."""
    counts: dict[str, Any] = {name: row[name] for name in ("wrong", "refused", "right") if name in row}
    what = row.get("rule") or f"{row['failure']} {row['category']}: {', '.join(row['violated']) or 'nothing'}"
    return {"data": row["data"], "what": what, "otherwise": row.get("otherwise", ""), **counts}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the recorded conversations")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    figures: dict[str, Figure] = {}
    rows: list[dict[str, Any]] = []
    for data in DATA:
        found = found_in(data, arguments.data)
        figures |= dict(figures_of(data.name, found, barred=data.barred))
        rows += [*found["rules"], *found["failures"]]
    report("tau", figures, rows if arguments.json else map(brief, rows))


if __name__ == "__main__":
    main()
