"""Trials against a recorded run: what is done to it strikes recorded outcomes, and nothing is performed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import chdir
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from harness.adapters.files import open_trace
from harness.adapters.private import read_private
from harness.determinism.turns import Order
from harness.door.agents import load_entry, make_agent
from harness.door.app import Harness
from harness.door.behind import agent_behind, header_divergence
from harness.door.binding import call_site
from harness.door.fresh import put_world_back
from harness.door.headers import faults_stated, host_part, rollout_part, run_part
from harness.door.models import model_environment
from harness.door.session import Entry, Session
from harness.door.trial import Kept, Trial
from harness.errors import UsageError
from harness.run.changes import changed_part
from harness.run.fork import ForkedWorld, Where
from harness.run.known import known_calls
from harness.stress.header import Begun, begun, schedule_part
from harness.stress.schedule import Schedule
from harness.stress.seen import seen_of
from harness.trace.codec import Header
from harness.trace.event import Event
from harness.trace.outcome import Outcome
from harness.trace.reader import Reader
from harness.trace.value import decode_value, encode_value

_LABELS: Final = ("agent", "conversation", "seed", "subject", "tenant")


class RecordedTrials:
    """Run the agent behind a trace under schedules, every outcome taken from the trace; nothing is performed.

    Faults strike what the recorded effects gave. A call that the record does not know, nor a trace of ``more``, ends
    the trial there: what is seen is what came before, ``Trial.error`` is the Divergence. The order is the recorded one,
    and the turns of a schedule are turns of that; no time is waited for. ``before``, a function or ``module:function``,
    or what the header names, is called before every run: what an agent keeps in its module is no outcome. ``entry``,
    ``app`` and ``path`` are as in ``replay``. Divergence where rules or tools are not the recorded ones. Must not be
    used inside a running event loop.

    It does not tell what a tool or a model would have given that was never asked: so a fault that changes a request to
    a model ends a trial, as does a new one on an answer that was streamed.
    """

    def __init__(
        self,
        trace: str | Path,
        *,
        entry: str | Callable[..., Any] | None = None,
        app: Harness | None = None,
        path: str | Path | None = None,
        before: str | Callable[[], object] | None = None,
        more: tuple[str | Path, ...] = (),
    ) -> None:
        with open_trace(trace) as reader:
            self._events, self._header = list(reader), reader.header
        self._secrets, self._more = read_private(trace), []
        for other in more:
            with open_trace(other) as reader:
                self._more += known_calls(reader, reader.header.run)
        with model_environment(self._header.host.get("base_url")):
            self.app, function = agent_behind(self._header, str(trace), entry, app, path)
            self.agent = make_agent(self.app, function)
            before = before or self.begun.before or None
            self._before = load_entry(before, str(path or "")) if isinstance(before, str) else before
        divergence = header_divergence(self.app, self._header)
        if divergence is not None:
            raise divergence

    @property
    def events(self) -> list[Event]:
        """The events of the record."""
        return self._events

    @cached_property
    def begun(self) -> Begun:
        """How the recorded run began: its schedule, and its input before the changes."""
        return recorded_begun(self._header)

    def run(
        self,
        schedule: Schedule,
        input: Mapping[str, Any] | None = None,  # noqa: A002
        outcomes: Mapping[int, Outcome] | None = None,
    ) -> Trial:
        """Run the agent once; what it raises is part of what is seen.

        ``input`` is the recorded one where none is given. ``outcomes`` take the place of recorded ones, by the numbers
        of the recorded calls, and no fault strikes them. UsageError for an input that does not fit.
        """
        given = encode_value(self.begun.input if input is None else dict(input))
        for change in schedule.changes:
            given = changed_part(given, "input", {change.place: encode_value(change.value)})
        self.put_back()
        kept, order = Kept(), Order(schedule.turns)
        live = self.app.live_world(kept)
        header = self._struck_header(schedule, given, self.begun.input if input is None else dict(input))
        world = ForkedWorld(
            self._events,
            Where(None, self._changed(header), offline=True, given=outcomes or {}, more=self._more),
            live,
            self.app.clock,
            header=self._header,
            choose=order.choose,
            virtual=True,
        )
        world.secrets = self._secrets
        session = Session(self.app, lambda _: header, lambda: (world, ""), world.timeline)
        world.run = session.started
        result, error = None, None
        with model_environment(self._header.host.get("base_url")):
            try:
                with chdir("."):  # what comes after names files from here, wherever the agent goes
                    result = session.run(self.agent, **decode_value(given))
            except (Exception, SystemExit, asyncio.CancelledError) as raised:  # noqa: BLE001 - whatever ended it
                if not kept.lines:
                    raise UsageError(f"the input does not fit: {raised}", where=call_site(self.agent)) from None
                error = raised
        lines = tuple(kept.lines)
        return Trial(
            schedule, decode_value(given), lines, seen_of(Reader(list(lines)), tuple(order.widths)), result, error
        )

    def put_back(self) -> None:
        """Put the agent's world back, as before every run."""
        if self._before is not None:
            put_world_back(self._before)

    def _changed(self, header: Header) -> dict[str, Any]:
        plan, before = header.run.get("faults"), self._header.run.get("faults")
        return {} if _meant(plan) == _meant(before) else {"faults": plan}

    def _struck_header(self, schedule: Schedule, given: Any, before: dict[str, Any]) -> Header:
        recorded, plan = self._header.run, schedule.plan
        labels: dict[str, Any] = {name: recorded[name] for name in _LABELS if name in recorded}
        labels |= {} if plan is None else {"faults": faults_stated(plan)}
        labels |= schedule_part(schedule, before, self.begun.before)
        run = run_part(self.app, Entry(recorded["entry"], given), **labels)
        return Header(run | rollout_part(self.app.registry, recorded), self._host)

    @cached_property
    def _host(self) -> dict[str, Any]:
        return host_part(self.app, self._header.host.get("path", "")) | {"order": "virtual"}


def recorded_begun(header: Header) -> Begun:
    """Give how a run began, as its header says; the seed of its schedule is that of its plan of faults, if it has one.

    For a plan from a file is no trial's, and has a seed of its own.
    """
    said = begun(header.run)
    seed = header.run.get("faults", {}).get("seed", said.schedule.seed)
    return said._replace(schedule=replace(said.schedule, seed=seed))


def _meant(plan: dict[str, Any] | None) -> Any:
    """Give what a plan of faults means, whatever it is called."""
    return None if plan is None else (plan["inject"], plan.get("seed", 0))
