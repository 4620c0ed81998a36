"""Notice tools that are down."""

from __future__ import annotations

from typing import Final

from harness.routing.health.monitors.calls import Calls
from harness.routing.health.monitors.signal import Signal
from harness.trace.event import Event

DOWN: Final = 0.99


class Tools:
    """Signal a tool whose calls failed ``failures`` times in a row, or that a route gave up and went around.

    Any outcome but ok counts: the trace does not say of every error whether trying again would help.
    """

    def __init__(self, failures: int = 3) -> None:
        self.failures = failures
        self._calls = Calls()
        self._failed: dict[str, int] = {}

    def step(self, event: Event) -> Signal | None:
        if event.kind == "route" and event.body["does"] == "reroute" and "tool" in event.body:
            tool = event.body["tool"]
            return Signal("tools", DOWN, tool, f"a route to {event.body['goal']} has given {tool} up")
        action = self._calls.ended(event)
        if action is None:
            return None
        tool = action.body["tool"]
        if "ok" in event.body:
            self._failed.pop(tool, None)
            return None
        failed = self._failed[tool] = self._failed.get(tool, 0) + 1
        if failed < self.failures:
            return None
        return Signal("tools", DOWN, tool, f"{tool} is down: {failed} calls in a row failed")
