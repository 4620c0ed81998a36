"""Whether an adversary that plays by the rules leads a subject to an illegal action sooner than a random one does.

Two kinds of subject. Agents of a small hotel, whose tools' declarations are the protocol: the adversary answers for the
tools. And a predictor of chess moves, learned by counting from games of random legal moves: the adversary is the other
player. The method is that of arXiv 2602.05903; its subjects were trained transformers, ours are small and written
here, so no figure compares with theirs.
"""

from __future__ import annotations

from typing import Final

from harness.bench.suite import Suite
from harness.bench.task import Condition, Task

from .cells import BUDGETS, run
from .figures import figures
from .hotel import RIGHT, WRONG

TRIES: Final = 40
"""How often each subject is tried, each time with chance of its own."""

SUITE: Final = Suite(
    name="adversary",
    version="1.0.0",
    title="Legal histories that lead to an illegal action",
    tasks=(
        *(Task(name, "agents", {"budget": BUDGETS["agents"], "tries": TRIES}, seeded=True) for name in WRONG),
        *(Task(name, "controls", {"budget": BUDGETS["controls"], "tries": 1}, seeded=True) for name in RIGHT),
        Task("moves", "chess", {"budget": BUDGETS["chess"], "tries": TRIES}, seeded=True),
    ),
    conditions=(Condition("guided"), Condition("random")),
    run=run,
    figures=figures,
    needs=("harness[bench]",),
)
