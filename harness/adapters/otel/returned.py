"""Traces of our own that come back: spans that ``export`` has written, by the numbers they carry.

Their events come back in the order they had, renumbered because what was read from clocks and chance was never
exported. Of a span without content the arguments are empty and a result is None, and both are told as lost.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, get_args

from harness.adapters.otel.dialects import NO_RESULT, read_span
from harness.adapters.otel.facts import as_data
from harness.adapters.otel.mapping import OPEN, SCOPE
from harness.adapters.otel.read import Span, Told
from harness.errors import TraceError, UsageError
from harness.trace.codec import check_body, check_types
from harness.trace.event import Event, Kind, Surface
from harness.trace.history import Histories
from harness.trace.outcome import Failed, Ok, Outcome, Unknown, to_body

_KINDS: Final[dict[str, Kind]] = {f"harness.{kind}": kind for kind in get_args(Kind) if kind in OPEN}
_STEP: Final = "harness.seq"
_SURFACES: Final = get_args(Surface)
_INSIDE: Final = re.compile(r"/(\d+)")
# what an event needs to be one, where its content was not exported
_EMPTY: Final[dict[str, dict[str, Any]]] = {
    "verdict": {"says": "", "values": {}, "evidence": []},
    "decision": {"reason": ""},
    "state": {"data": {}},
}


class _Line(NamedTuple):
    """One event to be: ``seq`` is the number it had, ``about`` the span or event it stands in."""

    seq: int
    kind: Kind
    span: Span
    told: Told | None


def is_ours(spans: list[Span]) -> bool:
    """Tell whether spans are an export of ours: every one is of our scope, and all but the run's are numbered."""
    ours = all(span.scope.partition(" ")[0] == SCOPE for span in spans)
    return ours and all(type(span.attributes.get(_STEP)) is int for span in spans if span.parent)


def events_of(spans: list[Span], base: int, lost: Counter[str]) -> list[Event]:
    """Give the events behind an export; UsageError where a span does not say what ours say. O(n log n)."""
    lines = sorted(line for span in spans for line in _lines(span, lost))
    return list(_Back(base, lost, {span.id: span for span in spans}).events(lines))


def _lines(span: Span, lost: Counter[str]) -> Iterator[_Line]:
    facts = span.attributes
    if type(facts.get(_STEP)) is int:
        yield _Line(facts[_STEP], "action", span, None)
        if type(facts.get("harness.ended")) is int:
            yield _Line(facts["harness.ended"], "observation", span, None)
    for told in span.events:
        kind = _KINDS.get(told.name)
        if kind is None or type(told.attributes.get(_STEP)) is not int:
            lost[f"event {told.name}"] += 1
        else:
            yield _Line(told.attributes[_STEP], kind, span, told)


class _Back:
    """Number the events again, and put the new numbers wherever one event speaks of another."""

    def __init__(self, base: int, lost: Counter[str], spans: dict[str, Span]) -> None:
        self._base, self._lost, self._spans = base, lost, spans
        self._new: dict[int, int] = {}
        self._histories = Histories()

    def events(self, lines: list[_Line]) -> Iterator[Event]:
        for line in lines:
            event = self._event(line, len(self._new))
            if event is None:
                self._lost[f"{line.kind} without its content"] += 1
                continue
            if line.seq in self._new:
                raise UsageError(f"two events have the number {line.seq}", where=line.span.place)
            try:
                check_body(event, line.span.place, 0)
                check_types(event, line.span.place, 0)
            except TraceError as error:
                raise UsageError(error.reason, where=line.span.place) from None
            self._new[line.seq] = event.seq
            yield event

    def _event(self, line: _Line, seq: int) -> Event | None:
        span, told = line.span, line.told
        if told is not None:
            body, at = self._body(line.kind, told), told.time
        elif line.kind == "action":
            body, at = self._intent(span, seq), span.start
        else:
            body, at = self._outcome(span), max(span.end or 0, span.start)
        if body is None:
            return None
        facts = span.attributes if told is None else told.attributes
        parents = self._parents(span) if line.kind == "action" else (body["action"],) if "action" in body else ()
        address = _INSIDE.sub(lambda found: f"/{self._known(int(found[1]))}", str(facts.get("harness.task") or "0"))
        agent = str(facts.get("gen_ai.agent.name") or "main")
        return Event(seq, line.kind, agent, address, parents, at - self._base, body)

    def _intent(self, span: Span, seq: int) -> dict[str, Any]:
        facts = span.attributes
        surface, tool = facts.get("harness.surface"), facts.get("harness.tool")
        if surface not in _SURFACES or not isinstance(tool, str):
            raise UsageError(f"a call of {tool!r} on the surface {surface!r} is none of ours", where=span.place)
        reading = read_span(span)
        for what, count in reading.lost.items():
            if not what.startswith("event ") and (what != NO_RESULT or facts.get("harness.outcome") == "ok"):
                self._lost[what] += count  # events are counted where they are read; what has no result lacks none
        args = _object(span, "gen_ai.tool.call.arguments")
        if surface == "model":
            request = reading.step.args if reading.step else {"messages": []}
            args = self._histories.shorten(tool, request, seq)
        body = {"surface": surface, "tool": tool, "args": args, "rules": facts.get("harness.rules") or []}
        if isinstance(facts.get("gen_ai.tool.call.id"), str):
            body["id"] = facts["gen_ai.tool.call.id"]
        if type(facts.get("harness.serves")) is int:
            body["serves"] = self._known(facts["harness.serves"])
        return body

    def _outcome(self, span: Span) -> dict[str, Any]:
        facts, outcome = span.attributes, Ok(None)
        kind = facts.get("harness.outcome")
        ended: Outcome = outcome
        if kind == "failed":
            error = _object(span, "harness.error") or {"type": str(facts.get("error.type")), "message": ""}
            ended = Failed(error, bool(facts.get("harness.retryable")))
        elif kind == "unknown":
            ended = Unknown(span.said)
        elif facts.get("harness.surface") == "model":
            reading = read_span(span)
            ended = (reading.step and reading.step.outcome) or outcome
        elif isinstance(facts.get("gen_ai.tool.call.result"), str):
            ended = Ok(as_data(facts["gen_ai.tool.call.result"]))
        return {"action": self._known(facts[_STEP]), **to_body(ended)}

    def _body(self, kind: str, told: Told) -> dict[str, Any] | None:
        """Give the body of an event: whole where it was exported, else what was; None where that is nothing."""
        said = told.attributes.get("harness.body")
        body = as_data(said) if isinstance(said, str) else None
        if not isinstance(body, dict):
            known = {name: told.attributes.get(f"harness.{kind}.{name}") for name in OPEN[kind]}
            body = {name: value for name, value in known.items() if value is not None}
            if not body:
                return None
            body = {**_EMPTY.get(kind, {}), **body}
        for name in ("action", "after"):
            if type(body.get(name)) is int:
                body[name] = self._known(body[name])
        if isinstance(body.get("evidence"), list):
            body["evidence"] = [self._new[seq] for seq in body["evidence"] if seq in self._new]
        return body

    def _parents(self, span: Span) -> tuple[int, ...]:
        """Give the calls that a call follows from."""
        before = (self._spans[link].attributes.get(_STEP) for link in span.links if link in self._spans)
        return tuple(sorted(self._new[seq] for seq in before if seq in self._new))

    def _known(self, seq: int) -> int:
        """Give the new number of an event that was told before; one that was not keeps its own."""
        return self._new.get(seq, seq)


def _object(span: Span, name: str) -> dict[str, Any]:
    said = span.attributes.get(name)
    value = as_data(said) if isinstance(said, str) else {}
    if not isinstance(value, dict):
        raise UsageError(f"{name} is no JSON object", where=span.place)
    return value
