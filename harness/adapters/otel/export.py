"""A trace as OTLP JSON, piece by piece: memory holds the calls under way and what is said of the run as a whole.

The trace is read twice: first whole, because spans are named by its digest and a trace that was changed is not exported
at all; then once more, each span written when nothing more can be said of it.

What a span does not hold: HTTP headers, the times of a stream's pieces (only that of the first), what was read from
clocks and chance, and the chain of digests. Content (messages, arguments, results, reasons) is left out unless it is
asked for.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from harness.adapters.files import open_trace
from harness.adapters.otel import mapping
from harness.adapters.otel.messages import inputs, outputs, text_of
from harness.adapters.otel.wire import attributes
from harness.determinism import canonical
from harness.trace.chat import replies
from harness.trace.codec import Header
from harness.trace.event import Event
from harness.trace.history import Histories
from harness.trace.outcome import Failed, Ok, Outcome, from_body

UNDATED: Final = (
    1_000_000_000  # where a trace without times starts: a second after 1970, as a start of 0 would mean none
)


class Survey(NamedTuple):
    """What has to be known of a trace before its first span; ``calls``: for each event the action it is of, or -1."""

    header: Header
    digest: str
    verdict: str | None
    end: int
    calls: array[int]


def survey(path: Path) -> Survey:
    """Read a whole trace, checking every line; TraceError where it is not the one that was written. O(size)."""
    calls, end = array("q"), 0
    with open_trace(path) as reader:
        for event in reader:
            before = calls[event.parents[0]] if event.parents and 0 <= event.parents[0] < event.seq else -1
            calls.append(event.seq if event.kind == "action" else event.body.get("action", before))
            end = max(end, event.at)
    return Survey(reader.header, reader.digest, reader.footer.verdict if reader.footer else None, end, calls)


def otlp_json(path: Path, version: str, *, content: bool = False) -> Iterator[str]:
    """Yield the pieces of one OTLP JSON document; ``version`` is that of harness.

    A trace that cannot be read raises before the first piece: TraceError, or TamperedTrace with the line. O(size).
    """
    known = survey(path)
    resource = _text({"attributes": attributes(_resource(known))})
    scope = _text({"name": mapping.SCOPE, "version": version})
    yield f'{{"resourceSpans":[{{"resource":{resource},"scopeSpans":[{{"schemaUrl":"{mapping.SCHEMA_URL}",'
    yield f'"scope":{scope},"spans":['
    spans = Spans(known, content=content)
    with open_trace(path) as reader:
        for event in reader:
            for span in spans.take(event):
                yield f"{_text(span)},\n"
    yield ",\n".join(map(_text, spans.end()))
    yield "]}]}]}\n"


def _text(value: Any) -> str:
    return canonical.encode(value).decode()


def _resource(known: Survey) -> dict[str, Any]:
    run, host = known.header
    entry = run.get("entry")
    registries = [f"{one['name']}@{one['version']}" for one in run.get("registries") or ()]
    return {
        "service.name": entry or run.get("importer") or "harness",
        "harness.mapping": mapping.MAPPING,
        "harness.conventions": mapping.CONVENTIONS,
        "harness.trace.digest": known.digest,
        "harness.entry": entry,
        "harness.registries": registries or None,
        "harness.clock": run.get("clock") or ("session" if _started(host) else "ordinal"),
    }


def _started(host: dict[str, Any]) -> int | None:
    """Give the start of a run as nanoseconds since 1970, where its header has one."""
    try:
        started = datetime.fromisoformat(host["started"])
        return int(started.timestamp()) * 1_000_000_000 + started.microsecond * 1000
    except (KeyError, TypeError, ValueError):
        return None


class Spans:
    """Turn the events of one trace, in order, into spans; the run's own span is the last."""

    def __init__(self, known: Survey, *, content: bool) -> None:
        self._known, self._content = known, content
        self._base = _started(known.header.host) or UNDATED
        self._histories = Histories()
        self._open: dict[int, dict[str, Any]] = {}
        self._ended = -1
        self._run = self._span(-1, mapping.AGENT, mapping.INTERNAL, 0)
        self._told: dict[str, Any] = {}

    def take(self, event: Event) -> Iterator[dict[str, Any]]:
        """Give the spans that an event ends: nothing more can be said of a call once something else is spoken of."""
        about = event.body.get("action", -1)
        if self._ended not in (-1, about):
            yield self._closed(self._ended)
        if event.kind == "action":
            self._begin(event)
        elif event.kind == "observation":
            self._observe(event)
        elif event.kind in mapping.OPEN:
            self._add(event)

    def end(self) -> Iterator[dict[str, Any]]:
        """Give the spans of the calls that never ended, and that of the run."""
        for seq, span in list(self._open.items()):
            if seq != self._ended and "harness.outcome" not in span["attributes"]:
                span["endTimeUnixNano"] = str(self._base + self._known.end)
            yield self._closed(seq)
        run = self._run
        run["endTimeUnixNano"] = str(self._base + self._known.end)
        labels = self._known.header.run
        run["attributes"] |= {
            "gen_ai.operation.name": mapping.AGENT,
            "gen_ai.conversation.id": labels.get("conversation"),
            "harness.verdict": self._known.verdict,
            "harness.input": _text(labels["input"]) if self._content and labels.get("input") is not None else None,
            **self._told,
        }
        run["name"] = " ".join(filter(None, (mapping.AGENT, self._told.get("gen_ai.agent.name"))))
        yield self._finished(run)

    def _begin(self, event: Event) -> None:
        body = event.body
        surface, tool = body["surface"], body["tool"]
        operation = mapping.operation_of(surface, tool)
        found = {
            "gen_ai.operation.name": operation,
            "gen_ai.agent.name": event.agent,
            "harness.surface": surface,
            "harness.tool": tool,
            "harness.seq": event.seq,
            "harness.task": event.task,
            "harness.rules": list(body["rules"]) or None,
            "harness.serves": body.get("serves"),
        }
        if surface == "model":
            found |= self._asked(event)
        else:
            found |= {"gen_ai.tool.name": tool, "gen_ai.tool.call.id": body.get("id")}
            if self._content:
                found["gen_ai.tool.call.arguments"] = _text(body["args"])
        name = f"{operation} {found.get('gen_ai.request.model') or '' if surface == 'model' else tool}".rstrip()
        span = self._span(event.seq, name, mapping.CLIENT if surface == "model" else mapping.INTERNAL, event.at)
        span["parentSpanId"] = self._id(self._above(event))
        span["attributes"] |= found
        span["links"] = [{"traceId": span["traceId"], "spanId": self._id(seq)} for seq in self._follows(event)]
        self._open[event.seq] = span
        self._told.setdefault("gen_ai.agent.name", event.agent)
        if surface == "model":
            self._told.setdefault("gen_ai.provider.name", found.get("gen_ai.provider.name"))

    def _asked(self, event: Event) -> dict[str, Any]:
        tool = event.body["tool"]
        request = self._histories.restore(tool, event.body["args"], event.seq)
        found = {"gen_ai.provider.name": mapping.provider_of(tool)}
        found |= mapping.request_attributes(tool, request, self._known.header.host.get("base_url"))
        if self._content:
            found["gen_ai.input.messages"] = text_of(inputs(request))
            found["gen_ai.tool.definitions"] = _text(request["tools"]) if request.get("tools") else None
        return found

    def _above(self, event: Event) -> int:
        """Give the action that an action is made inside of: the tool whose effect it is in, or the call of the goal."""
        if "serves" in event.body:
            return int(event.body["serves"])
        inside = event.task.rpartition("/")[2].partition(".")[0] if "/" in event.task else ""
        return int(inside) if inside.isdecimal() else -1

    def _follows(self, event: Event) -> list[int]:
        calls = self._known.calls
        return sorted({calls[seq] for seq in event.parents if 0 <= seq < event.seq} - {-1, event.seq})

    def _observe(self, event: Event) -> None:
        seq = event.body["action"]
        span = self._open.get(seq)
        if span is None:
            return
        found = span["attributes"]
        outcome = from_body(event.body)
        span["endTimeUnixNano"] = str(self._base + event.at)
        found |= {"harness.outcome": type(outcome).__name__.lower(), "harness.ended": event.seq}
        if found["harness.surface"] == "model" and isinstance(outcome, Ok):
            self._answered(span, outcome.value)
        elif isinstance(outcome, Ok) and self._content:
            found["gen_ai.tool.call.result"] = canonical.encode_as_is(outcome.value).decode()
        elif not isinstance(outcome, Ok):
            self._failed(span, outcome)
        self._ended = seq

    def _answered(self, span: dict[str, Any], response: Any) -> None:
        found, answer = span["attributes"], mapping.read_answer(response)
        found |= mapping.answer_attributes(answer)
        if isinstance(response, dict) and response.get("chunks"):
            waited = self._base + response["chunks"][0][0] - int(span["startTimeUnixNano"])
            found["gen_ai.response.time_to_first_chunk"] = waited / 1e9
        if self._content:
            found["gen_ai.output.messages"] = text_of(outputs(replies(response), answer.finish_reasons))

    def _failed(self, span: dict[str, Any], outcome: Outcome) -> None:
        found = span["attributes"]
        if isinstance(outcome, Failed):
            kind, said = mapping.error_type(outcome.error), str(outcome.error.get("message", ""))
            found["harness.retryable"] = outcome.retryable
            if self._content:
                found["harness.error"] = _text(outcome.error)
        else:
            kind, said = "unknown", "" if isinstance(outcome, Ok) else outcome.reason
        found["error.type"] = kind
        span["status"] = {"code": mapping.ERROR} | ({"message": said} if self._content and said else {})

    def _add(self, event: Event) -> None:
        """Write an event that is no call into the span it is about, or the run's where there is none, or no longer."""
        body = event.body
        about = body.get("action", -1)
        span = self._open.get(about, self._run)
        found = mapping.event_attributes(event)
        if self._content:
            found["harness.body"] = _text(body)
        time = self._base + event.at
        told = {"name": f"harness.{event.kind}", "timeUnixNano": str(time), "attributes": attributes(found)}
        span["events"].append(told)
        span["endTimeUnixNano"] = str(max(time, int(span["endTimeUnixNano"])))
        if event.kind == "decision" and span is not self._run:
            self._decided(span, body["decision"], about)
        if event.kind == "note" and "raised" in body:
            self._told["error.type"] = str(body["raised"].get("type", "_OTHER"))
            self._run["status"] = {"code": mapping.ERROR}

    def _decided(self, span: dict[str, Any], decision: str, seq: int) -> None:
        """Say what a decision does to a call: a refused one is an error, one that is replaced by another is over."""
        found = span["attributes"]
        if "harness.outcome" not in found and decision in ("block", "rewrite"):
            found["harness.outcome"] = {"block": "refused", "rewrite": "rewritten"}[decision]
        if decision == "block":
            found.setdefault("error.type", "refused")
            span["status"] = {"code": mapping.ERROR} | span["status"]
        if decision in ("block", "rewrite"):
            self._ended = seq

    def _span(self, seq: int, name: str, kind: int, at: int) -> dict[str, Any]:
        time = str(self._base + at)
        return {
            "traceId": mapping.trace_id(self._known.digest),
            "spanId": self._id(seq),
            "name": name,
            "kind": kind,
            "startTimeUnixNano": time,
            "endTimeUnixNano": time,
            "attributes": {},
            "events": [],
            "links": [],
            "status": {},
        }

    def _id(self, seq: int) -> str:
        return mapping.span_id(self._known.digest, seq)

    def _closed(self, seq: int) -> dict[str, Any]:
        if seq == self._ended:
            self._ended = -1
        return self._finished(self._open.pop(seq))

    def _finished(self, span: dict[str, Any]) -> dict[str, Any]:
        span["attributes"] = attributes(span["attributes"])
        return {name: value for name, value in span.items() if value not in ([], {})}
