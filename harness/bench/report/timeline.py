"""What a report shows of a trace: its events in order, who called what when, what was violated on what evidence.

Verdicts are those that the trace holds; nothing is judged again. A long trace is cut: its first LINES events, and all
that is bad news after them up to as many again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from harness.adapters.files import open_trace
from harness.adapters.registries import recorded_graph
from harness.bench.report.told import Told, call_text, short, told
from harness.routing.draw.picture import picture_of, picture_of_calls
from harness.routing.draw.svg import svg
from harness.routing.draw.trip import trips
from harness.routing.graph import Graph
from harness.trace.codec import Header
from harness.trace.event import Event
from harness.trace.verdict import Move

LINES: Final = 400
_MS: Final = 1e6  # nanoseconds
_VALUES: Final = 12
_NEWS: Final = frozenset(("bad", "doubt"))


class Line(NamedTuple):
    """One event; ``step`` is the number of the action it is about, -1 before any."""

    seq: int
    at_ms: float
    step: int
    agent: str
    head: str
    tone: str
    text: str


class Span(NamedTuple):
    """One call from its start to its outcome; ``how`` is the head of that, empty where there is none."""

    step: int
    agent: str
    surface: str
    tool: str
    from_ms: float
    to_ms: float
    how: str


class Violation(NamedTuple):
    """A verdict of the trace that is not ``holds``, with all that a reader needs to follow it.

    ``values`` are sub-expressions with what they came to, ``evidence`` the events it rests on, ``nearest`` the nearest
    values that would have been right, ``decision`` what was done about it.
    """

    rule: str
    verdict: str
    severity: str
    says: str
    seq: int
    step: int
    agent: str
    call: str
    margin: float | None
    values: tuple[tuple[str, str], ...]
    evidence: tuple[tuple[int, str], ...]
    nearest: tuple[str, ...]
    decision: str


class Timeline(NamedTuple):
    """A trace for a report; ``cut`` counts the events that are not among the lines, ``routes`` is SVG or empty."""

    entry: str
    digest: str
    verdict: str
    lines: tuple[Line, ...]
    spans: tuple[Span, ...]
    violations: tuple[Violation, ...]
    faults: tuple[str, ...]
    cut: int
    routes: str


def timeline_of(trace: Path) -> Timeline:
    """Read a trace for a report; TraceError where it cannot be read, or is not what was written. O(events)."""
    seen = _Seen()
    with open_trace(trace) as reader:
        for event in reader:
            seen.add(event)
        run, footer = reader.header.run, reader.footer
        return Timeline(
            entry=str(run.get("entry") or run.get("importer") or ""),
            digest=reader.digest,
            verdict=footer.verdict if footer else "not sealed",
            lines=tuple(seen.lines),
            spans=tuple(seen.spans.values()),
            violations=tuple(seen.violations()),
            faults=tuple(seen.faults),
            cut=reader.events - len(seen.lines),
            routes=_routes(trace, reader.header) if seen.routed else "",
        )


@dataclass
class _Seen:
    """What has been read so far. ``actions`` are those that something may still be said of, with their steps."""

    lines: list[Line] = field(default_factory=list)
    spans: dict[int, Span] = field(default_factory=dict)
    faults: dict[str, None] = field(default_factory=dict)
    actions: dict[int, tuple[Event, int]] = field(default_factory=dict)
    verdicts: list[tuple[Event, Event | None, int]] = field(default_factory=list)
    decisions: dict[int, str] = field(default_factory=dict)
    begun: int | None = None
    step: int = -1
    routed: bool = False

    def add(self, event: Event) -> None:
        body = event.body
        self.begun = event.at if self.begun is None else self.begun
        if event.kind == "action":
            self.step += 1
            self.actions[event.seq] = event, self.step
        action, step = self.actions.get(body.get("action", -1), (None, self.step))
        said = told(event, action)
        if len(self.lines) < LINES or (said.tone in _NEWS and len(self.lines) < 2 * LINES):
            self.lines.append(Line(event.seq, self._ms(event), step, event.agent, *said))
        self._span(event, said)
        match event.kind:
            case "verdict" if len(self.verdicts) < LINES:
                self.verdicts.append((event, action, step))
            case "decision":
                self.decisions[body["action"]] = f"{body['decision']}: {body['reason']}"
            case "fault":
                self.faults[body["kind"]] = None
            case "route":
                self.routed = True

    def violations(self) -> Iterable[Violation]:
        lines = {line.seq: f"{line.head}  {line.text}" for line in self.lines}
        for event, action, step in self.verdicts:
            body = event.body
            yield Violation(
                rule=body["rule"],
                verdict=body["verdict"],
                severity=body["severity"],
                says=body.get("reason") or body["says"],
                seq=event.seq,
                step=step,
                agent=event.agent,
                call=short(f"{action.body['tool']}{call_text(action)}") if action else "",
                margin=body.get("margin"),
                values=tuple((text, short(json.dumps(value))) for text, value in [*body["values"].items()][:_VALUES]),
                evidence=tuple((seq, lines.get(seq, "")) for seq in body["evidence"]),
                nearest=tuple(str(Move(**move)) for move in body.get("gradient", ())),
                decision=short(self.decisions.get(body.get("action", -1), "")),
            )

    def _span(self, event: Event, said: Told) -> None:
        at = self._ms(event)
        if event.kind == "action" and len(self.spans) < LINES:
            body = event.body
            self.spans[event.seq] = Span(self.step, event.agent, body["surface"], body["tool"], at, at, "")
        elif event.kind == "observation" and (asked := self.spans.get(event.body["action"])):
            self.spans[event.body["action"]] = asked._replace(to_ms=at, how=said.head)
        elif event.kind == "decision" and (asked := self.spans.get(event.body["action"])):
            self.spans[event.body["action"]] = asked._replace(how=said.head)

    def _ms(self, event: Event) -> float:
        return round((event.at - (self.begun or 0)) / _MS, 3)


def _routes(trace: Path, header: Header) -> str:
    """Draw the routes in the graph that they were planned in, or where that is gone, their calls alone."""
    with open_trace(trace) as reader:
        travelled = trips(reader)
    if not travelled:
        return ""
    host: Mapping[str, Any] = header.host
    graph = _graph(tuple(host.get("registries") or ()), host.get("path", ""), host.get("folder", ""))
    return svg(picture_of_calls(travelled) if graph is None else picture_of(graph, travelled), styled=False)


@cache
def _graph(names: tuple[str, ...], path: str, folder: str) -> Graph | None:
    return recorded_graph(names, path, folder)
