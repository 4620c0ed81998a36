"""One run under a schedule, in memory: what a search does many times, and a test that was found does once."""

from __future__ import annotations

import asyncio
import copy
import gc
import inspect
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple

from harness.adapters.interpreter.capture import held
from harness.adapters.live import LiveWorld
from harness.adapters.registries import looking_in
from harness.adapters.virtual import BEGINS, VirtualWorld
from harness.determinism.schedule import Timeline
from harness.determinism.turns import Order
from harness.door.agents import entry_folder, entry_name, load_entry, make_agent
from harness.door.app import Harness, app_of
from harness.door.binding import call_site
from harness.door.fresh import put_world_back
from harness.door.headers import faults_stated, host_part, rollout_part, run_part
from harness.door.scripted import lasting_model
from harness.door.session import Entry, Session
from harness.errors import Halt, HarnessError, UsageError
from harness.run.changes import changed_part
from harness.run.drive import hearers
from harness.run.inputs import Call
from harness.stress.header import schedule_part
from harness.stress.schedule import Schedule, schedule_of
from harness.stress.seen import Seen, margins_of, seen_of
from harness.stress.words import story
from harness.trace.codec import Header
from harness.trace.event import Event
from harness.trace.reader import Reader

MOST_CALLS: Final = 200


class Kept:
    """Keep the lines of one trace in memory."""

    path = ""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def append(self, line: bytes) -> None:
        self.lines += line.splitlines(keepends=True)

    def flush(self, *, disk: bool = False) -> None:
        pass

    def close(self) -> None:
        pass


class Trial(NamedTuple):
    """One run: what was done to it, its trace, what came of it, and what it returned or raised."""

    schedule: Schedule
    input: Mapping[str, Any]
    lines: tuple[bytes, ...]
    seen: Seen
    result: Any = None
    error: BaseException | None = None

    @property
    def events(self) -> list[Event]:
        """The events of its trace."""
        return list(Reader(list(self.lines)))

    @property
    def story(self) -> str:
        """What happened, for whoever reads why a test has failed."""
        return "\n".join(["what the run did:", *story(self.seen)])


class Endless(HarnessError):
    """A run was stopped because it made more calls than a trial may."""


class Trials:
    """Run one agent under schedules, each time from the beginning.

    ``before``, a function or ``module:function``, is called before every run, to put the agent's world back to how it
    was. With ``virtual`` time nothing waits: sleeps, timeouts and delays cost nothing, clocks and chance follow from
    the seed and the schedule, which may turn the order in which outcomes come, and two runs under one schedule write
    the same trace; an agent that waits for real sockets in an event loop needs real time. A run that makes more than
    ``most_calls`` calls is stopped before the next one, and its trace is not sealed. One that goes on for ever without
    a call is not. With ``measures`` what is seen tells margins. Must not be used inside a running event loop.
    """

    def __init__(
        self,
        app: Harness,
        agent: Callable[..., Any],
        *,
        before: str | Callable[[], object] | None = None,
        virtual: bool = True,
        most_calls: int = MOST_CALLS,
        measures: bool = False,
    ) -> None:
        self.app, self.agent = app, make_agent(app, agent)
        self._before = load_entry(before) if isinstance(before, str) else before
        self._named = before if isinstance(before, str) else ""
        self._virtual, self._most, self._measures = virtual, most_calls, measures

    def run(self, schedule: Schedule, input: Mapping[str, Any] | None = None) -> Trial:  # noqa: A002
        """Run the agent once; what it raises is part of what is seen. UsageError for an input that does not fit."""
        given = self.given(schedule, input)
        self.put_back()
        kept, order = Kept(), Order(schedule.turns)
        faults = {} if schedule.plan is None else {"faults": faults_stated(schedule.plan)}
        labels = {"seed": schedule.seed, **faults, **schedule_part(schedule, input or {}, self._named)}

        def header(entry: Entry | None) -> Header:
            run = run_part(session.app, entry, **labels)
            # rules that are rolled out in shares judge every trial alike
            identity = {"rollout": {"identity": f"trial {schedule.seed}"}}
            return Header(run | rollout_part(session.app.registry, run | identity), self._host)

        session = Session(self.app, header, lambda: (self._world(kept, schedule.seed), ""), lambda: self._line(order))
        result, error, token = None, None, hearers.set((*hearers.get(), self._counting()))
        try:
            with chdir("."):  # what comes after names files from here, wherever the agent goes
                result = session.run(self.agent, **given)
        except (Exception, SystemExit, asyncio.CancelledError) as raised:
            if not kept.lines:  # the run has not begun: it is nothing that the agent did
                raise
            error = raised
        finally:
            hearers.reset(token)
        reader = Reader(list(kept.lines))
        events = list(reader)
        seen = seen_of(events, tuple(order.widths))
        if self._measures and kept.lines:
            seen = seen._replace(margins=margins_of(self.app.registry, reader.header.run, events))
        return Trial(schedule, given, tuple(kept.lines), seen, result, error)

    def put_back(self) -> None:
        """Put the agent's world back, as before every run."""
        if self._before is not None:
            put_world_back(self._before)

    def given(self, schedule: Schedule, input: Mapping[str, Any] | None = None) -> dict[str, Any]:  # noqa: A002
        """Give the input of a run with the changes of a schedule; UsageError where it does not fit the agent."""
        given: Any = dict(input or {})
        for change in schedule.changes:
            given = changed_part(given, "input", {change.place: change.value})
        try:
            inspect.signature(self.agent).bind(**given)
        except TypeError as error:
            cure = f"{entry_name(self.agent)} takes {inspect.signature(self.agent)}"
            raise UsageError(f"the input does not fit: {error}", where=call_site(self.agent), cure=cure) from None
        return copy.deepcopy(given)  # each run has its own

    def _world(self, kept: Kept, seed: int) -> LiveWorld:
        if not self._virtual:
            return self.app.live_world(kept, seed=seed)
        app = self.app
        return VirtualWorld(kept, "none", app.approver, app.clock, seed=seed, thrown=lambda: app.killed)

    def _line(self, order: Order) -> Timeline:
        if not self._virtual:
            return Timeline(self.app.clock)
        timeline = Timeline(choose=order.choose, virtual=True)
        timeline.begin()  # also of an agent without threads the time is virtual, from its first call on
        return timeline

    def _counting(self) -> Callable[[Call], None]:
        made = count(1)

        def hear(call: Call) -> None:
            if next(made) > self._most:
                raise Halt(Endless(f"the run was stopped after {self._most} calls, before {call.tool}"))

        return hear

    @cached_property
    def _host(self) -> dict[str, Any]:
        virtual = {"order": "virtual", "started": BEGINS.isoformat(timespec="milliseconds")}
        return host_part(self.app, entry_folder(self.agent)) | (virtual if self._virtual else {})


@contextmanager
def in_bulk() -> Iterator[None]:
    """Make trials cheaper as long as this is open, and keep asyncio from logging what each agent leaves behind."""
    log = logging.getLogger("asyncio")
    before, log.disabled = log.disabled, True
    try:
        with held():
            yield
            gc.collect()  # tasks that nobody asked for what became of them
    finally:
        log.disabled = before


def trial(
    entry: str | Callable[..., Any],
    schedule: Schedule | Mapping[str, Any] | None = None,
    *,
    input: Mapping[str, Any] | None = None,  # noqa: A002
    app: Harness | None = None,
    registry: str | Path | Sequence[str | Path] | None = None,
    before: str | Callable[[], object] | None = None,
    path: str | Path = "",
    virtual: bool = True,
    model: str | None = None,
) -> Trial:
    """Run an agent once under a schedule, or what ``Schedule.stated`` gives of one, and give what came of it.

    ``entry`` is ``module:function`` or the function; it, and files of rules that its app names, are looked for in
    ``path`` first. ``app`` is the app whose tools and rules it uses, where it is not decorated with ``@app.agent``;
    ``registry`` other rules than those of the app. ``model``, ``module:policy``, is a scripted model that answers while
    it runs. The rest is as in ``Trials``.
    """
    wanted = schedule if isinstance(schedule, Schedule) else schedule_of(schedule or {})
    with lasting_model(model, str(path)):
        trials = trials_of(entry, app=app, registry=registry, before=before, path=path, virtual=virtual)
        return trials.run(wanted, input)


def trials_of(
    entry: str | Callable[..., Any],
    *,
    app: Harness | None = None,
    registry: str | Path | Sequence[str | Path] | None = None,
    before: str | Callable[[], object] | None = None,
    path: str | Path = "",
    virtual: bool = True,
    measures: bool = False,
) -> Trials:
    """Give the trials of an agent, found as ``trial`` finds it; UsageError where it belongs to no app.

    ``measures`` is as in ``Trials``.
    """
    with looking_in(path):
        function = load_entry(entry, str(path)) if isinstance(entry, str) else entry
    app = app or app_of(function) or (Harness() if registry else None)
    if app is None:
        cure = "decorate it with @app.agent, or name rules: registry=…, --registry FILE"
        raise UsageError(f"{entry_name(function)} belongs to no app", where=call_site(function), cure=cure)
    if registry:
        app = app.with_registry(*([registry] if isinstance(registry, str | Path) else registry))
    return Trials(app, function, before=before, virtual=virtual, measures=measures)
