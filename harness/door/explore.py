"""Run an agent again in other orders that could have been, and see which invariants hang on the order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.adapters.files import open_trace
from harness.determinism import canonical
from harness.determinism.streams import stream
from harness.door.agents import make_agent, recorded_input
from harness.door.app import Harness
from harness.door.behind import agent_behind, header_divergence
from harness.door.models import model_environment
from harness.door.session import Session
from harness.door.trial import Kept
from harness.errors import HarnessError, UsageError
from harness.run.explore import ExploringWorld
from harness.trace.codec import Header
from harness.trace.event import Event
from harness.trace.reader import Reader


@dataclass(frozen=True, slots=True)
class Schedule:
    """One run in an order of its own: the ``number`` of the schedule under its seed.

    ``order`` is the digest of the sequence of calls and outcomes, ``result`` that of what the agent returned or raised,
    ``violated`` the rules that were. ``open`` says why the run could not go to its end with what the record holds.
    """

    number: int
    order: str
    result: str
    violated: frozenset[str]
    open: str = ""


@dataclass(frozen=True, slots=True)
class Exploration:
    """What came out: the recorded run (number -1) and every schedule."""

    recorded: Schedule
    schedules: tuple[Schedule, ...]

    @property
    def ended(self) -> tuple[Schedule, ...]:
        """The schedules that went to their end."""
        return tuple(one for one in self.schedules if not one.open)

    @property
    def orders(self) -> int:
        """How many different orders were seen, the recorded one included."""
        return len({one.order for one in (self.recorded, *self.ended)})

    @property
    def results(self) -> int:
        """How many different results the agent gave, the recorded one included."""
        return len({one.result for one in (self.recorded, *self.ended)})

    @property
    def always(self) -> tuple[str, ...]:
        """The rules that are violated in every order."""
        return tuple(sorted(self.recorded.violated.intersection(*(one.violated for one in self.ended))))

    @property
    def dependent(self) -> dict[str, tuple[int, ...]]:
        """The rules that hang on the order, each with the schedules it was violated in (-1: the record)."""
        runs = (self.recorded, *self.ended)
        rules = sorted(frozenset[str]().union(*(one.violated for one in runs)))
        found = {rule: tuple(one.number for one in runs if rule in one.violated) for rule in rules}
        return {rule: numbers for rule, numbers in found.items() if len(numbers) < len(runs)}


def explore_orders(
    trace: str | Path,
    count: int,
    *,
    seed: int = 0,
    entry: str | Callable[..., Any] | None = None,
    app: Harness | None = None,
    path: str | Path | None = None,
) -> Exploration:
    """Run the agent behind a trace in ``count`` drawn orders, every outcome taken from the trace.

    Outcomes may come in any order that does not put one before its call, and before or after any timer; among threads
    that can go on, any may. Each schedule follows from ``seed`` and its number. ``entry``, ``app`` and ``path`` are as
    in ``replay``. It does not vary what the record lacks: a schedule that comes to a call nobody recorded is ``open``.
    """
    if count < 1:
        raise UsageError(f"{count} orders cannot be explored", cure="name a number from 1 on")
    with open_trace(trace) as reader:
        events = list(reader)
    header = reader.header
    with model_environment(header.host.get("base_url")):
        app, function = agent_behind(header, str(trace), entry, app, path)
        divergence = header_divergence(app, header)
        if divergence is not None:
            raise divergence
        agent = make_agent(app, function)
        schedules = tuple(_explored(app, agent, header, events, seed, number) for number in range(count))
    return Exploration(_seen(-1, events), schedules)


def _explored(
    app: Harness, agent: Callable[..., Any], header: Header, events: list[Event], seed: int, number: int
) -> Schedule:
    kept = Kept()
    world = ExploringWorld(events, app.live_world(kept), app.clock, stream(seed, "order", number))
    session = Session(app, lambda _: header, lambda: (world, ""), world.timeline)
    given = recorded_input(agent, header.run["input"])
    try:
        session.run(agent, **given)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the agent's own, or what ended the run
        if isinstance(error, HarnessError) and error is world.failed:
            return _seen(number, list(Reader(kept.lines)), open=str(error))
    return _seen(number, list(Reader(kept.lines)))


def _seen(number: int, events: list[Event], **more: str) -> Schedule:
    told = [(one.kind, one.task, one.body.get("tool"), one.body.get("args")) for one in events if one.kind == "action"]
    calls = {event.seq: place for place, event in enumerate(one for one in events if one.kind == "action")}
    order = [calls[one.body["action"]] if one.kind == "observation" else calls.get(one.seq, -1) for one in events]
    last = [one.body for one in events if one.kind == "note" and not one.body.keys().isdisjoint(("returned", "raised"))]
    violated = {one.body["rule"] for one in events if one.kind == "verdict" and one.body["verdict"] == "violated"}
    digest = canonical.digest_of([told, order])
    return Schedule(number, digest, canonical.digest_of(last), frozenset(violated), **more)
