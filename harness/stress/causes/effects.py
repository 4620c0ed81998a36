"""What happens in one run and not in its twin.

What is compared are kinds of happenings at places (``Site``), not single events: after a fault the two runs may do
quite different things, and no event of the one need have its like in the other.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from harness.determinism import canonical
from harness.stress.causes.calls import Told, calls_of
from harness.trace.event import Event
from harness.trace.value import encode_value

SLOW_MS: Final = 100.0
LOOP: Final = 3  # times that one and the same request is made

_TURNS: Final = ("reroute", "settle", "undo", "escalate")
_PLAIN: Final = ("violated", "ended", "state", "artifact")
_ANSWERS: Final = ("error", "timeout", "cancelled", "wrong", "empty")  # what can come of a call

Condition = tuple[tuple[str, str], ...]
"""What held, by name, each value as JSON text; names in order."""

Local = Callable[[Told], Mapping[str, Any]]
"""What holds at a call, as far as it matters to what may follow from it."""


class Site(NamedTuple):
    """What happens, and where.

    At a place that is called: ``error``, ``timeout``, ``cancelled`` (given up by the caller before its time),
    ``delay``, ``load`` (more calls), ``loop`` (one request again and again), ``asked`` (other arguments), ``wrong``
    (another result of the same request), ``empty`` (no result where there was one), ``refused``. Besides: ``violated``
    a rule; ``ended`` with an error of a type, or nowhere; a ``state`` of a machine and an ``artifact`` that the twin
    does not come to; and that a route has to ``reroute``, ``settle``, ``undo`` or ``escalate``.
    """

    what: str
    where: str

    def __str__(self) -> str:
        return f"{self.what} {self.where}" if self.what in _PLAIN else f"{self.what} at {self.where}"


class Effect(NamedTuple):
    """What a fault has brought about: how often more than in the twin, under which condition, and the first event."""

    site: Site
    at: Condition
    times: int
    seq: int


class _Happened(NamedTuple):
    site: Site
    request: str
    event: Event
    call: Told | None = None


def condition(facts: Mapping[str, Any]) -> Condition:
    """Give facts as a condition."""
    return tuple((name, canonical.encode(encode_value(facts[name])).decode()) for name in sorted(facts))


def compatible(one: Condition, other: Condition) -> bool:
    """Tell whether two conditions can hold together: what both name is equal."""
    known = dict(one)
    return all(known.get(name, value) == value for name, value in other)


def acting_agent(call: Told) -> dict[str, Any]:
    """Give who acts: the least that tells two calls of one place apart."""
    return {"agent": call.event.agent}


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
    there = Counter((one.site, one.request) for one in _absolute(clean, before, usual, struck))
    happened = [*_absolute(faulty, after, usual, struck), *_relative(before, after, usual, struck, slow_ms)]
    happened += _unlike(clean, faulty)
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


def _held(one: _Happened, local: Local) -> Condition:
    return () if one.call is None else condition(local(one.call))


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
        yield _Happened(Site("load", one.where), one.request, one.event, one)
        what = _ended(one, usual)
        if what and own.get((one.where, one.nth)) not in _ANSWERS:
            yield _Happened(Site(what, one.where), one.request, one.event, one)
    for event in events:
        if event.kind == "verdict" and event.body["verdict"] == "violated":
            yield _Happened(Site("violated", event.body["rule"]), "", event)
        elif event.kind == "note" and "raised" in event.body:
            kind = str(event.body["raised"].get("type", "")).rpartition(":")[2]
            yield _Happened(Site("ended", kind), "", event)
        elif event.kind == "route" and event.body["does"] in _TURNS:
            yield _Happened(Site(event.body["does"], event.body.get("tool", event.body["goal"])), "", event)
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
            yield _Happened(Site("asked", one.where), one.request, one.event, one)
        if times == max(LOOP, len(before) + 1):
            yield _Happened(Site("loop", one.where), one.request, one.event, one)
        if (one.where, one.nth) in own:
            continue
        if one.took_ns is not None and one.where in usual and one.took_ns > usual[one.where] + slow_ms * 1e6:
            yield _Happened(Site("delay", one.where), one.request, one.event, one)
        if times <= len(before) and one.came == before[times - 1].came == "ok" and one.said != before[times - 1].said:
            emptied = one.said in (None, "", [], {})
            yield _Happened(Site("empty" if emptied else "wrong", one.where), one.request, one.event, one)


def _unlike(clean: Iterable[Event], faulty: Iterable[Event]) -> Iterator[_Happened]:
    """Yield the states of machines, and the artifacts, that only one of two traces has."""
    known = {(one.site, one.request) for one in _come_to(clean)}
    return (one for one in _come_to(faulty) if (one.site, one.request) not in known)


def _come_to(events: Iterable[Event]) -> Iterator[_Happened]:
    for event in events:
        body = event.body
        if event.kind == "state":
            data = canonical.encode(body["data"]).decode()
            yield _Happened(Site("state", f"{body['machine']} {body['name']}"), data, event)
        elif event.kind == "note" and "artifact" in body:
            yield _Happened(Site("artifact", body["artifact"]), canonical.encode(body.get("data")).decode(), event)
