"""Look on while a run is replayed: stop at a violation, a step or a divergence, end after a step, tell every event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple

from harness.errors import Divergence, HarnessError, UsageError
from harness.trace.event import Event
from harness.trace.history import restored
from harness.trace.reader import Entry


class Stopped(HarnessError):
    """Say that whoever looked on ended the replay; up to there everything was equal."""

    def __init__(self, step: int, why: str) -> None:
        self.step = step
        super().__init__(f"stopped after step {step}, {why}; up to there all is equal")


class Place(NamedTuple):
    """One place in a run: the n-th action (from 0), or an event by its number."""

    kind: Literal["step", "seq"]
    number: int


Break = Place | Literal["violation", "divergence"]


class Stop(NamedTuple):
    """Where a replay stands: the action it is about (a model's request whole), the verdict on it, if there is one.

    ``trace`` is every event of the record, by number. ``divergence`` is set where the replay ends here.
    """

    step: int
    action: Event | None
    verdict: dict[str, Any] | None
    trace: list[Event]
    divergence: Divergence | None = None


Tell = Callable[[Event, Event | None, int], None]
"""Called with each equal event, the action it is about, and the number of that step."""


def read_place(text: str) -> Place:
    """Read ``N`` or ``seq:N``; UsageError for anything else."""
    name, _, number = text.rpartition(":")
    if name not in ("", "seq") or not (number.isascii() and number.isdigit()):
        raise UsageError(f"{text!r} is no step", cure="write a step's number, or seq:N for an event")
    return Place("seq" if name else "step", int(number))


def read_break(text: str) -> Break:
    """Read where to stop: a place, ``violation`` or ``divergence``."""
    if text == "violation":
        return "violation"
    if text == "divergence":
        return "divergence"
    try:
        return read_place(text)
    except UsageError:
        cure = "write violation, divergence, a step's number, or seq:N for an event"
        raise UsageError(f"{text!r} is no place to stop at", cure=cure) from None


class Watch:
    """Follow the equal events of a replay.

    ``stop`` is called in the stack of whoever made the call and gives True to go on. ``until`` is the step to end
    after. ``stops`` counts how often ``stop`` was called.
    """

    def __init__(
        self,
        *,
        breaks: Iterable[Break] = (),
        stop: Callable[[Stop], bool] | None = None,
        until: int | None = None,
        tell: Tell | None = None,
    ) -> None:
        self.stops = 0
        self._breaks, self._stop = frozenset(breaks), stop
        self._until, self._tell = until, tell
        self._seen, self._step = 0, -1
        self._actions: dict[int, tuple[Event, int]] = {}

    def passed(self, entries: Sequence[Entry], count: int) -> HarnessError | None:
        """Look at the events that have come out equal since the last time; give what ends the replay here, if any."""
        hit: Event | None = None
        reached = False
        first = self._seen
        for number in range(first, count):
            event = entries[number].event
            action, step = self._action_of(event)
            if self._tell is not None:
                self._tell(event, action, step)
            if hit is None and self._hits(event):
                hit = event
            reached = reached or (step == self._until and _ends(event))
        self._seen = count
        if hit is not None:
            verdicts = [entry.event.body for entry in entries[first:count] if entry.event.kind == "verdict"]
            verdict = hit.body if hit.kind == "verdict" else next(iter(verdicts), None)
            action, step = self._action_of(hit)
            if not self._stopped(Stop(step, action, verdict, []), entries):
                return Stopped(self._step, "in the debugger")
        return Stopped(self._step, "as asked") if reached else None

    def diverged(self, entries: Sequence[Entry], divergence: Divergence) -> None:
        """Look at the difference that is about to end the replay."""
        if "divergence" in self._breaks:
            self._stopped(Stop(divergence.step, None, None, [], divergence), entries)

    def _stopped(self, stop: Stop, entries: Sequence[Entry]) -> bool:
        if self._stop is None:
            return True
        self.stops += 1
        trace = [entry.event for entry in entries]
        return self._stop(stop._replace(action=_whole(stop.action, trace), trace=trace))

    def _action_of(self, event: Event) -> tuple[Event | None, int]:
        """Give the action that an event is, or is about, and its step; the present step where it is about none."""
        if event.kind == "action" and event.seq not in self._actions:
            self._step += 1
            self._actions[event.seq] = event, self._step
        about = event.seq if event.kind == "action" else event.body.get("action", -1)
        return self._actions.get(about, (None, self._step))

    def _hits(self, event: Event) -> bool:
        if event.kind == "verdict" and event.body["verdict"] == "violated" and "violation" in self._breaks:
            return True
        if event.kind == "action" and Place("step", self._step) in self._breaks:
            return True
        return Place("seq", event.seq) in self._breaks


def _ends(event: Event) -> bool:
    """Tell whether an event ends its action: an outcome, or a decision against performing it."""
    return event.kind == "observation" or (event.kind == "decision" and event.body["decision"] in ("block", "rewrite"))


def _whole(action: Event | None, trace: list[Event]) -> Event | None:
    """Give an action with its whole arguments."""
    if action is None:
        return None
    *_, (_, (_, args)) = restored(trace[: action.seq + 1])
    return action._replace(body=action.body | {"args": args})
