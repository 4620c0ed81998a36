"""Notice whether what is asked for is something that the graph knows."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from harness.routing.health.monitors.calls import is_tool_call
from harness.routing.health.monitors.signal import Signal
from harness.trace.event import Event

KNOWN: Final = 0.90
UNKNOWN: Final = 0.30


class Intent:
    """Signal each goal that is asked for, known or not; a call of one of the graph's ``tools`` asks for none."""

    def __init__(self, goals: Collection[str], tools: Collection[str] = ()) -> None:
        self._goals, self._tools = frozenset(goals), frozenset(tools)

    def step(self, event: Event) -> Signal | None:
        if event.kind == "route" and event.body["does"] == "plan" and "action" not in event.body:
            asked = event.body["goal"]
        elif is_tool_call(event):
            asked = event.body["tool"]
        else:
            return None
        if asked in self._tools:  # asked for by its own name
            return None
        if asked in self._goals:
            return Signal("intent", KNOWN, asked, f"{asked} is a goal of the graph")
        return Signal("intent", UNKNOWN, asked, f"{asked} is neither a goal nor a tool of the graph")
