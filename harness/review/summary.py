"""What a registry said about many traces, rule by rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from harness.assertion.report import Report, Tally
from harness.review.agreement import Agreement, agreement
from harness.trace.verdict import Truth, worst


class Judged(NamedTuple):
    """One trace and what was said of it.

    ``sealed`` is False where the trace was cut off. ``positive`` is the label: True where the trace is known to be bad,
    None where nothing is known.
    """

    trace: str
    report: Report
    sealed: bool
    positive: bool | None = None


class Row(NamedTuple):
    """A rule's counts: how many traces, and how many steps, it spoke of, was violated in, could not decide.

    ``agreement`` takes a trace with a violation for an alarm, and compares it with the label.
    """

    rule: str
    traces: Tally
    steps: Tally
    agreement: Agreement | None


def rule_rows(judged: Sequence[Judged]) -> list[Row]:
    """Give a row for each rule, in the registry's order. O(traces × rules)."""
    rules = dict.fromkeys(rule for one in judged for rule in one.report.rules)
    return [_row(rule, [one.report.rules.get(rule, Tally()) for one in judged], judged) for rule in rules]


def any_row(name: str, judged: Sequence[Judged], counts: Callable[[str], bool]) -> Row:
    """Give one row for all rules that count, taken as one rule."""
    tallies = [
        Tally(*(sum(column) for column in zip((0, 0, 0), *chosen, strict=True)))
        for chosen in ([tally for rule, tally in one.report.rules.items() if counts(rule)] for one in judged)
    ]
    return _row(name, tallies, judged)


def verdict_of(judged: Sequence[Judged]) -> Truth:
    """Join the verdicts of all traces; one that was cut off is unknown at best."""
    truths: list[Truth] = [one.report.verdict for one in judged]
    if not all(one.sealed for one in judged):
        truths.append("unknown")
    return worst(truths)


def _row(rule: str, tallies: list[Tally], judged: Sequence[Judged]) -> Row:
    steps = Tally(*(sum(column) for column in zip((0, 0, 0), *tallies, strict=True)))
    traces = Tally(*(sum(map(bool, column)) for column in zip((0, 0, 0), *tallies, strict=True)))
    labelled = [(tally, one.positive) for tally, one in zip(tallies, judged, strict=True)]
    cases = [(bool(tally.violated), positive) for tally, positive in labelled if positive is not None]
    return Row(rule, traces, steps, agreement(cases) if cases else None)
