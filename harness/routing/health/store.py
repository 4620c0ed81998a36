"""What all runs of a process know of their tools together: fed call by call, read at planning time.

Every run tells what it saw; every plan begins with a snapshot, which its session records, so that a replay reads the
very same. What is counted does not depend on the order in which runs tell it. A breaker takes its news as they come.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, TypeVar

from harness.determinism.member import Mutex
from harness.routing.health.breaker import Breaker, Heard, Rest, admitted, heard, wait_ns
from harness.routing.health.vitals import (
    HOWS,
    NEAR_QUOTA,
    ONE,
    USUAL_NS,
    Call,
    Quota,
    Vitals,
    joined,
    latency_factor,
    near,
    reliability_factor,
    room_ns,
    vitals_of,
    within,
)
from harness.tool import ToolSpec

DOWN: Final = "down"
"""How a tool ended that a run gave up on."""

_SECOND: Final = 1_000_000_000
_HEARD: Final[dict[str, Heard]] = {
    "ok": "served",
    "permanent": "answered",
    "transient": "failed",
    "doubt": "failed",
    "wrong": "failed",
    DOWN: "down",
}
_Place = tuple[Literal["domain", "tool"], str]
"""Where a breaker stands: before a whole failure domain, or before one tool."""

_Key = TypeVar("_Key")
_Kept = TypeVar("_Kept")


@dataclass(frozen=True, slots=True)
class Limits:
    """Say how health is judged.

    A tool's window is its last ``calls`` calls, none older than ``span_ns``. ``enough`` calls count for a factor. A
    breaker opens by itself where, of at least ``open_calls`` calls in the window, ``open_percent`` failed without a
    clean refusal. It rests ``cool_ns`` unless the news say otherwise, doubled for each probe that fails up to
    ``longest_ns``; a permission lapses after ``lapse_ns``. ``expected_ms`` is the latency declared of a tool, in
    milliseconds, ``quotas`` its rate limit. Of more than ``tools`` tools those unheard of for longest are forgotten.
    """

    calls: int = 100
    span_ns: int = 15 * 60 * _SECOND
    enough: int = 5
    open_calls: int = 20
    open_percent: int = 50
    cool_ns: int = 30 * _SECOND
    longest_ns: int = 600 * _SECOND
    lapse_ns: int = 60 * _SECOND
    expected_ms: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    quotas: Mapping[str, Quota] = field(default_factory=lambda: MappingProxyType({}))
    tools: int = 4096


class Seen(NamedTuple):
    """What a run saw of a tool; times in nanoseconds on the clock that all runs of the process share.

    ``how`` is ok, transient, permanent, doubt or wrong for a call that came to an end. ``down`` is no call: the run
    gave the tool up, with its failure ``domain`` where it has one; ``began_ns`` is then when its last attempt began.
    ``cool_ns`` is how long the run's policy lets the tool rest, None for the usual.
    """

    tool: str
    domain: str | None
    began_ns: int
    ended_ns: int
    how: str
    cool_ns: int | None = None


class Standing(NamedTuple):
    """How a tool stands for one plan.

    ``factor`` is in thousandths; ``until`` is when it is up again, None where it is not down. Where ``probe`` is set a
    call of it is a probe: the only one of its failure domain that may be under way, and not to be retried.
    """

    factor: int = ONE
    until: int | None = None
    probe: bool = False


def standing(snapshot: Mapping[str, Any], tool: str, now: int) -> Standing:
    """Read what a snapshot says of a tool; ``now`` is its time on the reader's own clock, nanoseconds."""
    said = snapshot.get(tool)
    if said is None:
        return Standing()
    until = now + said["down_ns"] if "down_ns" in said else None
    return Standing(said.get("factor", ONE), until, said.get("probe", False))


@dataclass(slots=True)
class _Record:
    """What is kept of one tool: its last calls by when they ended, and the begins that its quota counts.

    ``telling`` is False where nothing in it can put another factor on the tool than 1, now or later. ``vitals`` are
    those of the latest ``vitals.calls`` of the window, None where it has changed since.
    """

    window: list[Call] = field(default_factory=list)
    begun: list[int] = field(default_factory=list)
    telling: bool = False
    vitals: Vitals | None = None


class Health:
    """Keep the health of a process's tools; any number of threads may use one at once.

    Memory is bounded: ``Limits.tools`` × (``Limits.calls`` calls, and the begins of as many calls as a quota allows).
    Not seen: calls that are still under way, and what other processes do to the same tools.
    """

    def __init__(self, limits: Limits = Limits()) -> None:
        self.limits = limits
        self._lock = Mutex()
        self._records: OrderedDict[str, _Record] = OrderedDict()
        self._breakers: OrderedDict[_Place, Breaker] = OrderedDict()

    def came(self, seen: Seen) -> None:
        """Take in what a run saw. O(window).

        ValueError where ``how`` is none of the words there are, or the call ends before it begins.
        """
        if seen.how != DOWN and seen.how not in HOWS:
            raise ValueError(f"{seen.tool}: how {seen.how!r} is none of {', '.join(sorted({*HOWS, DOWN}))}")
        if seen.ended_ns < seen.began_ns:
            raise ValueError(f"{seen.tool}: a call cannot end at {seen.ended_ns}, before it begins at {seen.began_ns}")
        with self._lock:
            if seen.how != DOWN:
                self._count(seen)
            self._tell(seen)

    def snapshot(
        self, tools: Mapping[str, ToolSpec], now_ns: int, *, probe: bool = True, holder: str = ""
    ) -> dict[str, Any]:
        """Give the standing of the tools that are not as they would be by themselves, as JSON data in order of name.

        ``{tool: {"factor": thousandths, "down_ns": how long it stays down, "probe": True}}``, each key only where it
        says something. With ``probe`` the permission of a half-open breaker is taken where it can be had, for all
        tools of its domain; the same ``holder`` is given it again until it lapses. Without, such tools are down.
        """
        said: dict[str, Any] = {}
        with self._lock:
            taken: set[_Place] = set()
            for name in sorted(self._to_look_at(tools)):
                found = self._stands(tools[name], now_ns, holder if probe else None, taken)
                if found:
                    said[name] = found
        return said

    def vitals(self, tool: str, now_ns: int) -> Vitals:
        """Give the vital signs of a tool."""
        with self._lock:
            return self._vitals(tool, self._records.get(tool, _Record()), now_ns)

    def _count(self, seen: Seen) -> None:
        """Count a call. The latest by time are kept, not the latest to be told, so that no order of telling matters."""
        record = _latest(self._records, seen.tool, _Record(), self.limits.tools)
        call = Call(seen.ended_ns, seen.began_ns, seen.how)
        insort(record.window, call)
        record.vitals = None
        record.telling = record.telling or self._tells(seen.tool, call)
        del record.window[: -self.limits.calls]
        quota = self.limits.quotas.get(seen.tool)
        if quota is not None:
            insort(record.begun, seen.began_ns)
            del record.begun[: -quota.calls]

    def _tell(self, seen: Seen) -> None:
        """Tell the breakers of a tool and of its domain what came; a domain is given up as a whole, or not at all."""
        own: _Place = ("tool", seen.tool)
        shared: _Place = own if seen.domain is None else ("domain", seen.domain)
        what = _HEARD[seen.how]
        if what == "down":
            self._hear(shared, what, seen)
            return
        for place in dict.fromkeys((own, shared)):
            if place in self._breakers:
                self._hear(place, what, seen)
        if what == "failed" and self._mostly_fails(seen):
            self._hear(own, "down", seen)

    def _hear(self, place: _Place, what: Heard, seen: Seen) -> None:
        rest = Rest(self.limits.cool_ns if seen.cool_ns is None else seen.cool_ns, self.limits.longest_ns)
        breaker = _latest(self._breakers, place, Breaker(), self.limits.tools)
        self._breakers[place] = heard(breaker, what, seen.began_ns, seen.ended_ns, rest)

    def _mostly_fails(self, seen: Seen) -> bool:
        """Tell whether too many calls of a tool, begun since its breaker closed, failed without a clean refusal."""
        breaker = self._breakers.get(("tool", seen.tool), Breaker())
        if breaker.tripped:
            return False
        recent = self._recent(self._records[seen.tool], seen.ended_ns)
        told = [_HEARD[call.how] for call in recent if call.began_ns >= breaker.since]
        if len(told) < self.limits.open_calls:
            return False
        return told.count("failed") * 100 >= len(told) * self.limits.open_percent

    def _recent(self, record: _Record, now_ns: int) -> list[Call]:
        return record.window[bisect_left(record.window, (now_ns - self.limits.span_ns,)) :]

    def _to_look_at(self, tools: Mapping[str, ToolSpec]) -> set[str]:
        """Give the tools of which there may be something to say: in a healthy world none, however many there are."""
        tripped = {place for place, breaker in self._breakers.items() if breaker.tripped}
        found = {name for name, record in self._records.items() if record.telling}
        found |= {name for kind, name in tripped if kind == "tool"}
        found &= tools.keys()
        if any(kind == "domain" for kind, _ in tripped):
            found |= {name for name, spec in tools.items() if ("domain", spec.domain) in tripped}
        return found

    def _tells(self, tool: str, call: Call) -> bool:
        declared = tool in self.limits.expected_ms or tool in self.limits.quotas
        return declared or call.how != "ok" or call.ended_ns - call.began_ns > USUAL_NS

    def _vitals(self, name: str, record: _Record, now_ns: int) -> Vitals:
        recent = self._recent(record, now_ns)
        if record.vitals is None or record.vitals.calls != len(recent):
            record.vitals = vitals_of(recent)
            record.telling = name in self.limits.quotas or any(self._tells(name, call) for call in recent)
        return record.vitals

    def _stands(self, spec: ToolSpec, now_ns: int, holder: str | None, taken: set[_Place]) -> dict[str, Any]:
        """Give what is said of a tool, and take the permissions that a call of it needs, if they can all be had.

        ``taken`` are those that this snapshot has taken already; a ``holder`` None takes none.
        """
        places: list[_Place] = [("tool", spec.name)]
        if spec.domain is not None:
            places.append(("domain", spec.domain))
        asked = [place for place in places if place in self._breakers and place not in taken]
        half = [place for place in asked if self._breakers[place].state(now_ns) == "half-open"]
        factor, down_ns = self._weight(spec.name, now_ns)
        said: dict[str, Any] = {} if factor == ONE else {"factor": factor}
        for place in asked:
            down_ns = max(down_ns, wait_ns(self._breakers[place], now_ns, holder or ""))
        if half and holder is None:
            down_ns = max(down_ns, self.limits.lapse_ns)  # as long as it may take whoever comes to try it
        if down_ns:
            return said | {"down_ns": down_ns}
        for place in half:
            self._breakers[place] = admitted(self._breakers[place], now_ns, self.limits.lapse_ns, holder or "")
        taken.update(half)
        return said if taken.isdisjoint(places) else said | {"probe": True}

    def _weight(self, name: str, now_ns: int) -> tuple[int, int]:
        """Give the factor of a tool in thousandths, and how long its quota makes it wait, nanoseconds."""
        limits, record = self.limits, self._records.get(name)
        if record is None:
            return ONE, 0
        vitals = self._vitals(name, record, now_ns)
        latency = latency_factor(vitals, limits.expected_ms.get(name), limits.enough)
        reliability = reliability_factor(vitals, limits.enough)
        quota = limits.quotas.get(name)
        if quota is None:
            return joined(latency, reliability), 0
        rate = NEAR_QUOTA if near(within(record.begun, quota, now_ns), quota) else ONE
        return joined(latency, reliability, rate), room_ns(record.begun, quota, now_ns)


def _latest(table: OrderedDict[_Key, _Kept], key: _Key, fresh: _Kept, most: int) -> _Kept:
    """Give an entry, made if it is not there, as the one heard of last; forget the one unheard of for longest."""
    found = table.setdefault(key, fresh)
    table.move_to_end(key)
    if len(table) > most:
        table.popitem(last=False)
    return found
