"""What fifteen faults do to three teams: whether the task is done after all, and by which tier of the team.

The teams are those of ``examples/teams``: a line without a way back, a loop with a critic, a pair that talks. Each does
the same tasks without a fault, and with each of the faults of arXiv 2602.19843. Whether a task is done is told by what
is filed. The model is scripted (``examples/teams/policies.py``): it is a function of what it is asked, and is not told
of faults.

What this does not measure: how often a real model falls for a fault. The teams run on one unchanged; this does not.
"""

from __future__ import annotations

from typing import Final

from harness.bench.suite import Suite
from harness.bench.task import Condition, Task

from .cells import run
from .figures import figures
from .strikes import CLEAN, STRIKES

SUITE: Final = Suite(
    name="faults",
    version="1.0.0",
    title="Fifteen faults in three teams, on a scripted model",
    tasks=(Task(CLEAN, CLEAN), *(Task(kind, "fault", seeded=True) for kind in STRIKES["linear"])),
    conditions=tuple(Condition(team) for team in STRIKES),
    run=run,
    figures=figures,
)
