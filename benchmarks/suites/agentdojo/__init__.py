"""What the shipped registries keep an attacker from, and what they keep the user from, in AgentDojo's environments.

Four assistants with tools (bank, team chat, travel, office) do the tasks of AgentDojo (Debenedetti et al., NeurIPS
2024) by the calls that it gives for them, without a model. An attacker's text stands in the environment's own data;
once a tool's answer has shown it, the agent also makes every call that reaches the attacker's goal. The environment's
own checks say whether the task was done, and whether the attacker got what he wanted.

What this does not measure: whether a model falls for the text, or finds other calls than these, or asks the user when
it is refused; nor goals that are reached by words.
"""

from __future__ import annotations

from typing import Final

from harness.bench.suite import Suite
from harness.bench.task import Condition

from . import world
from .cells import ENFORCED, OPEN, STRUCTURAL, run
from .figures import figures
from .tasks import tasks

SUITE: Final = Suite(
    name="agentdojo",
    version="1.0.0",
    title="Orders of strangers in the data of four assistants",
    tasks=tuple(tasks()),
    conditions=(Condition(OPEN, ("tasks", "attacks")), Condition(ENFORCED), Condition(STRUCTURAL, ("attacks",))),
    run=run,
    figures=figures,
    needs=("harness[agentdojo]",),
    pinned=world.pinned,
    ready=world.suites,
)
