"""A session around code that is called again: what it does takes its outcomes from a trace."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from harness.adapters.files import open_trace
from harness.adapters.private import read_private
from harness.door.behind import begun_otherwise
from harness.door.headers import run_part
from harness.door.models import model_environment
from harness.door.replay import machine_of
from harness.door.session import Entry, Session
from harness.errors import Divergence, Halt, HarnessError
from harness.run.replay import RecordedWorld
from harness.run.tolerance import Tolerance, read_pattern
from harness.trace.codec import Header

if TYPE_CHECKING:
    from harness.door.app import Harness


class RecordedSession(Session):
    """Replay one trace: a context manager, synchronous or asynchronous.

    Leaving it raises the Divergence that ended the code inside, or the one that the record goes on where the code has
    ended; an error of the code's own comes first. ``failed`` is what was raised, or will be.

    An app may have other tools now than when the trace was written, as long as those that the record calls are
    declared as they were; its rules judge every event again, and a verdict that differs is a divergence.
    """

    replays = True

    def __init__(self, app: Harness, trace: str | Path, tolerate: Iterable[str] = ()) -> None:
        patterns = [*map(read_pattern, tolerate)]
        with open_trace(trace) as reader:
            self._record = world = RecordedWorld(reader)
        world.secrets = read_private(trace)
        world.tolerance = Tolerance(patterns) if patterns else None
        super().__init__(app, self._begin, lambda: (world, ""), world.timeline, machine_of(world))
        self._environment = ExitStack()
        self._left_early = False

    @property
    def failed(self) -> HarnessError | None:
        """The first difference from the record, if there is one."""
        return self._record.failed

    def __enter__(self) -> Self:
        if self._depth == 0 and not self.ended:
            self._environment.enter_context(model_environment(self._record.header.host.get("base_url")))
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left_early = error is not None and not isinstance(error, Halt)
        try:
            super().__exit__(kind, error, trace)
        finally:
            if self.ended:
                self._environment.close()

    def _end(self, ended_by: Halt | KeyboardInterrupt | None) -> None:
        if self._left_early and self.failed is None:
            return  # the code's own error tells more than that the record goes on
        try:
            if self.live is None and ended_by is None:
                self._record.end()
        except Halt as found:
            ended_by = found
        super()._end(ended_by)

    def _begin(self, entry: Entry | None) -> Header:
        if self.failed is None:
            self._record.failed = self._header_difference(entry)
        if self.failed is not None:
            raise Halt(self.failed)
        return self._record.header

    def _header_difference(self, entry: Entry | None) -> Divergence | None:
        recorded, now = self._record.header.run, run_part(self.app, entry)
        called = {one.event.body["tool"] for one in self._record.entries if one.event.kind == "action"}
        before: dict[str, Any] = {name: digest for name, digest in recorded["tools"].items() if name in called}
        declared = {name: now["tools"].get(name) for name in before}
        for was, this, pointer, cause in (
            (recorded["entry"], now["entry"], "/entry", "another function is the first that was called"),
            (recorded["input"], now["input"], "/input", "the input changed"),
            (before, declared, "/tools", "a tool's declaration changed"),
        ):
            found = begun_otherwise(was, this, pointer, cause, "record it anew, if the change is meant")
            if found is not None:
                return found
        return None
