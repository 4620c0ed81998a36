"""What can be put right in a run that went wrong, and the schedule without it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple, Protocol

from harness.faults.plan import Aim, Plan, Target
from harness.stress.schedule import Change, Schedule, Turn
from harness.stress.seen import Seen
from harness.trace.event import Event
from harness.trace.outcome import Outcome


class Ran(Protocol):
    """A run that was made: its events, and what came of it."""

    @property
    def seen(self) -> Seen: ...

    @property
    def events(self) -> list[Event]: ...


class Spared(NamedTuple):
    """One strike of a fault does not happen: ``seq`` is the call, ``nth`` which of those that fit the fault it is."""

    seq: int
    fault: str
    kind: str
    nth: int

    def __str__(self) -> str:
        return f"struck by {self.kind} ({self.fault})"


class LeftOut(NamedTuple):
    """A turn or a change does not happen; ``number`` is its place among the elements of the schedule."""

    number: int
    element: Turn | Change

    def __str__(self) -> str:
        if isinstance(self.element, Turn):
            return f"somebody else goes on (turn {self.element.place}, choice {self.element.choice})"
        return f"the input has {self.element.value!r} at {self.element.pointer or '/'}"


class Given(NamedTuple):
    """A call gives another outcome; ``whence`` says where that one is from."""

    seq: int
    outcome: Outcome
    whence: str

    def __str__(self) -> str:
        return f"its outcome; not with that of {self.whence}"


Repair = Spared | LeftOut | Given


def repairs_of(schedule: Schedule, run: Ran) -> list[Repair]:
    """Give what can be put right in a run under a schedule: every strike that made a difference, turn, and change."""
    fitted = {} if schedule.plan is None else strikes_of(schedule.plan, run.events)
    counts: dict[str, int] = {}
    found: list[Repair] = []
    for struck in run.seen.struck:
        counts[struck.fault] = counts.get(struck.fault, 0) + 1
        nth = fitted.get((struck.action, struck.fault), counts[struck.fault])
        if struck.effective:
            found.append(Spared(struck.action, struck.fault, struck.kind, nth))
    return found + [
        LeftOut(number, one) for number, one in enumerate(schedule.elements) if isinstance(one, Turn | Change)
    ]


def strikes_of(plan: Plan, events: Iterable[Event]) -> dict[tuple[int, str], int]:
    """Give, by action and name of a fault, which of the calls that fit it was struck, as the trace tells of the calls.

    Only calls that were allowed count, as in the run. O(events · faults).
    """
    events = list(events)
    refused = {
        event.body["action"]
        for event in events
        if event.kind == "decision" and event.body["decision"] in ("block", "rewrite")
    }
    aim = Aim(plan)
    return {
        (event.seq, strike.fault.name): strike.nth
        for event in events
        if event.kind == "action" and event.seq not in refused
        for strike in aim.strikes(Target(event.body["surface"], event.body["tool"], event.body["args"], event.agent))
    }


def mended(schedule: Schedule, repairs: Iterable[Repair]) -> Schedule:
    """Give a schedule with some things put right; other outcomes are not its matter."""
    repairs = tuple(repairs)
    out = {one.number for one in repairs if isinstance(one, LeftOut)}
    spared: dict[str, tuple[int, ...]] = {}
    for one in repairs:
        if isinstance(one, Spared):
            spared[one.fault] = (*spared.get(one.fault, ()), one.nth)
    kept = schedule.of(tuple(one for number, one in enumerate(schedule.elements) if number not in out))
    faults = tuple(replace(one, spare=(*one.spare, *spared.get(one.name, ()))) for one in kept.faults)
    return replace(kept, faults=faults)
