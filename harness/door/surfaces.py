"""The part of a session that tells its surfaces: what passes the door, and what does not."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from harness.adapters.files import open_trace
from harness.determinism import address
from harness.run import taking
from harness.run.replay import RecordedWorld
from harness.trace.coverage import Known, coverage_of
from harness.trace.covered import SURFACES, Covered
from harness.trace.event import Event

if TYPE_CHECKING:
    from harness.door.session import Session

Told = tuple[str, str, tuple[Covered, ...]]
"""Where something was said of surfaces, by which adapter, and what."""


class Surfaces:
    """What a session says of its surfaces; ``_told`` is what adapters have said so far."""

    _told: set[Told]

    @property
    def coverage(self) -> tuple[Known, ...]:
        """Every surface of the run so far, and whether it passes the door; read from the trace, O(events)."""
        return coverage_of(self._written())

    def covers(self, adapter: str, surfaces: Iterable[Covered]) -> None:
        """Record which surfaces an adapter brings to the door and which it does not, once for each task and list.

        It is written as a read at a place of its own, with what the task does next: so it costs no line, and a replay
        under an adapter that says something else goes on as recorded.
        """
        run, said = cast("Session", self).started(), tuple(surfaces)
        told = address.nearest(), adapter, said
        if said and told not in self._told:
            self._told.add(told)
            taking.read_at(run, SURFACES, adapter, lambda: [one.facts() for one in said])

    def _written(self) -> Iterable[Event]:
        """Give the events of the run that are in its trace, while it is replayed those that have come again."""
        session = cast("Session", self)
        world, path = None if session.live is None else session.live.world, session.trace.path
        if path and Path(path).is_file():
            with open_trace(path) as reader:
                yield from reader
        elif isinstance(world, RecordedWorld):
            yield from (entry.event for entry in world.entries[: world.replayed])
