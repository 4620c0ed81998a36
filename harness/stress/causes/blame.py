"""Which event a violation hangs on: the earliest whose repair makes it go away, found by running again.

A repair puts one thing right that went wrong in a run: one strike of a fault is spared, one turn or one change of the
input is left out, or a call gives another outcome. All else stays, and the agent's own code runs again; so a repair
that flips the verdict is a cause of the violation in this run, in the sense of "without it, no violation".

What that does not establish: that the event is to blame and not the code that meets it, that no other repair of the
same event would do, or that the run without it is right in any other way. Where several repairs flip the verdict each
by itself, the earliest is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, combinations
from typing import Any, Final, NamedTuple

from harness.determinism.address import enclosing
from harness.stress.causes.repair import Given, LeftOut, Ran, Repair
from harness.stress.schedule import Change
from harness.stress.seen import Made, Seen
from harness.trace.event import Event


class Link(NamedTuple):
    """A call on the way from a cause to the violation, and how it differs from the run without the cause."""

    seq: int
    step: int
    tool: str
    nth: int
    agent: str
    how: str


class Cause(NamedTuple):
    """A call whose repair, or one of several repairs, flips the verdict; ``nth`` counts the calls of its tool from 1.

    ``seq`` is the event and ``step`` the number of the call. What begins before any call is named by the first call
    that it makes another one.
    """

    seq: int = -1
    step: int = -1
    tool: str = ""
    nth: int = 0
    agent: str = ""
    how: str = ""


class Blame(NamedTuple):
    """What a violation hangs on.

    ``seq`` to ``how`` are as in ``Cause``, of the earliest event whose repair flips the verdict; empty where no repair
    that was tried does. ``together`` are the others, where only several repairs do. ``chain`` are the calls from there
    up to the violation (the event ``violated_at``) that are other, or made only, because of it. ``runs`` were made, of
    which ``open`` could not go to their end. ``partly``: the run without it goes no further than to another call in the
    place of the violating one, which is judged, holds, and has no outcome that anybody knows.
    """

    rule: str
    says: str
    violated_at: int
    runs: int
    open: int
    seq: int = -1
    step: int = -1
    tool: str = ""
    nth: int = 0
    agent: str = ""
    how: str = ""
    together: tuple[Cause, ...] = ()
    chain: tuple[Link, ...] = ()
    partly: bool = False

    @property
    def found(self) -> bool:
        """Whether any repair flips the verdict."""
        return bool(self.how)


Make = Callable[[tuple[Repair, ...]], Ran]
"""Make a run again with some repairs."""


class _Flip(NamedTuple):
    place: int
    repairs: tuple[Repair, ...]
    places: tuple[int, ...]
    ran: Ran


def blame(run: Ran, make: Make, repairs: Iterable[Repair], rule: str, *, budget: int = 200) -> Blame:
    """Find the earliest event of a run whose repair makes a rule hold, and what lies between it and the violation.

    ``repairs`` are tried each by itself: those of events, then those of the input, which is no event and is named where
    no event is; then all in pairs, as long as there are runs left in ``budget``. ValueError where
    the run does not violate the rule. At most ``budget`` runs.
    """
    violation = next((one for one in run.seen.violated if one.rule == rule), None)
    if violation is None:
        raise ValueError(f"the run does not violate {rule}")
    search = _Search(run, make, rule, budget)
    ordered = sorted(repairs, key=_place)
    flips = search.single(one for one in ordered if not _is_change(one))
    flips = flips or search.single(filter(_is_change, ordered)) or search.pairs(ordered)
    end = _verdict(run.events, rule)
    unknown = Blame(rule, violation.says, end, search.runs, search.open)
    if not flips:
        return unknown
    flip = min(flips, key=lambda one: one.place)
    named = zip(flip.places, flip.repairs, strict=True)
    cause, *together = sorted(_cause(run.seen, place, str(repair)) for place, repair in named)
    links = tuple(_chain(run, flip.ran, flip.place, end))
    partly = not flip.ran.seen.end
    return unknown._replace(**cause._asdict(), together=tuple(together), chain=links, partly=partly)


class _Search:
    def __init__(self, run: Ran, make: Make, rule: str, budget: int) -> None:
        self.runs = self.open = 0
        self._run, self._make, self._rule, self._budget = run, make, rule, budget

    def single(self, repairs: Iterable[Repair]) -> list[_Flip]:
        """Give what flips the verdict by itself: all whose place only their run tells, and of the others the first."""
        flips = []
        for repair in repairs:
            flip = self._tried((repair,))
            if flip is not None:
                flips.append(flip)
                if not isinstance(repair, LeftOut):
                    break
        return flips

    def pairs(self, repairs: Sequence[Repair]) -> list[_Flip]:
        """Give the first pair that flips the verdict."""
        for one, other in combinations(repairs, 2):
            if isinstance(one, Given) and _place(one) == _place(other):
                continue  # two outcomes of one call
            flip = self._tried((one, other))
            if flip is not None:
                return [flip]
        return []

    def _tried(self, repairs: tuple[Repair, ...]) -> _Flip | None:
        if self.runs == self._budget:
            return None
        self.runs += 1
        ran = self._make(repairs)
        self.open += not ran.seen.end
        if self._rule in ran.seen.rules or not (ran.seen.end or self._holds_instead(ran)):
            return None
        places = tuple(self._place_of(one, ran) for one in repairs)
        return _Flip(min(places), repairs, places, ran)

    def _holds_instead(self, ran: Ran) -> bool:
        """Tell whether a run that is open came to the call that violates the rule in the other one, made otherwise.

        Only of a rule that judges a call before its outcome is that known.
        """
        end = _verdict(self._run.events, self._rule)
        action = self._run.events[end].body.get("action", end)
        violating = next((made for made in self._run.seen.calls if made.seq == action), None)
        if violating is None or not ran.seen.calls or _ends(self._run.events).get(action, end) < end:
            return False
        last = ran.seen.calls[-1]
        return last.came == "open" and last.tool == violating.tool and last[3:5] == violating[3:5]

    def _place_of(self, repair: Repair, ran: Ran) -> int:
        if not isinstance(repair, LeftOut):
            return repair.seq
        if _is_change(repair):
            return first_other(self._run.events, ran.events)
        return first_hurt(self._run, ran, _verdict(self._run.events, self._rule))


def _is_change(repair: Repair) -> bool:
    return isinstance(repair, LeftOut) and isinstance(repair.element, Change)


def _place(repair: Repair) -> int:
    return -1 if isinstance(repair, LeftOut) else repair.seq


# --- from the cause to the violation ---------------------------------------------------------------------------------

_TOLD: Final = ("action", "evidence", "parents")


def first_other(events: Sequence[Event], others: Sequence[Event]) -> int:
    """Give the first event of a run, made by the agent's own code, that another run does not have in its place.

    Times, reads, and what lies inside effects do not count. -1 where there is none.
    """
    own, theirs = list(_own(events)), list(_own(others))
    pairs = zip(own, theirs, strict=False)
    equal = next((place for place, (one, other) in enumerate(pairs) if _essence(one) != _essence(other)), len(theirs))
    return _call_of(own[equal]) if equal < len(own) else -1


def first_hurt(run: Ran, twin: Ran, end: int) -> int:
    """Give the first call that another order lets come otherwise, before the violation that the event ``end`` tells of.

    Where there is none, the order itself is what matters: the first call that was over when the violating one was made
    in the twin, and is not in the run; or else the first event that stands elsewhere.
    """
    violating = run.events[end].body.get("action", end)
    hurt = (link.seq for link in _chain(run, twin, -1, violating))
    return next(chain(hurt, _late(run, twin, violating)), first_other(run.events, twin.events))


def _late(run: Ran, twin: Ran, violating: int) -> Iterator[int]:
    """Yield the calls that are under way when a call is made, and that were over then in the twin."""
    wanted = next((_request(made) for made in run.seen.calls if made.seq == violating), None)
    same = [made.seq for made in twin.seen.calls if _request(made) == wanted]
    earlier = sum(_request(made) == wanted for made in run.seen.calls if made.seq < violating)
    if earlier < len(same):
        ended, over = _ends(run.events), _ends(twin.events)
        done = [_request(made) for made in twin.seen.calls if over.get(made.seq, same[earlier]) < same[earlier]]
        for made in run.seen.calls:
            if made.seq < violating < ended.get(made.seq, violating + 1) and _request(made) in done:
                yield made.seq


def _ends(events: Iterable[Event]) -> dict[int, int]:
    """Give the events by which calls ended."""
    return {event.body["action"]: event.seq for event in events if event.kind == "observation"}


def _own(events: Iterable[Event]) -> Iterator[Event]:
    return (one for one in events if one.kind not in ("read", "fault") and enclosing(one.task) is None)


def _essence(event: Event) -> Any:
    return event.kind, event.agent, event.task, {key: one for key, one in event.body.items() if key not in _TOLD}


def _call_of(event: Event) -> int:
    return int(event.body.get("action", event.seq))


def _verdict(events: Iterable[Event], rule: str) -> int:
    return next(
        event.seq
        for event in events
        if event.kind == "verdict" and event.body["rule"] == rule and event.body["verdict"] == "violated"
    )


def _cause(seen: Seen, seq: int, how: str) -> Cause:
    for step, call in enumerate(seen.calls):
        if call.seq >= seq:
            return Cause(call.seq, step, call.tool, call.nth, call.agent, how)
    return Cause(seq, how=how)


def _chain(run: Ran, twin: Ran, start: int, end: int) -> Iterator[Link]:
    """Yield the calls from an event to the violation that the twin has not made, or not with this outcome."""
    left: dict[str, list[Made]] = {}
    for made in twin.seen.calls:
        left.setdefault(_request(made), []).append(made)
    for step, made in enumerate(run.seen.calls):
        same = left.get(_request(made))
        other = same.pop(0) if same else None
        how = _differs(made, other)
        if made.seq == start and not how:
            how = "what it gave is the same, and when it came is not"
        if start <= made.seq < end and how:
            yield Link(made.seq, step, made.tool, made.nth, made.agent, how)


def _request(made: Made) -> str:
    return repr((made.surface, made.tool, made.agent, _sorted(made.args)))


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return sorted((key, _sorted(one)) for key, one in value.items())
    return [_sorted(one) for one in value] if isinstance(value, list) else value


def _differs(made: Made, other: Made | None) -> str:
    if other is None:
        return "made only because of it"
    if made.came != other.came:
        return f"{made.came}; without it {other.came}"
    return "another result than without it" if made.value != other.value else ""
