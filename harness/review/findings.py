"""What rules found in a run, told in full: from the rule in its own words to the command that shows it again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from harness.assertion.report import Finding
from harness.registry.registry import Registry
from harness.trace.event import Event
from harness.trace.verdict import Move, Verdict

_WIDTH: Final = 100


def recorded_findings(events: Iterable[Event]) -> Iterator[Finding]:
    """Give the verdicts that a trace holds, as judging it anew would give them. O(events)."""
    step_of: dict[int, int] = {}
    step = -1
    for event in events:
        if event.kind == "action":
            step = step_of[event.seq] = step + 1
        if event.kind == "verdict":
            about = event.parents[0] if event.parents else event.seq - 1
            yield Finding(about, step_of.get(event.body.get("action", -1), step), event.agent, _verdict(event.body))


def _verdict(body: dict[str, Any]) -> Verdict:
    return Verdict(
        body["rule"],
        body["verdict"],
        body["severity"],
        body["says"],
        body.get("would", "block"),
        body["values"],
        tuple(body["evidence"]),
        body.get("margin"),
        body.get("reason", ""),
        tuple(Move(**move | {"one_of": tuple(move.get("one_of", ()))}) for move in body.get("gradient", ())),
    )


def finding_lines(
    trace: str, findings: Sequence[Finding], events: Iterable[Event], rules: Registry | None = None
) -> Iterator[str]:
    """Tell each finding of a trace in full.

    ``events`` are those of the trace, read once for the events that were found and the decisions on them. Without
    ``rules`` a rule's title and source are left out.
    """
    places, decisions = _look_up(findings, events)
    for finding in findings:
        verdict = finding.verdict
        rule = rules.invariant(verdict.rule) if rules else None
        yield f"{verdict.rule}  {_truth(finding)}   {verdict.severity}   {rule.title if rule else ''}".rstrip()
        yield f"    where     {trace}  step {finding.step}, agent {finding.agent}, {places[finding.seq]}"
        for number, (text, value) in enumerate(verdict.values.items()):
            yield f"    {'' if number else 'values':8}  {_short(text)} = {_short(_json(value))}"
        if verdict.reason:
            yield f"    reason    {verdict.reason}"
        for number, move in enumerate(verdict.gradient):
            yield f"    {'' if number else 'nearest':8}  {_short(str(move))}"
        if verdict.evidence:
            yield f"    evidence  events {', '.join(map(str, verdict.evidence))}"
        if verdict.says:
            yield f"    says      {verdict.says}"
        yield f"    done      {decisions.get(finding.seq, f'nothing; this rule would {verdict.otherwise}')}"
        if rule:
            yield f"    source    {rule.source or 'none given'}   {rule.at.source.file}:{rule.at.line + 1}"
        yield f"    again     harness show {trace} --at seq:{finding.seq}"
        yield ""


def _look_up(findings: Sequence[Finding], events: Iterable[Event]) -> tuple[dict[int, str], dict[int, str]]:
    wanted = {finding.seq for finding in findings}
    places: dict[int, str] = {-1: "an empty trace"}
    decisions: dict[int, str] = {}
    open_calls: dict[int, str] = {}
    for event in events:
        place = _place(event, open_calls)
        if event.seq in wanted:
            places[event.seq] = place
        if event.kind == "decision":  # its first parent is the event it decides on
            decisions[event.parents[0]] = f"{event.body['decision']} by {event.body['rule']}"
    return places, decisions


def _place(event: Event, open_calls: dict[int, str]) -> str:
    if event.kind == "action":
        open_calls[event.seq] = event.body["tool"]
        return f"event {event.seq}, {event.body['tool']}({_short(_json(event.body['args']))})"
    if event.kind == "observation":
        return f"event {event.seq}, the result of {open_calls.pop(event.body['action'], 'an unknown call')}"
    return f"event {event.seq}, a {event.kind}"


def _truth(finding: Finding) -> str:
    margin = finding.verdict.margin
    if finding.verdict.truth == "violated" and margin is not None and margin < 0:
        return f"violated by {-margin:g}"
    return finding.verdict.truth


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 1]}…"
