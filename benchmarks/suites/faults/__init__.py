"""What fifteen faults do to three teams: whether the task is done after all, by which tier, and at what cost.

The teams are those of ``examples/teams``: a line without a way back, a loop with a critic, a pair that talks; beside
them one agent does the same tasks alone. Each does every task without a fault, with each of the faults of arXiv
2602.19843, and with one, two and three of them at once; the agent alone is not given those that are about peers.
Whether a task is done is told by what is filed. The model is scripted (``examples/teams/policies.py``): it is a
function of what it is asked, and is not told of faults.

What this does not measure: how often a real model falls for a fault. The teams run on one unchanged; this does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from harness.bench.suite import Suite
from harness.bench.task import Condition, Task

from .cells import run
from .figures import figures
from .strikes import ALONE, BUDGETS, CLEAN, FAMILIES, SINGLE, TEAMS, at_once
from .teams import team_module


def _tasks() -> Iterator[Task]:
    """Yield every letter under every fault, and under every number of faults, families in their order."""
    letters = list(enumerate(task.name for task in team_module("tasks").TASKS))
    for number, name in letters:
        yield Task(f"{CLEAN} {name}", CLEAN, {"letter": number})
    for family, kinds in FAMILIES.items():
        for kind in kinds:
            for number, name in letters:
                yield Task(f"{kind} {name}", family, {"letter": number, "fault": kind}, seeded=True)
    for budget in BUDGETS:
        for number, name in letters:
            yield Task(f"{at_once(budget)} {name}", "budget", {"letter": number, "budget": budget}, seeded=True)


SUITE: Final = Suite(
    name="faults",
    version="2.0.0",
    title="Fifteen faults in three teams, on a scripted model",
    tasks=tuple(_tasks()),
    conditions=(*map(Condition, TEAMS), Condition(SINGLE, (CLEAN, *ALONE, "budget"))),
    run=run,
    figures=figures,
)
