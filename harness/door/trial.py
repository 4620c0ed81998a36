"""One run under a schedule, in memory: what a search does many times, and a test that was found does once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from harness.determinism.schedule import Timeline
from harness.door.agents import entry_name, load_entry, make_agent
from harness.door.app import Harness, app_of
from harness.door.binding import call_site
from harness.door.headers import faults_stated, host_part, rollout_part, run_part
from harness.door.session import Entry, Session
from harness.errors import UsageError
from harness.run.changes import changed_part
from harness.stress.schedule import Order, Schedule, schedule_of
from harness.stress.seen import Seen, seen_of
from harness.trace.codec import Header
from harness.trace.event import Event
from harness.trace.reader import Reader


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
    error: Exception | None = None

    @property
    def events(self) -> list[Event]:
        """The events of its trace."""
        return list(Reader(list(self.lines)))


class Trials:
    """Run one agent under schedules, each time from the beginning.

    ``before`` is called before every run, to put the agent's world back to how it was. With ``virtual`` time nothing
    waits: sleeps and timeouts of asynchronous agents cost nothing, and schedules may turn the order in which outcomes
    come; an agent that waits for real sockets in an event loop needs real time. Must not be used inside a running
    event loop.
    """

    def __init__(
        self,
        app: Harness,
        agent: Callable[..., Any],
        *,
        before: Callable[[], object] | None = None,
        virtual: bool = True,
    ) -> None:
        self.app, self.agent = app, make_agent(app, agent)
        self._before, self._virtual = before, virtual

    def run(self, schedule: Schedule, input: Mapping[str, Any] | None = None) -> Trial:  # noqa: A002
        """Run the agent once; what it raises is part of what is seen. UsageError for an input that does not fit."""
        given: Any = dict(input or {})
        for change in schedule.changes:
            given = changed_part(given, "input", {f"input.{change.pointer}".rstrip("."): change.value})
        if self._before is not None:
            self._before()
        kept, order = Kept(), Order(schedule.turns)
        plan = schedule.plan
        faults = {} if plan is None else {"faults": faults_stated(plan)}

        def header(entry: Entry | None) -> Header:
            run = run_part(session.app, entry, seed=schedule.seed, **faults)
            return Header(run | rollout_part(session.app.registry, run), self._host)

        def timeline() -> Timeline:
            return Timeline(choose=order.choose, virtual=True) if self._virtual else Timeline(self.app.clock)

        world = self.app.live_world
        session = Session(self.app, header, lambda: (world(kept, seed=schedule.seed), ""), timeline)
        result, error = None, None
        try:
            result = session.run(self.agent, **given)
        except Exception as raised:
            if isinstance(raised, UsageError) and not kept.lines:
                raise
            error = raised
        lines = tuple(kept.lines)
        return Trial(schedule, given, lines, seen_of(Reader(list(lines)), tuple(order.widths)), result, error)

    @cached_property
    def _host(self) -> dict[str, Any]:
        return host_part(self.app, "")


def trial(
    entry: str | Callable[..., Any],
    schedule: Schedule | Mapping[str, Any] | None = None,
    *,
    input: Mapping[str, Any] | None = None,  # noqa: A002
    app: Harness | None = None,
    before: Callable[[], object] | None = None,
    path: str | Path = "",
    virtual: bool = True,
) -> Trial:
    """Run an agent once under a schedule, or what ``Schedule.stated`` gives of one, and give what came of it.

    ``entry`` is ``module:function`` (looked for in ``path`` first) or the function; ``app`` the app whose tools and
    rules it uses, where it is not decorated with ``@app.agent``. The rest is as in ``Trials``.
    """
    wanted = schedule if isinstance(schedule, Schedule) else schedule_of(schedule or {})
    return trials_of(entry, app=app, before=before, path=path, virtual=virtual).run(wanted, input)


def trials_of(
    entry: str | Callable[..., Any],
    *,
    app: Harness | None = None,
    before: Callable[[], object] | None = None,
    path: str | Path = "",
    virtual: bool = True,
) -> Trials:
    """Give the trials of an agent, found as ``trial`` finds it; UsageError where it belongs to no app."""
    function = load_entry(entry, str(path)) if isinstance(entry, str) else entry
    app = app or app_of(function)
    if app is None:
        raise UsageError(
            f"{entry_name(function)} belongs to no app", where=call_site(function), cure="decorate it with @app.agent"
        )
    return Trials(app, function, before=before, virtual=virtual)
