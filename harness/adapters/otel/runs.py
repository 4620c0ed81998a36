"""Spans of any producer as traces: one trace for each, its steps in the order in which they began and ended.

What a span does not say is inferred, and only this: a call follows from the model's answer that asked for it (by its
id, or by name and arguments), else from the last answer before it; who acts is the nearest agent around a call. A
model's span inside another model's, and a tool's inside one of the same tool, are the same call told by two
instrumentations.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from harness.adapters.otel import returned
from harness.adapters.otel.dialects import Step, is_step, read_span
from harness.adapters.otel.read import Found, Span, read_traces
from harness.adapters.transcripts.conversation import Conversation
from harness.determinism import canonical
from harness.errors import UsageError
from harness.trace.event import Event, Kind
from harness.trace.history import Histories
from harness.trace.outcome import to_body
from harness.trace.value import encode_value

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAIN: Final = "main"
_ASKED: Final = 1000  # calls asked for and not yet made, of which the oldest are forgotten
_CURE: Final = "calls are known by gen_ai.operation.name (GenAI conventions) or openinference.span.kind"


def conversations(paths: Sequence[Path]) -> Iterator[Conversation]:
    """Yield the traces of some files of OTLP JSON, in the order in which they began.

    A trace without a call of a model or a tool, such as that of a web request, is passed over. UsageError names the
    place of what cannot be read, and files that hold no call at all.
    """
    traces = read_traces(paths)
    told = [found for found in traces if returned.is_ours(found.spans) or any(map(is_step, found.spans))]
    if not told:
        where = ", ".join(map(str, paths))
        raise UsageError("no span is a call of a model or a tool", where=where, cure=_CURE)
    passed = Counter({"trace without a call of a model or a tool": len(traces) - len(told)} if told != traces else {})
    for number, found in enumerate(told):
        base = min(span.start for span in found.spans)
        lost, clock = Counter(found.lost), "wall"
        if returned.is_ours(found.spans):
            events = returned.events_of(found.spans, base, lost)
            clock = str(found.spans[0].resource.get("harness.clock"))
        else:
            events = list(_Run(found, base, lost).events())
        yield Conversation(
            name=f"trace-{number:06d}",
            source=_source(found.spans, lost),
            events=events,
            label={},
            run={"clock": clock, "conversation": _conversation(found.spans, lost)},
            host={} if clock == "ordinal" else {"started": (_EPOCH + timedelta(microseconds=base // 1000)).isoformat()},
            lost=lost if number else lost + passed,
        )


def _source(spans: list[Span], lost: Counter[str]) -> dict[str, Any]:
    digest = spans[0].resource.get("harness.trace.digest")
    return {
        "trace": spans[0].trace,
        "spans": len(spans),
        "producers": sorted({span.scope for span in spans if span.scope}),
        "lost": dict(sorted(lost.items())),
        **({"digest": digest} if isinstance(digest, str) else {}),
    }


def _conversation(spans: list[Span], lost: Counter[str]) -> str | None:
    """Give the conversation that every span which names one names."""
    said = {str(name) for span in spans if (name := _conversation_in(span)) is not None}
    if len(said) > 1:
        lost["conversation of a trace that is of several"] += len(said)
    return said.pop() if len(said) == 1 else None


def _conversation_in(span: Span) -> Any:
    return span.attributes.get("gen_ai.conversation.id", span.attributes.get("session.id"))


class _Place(NamedTuple):
    """Where a step stands: who acts, and the step it is made inside of."""

    agent: str
    inside: str | None


class _Run:
    """Number the steps of one trace, match calls to the answers that asked for them, and address them."""

    def __init__(self, found: Found, base: int, lost: Counter[str]) -> None:
        self._spans = {span.id: span for span in found.spans}
        self._base, self._lost = base, lost
        self._steps: dict[str, Step] = {}
        self._frames: dict[str, str] = {}
        self._histories = Histories()
        self._numbers: dict[str, int] = {}
        self._tasks: dict[str, str] = {}
        self._asked = deque[tuple[int, dict[str, Any]]](maxlen=_ASKED)
        self._answer: int | None = None
        self._seq = 0
        for span in found.spans:
            reading = read_span(span)
            lost.update(reading.lost)
            if reading.step is not None:
                self._steps[span.id] = reading.step
            elif reading.frame is not None:
                self._frames[span.id] = reading.frame
            if span.parent and span.parent not in self._spans:
                lost["parent of a span, which is not in the files"] += 1
        self._places = {name: self._place(self._spans[name]) for name in self._steps}
        for name in [name for name in self._steps if self._is_told_twice(name)]:
            lost["span inside that of the same call"] += 1
            del self._steps[name]

    def events(self) -> Iterator[Event]:
        """Yield the events: calls by their start, each answer before any call that begins when it has come."""
        waiting: list[Step] = []
        for step in sorted(self._steps.values(), key=lambda one: one.span.start):
            yield from self._ended(waiting, step.span.start)
            yield self._action(step)
            if step.outcome is not None:
                waiting.append(step)
        yield from self._ended(waiting, None)

    def _ended(self, waiting: list[Step], now: int | None) -> Iterator[Event]:
        due = [step for step in waiting if now is None or _end(step) <= now]
        for step in sorted(due, key=lambda one: (_end(one), -self._numbers[one.span.id])):
            waiting.remove(step)
            yield self._observation(step)

    def _action(self, step: Step) -> Event:
        span, place = step.span, self._places[step.span.id]
        follows, call_id = self._follows(step)
        seq, inside = self._seq, self._around(place.inside)
        task = "0" if inside is None else f"{self._tasks[inside]}/{self._numbers[inside]}"
        self._numbers[span.id], self._tasks[span.id] = seq, task
        args = encode_value(step.args)
        if step.surface == "model":
            args = self._histories.shorten(step.tool, args, seq)
        body = {"surface": step.surface, "tool": step.tool, "args": args, "rules": []}
        if call_id is not None:
            body["id"] = call_id
        above = () if inside is None else (self._numbers[inside],)
        return self._event("action", place.agent, task, above if follows is None else (follows,), span.start, body)

    def _observation(self, step: Step) -> Event:
        assert step.outcome is not None
        name = step.span.id
        action = self._numbers[name]
        if step.surface == "model":
            self._answer = action
            self._asked.extend((action, call) for call in step.calls)
        body = {"action": action, **to_body(step.outcome)}
        if "ok" in body:
            body["ok"] = encode_value(body["ok"])
        agent, task = self._places[name].agent, self._tasks[name]
        return self._event("observation", agent, task, (action,), _end(step), body)

    def _event(
        self, kind: Kind, agent: str, task: str, parents: tuple[int, ...], at: int, body: dict[str, Any]
    ) -> Event:
        event = Event(self._seq, kind, agent, task, parents, at - self._base, body)
        self._seq += 1
        return event

    def _follows(self, step: Step) -> tuple[int | None, str | None]:
        """Give the model's call that asked for a call, and the id it gave it; else the last answer before it."""
        if step.surface == "tool":
            for number, (answer, call) in enumerate(self._asked):
                if _is_same(step, call):
                    del self._asked[number]
                    return answer, step.call_id or call.get("id")
        return self._answer, step.call_id

    def _place(self, span: Span) -> _Place:
        """Find who acts and what a step is inside of. O(depth)."""
        agent = span.attributes.get("gen_ai.agent.name")
        inside, above = None, self._spans.get(span.parent)
        while above is not None and (not agent or inside is None):
            agent = agent or self._frames.get(above.id) or None
            inside = above.id if inside is None and above.id in self._steps else inside
            above = self._spans.get(above.parent)
        return _Place(str(agent or _MAIN), inside)

    def _around(self, inside: str | None) -> str | None:
        """Give the step that is told of, where the one around is the same call told again."""
        while inside is not None and inside not in self._numbers:
            inside = self._places[inside].inside
        return inside

    def _is_told_twice(self, name: str) -> bool:
        step, inside = self._steps[name], self._places[name].inside
        if inside is None or inside not in self._steps:
            return False
        around = self._steps[inside]
        return around.surface == step.surface and (step.surface == "model" or around.tool == step.tool)


def _end(step: Step) -> int:
    """Give when a step ended; a clock that was set back in the meantime does not end it before it began."""
    return max(step.span.end or 0, step.span.start)


def _is_same(step: Step, call: dict[str, Any]) -> bool:
    """Tell whether a step is the call that a model asked for."""
    if step.call_id is not None:
        return bool(call.get("id") == step.call_id)
    function = call["function"]
    if function["name"] != step.tool:
        return False
    try:
        return bool(canonical.decode(function["arguments"].encode()) == step.args)
    except ValueError:
        return bool(step.args.get("$unparsed") == function["arguments"])
