"""A whole run at once."""

from __future__ import annotations

from hypothesis import given, settings

from harness.assertion.interface import Checker
from harness.assertion.report import MAX_FINDINGS, Tally, check
from harness.registry.load import load
from harness.trace.event import Event
from tests.assertion.strategies import action, event, runs

REGISTRY = load(
    """registry: r
version: 1
default: allow
invariants:
- {id: CENTS, on: action, require: call.args.cents <= 2}
- {id: YES, on: message, require: message.text == "yes"}
- {id: OK, on: result, require: not failed}
- {id: DONE, on: end, require: happened(result)}
""",
    "r.yaml",
)


def test_a_report_counts_and_finds_the_first_violation() -> None:
    """How often each rule spoke, was violated and was unknown; each finding with its event, step and agent."""
    answer = event(2, "observation", {"action": 1, "failed": {"error": {}, "retryable": False}})
    events = [action(0, "pay", {}), action(1, "pay", {"cents": 1}), answer, action(3, "pay", {"cents": 5})]
    report = check(events, REGISTRY)
    assert report.verdict == "violated"
    assert report.rules == {"CENTS": Tally(3, 1, 1), "YES": Tally(), "OK": Tally(1, 1), "DONE": Tally(1, 1)}
    found = [(finding.seq, finding.step, finding.agent, finding.verdict.rule) for finding in report.findings]
    assert found == [(0, 0, "main", "CENTS"), (2, 1, "main", "OK"), (3, 2, "main", "CENTS"), (3, 2, "", "DONE")]
    assert report.first == report.findings[1]


def test_nothing_wrong_is_holds() -> None:
    """A run without findings holds, and has no first violation."""
    events = [action(0, "pay", {"cents": 1}), event(1, "observation", {"action": 0, "ok": 1})]
    report = check(events, REGISTRY)
    assert (report.verdict, report.findings, report.first) == ("holds", (), None)


@given(runs())
@settings(max_examples=100, deadline=None)
def test_a_report_says_what_the_door_would_have_said(events: list[Event]) -> None:
    """The findings of a report are the verdicts given event by event."""
    checker = Checker(REGISTRY)
    said = [(one.seq, verdict) for one in events for verdict in checker.judge(one).verdicts]
    ended = len(checker.finish().verdicts)
    findings = check(events, REGISTRY).findings
    assert [(finding.seq, finding.verdict) for finding in findings[: len(findings) - ended]] == said


def test_a_rule_that_is_broken_all_the_time_does_not_fill_the_memory() -> None:
    """The first findings are kept, all are counted."""
    rules = load("registry: r\nversion: 1\ndefault: allow\ninvariants: [{id: A, on: action, require: 'False'}]", "r")
    report = check((action(seq, "pay", {}) for seq in range(MAX_FINDINGS + 5)), rules)
    assert (len(report.findings), report.omitted) == (MAX_FINDINGS, 5)
    assert report.rules["A"] == (MAX_FINDINGS + 5, MAX_FINDINGS + 5, 0)
