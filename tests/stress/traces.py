"""Traces written call by call."""

from __future__ import annotations

from typing import Any

from harness.trace.event import Event

MS = 1_000_000
TIMED_OUT = {"unknown": {"reason": "no answer in 30000 ms"}}


class Trace:
    """Write the events of a run, call by call."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.at = 0

    def add(self, event: Any, /, **body: Any) -> int:
        """Write an event and give its number."""
        seq = len(self.events)
        self.events.append(Event(seq, event, "main", "0", (), self.at, body))
        return seq

    def call(self, tool: str, took_ms: int = 10, struck: str = "", surface: str = "tool", **said: Any) -> Trace:
        """Make a call; ``said`` is its outcome, ``struck`` the kind of the fault that struck it."""
        args = said.pop("args", {})
        action = self.add("action", surface=surface, tool=tool, args=args, rules=[])
        self.at += took_ms * MS
        if struck:
            self.add("fault", action=action, fault="it", kind=struck, effective=True)
        self.add("observation", action=action, **(said or {"ok": 1}))
        return self
