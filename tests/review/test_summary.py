"""What a registry said about many traces."""

from __future__ import annotations

from harness.assertion.report import Report, Tally
from harness.review.summary import Judged, any_row, rule_rows, verdict_of


def judged(verdict: str, *, sealed: bool = True, positive: bool | None = None, **rules: Tally) -> Judged:
    """Give a trace with its tallies."""
    return Judged("t", Report(verdict, rules, ()), sealed, positive)  # type: ignore[arg-type]


TRACES = [
    judged("violated", positive=True, A=Tally(3, 2, 0), B=Tally(1, 0, 1)),
    judged("holds", positive=False, A=Tally(1, 0, 0), B=Tally(0, 0, 0)),
    judged("violated", positive=False, A=Tally(2, 1, 1), B=Tally(0, 0, 0)),
    judged("unknown", positive=True, A=Tally(0, 0, 0), B=Tally(2, 0, 2)),
]


def test_a_row_counts_traces_and_steps() -> None:
    """A rule's row adds up steps, and counts the traces where there is at least one."""
    a, b = rule_rows(TRACES)
    assert (a.rule, a.traces, a.steps) == ("A", Tally(3, 2, 1), Tally(6, 3, 1))
    assert (b.rule, b.traces, b.steps) == ("B", Tally(2, 0, 2), Tally(3, 0, 3))


def test_a_violation_is_an_alarm_and_unknown_is_none() -> None:
    """A trace with a violation is predicted positive; one that could not be decided is not."""
    a, b = rule_rows(TRACES)
    assert a.agreement == (1, 1, 1, 1)
    assert b.agreement == (0, 0, 2, 2)


def test_without_labels_there_is_no_agreement() -> None:
    """Traces of which nothing is known are not counted."""
    (row,) = rule_rows([judged("holds", A=Tally(1, 0, 0))])
    assert row.agreement is None


def test_any_rule_counts_a_trace_once() -> None:
    """Two violated rules in one trace are one alarm; rules that do not count are left out."""
    both = [judged("violated", positive=True, A=Tally(1, 1, 0), B=Tally(1, 1, 0))]
    assert any_row("any", both, lambda _: True).agreement == (1, 0, 0, 0)
    assert any_row("any", both, lambda _: True).steps == Tally(2, 2, 0)
    assert any_row("none", both, lambda _: False).agreement == (0, 0, 1, 0)


def test_the_verdict_of_many_is_the_worst() -> None:
    """Violated goes before unknown, and a trace that is not sealed is unknown at best."""
    assert verdict_of(TRACES) == "violated"
    assert verdict_of([judged("holds")]) == "holds"
    assert verdict_of([judged("holds"), judged("holds", sealed=False)]) == "unknown"
    assert verdict_of([judged("violated", sealed=False)]) == "violated"
