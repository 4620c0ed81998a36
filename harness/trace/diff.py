"""Where two traces first differ, and why that is likely."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest
from typing import Any, NamedTuple

from harness.determinism.canonical import escape
from harness.errors import Divergence
from harness.trace.cause import Case, is_end, likely_cause
from harness.trace.event import Event, plain
from harness.trace.history import restored


class Difference(NamedTuple):
    """The first place where two JSON values differ; a side that lacks the place holds ``ABSENT``."""

    pointer: str
    recorded: Any
    now: Any


class _Absent:
    def __repr__(self) -> str:
        return "(nothing)"


ABSENT = _Absent()


def first_difference(recorded: Any, now: Any, pointer: str = "") -> Difference | None:
    """Find the first difference of two JSON values, objects compared key by key in sorted order. O(size)."""
    if type(recorded) is not type(now) or not isinstance(recorded, dict | list):
        return None if _same(recorded, now) else Difference(pointer, recorded, now)
    if isinstance(recorded, dict):
        pairs = ((key, recorded.get(key, ABSENT), now.get(key, ABSENT)) for key in sorted(recorded.keys() | now.keys()))
    else:
        pairs = ((index, *pair) for index, pair in enumerate(zip_longest(recorded, now, fillvalue=ABSENT)))
    for key, one, other in pairs:
        found = first_difference(one, other, f"{pointer}/{escape(str(key))}")
        if found is not None:
            return found
    return None


def explain(
    recorded: Event | None, now: Event | None, before: Iterable[Event], later: Iterable[Event] = ()
) -> Divergence:
    """Say how an event differs from the recorded one in its place, with the likely cause.

    ``before`` are the events up to that place (equal on both sides), ``later`` what the record says next. Requests to
    a model are compared as the whole requests that were sent; a pointer such as ``/messages/4/content`` is into them.
    """
    before = list(before)
    speaker = now or recorded
    assert speaker is not None
    found: Difference | None = None
    cause = cure = ""
    if recorded is None:
        what, cause = f"the agent goes on with {_call(now)} where the record has ended", "an extra call"
    elif now is None:
        what, cause = f"the agent has ended where the record goes on with {_call(recorded)}", "a missing call"
    else:
        compared, what = _compared(recorded, now, before)
        found = first_difference(*compared) or Difference("", list(recorded.body), list(now.body))
        cause, cure = likely_cause(Case(recorded, now, compared, found.pointer, before, list(later)))
    return Divergence(
        what,
        seq=len(before),
        step=_step(speaker, before),
        agent=speaker.agent,
        task=speaker.task,
        pointer=found.pointer if found else "",
        recorded=found.recorded if found else None,
        now=found.now if found else None,
        cause=cause,
        cure=cure,
    )


def _step(event: Event, before: list[Event]) -> int:
    """Count the calls before the one that an event is or is about; before the event, where it is about none."""
    action = event.body.get("action", -1) if event.kind in ("observation", "verdict", "decision") else -1
    return sum(earlier.kind == "action" for earlier in (before if action < 0 else before[:action]))


def _compared(recorded: Event, now: Event, before: list[Event]) -> tuple[tuple[Any, Any], str]:
    """Give the parts of two events in which the first difference is to be told, and what to say of it."""
    if recorded.kind != now.kind:
        what = f"{_call(now)} where the record has {_call(recorded)}"
        return ({"kind": recorded.kind}, {"kind": now.kind}), what
    if recorded.kind == "action" and recorded.body["tool"] != now.body["tool"]:
        what = f"{_call(now)} where the record has {_call(recorded)}"
        return ({"tool": recorded.body["tool"]}, {"tool": now.body["tool"]}), what
    if _is_model_call(recorded) and _is_model_call(now):
        requests = _request(recorded, before), _request(now, before)
        if first_difference(*requests) is not None:
            return requests, "the request is not the recorded one"
    what = "the result is not the recorded one" if is_end(now) else f"the {now.kind} is not the recorded one"
    if first_difference(recorded.body, now.body) is not None:
        return (recorded.body, now.body), what
    return (plain(recorded), plain(now)), what


def _request(event: Event, before: list[Event]) -> dict[str, Any]:
    *_, (_, (_, request)) = restored([*before, event])
    return request


def _is_model_call(event: Event) -> bool:
    return event.kind == "action" and event.body["surface"] == "model"


def _call(event: Event | None) -> str:
    if event is None:
        return "nothing"
    if event.kind == "action":
        return f"a call of {event.body['tool']}"
    if event.kind == "read":
        return f"a read of {event.body['reads'][0][0]}"
    if event.kind == "route" and event.body["does"] == "signal":
        return f"a signal: {event.body.get('why', '')}"
    if event.kind == "route":
        return f"the route to {event.body['goal']}: {event.body['does']}"
    if event.kind == "state":
        return f"what the {event.body['machine']} {event.body['name']} came to"
    if is_end(event):
        return f"its end{_by(event)}"
    return f"the {event.kind} {event.seq}"


def _by(end: Event) -> str:
    """Name the error that ended a run; nothing where it returned."""
    error = end.body.get("raised")
    return f" by {error.get('type', 'an error')}: {error.get('message', '')}" if isinstance(error, dict) else ""


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)
