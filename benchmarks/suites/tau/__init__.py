"""What recorded conversations of airline, shop and telephone desks say of their agents, and of the rules for them.

The conversations are those of tau-bench, tau2-bench and AgentRx, in the folder that ``--data`` or ``HARNESS_DATA``
names; they do not come with harness. A cell is one conversation: its task is the task that was recorded, its condition
the agent, its seed the trial. Whether it passed is what the benchmark itself said when it was recorded (for the most
part by the final state of its data base); nothing is run here. Each write is held against the actions that the task
asks for, and against the shipped registry of its domain.

What this does not measure: what an agent would have done after a refusal; nor how the rules do on other conversations,
since they were written while looking at some of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from harness.bench.suite import Suite
from harness.bench.task import Cell

from .cells import Judge
from .data import recordings
from .figures import figures


def given(folder: Path) -> Suite:
    """Give the suite of the conversations in a folder; UsageError where there is none."""
    found = recordings(folder)
    run = Judge(found).run
    return replace(SUITE, tasks=found.tasks(), conditions=found.conditions(), run=run, pinned=found.pinned)


def _nothing(_: Cell, __: Path) -> Mapping[str, Any]:
    raise AssertionError("there are no tasks without recorded conversations")


SUITE: Final = Suite(
    name="tau",
    version="2.0.0",
    title="Recorded desks of an airline, a shop and a telephone company, and what their registries would have stopped",
    tasks=(),
    conditions=(),
    run=_nothing,
    figures=figures,
    needs=("recorded conversations (--data DIR)",),
    given=given,
)
