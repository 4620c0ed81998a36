"""Draw data whose truth is known, ten thousand times, and hold every procedure to what it says of itself.

::

    python -m benchmarks.statistics.simulate [--json] [--simulations N] [--only gate|tests|coverage|plans|sources]

The gate is right where a false answer is as rare as stated although it is asked after each task; a test, where it
rejects what is true as rarely; an interval, where it holds the truth as often as stated less half a point; a plan,
where as many runs as it names see the change as often as it says, within three points.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from typing import Final

from rich.console import Console

from benchmarks.statistics.coverage import coverage_figures
from benchmarks.statistics.false_alarms import gate_figures, rejection_figures
from benchmarks.statistics.plans import plan_figures, source_figures
from harness import __version__
from harness.bench.figures import Figure, report_of
from harness.cli.tables import figure_table, print_table

PARTS: Final[dict[str, Callable[[int], Iterator[tuple[str, Figure]]]]] = {
    "gate": gate_figures,
    "tests": rejection_figures,
    "coverage": coverage_figures,
    "plans": plan_figures,
    "sources": source_figures,
}


def main() -> int:
    """Simulate, report, and leave with 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--simulations", type=int, default=10_000)
    parser.add_argument("--only", choices=PARTS)
    options = parser.parse_args()
    parts = [options.only] if options.only else list(PARTS)
    figures = {name: figure for part in parts for name, figure in PARTS[part](options.simulations)}
    if options.json:
        packages = ("scipy", "statsmodels", "numpy")
        print(json.dumps(report_of("statistics", __version__, figures, [], packages=packages), ensure_ascii=False))
    else:
        print_table(Console(), figure_table(f"{options.simulations:,} simulations", figures))
    return int(any(figure.ok is False for figure in figures.values()))


if __name__ == "__main__":
    sys.exit(main())
