"""A run and its twin, which differ in one fault: what the fault has brought about is what only one of them shows.

What is compared are kinds of happenings at places (``Site``), not single events: after a fault the two runs may do
quite different things, and no event of the one need have its like in the other.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from harness.determinism import canonical
from harness.faults.plan import Fault
from harness.stress.calls import Told, calls_of
from harness.trace.event import Event
from harness.trace.value import encode_value

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

SLOW_MS: Final = 100.0
LOOP: Final = 3  # times that one and the same request is made

_ANSWERS: Final = ("error", "timeout", "cancelled", "wrong", "empty")  # what can come of a call

Condition = tuple[tuple[str, str], ...]
"""What held, by name, each value as JSON text; names in order."""

Local = Callable[[Event], Mapping[str, Any]]
"""What holds at a call, as far as it matters to what may follow from it."""


class Site(NamedTuple):
    """What happens, and where.

    At a place that is called: ``error``, ``timeout``, ``cancelled`` (given up by the caller before its time),
    ``delay``, ``load`` (more calls), ``loop`` (one request again and again), ``asked`` (other arguments), ``wrong``
    (another result of the same request), ``empty`` (no result where there was one), ``refused``. Besides: ``violated``
    a rule, and ``ended`` with an error of a type, or nowhere.
    """

    what: str
    where: str

    def __str__(self) -> str:
        return f"{self.what} at {self.where}" if self.what not in ("violated", "ended") else f"{self.what} {self.where}"


class Effect(NamedTuple):
    """What a fault has brought about: how often more than in the twin, under which condition, and the first event."""

    site: Site
    at: Condition
    times: int
    seq: int


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


class _Happened(NamedTuple):
    site: Site
    request: str
    event: Event


def condition(facts: Mapping[str, Any]) -> Condition:
    """Give facts as a condition."""
    return tuple((name, canonical.encode(encode_value(facts[name])).decode()) for name in sorted(facts))


def compatible(one: Condition, other: Condition) -> bool:
    """Tell whether two conditions can hold together: what both name is equal."""
    known = dict(one)
    return all(known.get(name, value) == value for name, value in other)


def acting_agent(action: Event) -> dict[str, Any]:
    """Give who acts: the least that tells two calls of one place apart."""
    return {"agent": action.agent}


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
    at = set.intersection(*(set(condition(local(calls[seq].event))) for seq in struck))
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


def effects_of(
    clean: Sequence[Event],
    faulty: Sequence[Event],
    own: Mapping[tuple[str, int], str] | None = None,
    *,
    local: Local = acting_agent,
    slow_ms: float = SLOW_MS,
) -> tuple[Effect, ...]:
    """Give what happens in one trace more often than in the other; ``own`` are struck calls, as (where, nth), and how.

    What a fault itself makes of the call that it strikes is no effect. What comes of a struck call by itself, such as
    the error of one that was performed twice, is. O(events).
    """
    struck = own or {}
    before, after = calls_of(clean), calls_of(faulty)
    usual = _usual(before)
    there = Counter(_keyed(_absolute(clean, before, usual, struck)))
    happened = [*_absolute(faulty, after, usual, struck), *_relative(before, after, usual, struck, slow_ms)]
    more = Counter(one.site for one in happened)
    more.subtract(Counter(site for site, _ in there.elements()))
    left: dict[tuple[Site, Condition], list[_Happened]] = defaultdict(list)
    for one in happened:
        key = (one.site, one.request)
        if there[key] > 0:
            there[key] -= 1
        elif more[one.site] > 0:
            more[one.site] -= 1
            left[one.site, _held(one, local)].append(one)
    return tuple(
        Effect(site, at, len(group), group[0].event.seq)
        for (site, at), group in sorted(left.items(), key=lambda item: (item[1][0].event.seq, item[0]))
    )


def _keyed(happened: Iterable[_Happened]) -> Iterator[tuple[Site, str]]:
    return ((one.site, one.request) for one in happened)


def _held(one: _Happened, local: Local) -> Condition:
    return condition(local(one.event)) if one.event.kind == "action" else ()


def _usual(calls: Iterable[Told]) -> dict[str, int]:
    """Give the longest time that a call to each place took."""
    longest: dict[str, int] = {}
    for one in calls:
        if one.took_ns is not None and not one.cancelled:
            longest[one.where] = max(longest.get(one.where, 0), one.took_ns)
    return longest


def _absolute(
    events: Sequence[Event], calls: Iterable[Told], usual: Mapping[str, int], own: Mapping[tuple[str, int], str]
) -> Iterator[_Happened]:
    """Yield what a trace shows by itself."""
    for one in calls:
        yield _Happened(Site("load", one.where), one.request, one.event)
        what = _ended(one, usual)
        if what and own.get((one.where, one.nth)) not in _ANSWERS:
            yield _Happened(Site(what, one.where), one.request, one.event)
    for event in events:
        if event.kind == "verdict" and event.body["verdict"] == "violated":
            yield _Happened(Site("violated", event.body["rule"]), "", event)
        elif event.kind == "note" and "raised" in event.body:
            kind = str(event.body["raised"].get("type", "")).rpartition(":")[2]
            yield _Happened(Site("ended", kind), "", event)
    if not any(_is_end(event) for event in events):
        yield from (_Happened(Site("ended", "nowhere"), "", event) for event in events[-1:])


def _is_end(event: Event) -> bool:
    return event.kind == "note" and not event.body.keys().isdisjoint(("returned", "raised"))


def _ended(one: Told, usual: Mapping[str, int]) -> str:
    """Say how a call came, in the words of sites; empty where it came well, or not at all."""
    if one.came == "refused":
        return "refused"
    if one.cancelled:  # a caller that waits in vain gives up late, one that no longer needs the answer gives up early
        waited = one.took_ns is not None and one.where in usual and one.took_ns > usual[one.where]
        return "timeout" if waited else "cancelled"
    if one.came == "unknown" or "Timeout" in one.error:
        return "timeout"
    return "error" if one.came == "failed" else ""


def _relative(
    clean: Sequence[Told],
    faulty: Sequence[Told],
    usual: Mapping[str, int],
    own: Mapping[tuple[str, int], str],
    slow_ms: float,
) -> Iterator[_Happened]:
    """Yield what the calls of a trace show only beside those of its twin."""
    known: dict[str, list[Told]] = defaultdict(list)
    for one in clean:
        known[one.request].append(one)
    places, again = {one.where for one in clean}, Counter[str]()
    for one in faulty:
        before = known.get(one.request, [])
        again[one.request] += 1
        times = again[one.request]
        if not before and one.where in places:
            yield _Happened(Site("asked", one.where), one.request, one.event)
        if times == max(LOOP, len(before) + 1):
            yield _Happened(Site("loop", one.where), one.request, one.event)
        if (one.where, one.nth) in own:
            continue
        if one.took_ns is not None and one.where in usual and one.took_ns > usual[one.where] + slow_ms * 1e6:
            yield _Happened(Site("delay", one.where), one.request, one.event)
        if times <= len(before) and one.came == before[times - 1].came == "ok" and one.said != before[times - 1].said:
            emptied = one.said in (None, "", [], {})
            yield _Happened(Site("empty" if emptied else "wrong", one.where), one.request, one.event)
