"""The events of a run, told call by call, for the tests of monitors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from harness.routing.health.monitors import Monitor, Signal
from harness.trace.event import BODIES, Event, Kind


class Course:
    """Events in order; every method gives the number of the event it adds. Time goes on by 1 ns with each."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.at = 0

    def add(self, kind: Kind, **body: Any) -> int:
        shape = BODIES[kind]
        assert shape.required.keys() <= body.keys() <= shape.required.keys() | shape.optional.keys()
        self.events.append(Event(len(self.events), kind, "main", "0", (), self.at, body))
        self.at += 1
        return len(self.events) - 1

    def call(self, tool: str, surface: str = "tool", **args: Any) -> int:
        return self.add("action", surface=surface, tool=tool, args=args, rules=[])

    def served(self, tool: str, value: Any = None, **args: Any) -> int:
        return self.add("observation", action=self.call(tool, **args), ok=value)

    def failed(self, tool: str, **args: Any) -> int:
        error = {"error": {"type": "builtins:ConnectionError", "message": "no"}, "retryable": False}
        return self.add("observation", action=self.call(tool, **args), failed=error)

    def answered(self, response: Any) -> int:
        """Add a model call and its recorded HTTP response."""
        return self.add("observation", action=self.call("openai:chat/completions", "model"), ok=response)

    def decided(self, action: int, decision: str) -> int:
        return self.add("decision", action=action, decision=decision, rule="R", reason="")

    def route(self, does: str, goal: str = "goal", **more: Any) -> int:
        return self.add("route", does=does, goal=goal, **more)


def signals(monitor: Monitor, course: Course) -> list[Signal | None]:
    """Give what a monitor says of each event."""
    return [monitor.step(event) for event in course.events]


def said(monitor: Monitor, course: Course) -> list[Signal]:
    """Give all that a monitor says of a run."""
    return [signal for signal in signals(monitor, course) if signal is not None]


def last(found: Iterable[Signal | None]) -> Signal | None:
    """Give what was said of the last event."""
    return list(found)[-1]
