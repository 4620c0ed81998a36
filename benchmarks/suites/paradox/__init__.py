"""Whether the solver tells a paradox from what can be met, and whether loops end as they should.

Generated sets of rules of four kinds: that contradict each other, with a planted minimal set or several; their twins,
in which the same rules leave room; that are met at one point; and that are met only where nothing can be certified.
What is known of each is proved by an oracle that shares no code with harness. Beside them the published cases, number
by number, and loops led by scripted proposers.

What this does not measure: whether a real model would propose as these do, and rules of a kind that no family has.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from harness.bench.suite import Suite
from harness.bench.task import Condition, Task

from .cases import CASES
from .cells import run
from .figures import figures

SETS: Final = {"infeasible": 120, "feasible": 120, "point": 100, "beyond": 108}
"""How many sets of each kind are drawn for each seed."""

LOOPS: Final = {"infeasible": 15, "feasible": 15, "point": 5, "beyond": 2}
"""How many sets of each kind loops are led over, for each seed and proposer."""


def _tasks() -> Iterator[Task]:
    for case in CASES:
        yield Task(f"published {case}", "published", {"case": case})
        yield Task(f"loop {case}", "loops", {"case": case}, seeded=True)
        yield Task(f"session {case}", "sessions", {"case": case})
    for kind, count in SETS.items():
        yield from (Task(f"{kind} {number:03d}", kind, {"number": number}, seeded=True) for number in range(count))
    for kind, count in LOOPS.items():
        for number in range(count):
            yield Task(f"loop {kind} {number:03d}", "loops", {"of": kind, "number": number}, seeded=True)


SUITE: Final = Suite(
    name="paradox",
    version="1.0.0",
    title="Telling a paradox from what can be met, judged by an independent oracle",
    tasks=tuple(_tasks()),
    conditions=(
        Condition("solver", ("published", *SETS)),
        Condition("good", ("loops", "sessions")),
        Condition("sycophantic", ("loops", "sessions")),
        Condition("oscillating", ("loops",)),
        Condition("random", ("loops",)),
    ),
    run=run,
    figures=figures,
    measured=("ms", "decide_median_ms", "decide_p90_ms"),
    needs=("harness[solver]",),
)
