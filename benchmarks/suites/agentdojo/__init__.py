"""What the shipped registries keep an attacker from, and what they keep the user from, in AgentDojo's environments.

Four assistants with tools (bank, team chat, travel, office) do the tasks of AgentDojo (Debenedetti et al., NeurIPS
2024) by the calls that it gives for them, without a model. An attacker's text stands in the environment's own data;
once a tool's answer has shown it, the agent also makes every call that reaches the attacker's goal. The environment's
own checks say whether the task was done, and whether the attacker got what he wanted.

Where ``HARNESS_MODEL`` names a model, it does these tasks too, at any endpoint that speaks OpenAI's Chat Completions.
Where a folder of recorded runs is given, each of them is judged by the same registries.

What the agent without a model does not tell: whether a model falls for the text, or finds other calls than these, or
asks the user when it is refused; nor goals that are reached by words.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from harness.bench.suite import Suite
from harness.bench.task import Condition

from . import recordings, world
from .cells import ENFORCED, MODEL_ENFORCED, MODEL_OPEN, OPEN, STRUCTURAL, pinned, run
from .figures import figures
from .model import MODEL, asked
from .tasks import MODEL_GROUPS, model_tasks, tasks

_CONDITIONS: Final = (
    Condition(OPEN, ("tasks", "attacks")),
    Condition(ENFORCED, ("tasks", "attacks", "wordings")),
    Condition(STRUCTURAL, ("attacks",)),
)


def given(folder: Path) -> Suite:
    """Give the suite with the recorded runs of a folder; UsageError where there are none."""
    found = recordings.recordings(folder)
    suite = made()
    judged = Condition(recordings.GROUP, (recordings.GROUP,))
    return replace(
        suite,
        tasks=suite.tasks + found.tasks(),
        conditions=(*suite.conditions, judged),
        run=found.run,
        pinned=found.pinned,
    )


def made() -> Suite:
    """Give the suite, with the tasks for a model where the environment names one."""
    modelled = (Condition(MODEL_OPEN, MODEL_GROUPS), Condition(MODEL_ENFORCED, MODEL_GROUPS))
    return Suite(
        name="agentdojo",
        version="2.0.0",
        title="Orders of strangers in the data of four assistants",
        tasks=(*tasks(), *(model_tasks() if asked() else ())),
        conditions=(*_CONDITIONS, *(modelled if asked() else ())),
        run=run,
        figures=figures,
        needs=("harness[agentdojo]", f"optionally ${MODEL}", "optionally recorded runs: --data DIR"),
        pinned=pinned,
        ready=world.suites,
        given=given,
    )


SUITE: Final = made()
