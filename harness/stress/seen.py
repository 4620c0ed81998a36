"""What one run came to, as far as a search looks at it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, NamedTuple

from harness.assertion.interface import Checker
from harness.registry.registry import Registry
from harness.trace.chat import tokens_of
from harness.trace.event import Event, Surface
from harness.trace.verdict import Severity

Came = Literal["ok", "failed", "unknown", "refused", "open"]

_CAME: Final[tuple[tuple[str, Came], ...]] = (("ok", "ok"), ("failed", "failed"), ("unknown", "unknown"))


class Made(NamedTuple):
    """A call that the run made: its event, and which of the calls of its tool it was, from 1."""

    seq: int
    surface: Surface
    tool: str
    agent: str
    nth: int
    args: Mapping[str, Any]
    came: Came
    value: Any = None


class Violated(NamedTuple):
    """A rule that was violated: how grave that is, at which step (-1 at the end), and what it says."""

    rule: str
    severity: Severity
    step: int
    says: str


class Struck(NamedTuple):
    """A fault that struck: its name and kind, the event of the call, and whether it made a difference."""

    fault: str
    kind: str
    action: int
    effective: bool


class Seen(NamedTuple):
    """What one run came to.

    ``end`` is how: ``returned``, ``raised TYPE``, or empty where it did not come to one. ``widths`` are how many could
    go on at each place of its order where several could. ``margins`` are the smallest signed distances to the
    boundaries of numeric rules, where somebody has asked for them. ``tokens`` are those that models say they used.
    """

    calls: tuple[Made, ...]
    violated: tuple[Violated, ...]
    struck: tuple[Struck, ...]
    end: str
    result: Any
    widths: tuple[int, ...] = ()
    margins: Mapping[str, float] = {}
    tokens: int = 0

    @property
    def rules(self) -> frozenset[str]:
        """The rules that were violated."""
        return frozenset(one.rule for one in self.violated)

    @property
    def inert(self) -> tuple[Struck, ...]:
        """The faults that struck and changed nothing."""
        return tuple(one for one in self.struck if not one.effective)


def seen_of(events: Iterable[Event], widths: tuple[int, ...] = ()) -> Seen:
    """Read what a run came to from its events, those inside effects included. O(events)."""
    events = list(events)
    steps = {event.seq: step for step, event in enumerate(one for one in events if one.kind == "action")}
    came = {event.body["action"]: event for event in events if event.kind in ("observation", "decision")}
    counts: Counter[str] = Counter()
    calls, violated, struck = [], [], []
    end, result = "", None
    for event in events:
        body = event.body
        if event.kind == "action":
            counts[body["tool"]] += 1
            calls.append(_made(event, counts[body["tool"]], came.get(event.seq)))
        elif event.kind == "verdict" and body["verdict"] == "violated":
            step = max((steps[seq] for seq in event.parents if seq in steps), default=-1)
            violated.append(Violated(body["rule"], body.get("severity", "medium"), step, body.get("says", "")))
        elif event.kind == "fault":
            struck.append(Struck(body["fault"], body["kind"], body["action"], body["effective"]))
        elif event.kind == "note" and "returned" in body:
            end, result = "returned", body["returned"]
        elif event.kind == "note" and "raised" in body:
            end = f"raised {body['raised'].get('type', '')}".strip()
    return Seen(tuple(calls), tuple(violated), tuple(struck), end, result, widths, tokens=sum(map(_tokens, calls)))


def margins_of(registry: Registry, run: Mapping[str, Any], events: Iterable[Event]) -> dict[str, float]:
    """Give the smallest signed distance of a run from the boundary of each rule that compares numbers.

    ``run`` is that of the trace's header. Negative where the rule is violated; rules that spoke of no step are left
    out.
    """
    margins: dict[str, float] = {}

    def hear(rule: str, distance: float) -> None:
        margins[rule] = min(distance, margins.get(rule, distance))

    checker = Checker(registry, run, hear)
    for event in events:
        checker.judge(event)
    checker.finish()
    return margins


def _tokens(made: Made) -> int:
    """Give what the answer of a model says of its cost; 0 for any other call."""
    return (tokens_of(made.value) or 0) if made.surface == "model" else 0


def _made(event: Event, nth: int, said: Event | None) -> Made:
    body = event.body
    came: Came = "open"
    value = None
    if said is not None and said.kind == "decision":
        came = "refused"
    elif said is not None:
        came = next((name for key, name in _CAME if key in said.body), "open")
        value = said.body.get("ok")
    return Made(event.seq, body["surface"], body["tool"], event.agent, nth, body["args"], came, value)
