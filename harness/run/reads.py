"""What a record holds of reads: an agent's own in order, those of the packages it uses by their place.

The code of a package reads clocks and chance once per process, lazily, for caches and labels; whether it does in a run
depends on what ran before. So each of its reads carries its place (``time.monotonic@package.module:function``), and is
found by it: one more or one less moves no other, and what comes of it is seen where it matters, in the calls. An
agent's own reads have no place, and must come again one for one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any, Final

from harness.determinism.streams import seed_for
from harness.trace.event import Event

Reads = list[tuple[str, Any]]
SESSION_SEEDS: Final = frozenset({"harness.vote", "numpy.random@session", "random@session"})
"""Reads that seed the streams of a whole session."""


def seeded(source: str, seed: int | None) -> str | None:
    """Give the seed of a session's stream as it follows from the seed of the run; None for anything else."""
    return f"{seed_for(seed, source):032x}" if seed is not None and source in SESSION_SEEDS else None


def is_placed(source: str) -> bool:
    """Tell whether a read is found by its place, and may be missing."""
    return "@" in source


class RecordedReads:
    """Hand out recorded reads by the address of the task that reads."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._own: dict[str, deque[tuple[str, Any]]] = {}
        self._placed: dict[tuple[str, str], deque[Any]] = {}
        for event in events:
            if event.kind == "read":
                for source, value in event.body["reads"]:
                    if is_placed(source):
                        self._placed.setdefault((event.task, source), deque()).append(value)
                    else:
                        self._own.setdefault(event.task, deque()).append((source, value))

    def own(self, task: str) -> deque[tuple[str, Any]]:
        """Give what is left of an agent's own reads in a task, to be taken from the left."""
        return self._own.get(task) or deque()

    def forget(self, task: str) -> None:
        """Leave the rest of a task's own reads aside."""
        self._own.pop(task, None)

    def placed(self, task: str, source: str) -> deque[Any]:
        """Give what is left of the reads at one place, to be taken from the left."""
        return self._placed.get((task, source)) or deque()


def retold(reads: Reads, recorded: Event | None, task: str) -> Reads:
    """Give what has to be written of a task's reads on replay: where its own are the recorded ones, what is recorded.

    ``recorded`` is the event that the record goes on with.
    """
    said: Reads = []
    if recorded is not None and recorded.kind == "read" and recorded.task == task:
        said = [(source, value) for source, value in recorded.body["reads"]]
    own = [one for one in reads if not is_placed(one[0])]
    return said if own == [one for one in said if not is_placed(one[0])] else own
