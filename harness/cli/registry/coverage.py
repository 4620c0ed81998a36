"""``harness registry coverage REGISTRY TRACE|DIR…``: what of a registry stored traces have put to the test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.adapters.files import open_trace, trace_files
from harness.adapters.registries import load_registry
from harness.assertion.report import check
from harness.cli.options import AsJson
from harness.cli.output import console
from harness.cli.registry.loading import with_progress
from harness.cli.tables import facts_of_row, rule_table
from harness.registry.registry import Registry
from harness.review.coverage import Coverage, Part
from harness.review.summary import Judged, Row, rule_rows


def command(
    registry: Annotated[str, typer.Argument(metavar="REGISTRY", help="A registry.")],
    traces: Annotated[list[Path], typer.Argument(metavar="TRACE|DIR…", help="Traces, or folders of traces.")],
    as_json: AsJson = False,
) -> None:
    """Count where each rule spoke, and which parts of guards and requirements ever decided an answer.

    A rule that never spoke is not evidence: exit 3 where there is one.
    """
    rules = load_registry(registry)
    covered = Coverage(rules)
    judged: list[Judged] = []
    for path in with_progress(trace_files(traces), "judging"):
        with open_trace(path) as reader:
            events = list(reader)
        judged.append(Judged(str(path), check(events, rules, reader.header.run), reader.footer is not None))
        covered.add(events, reader.header.run)
    rows = rule_rows(judged)
    silent = [row.rule for row in rows if not row.steps.fired]
    if as_json:
        print(json.dumps(_facts(rules, rows, silent, covered, len(judged)), ensure_ascii=False))
    else:
        _print(rows, silent, covered)
    raise typer.Exit(3 if silent else 0)


def _print(rows: list[Row], silent: list[str], covered: Coverage) -> None:
    out = console()
    table = rule_table([row for row in rows if row.steps.fired], labelled=False)
    out.width = max(out.width, out.measure(table, options=out.options.update(width=1000)).maximum)
    out.print(table)
    for line in _lines(silent, covered):
        out.print(line, markup=False)


def _lines(silent: list[str], covered: Coverage) -> Iterator[str]:
    for number, part in enumerate(covered.parts):
        if part.rule not in silent and (missing := _missing(number, part, covered)):
            yield f"{part.rule}  {part.of}  {part.place}   {missing}"
            yield f"    {part.text}"
    if silent:
        yield f"never spoke: {', '.join(silent)}"


def _missing(number: int, part: Part, covered: Coverage) -> str:
    """Say what a part never decided; empty where it did both ways."""
    true, false = covered.true[number], covered.false[number]
    if not true and not false:
        return "never decided"
    if part.of == "when":
        return "" if true and false else "never kept the rule silent" if true else "never let the rule speak"
    return "" if true and false else "never violated the rule" if true else "never made the rule hold"


def _facts(rules: Registry, rows: list[Row], silent: list[str], covered: Coverage, traces: int) -> dict[str, Any]:
    return {
        "registry": {"name": rules.name, "version": rules.version, "digest": rules.digest},
        "traces": traces,
        "rules": [facts_of_row(row) for row in rows],
        "never_spoke": silent,
        "parts": [
            {**part._asdict(), "decided_true": covered.true[number], "decided_false": covered.false[number]}
            for number, part in enumerate(covered.parts)
        ],
    }
