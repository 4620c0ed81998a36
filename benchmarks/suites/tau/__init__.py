"""What the shipped registries of an airline's and a shop's desk would have stopped in recorded conversations.

The conversations are those of tau-bench, tau2-bench and AgentRx, in the folder that ``HARNESS_DATA`` names; they do not
come with harness, and where they are missing nothing is measured. Each write is held against the actions that the task
asks for.

What this does not measure: what an agent would have done after a refusal; nor how the rules do on other conversations,
since they were written while looking at some of these.
"""

from __future__ import annotations

from typing import Final

from harness.bench.suite import Suite
from harness.bench.task import Condition, Task

from .cells import run
from .data import DATA, FOLDER, digests, ready
from .figures import figures

SUITE: Final = Suite(
    name="tau",
    version="1.0.0",
    title="Recorded desks of an airline and a shop, judged by their registries",
    tasks=tuple(Task(data.name, data.registry, {"barred": data.barred, "files": list(data.files)}) for data in DATA),
    conditions=(Condition("judged"),),
    run=run,
    figures=figures,
    needs=(f"recorded conversations in ${FOLDER}",),
    pinned=digests,
    ready=ready,
)
