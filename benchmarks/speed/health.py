"""What health costs: to tell the store of one call, to read a snapshot at planning time, and to run the monitors.

A snapshot is read of 1,000 tools that have all been called: while all are well, and while 50 of them fail and a failure
domain of 100 is down. The panel runs one monitor of each kind over a run of tool calls that serve.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from benchmarks.speed.measure import measured, report, side_by_side, us_per_call
from harness.routing.health import Health, Limits, Quota, Seen
from harness.routing.health.monitors import Budget, Instability, Intent, Loops, Panel, Progress, Rate, Risk, Tools
from harness.tool import ToolSpec
from harness.trace.event import Event

CALLS: Final = 2_000
SNAPSHOTS: Final = 20
TOOLS: Final = {
    f"tool_{number}": ToolSpec(f"tool_{number}", domain=f"domain_{number // 100}") for number in range(1000)
}
MS: Final = 1_000_000


def store(failing: int) -> Health:
    """Give a store whose tools have been called a hundred times; the first of them failed half of the time."""
    health = Health(Limits(open_calls=1_000))
    for number, spec in enumerate(TOOLS.values()):
        for call in range(100):
            how = "transient" if number < failing and call % 2 else "ok"
            health.came(Seen(spec.name, spec.domain, call * MS, (call + 1) * MS, how))
    if failing:
        health.came(Seen("tool_999", "domain_9", 100 * MS, 100 * MS, "down"))
    return health


def telling(how: str) -> Callable[[int], None]:
    """Give a loop that tells one store of so many calls."""
    health = Health()

    def loop(calls: int) -> None:
        for call in range(calls):
            health.came(Seen("tool", "domain", call * MS, (call + 1) * MS, how))

    return loop


def reading(health: Health) -> Callable[[int], None]:
    """Give a loop that reads so many snapshots."""

    def loop(snapshots: int) -> None:
        for _ in range(snapshots):
            health.snapshot(TOOLS, 101 * MS)

    return loop


def watching(calls: int) -> None:
    """Run the monitors over so many calls that serve; two events each."""
    panel = Panel(
        [
            Tools(),
            Rate({"tool": Quota(1_000, MS)}),
            Risk(),
            Budget("calls", 10**9),
            Progress(),
            Loops(),
            Intent(["goal"], ["tool"]),
            Instability(),
        ]
    )
    for call in range(calls):
        args = {"amount": call}
        action = {"surface": "tool", "tool": "tool", "args": args, "rules": []}
        panel.step(Event(2 * call, "action", "main", "0", (), call * MS, action))
        panel.step(Event(2 * call + 1, "observation", "main", "0", (), call * MS, {"action": 2 * call, "ok": call}))


def main() -> None:
    well, ill = reading(store(0)), reading(store(50))
    tell, fail = telling("ok"), telling("transient")
    taken = side_by_side(
        {
            "came": lambda: us_per_call(tell, CALLS),
            "came_failed": lambda: us_per_call(fail, CALLS),
            "snapshot_1000_well": lambda: us_per_call(well, SNAPSHOTS),
            "snapshot_1000_ill": lambda: us_per_call(ill, SNAPSHOTS),
            "monitors_call": lambda: us_per_call(watching, CALLS),
        },
        "us",
    )
    report("health", {f"{name}_us": measured(samples) for name, samples in taken.items()})


if __name__ == "__main__":
    main()
