"""An agent that is only arithmetic: what it does follows from the schedule, so that every law can be checked fast.

It calls each of its tools a few times. A call that fails is made again, up to twice, which are calls that no
undisturbed run shows. A bug is a set of elements: a rule is violated where all of them are in the schedule.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from harness.faults.plan import Fault
from harness.stress.schedule import Schedule
from harness.stress.seen import Made, Seen, Struck, Violated

FAILS = frozenset({"timeout", "error", "commit_then_timeout"})


class Simulated(NamedTuple):
    """How often each tool is called, how many could go on at each place, and elements that break a rule together."""

    tools: tuple[int, ...]
    widths: tuple[int, ...]
    bugs: tuple[frozenset[str], ...]

    def run(self, schedule: Schedule) -> Seen:
        """Do what the schedule makes of a run."""
        calls: list[Made] = []
        struck: list[Struck] = []
        counts: Counter[str] = Counter()
        names = {str(one.name if isinstance(one, Fault) else tuple(one)) for one in schedule.elements}

        def call(tool: str) -> bool:
            counts[tool] += 1
            nth = counts[tool]
            fault = next(
                (one for one in schedule.faults if one.tools == (tool,) and (not one.nth or nth in one.nth)), None
            )
            failed = fault is not None and fault.kind in FAILS
            if fault is not None:
                struck.append(Struck(fault.name, fault.kind, len(calls), effective=True))
            calls.append(Made(len(calls), "tool", tool, "main", nth, {}, "failed" if failed else "ok", [nth, nth + 1]))
            return not failed

        for number, times in enumerate(self.tools):
            for _ in range(times):
                _ = call(f"t{number}") or call(f"t{number}") or call(f"t{number}")
        hit = {one.fault for one in struck} | {name for name in names if name.startswith("(")}
        violated = tuple(Violated(f"R{number}", "high", 0, "") for number, bug in enumerate(self.bugs) if bug <= hit)
        margins = {f"R{number}": float(len(bug - hit)) for number, bug in enumerate(self.bugs)}
        return Seen(tuple(calls), violated, tuple(struck), "returned", None, self.widths, margins)
