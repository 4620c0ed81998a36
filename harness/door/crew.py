"""Processes that make the runs of a search side by side.

Each imports the agent anew, so that no run of one meets another's world. Which process makes a run is left to chance,
and nothing hangs on it: results come back in the order in which they were asked for.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from harness.adapters.registries import looking_in
from harness.door.agents import load_entry
from harness.door.app import Harness, app_of
from harness.door.trial import Trials, in_bulk
from harness.errors import HarnessError, UsageError
from harness.stress.schedule import Schedule
from harness.stress.search.island import Island, Run, explored
from harness.stress.search.memo import Memo
from harness.stress.seen import Seen


class Subject(NamedTuple):
    """What is searched, by names that any process can look up.

    ``digest`` tells one subject from another in a database, whose folder is ``database``.
    """

    entry: str
    path: str
    registry: tuple[str, ...]
    input: Mapping[str, Any]
    before: str
    virtual: bool
    database: str
    digest: str

    def trials(self) -> Trials:
        """Import the agent, and give what runs it."""
        with looking_in(self.path):
            function = load_entry(self.entry, self.path)
        app = app_of(function) or Harness()
        app = app.with_registry(*self.registry) if self.registry else app
        return Trials(app, function, before=self.before or None, virtual=self.virtual, measures=True)


def remembering(run: Run, database: str, digest: str) -> tuple[Run, Memo | None]:
    """Give a run that knows the runs in a folder, and what remembers them; the run itself where no folder is named."""
    if not database:
        return run, None
    from hypothesis.database import DirectoryBasedExampleDatabase

    memo = Memo(DirectoryBasedExampleDatabase(database), digest)
    return memo.around(run), memo


class Crew:
    """Hands of a search: so many processes, until the context that made them is left."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def runs(self, schedules: Sequence[Schedule]) -> Iterable[Seen]:
        """Make runs under schedules."""
        return self._each(_run, schedules)

    def islands(self, islands: Sequence[Island]) -> Iterable[list[tuple[Schedule, Seen]]]:
        """Make rounds of a guided search."""
        return self._each(_explore, islands)

    def _each(self, work: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Any]:
        try:
            yield from self._pool.map(work, items)
        except BrokenProcessPool:
            cure = "with one job the agent is run here, and what it says can be seen"
            raise HarnessError(f"a process that ran the agent has ended by itself; {cure}") from None


@contextmanager
def crew(subject: Subject, jobs: int) -> Iterator[Crew]:
    """Start processes and give who makes runs in them; UsageError for a number that is none."""
    if jobs < 1:
        raise UsageError(f"{jobs} jobs make no runs", cure="name a number from 1 on")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, _begin, (subject,)) as pool:
        try:
            yield Crew(pool)
        finally:
            pool.shutdown(cancel_futures=True)


_runs: Final[list[Run]] = []
"""What makes runs in this process, if it is one of a crew."""


def _begin(subject: Subject) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all processes; the one that searches ends the search
    trials = subject.trials()
    in_bulk().__enter__()  # as long as the process
    run = remembering(lambda schedule: trials.run(schedule, subject.input).seen, subject.database, subject.digest)[0]
    _runs.append(lambda schedule: run(schedule)._replace(result=None))


def _run(schedule: Schedule) -> Seen:
    return _runs[0](schedule)


def _explore(island: Island) -> list[tuple[Schedule, Seen]]:
    return explored(_runs[0], island)
