"""The world of a run whose order is chosen: every outcome is a recorded one, when it comes is not.

A call is known by its whole request and how often it was made before; what the record does not know ends the run, for
nothing goes live. Which of the outcomes and timers that could come next does come, and which of the threads that could
go on does, is drawn.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

from harness.ports import Clock, World
from harness.run.fork import ForkedWorld, Where
from harness.trace.event import Event


class ExploringWorld(ForkedWorld):
    """Serve one run in an order drawn from ``chance``; ``events`` are the record, ``kept`` takes the new trace."""

    def __init__(self, events: list[Event], kept: World, clock: Clock, chance: Random) -> None:
        super().__init__(events, Where(None, {}, offline=True), kept, clock, choose=chance.randrange)
        self._spare: dict[str, deque[Any]] = {}
        for event in events:
            if event.kind == "read":
                for source, value in event.body["reads"]:
                    self._spare.setdefault(source, deque()).append(value)

    def read(self, task: str, source: str, real: Callable[[], Any]) -> Any:
        """Give the recorded value of this task, else another one that the record has of the source."""
        known = self._known_read(task, source)
        if known is not None:
            return known[1]
        spare = self._spare.get(source)
        if not spare:
            return real()
        spare.rotate(-1)
        return spare[-1]
