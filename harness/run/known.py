"""What a record knows of the calls of an agent's own code, and what is left of it while a run makes them again.

A call is known by its whole request and how often it was made before. What was performed is told from what was only
wanted: where a fault stood in the place of an effect, nothing was performed, and the next performance of the same
request, such as that of a retry, is what the effect would have given.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from harness.determinism import canonical
from harness.determinism.address import effects_around, enclosing
from harness.faults.file import plan_of
from harness.faults.service import delay_ms
from harness.trace.event import Event
from harness.trace.history import restored
from harness.trace.outcome import Outcome, from_body

_LATE_NS: Final = 2  # a timer fires a nanosecond late, and what it lets through arrives another one later


class KnownCall(NamedTuple):
    """A call that the record knows: its intent, its request, its outcome and the answer about it, if there are any.

    ``faults`` are those that struck it, ``delayed_ns`` is how much later they let its outcome come. ``did`` are the
    events inside its effect, ``mixed`` says that faults struck one of the calls among them.
    """

    event: Event
    request: tuple[str, dict[str, Any]]
    observation: Event | None
    answer: Event | None
    faults: tuple[Event, ...] = ()
    delayed_ns: int = 0
    did: tuple[Event, ...] = ()
    mixed: bool = False

    @property
    def performed(self) -> bool:
        """Whether its effect happened as it was wanted: no fault stood in its place, nor changed what was asked."""
        return self._clean is not None or not any(map(_matters, self.faults))

    @property
    def gave(self) -> Outcome | None:
        """What its effect gave, before faults struck; None where it was not performed, or never came back."""
        if self.observation is None or not self.performed:
            return None
        return from_body(self.observation.body if self._clean is None else self._clean)

    @property
    def _clean(self) -> dict[str, Any] | None:
        return next((fault.body["clean"] for fault in self.faults if "clean" in fault.body), None)


def known_calls(events: Iterable[Event], run: Mapping[str, Any] | None = None) -> list[KnownCall]:
    """Give the calls of an agent's own code, in order; what lies inside an effect is left out.

    ``run`` is that part of the header, which says how long the faults of its plan delay an answer.
    """
    events = list(events)
    observations = {event.body["action"]: event for event in events if event.kind == "observation"}
    answers = {event.body["action"]: event for event in events if "answer" in event.body}
    inside: dict[int, list[Event]] = {}
    for event in events:
        for action in effects_around(event.task):
            inside.setdefault(action, []).append(event)
    delays = _delays(run or {})
    calls = []
    for event, request in restored(events):
        if enclosing(event.task) is None:
            did = tuple(inside.get(event.seq, ()))
            struck = [one for one in did if one.kind == "fault"]
            faults = tuple(one for one in struck if one.body["action"] == event.seq)
            mixed = len(faults) < len(struck)
            delayed = sum(delays.get(one.body["fault"], 0) for one in faults)
            told = observations.get(event.seq), answers.get(event.seq)
            calls.append(KnownCall(event, request, *told, faults, delayed, did, mixed))
    return calls


def _matters(fault: Event) -> bool:
    return bool(fault.body["effective"]) and fault.body["kind"] != "delay"


def _delays(run: Mapping[str, Any]) -> dict[str, int]:
    """Give the faults of a run that delay, by name, with how long in nanoseconds."""
    plan = plan_of(run["faults"]).faults if "faults" in run else ()
    return {one.name: int(delay_ms(one) * 1e6) + _LATE_NS for one in plan if one.kind == "delay"}


class Known:
    """Hand out what is known of calls, each once; what earlier ``calls`` know comes first."""

    def __init__(self, calls: Iterable[KnownCall]) -> None:
        self._unused: dict[str, deque[KnownCall]] = {}
        for call in calls:
            self._unused.setdefault(_key(call.event, call.request), deque()).append(call)

    def meet(self, action: Event, request: tuple[str, dict[str, Any]]) -> KnownCall | None:
        """Give what is known of a call that is made now; None where nothing is left of it."""
        unused = self._unused.get(_key(action, request))
        return unused.popleft() if unused else None

    def performance(self, action: Event, request: tuple[str, dict[str, Any]]) -> KnownCall | None:
        """Give the next performance of a request that is left; what was not performed stays."""
        unused = self._unused.get(_key(action, request), deque())
        found = next((call for call in unused if call.performed and call.observation is not None), None)
        if found is not None:
            unused.remove(found)
        return found

    def give_back(self, call: KnownCall) -> None:
        """Let the next call of the same request have what this one did not need."""
        self._unused[_key(call.event, call.request)].appendleft(call)


def _key(event: Event, request: tuple[str, dict[str, Any]]) -> str:
    tool, args = request
    return canonical.digest_of([event.body["surface"], tool, args])
