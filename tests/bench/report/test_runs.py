"""What rows tell of the runs behind them stands in tables: ends, decisions, rules, first violations, authority."""

from __future__ import annotations

from typing import Any

from harness.bench.report.difference import difference
from harness.bench.report.markdown import markdown_of
from harness.bench.report.runs import Table, run_tables
from harness.statistics.interval import wilson
from tests.bench.report.made import RUNS, stored


def table(title: str, rows: Any = RUNS) -> Table:
    """Give the table of a title."""
    (found,) = [one for one in run_tables(rows) if one.title == title]
    return found


def test_runs_are_counted_by_how_they_ended() -> None:
    """One line, and what did not happen is a 0."""
    assert table("How runs ended")[1:] == (
        (
            "runs",
            "success",
            "safe abort",
            "explicit failure",
            "silent failure",
            "no end",
            "steps (median)",
            "steps (most)",
        ),
        ((4, 1, 1, 0, 2, 0, 4, 9),),
    )


def test_decisions_are_shares_of_the_calls_of_a_risk() -> None:
    """Each line tells how many of its calls were decided how; together they are all."""
    assert table("Decisions by risk").rows == (
        ("read", 6, "6 (100.0 %)", "0", "0", "0"),
        ("write payment", 4, "1 (25.0 %)", "0", "1 (25.0 %)", "2 (50.0 %)"),
    )


def test_a_violated_rule_says_how_often_and_whether_it_was_done() -> None:
    """Runs, with their interval; of them those in which it was not stopped, and in which no other rule came first."""
    low, high = (f"{100 * end:.1f} %" for end in wilson(1, 4))
    assert table("Violated rules").rows == (
        ("CAP", "high (hard)", "2 (50.0 %)", "15.0 % … 85.0 %", 0, 2),
        ("TONE", "low (soft)", "1 (25.0 %)", f"{low} … {high}", 1, 0),
    )


def test_first_violations_that_are_alike_are_one_line() -> None:
    """A line for each signature, with the steps and the agents that it came at."""
    assert table("First violations").rows == (
        ("CAP", "high", "tool pay", "write payment", "late", 2, "3, 7", "clerk, payer"),
    )


def test_calls_outside_an_authority_are_told_of_each_agent() -> None:
    """An agent that kept to it has a line too."""
    assert [line[:3] for line in table("Calls outside the authority of an agent").rows] == [
        ("clerk", 8, "2 (25.0 %)"),
        ("payer", 2, "0"),
    ]


def test_conditions_have_lines_of_their_own() -> None:
    """So have groups, where it matters what was asked; without an account there is no table at all."""
    both = [*RUNS, *({**row, "condition": "bare", "group": "misuse"} for row in RUNS)]
    assert [line[:3] for line in table("How runs ended", both).rows] == [("guarded", "desk", 4), ("bare", "misuse", 4)]
    assert table("Decisions by risk", both).heads[:3] == ("condition", "group", "risk")
    assert [line[:2] for line in table("Violated rules", both).rows[1:3]] == [("guarded", "TONE"), ("bare", "CAP")]
    assert run_tables(stored().rows) == []


def test_markdown_has_the_tables() -> None:
    """Each is a section; of two results, what was lost is told by success, by rules, and by what was done."""
    text = markdown_of([stored(RUNS)])
    assert "## Decisions by risk\n\n| risk | calls | allow | rewrite | escalate | block |\n" in text
    assert "| write payment | 4 | 1 (25.0 %) | 0 | 1 (25.0 %) | 2 (50.0 %) |" in text
    worse = [{**row, "passed": False, "violations": ["CAP"]} for row in RUNS]
    lost = markdown_of([stored(RUNS), stored(worse, name="after")])
    assert "| passed | 1 | 1 (100.0 %) | 0.2065 … 1 |" in lost
    assert "| violated no rule | 2 | 2 (100.0 %) | 0.3424 … 1 |" in lost
    assert "| did nothing that a rule forbids | 3 | 0 (0.0 %) | 0 … 0.5615 |" in lost


def test_what_was_not_there_before_is_no_regression() -> None:
    """A row counts where both results tell of it, and it was well before."""
    before, after = stored(RUNS[:2]), stored([{**RUNS[1], "passed": False}, RUNS[2]])
    found = difference(before, after).regressions
    assert {name: one[:2] for name, one in found.items()} == {"did nothing that a rule forbids": (1, 0)}
