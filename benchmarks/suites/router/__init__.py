"""Whether the router goes around failures as an independent oracle says, by what the world shows.

Four groups of tasks: the nineteen published scenarios, every subset of failures in their three graphs, nine situations
that those leave out, and scenarios by the seed in which writes are committed and then time out. Contenders: harness,
an agent that asks a model before every step, a workflow with fallbacks written by hand, and the oracle itself.

What this does not measure: time, and whether a real model would choose as the scripted one does.
"""

from __future__ import annotations

from typing import Final

from harness.bench.suite import Suite
from harness.bench.task import Condition, Task

from .cells import run
from .extra import EXTRAS
from .figures import figures
from .scenarios import DOWN, GRAPHS, subsets

GENERATED: Final = 500
"""How many scenarios are drawn for each seed."""


def _tasks() -> tuple[Task, ...]:
    return (
        *(Task(name, "scenarios", {"graph": name[:2], "down": list(down)}) for name, down in DOWN.items()),
        *(
            Task(name, "subsets", {"graph": graph, "down": list(down)})
            for graph in GRAPHS
            for name, down in subsets(graph).items()
        ),
        *(Task(name, "extra", {"shows": extra.shows}) for name, extra in EXTRAS.items()),
        *(Task(f"generated {number:03d}", "generated", seeded=True) for number in range(GENERATED)),
    )


SUITE: Final = Suite(
    name="router",
    version="1.0.0",
    title="Going around failures, judged by what is left in the world",
    tasks=_tasks(),
    conditions=(
        Condition("harness"),
        Condition("react", ("scenarios",)),
        Condition("static", ("scenarios",)),
        Condition("oracle", ("scenarios", "subsets")),
    ),
    run=run,
    figures=figures,
)
