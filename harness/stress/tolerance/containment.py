"""What a run did about its faults: injected, fired, effective, detected, mitigated and contained, each counted apart.

A fault is contained where it was effective, was detected within some steps, was mitigated within some steps after
that, and the run still came to an answer against which no rule stands (arXiv 2603.18096). All of it is read from what
the trace shows that was done; what an agent says about itself counts for nothing.

What is not verified: that an answer without a violated rule is right, and that what was done was done because of the
fault. Beside the trace of a clean run only calls beyond those that it makes there count as a reaction; without one, a
request that is made again does, and a silent fault is detected by rules and routes alone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Final, NamedTuple

from harness.faults.plan import Fault
from harness.stress.causes.calls import Told, calls_of
from harness.stress.causes.twin import struck_by
from harness.trace.event import Event

WITHIN: Final = 3  # steps from a fault to its detection, and from that to its mitigation
_PAUSE_NS: Final = 10_000_000  # less time between two tries is no waiting
_GRAVE: Final = ("medium", "high", "critical")
_ROADS: Final = {"reroute": "alternate", "settle": "settle", "undo": "undo", "escalate": "escalate"}
_ASKED: Final = {"tool": "alternate", "handoff": "escalate", "escalation": "escalate", "message": "clarify"}


class Sign(NamedTuple):
    """Evidence that a fault was noticed, or answered: the event, the steps it took, and what it was."""

    seq: int
    steps: int
    how: str


class Handled(NamedTuple):
    """What became of one fault: the actions it struck, whether it made a difference, and what was done about it.

    ``answered`` tells whether the run gave a result, ``broken`` are the rules that stand against it, ``undecided``
    those that it cannot be judged by.
    """

    fault: str
    kind: str
    struck: tuple[int, ...]
    effective: bool
    detected: Sign | None
    mitigated: Sign | None
    answered: bool
    broken: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()

    @property
    def unharmed(self) -> bool:
        """Whether it made a difference, and the answer meets all contracts all the same, for whatever reason."""
        return self.effective and self.answered and not self.broken and not self.undecided

    @property
    def contained(self) -> bool:
        """Whether it was noticed and answered in time, and the answer meets all contracts."""
        return self.unharmed and self.mitigated is not None


class Counted(NamedTuple):
    """How many faults came how far. Each is a part of the one before, but for ``unharmed``, a part of ``effective``."""

    injected: int = 0
    fired: int = 0
    effective: int = 0
    detected: int = 0
    mitigated: int = 0
    contained: int = 0
    unharmed: int = 0

    @property
    def of_injected(self) -> float | None:
        """The containment rate: contained / injected; None where nothing was injected."""
        return self.contained / self.injected if self.injected else None

    @property
    def of_effective(self) -> float | None:
        """Contained / effective; None where no fault made a difference."""
        return self.contained / self.effective if self.effective else None


def counted(handled: Iterable[Handled]) -> Counted:
    """Count the faults of any number of runs."""
    total = Counter[str]()
    for one in handled:
        total["injected"] += 1
        total["fired"] += bool(one.struck)
        total["effective"] += one.effective
        total["detected"] += one.detected is not None
        total["mitigated"] += one.mitigated is not None
        total["contained"] += one.contained
        total["unharmed"] += one.unharmed
    return Counted(**total)


def handled(
    events: Iterable[Event],
    faults: Iterable[Fault],
    *,
    clean: Iterable[Event] | None = None,
    rules: Collection[str] = (),
    within: int = WITHIN,
    after: int = WITHIN,
) -> tuple[Handled, ...]:
    """Tell of each fault that was injected into a run what became of it, from the run's events.

    ``clean`` are the events of the same run without faults. A fault counts from the first call in which it makes a
    difference. It has to be detected within ``within`` steps (actions) and mitigated within ``after`` steps after that.
    ``rules`` are those that the answer has to meet, all of severity medium or graver if none are named; one that is
    unknown is not met. O(events × faults).
    """
    run = _Run(events, clean, rules)
    return tuple(run.handled(fault, within, after) for fault in faults)


class _Run:
    """One run, as far as faults are looked at in it."""

    def __init__(self, events: Iterable[Event], clean: Iterable[Event] | None, rules: Collection[str]) -> None:
        self._events = list(events)
        self._calls = {one.event.seq: one for one in calls_of(self._events)}
        self._steps = [one.seq for one in self._events if one.kind == "action"]
        self._beside = clean is not None
        usual = list(clean or ())
        asked = calls_of(usual)
        self._usual = Counter(one.where for one in asked)
        self._requests = Counter(one.request for one in asked)
        self._nth = _nth_of(self._calls.values())
        self._spoke = frozenset(one.body["rule"] for one in usual if one.kind == "verdict")
        self._performed = {one.body["action"] for one in self._events if one.kind == "observation"}
        self._rules = frozenset(rules)
        self._answered = any(one.kind == "note" and "returned" in one.body for one in self._events)

    def handled(self, fault: Fault, within: int, after: int) -> Handled:
        struck = struck_by(fault, self._events)
        inert = {one.body["action"] for one in self._events if _is_inert(one, fault)}
        effective = [self._calls[seq] for seq in struck if seq not in inert]
        detected = mitigated = None
        if effective:
            detected = next(self._signs(effective[0], within), None)
        if detected is not None:
            mitigated = next(self._answers(detected, effective[0], after), None)
        excused = frozenset(struck) if mitigated else frozenset()
        against = [self._against(truth, excused) for truth in ("violated", "unknown")]
        return Handled(fault.name, fault.kind, struck, bool(effective), detected, mitigated, self._answered, *against)

    def _step(self, seq: int) -> int:
        """Give how many steps were begun up to an event."""
        return bisect_right(self._steps, seq)

    def _signs(self, call: Told, within: int) -> Iterator[Sign]:
        """Yield what shows that a faulty call was noticed."""
        begun = self._step(call.event.seq)
        for event in self._events[call.event.seq if call.until is None else call.until :]:
            steps = self._step(event.seq) - begun
            if steps > within:
                return
            if how := self._notice(event, call):
                yield Sign(event.seq, steps, how)

    def _notice(self, event: Event, call: Told) -> str:
        """Say who an event shows to have noticed a faulty call; empty where nobody did."""
        if event.seq == call.until and call.came in ("failed", "unknown"):
            return "caller"
        if event.kind == "verdict" and event.body["rule"] not in self._spoke:
            return f"rule {event.body['rule']}"
        if event.kind == "route" and event.body["does"] in ("signal", "retry", *_ROADS):
            return "monitor" if event.body["does"] == "signal" else "route"
        return "agent" if self._beside and self._reaction(event, call) else ""

    def _answers(self, detected: Sign, call: Told, after: int) -> Iterator[Sign]:
        """Yield what was done after a fault was noticed."""
        begun = self._step(detected.seq)
        for event in self._events[detected.seq :]:
            steps = self._step(event.seq) - begun
            if steps > after:
                return
            if how := self._reaction(event, call):
                yield Sign(event.seq, steps, how)

    def _reaction(self, event: Event, call: Told) -> str:
        """Say what an event does about a faulty call; empty where it does nothing."""
        body = event.body
        match event.kind:
            case "decision" if body["decision"] in ("block", "escalate", "rewrite"):
                return str(body["decision"])
            case "route":
                return _ROADS.get(body["does"], "")
            case "state" if body["machine"] == "converge" and body["data"].get("round", 1) > 1:
                return "replan"
            case "state" if body["machine"] == "plan" and body["data"].get("does") == "change":
                return "replan"
            case "action" if event.seq > call.event.seq:
                return self._another(self._calls[event.seq], call)
        return ""

    def _another(self, one: Told, call: Told) -> str:
        """Say what another call does about a faulty one; a call that comes to nothing does nothing."""
        if one.came != "ok" or not self._is_more(one, call):
            return ""
        surface = one.event.body["surface"]
        if one.request == call.request:
            waited = one.event.at - call.event.at - (call.took_ns or 0) >= _PAUSE_NS
            return "retry after a wait" if waited else "retry"
        return _ASKED.get(surface, "") if self._beside or surface == "escalation" else ""

    def _is_more(self, one: Told, call: Told) -> bool:
        """Tell whether a call is beyond what the clean run makes: of the request that is repeated, or of its place."""
        if not self._beside:
            return True
        if one.request == call.request:
            return self._nth[one.event.seq] > self._requests[one.request]
        return one.nth > self._usual[one.where]

    def _against(self, truth: str, excused: frozenset[int]) -> tuple[str, ...]:
        """Give the rules that stand against the answer: not against what was refused, nor a faulty result put right."""
        said = (one for one in self._events if one.kind == "verdict" and one.body["verdict"] == truth)
        return tuple(dict.fromkeys(one.body["rule"] for one in said if self._stands(one, excused)))

    def _stands(self, event: Event, excused: frozenset[int]) -> bool:
        if not self._counts(event):
            return False
        about = self._calls.get(event.body.get("action", -1))
        if about is None:
            return True
        if about.event.seq in event.parents:  # against the call itself, which a refusal keeps from happening
            return about.event.seq in self._performed
        return about.came != "refused" and about.event.seq not in excused

    def _counts(self, verdict: Event) -> bool:
        rule = verdict.body["rule"]
        return rule in self._rules if self._rules else verdict.body["severity"] in _GRAVE


def _nth_of(calls: Iterable[Told]) -> dict[int, int]:
    """Give of each call how often its request had been made, with it."""
    made, nth = Counter[str](), dict[int, int]()
    for one in calls:
        made[one.request] += 1
        nth[one.event.seq] = made[one.request]
    return nth


def _is_inert(event: Event, fault: Fault) -> bool:
    return event.kind == "fault" and event.body["fault"] == fault.name and not event.body["effective"]
