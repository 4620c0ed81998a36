"""Whether the search finds what is wrong with an agent, and nothing that is not.

Each case is an agent with one documented bug, planted or reported in public, and the same agent mended. The guided
search looks at both, the uniform one at the buggy agent only, all with the same budget and seed. What is found is made
small; the small counterexample is run again, left out of element by element, and replayed, and its cause is named.

What this does not measure: bugs of kinds that nobody has written down, agents with real models, and time.
"""

from __future__ import annotations

from typing import Final

from harness.bench.suite import Suite
from harness.bench.task import Condition, Task

from .cases import case_names
from .cells import run
from .figures import figures

SUITE: Final = Suite(
    name="stress",
    version="1.1.0",
    title="Finding planted and reported bugs, within a budget of runs",
    tasks=tuple(Task(name, "agents", seeded=True) for name in case_names()),
    conditions=(Condition("guided"), Condition("random"), Condition("mended")),
    run=run,
    figures=figures,
)
