"""The calls of a trace, each with what came of it and how long that took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, Literal, NamedTuple

from harness.determinism import canonical
from harness.trace.event import Event

Came = Literal["ok", "failed", "unknown", "refused", "open"]

_CAME: Final[tuple[Came, ...]] = ("ok", "failed", "unknown")
_ADDRESSED: Final = ("message", "handoff")


class Told(NamedTuple):
    """A call, as its trace tells it.

    ``where`` is what it went to: a tool, or ``send to NAME`` and ``handoff to NAME``. ``nth`` counts the calls that
    went there, from 1, ``request`` is where and with which arguments, as text. ``said`` is what came: the value of an
    ``ok``, the error of a ``failed``, the reason of an ``unknown``, the rule that ``refused`` the call, or what came of
    it. ``took_ns`` is None where nothing has come; ``until`` is the number of the event that says what came.
    ``underway`` counts the calls to the same place that had been made before and had not come back.
    """

    event: Event
    where: str
    nth: int
    request: str
    came: Came
    said: Any = None
    took_ns: int | None = None
    until: int | None = None
    underway: int = 0

    @property
    def cancelled(self) -> bool:
        """Whether the caller has given it up."""
        return self.came == "unknown" and self.said == "cancelled"

    @property
    def error(self) -> str:
        """The type of the error that came, without its module; empty where none did."""
        return str(self.said.get("type", "")).rpartition(":")[2] if self.came == "failed" else ""


def calls_of(events: Iterable[Event]) -> list[Told]:
    """Read the calls of a trace, those inside effects included, in the order in which they were made. O(events)."""
    events = list(events)
    came = {event.body["action"]: event for event in events if event.kind == "observation"}
    decided = {event.body["action"]: event for event in events if event.kind == "decision"}
    counts, begun = Counter[str](), Counter[str]()
    ends: dict[int, str] = {}
    told = []
    for event in events:
        if event.kind == "action":
            where = where_of(event)
            counts[where] += 1
            one = _told(event, where, counts[where], came.get(event.seq), decided.get(event.seq))
            told.append(one._replace(underway=begun[where]))
            begun[where] += 1
            if one.until is not None:
                ends[one.until] = where
        elif event.seq in ends:
            begun[ends[event.seq]] -= 1
    return told


def where_of(action: Event) -> str:
    """Name what an action goes to."""
    body = action.body
    if body["surface"] in _ADDRESSED:
        return f"{body['tool']} to {body['args'].get('to', '')}"
    return str(body["tool"])


def _told(event: Event, where: str, nth: int, came: Event | None, decided: Event | None) -> Told:
    request = f"{where} {canonical.encode(event.body['args']).decode()}"
    last = came or decided
    if last is None:
        return Told(event, where, nth, request, "open")
    took, until = last.at - event.at, last.seq
    if decided is not None and (came is None or came.seq < decided.seq):
        return Told(event, where, nth, request, "refused", decided.body["rule"], took, until)
    assert came is not None
    how = next(name for name in _CAME if name in came.body)
    said = came.body[how]
    part = {"failed": "error", "unknown": "reason"}.get(how)
    return Told(event, where, nth, request, how, said[part] if part else said, took, until)
