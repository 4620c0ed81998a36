"""Judgements as tables and paragraphs for people, and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from rich.table import Table

from harness.adapters.files import open_trace
from harness.assertion.report import Finding, Tally
from harness.registry.registry import Registry
from harness.review.agreement import Proportion
from harness.review.summary import Judged, Row
from harness.trace.event import Event

_WIDTH: Final = 100


def rule_table(rows: list[Row], *, labelled: bool) -> Table:
    """Lay out the counts of rules as traces (steps), and the agreement with the labels if there are any."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("rule", no_wrap=True)
    columns = ["fired", "violated", "unknown", *(["precision", "recall"] if labelled else [])]
    for name in columns:
        table.add_column(name, no_wrap=True, justify="right")
    for row in rows:
        table.add_row(row.rule, *_counts(row), *_agreement(row, labelled=labelled))
    table.caption = "traces (steps)" + ("; a violated rule predicts reward 0; 95 % intervals" if labelled else "")
    table.caption_justify = "left"
    return table


def _counts(row: Row) -> list[str]:
    return [f"{traces} ({steps})" if steps else "·" for traces, steps in zip(row.traces, row.steps, strict=True)]


def _agreement(row: Row, *, labelled: bool) -> list[str]:
    if not labelled or row.agreement is None:
        return []
    return [_proportion(row.agreement.precision), _proportion(row.agreement.recall)]


def _proportion(said: Proportion) -> str:
    if said.share is None:
        return "·"
    low, high = said.interval
    return f"{said.share:.1%} ({said.k}/{said.n}) [{low * 100:.1f}, {high * 100:.1f}]"


def facts_of_row(row: Row) -> dict[str, Any]:
    """Give a row as JSON data."""
    facts: dict[str, Any] = {"rule": row.rule, "traces": _tally(row.traces), "steps": _tally(row.steps)}
    if row.agreement is not None:
        facts["agreement"] = row.agreement._asdict()
        facts["precision"] = _measured(row.agreement.precision)
        facts["recall"] = _measured(row.agreement.recall)
    return facts


def _tally(tally: Tally) -> dict[str, int]:
    return tally._asdict()


def _measured(said: Proportion) -> dict[str, Any]:
    return {"value": said.share, "k": said.k, "n": said.n, "interval": list(said.interval)}


def finding_facts(finding: Finding) -> dict[str, Any]:
    """Give a finding as JSON data."""
    verdict = finding.verdict
    return {
        "seq": finding.seq,
        "step": finding.step,
        "agent": finding.agent,
        "rule": verdict.rule,
        "verdict": verdict.truth,
        "severity": verdict.severity,
        "says": verdict.says,
        "otherwise": verdict.otherwise,
        "values": verdict.values,
        "evidence": list(verdict.evidence),
        "margin": verdict.margin,
        "reason": verdict.reason,
        "gradient": [move.facts() for move in verdict.gradient],
    }


def finding_lines(judged: Judged, rules: Registry) -> Iterator[str]:
    """Tell each finding of a trace in full, from the rule in its own words to the command that shows it again."""
    places, decisions = _look_up(judged)
    for finding in judged.report.findings:
        verdict = finding.verdict
        rule = rules.invariant(verdict.rule)
        yield f"{verdict.rule}  {_truth(finding)}   {verdict.severity}   {rule.title if rule else ''}".rstrip()
        yield f"    where     {judged.trace}  step {finding.step}, agent {finding.agent}, {places[finding.seq]}"
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
        yield f"    again     harness show {judged.trace} --at seq:{finding.seq}"
        yield ""
    if judged.report.omitted:
        yield f"… and {judged.report.omitted} more; the table counts all"


def _look_up(judged: Judged) -> tuple[dict[int, str], dict[int, str]]:
    """Read a trace once more, for the events that were found and the decisions on them."""
    wanted = {finding.seq for finding in judged.report.findings}
    places: dict[int, str] = {-1: "an empty trace"}
    decisions: dict[int, str] = {}
    open_calls: dict[int, str] = {}
    with open_trace(judged.trace) as reader:
        for event in reader:
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
