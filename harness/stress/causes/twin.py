"""A run and its twin, which differ in one fault: what only one of them shows, the fault has brought about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from harness.faults.plan import Fault
from harness.stress.causes.calls import calls_of
from harness.stress.causes.effects import SLOW_MS, Condition, Effect, Local, Site, acting_agent, condition, effects_of
from harness.trace.event import Event

SITES: Final[dict[str, str]] = {
    **dict.fromkeys(("error", "reset", "rate_limit"), "error"),
    **dict.fromkeys(("timeout", "drop", "commit_then_timeout"), "timeout"),
    **dict.fromkeys(("duplicate", "MS", "MC"), "load"),
    **dict.fromkeys(("partial", "corrupt", "schema_mismatch", "stale", "shuffle", "truncate"), "wrong"),
    **dict.fromkeys(("near_duplicate", "inject", "collide"), "wrong"),
    "delay": "delay",
    "empty": "empty",
}
"""What each kind of fault makes happen at the place it strikes, in the words in which effects are told."""


class Twin(NamedTuple):
    """One fault in one test: where it struck, what held there and in the whole test, and what came of it.

    ``cause`` is None, and there are no effects, where the fault struck nothing.
    """

    test: str
    fault: Fault
    cause: Site | None
    at: Condition
    under: Condition
    struck: tuple[int, ...]
    effects: tuple[Effect, ...]


def twin_of(
    test: str,
    fault: Fault,
    clean: Sequence[Event],
    faulty: Sequence[Event],
    *,
    under: Mapping[str, Any] | None = None,
    local: Local = acting_agent,
    slow_ms: float = SLOW_MS,
) -> Twin:
    """Compare the trace of a run under one fault with that of its twin. O(events).

    A call is slow where it takes ``slow_ms`` longer than any to the same place took in the twin; in real time that
    compares two clocks. What the faulty run leaves undone is no effect: a rule says what has to be done. Of a fault
    that strikes several calls, the cause is at all of their places together, and what held is what held at each.
    """
    struck = struck_by(fault, faulty)
    calls = {one.event.seq: one for one in calls_of(faulty)}
    holds = condition(under or {})
    if not struck:
        return Twin(test, fault, None, (), holds, (), ())
    places = sorted({calls[seq].where for seq in struck})
    cause = Site(SITES.get(fault.kind, fault.kind), " and ".join(places))
    at = set.intersection(*(set(condition(local(calls[seq]))) for seq in struck))
    effects = effects_of(clean, faulty, own_calls((fault,), faulty), local=local, slow_ms=slow_ms)
    return Twin(test, fault, cause, tuple(sorted(at)), holds, struck, effects)


def struck_by(fault: Fault, events: Iterable[Event]) -> tuple[int, ...]:
    """Give the actions that a fault struck, in order."""
    return tuple(one.body["action"] for one in events if one.kind == "fault" and one.body["fault"] == fault.name)


def own_calls(faults: Iterable[Fault], events: Sequence[Event]) -> dict[tuple[str, int], str]:
    """Give the calls that faults struck, as (where, nth), and what each made happen there."""
    calls = {one.event.seq: one for one in calls_of(events)}
    struck = [(calls[seq], fault) for fault in faults for seq in struck_by(fault, events)]
    return {(one.where, one.nth): SITES.get(fault.kind, fault.kind) for one, fault in struck}
