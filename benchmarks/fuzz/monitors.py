"""Random registries and runs: the incremental monitors, a scan of the whole history, and the door must agree.

``python -m benchmarks.fuzz.monitors [--count 10000] [--seed S] [--json]``. The pairs are those of
``tests/assertion/test_monitor.py``, drawn by Hypothesis from one seed.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from hypothesis import Phase, given, seed, settings

from benchmarks.speed.measure import SEED, Figure, report
from tests.assertion.test_monitor import agree_at_the_door, agree_with_a_scan, histories, rule_lists


def main() -> None:
    """Compare so many pairs; a difference is shrunk, told, and ends the campaign with an error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    done = {"pairs": 0, "steps": 0, "pairs_not_all_hold": 0}

    @seed(options.seed)
    @settings(max_examples=options.count, deadline=None, database=None, phases=(Phase.generate, Phase.shrink))
    @given(rule_lists, histories())
    def compare(texts: Any, events: Any) -> None:
        done["pairs_not_all_hold"] += agree_with_a_scan(texts, events)
        agree_at_the_door(texts, events)
        done["pairs"] += 1
        done["steps"] += len(events)

    start = time.perf_counter()
    compare()
    figures = {name: Figure(float(value), "1") for name, value in done.items()}
    report("monitors", figures | {"seconds": Figure(time.perf_counter() - start, "s")}, [], seed=options.seed)


if __name__ == "__main__":
    main()
