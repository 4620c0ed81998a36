"""Judgements and measurements as tables for people, and judgements as JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from harness.assertion.report import Finding, Tally
from harness.bench.figures import Figure
from harness.review.agreement import Proportion
from harness.review.summary import Row

_ANY_WIDTH: Final = 10_000


def plain_table(title: str = "") -> Table:
    """Give a table without lines, still without columns."""
    return Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")


def print_table(out: Console, table: Table) -> None:
    """Print a table as wide as its content: nothing is cut, a terminal wraps lines, a file keeps them."""
    out.width = _ANY_WIDTH
    out.print(table)


def figure_table(title: str, figures: Mapping[str, Figure]) -> Table:
    """Lay out figures with their intervals and bars, one on a line."""
    table = plain_table(title)
    for name in ("figure", "value", "min … max", "target", ""):
        table.add_column(name)
    for key, figure in figures.items():
        between = " … ".join(f"{end:.4g}" for end in figure.interval or ())
        unit = "" if figure.unit == "1" else f" {figure.unit}"
        met = {True: "met", False: "missed", None: ""}[figure.ok]
        table.add_row(key, f"{figure.value:.4g}{unit}", between, figure.target, met)
    return table


def row_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Lay out rows with every column that any of them has."""
    table = plain_table()
    columns = list(dict.fromkeys(column for row in rows for column in row))
    for name in columns:
        table.add_column(name)
    for row in rows:
        table.add_row(*(_cell(row.get(column, "")) for column in columns))
    return table


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def rule_table(rows: list[Row], *, labelled: bool) -> Table:
    """Lay out the counts of rules as traces (steps), and the agreement with the labels if there are any."""
    table = plain_table()
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
