"""``harness check TRACE|DIR… --registry R``: traces judged by a registry."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from harness import __version__
from harness.adapters.files import open_trace, trace_files
from harness.adapters.registries import load_registry
from harness.adapters.sarif import sarif_of_check, write_sarif
from harness.assertion.report import check
from harness.cli.labels import Labels
from harness.cli.options import AsJson
from harness.cli.output import console, show_verdict
from harness.cli.parameters import HELP, read_parameters
from harness.cli.tables import facts_of_row, finding_facts, print_table, rule_table
from harness.registry.registry import Registry
from harness.review.findings import finding_lines
from harness.review.summary import Judged, Row, any_row, rule_rows, verdict_of


def command(
    traces: Annotated[list[Path], typer.Argument(help="Traces, or folders of traces.")],
    registry: Annotated[list[str], typer.Option(help="A registry to judge by; may be repeated.")],
    param: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help=HELP)] = None,
    labels: Annotated[bool, typer.Option("--labels", help="Compare with the rewards in labels.jsonl.")] = False,
    sarif: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the verdicts there, as SARIF 2.1.0.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Judge traces as the door would have; recorded verdicts are not looked at.

    One trace: every violation in full. Several: a table of the rules. Exit 1 where a rule is violated, 3 where one
    cannot be decided or a trace is not sealed.
    """
    rules = load_registry(*registry).bind(**read_parameters(param))
    known = Labels() if labels else None
    judged = [_judge(path, rules, known) for path in _with_progress(trace_files(traces))]
    rows = [*rule_rows(judged), *_any_rows(judged, rules)]
    verdict = verdict_of(judged)
    if sarif is not None:
        write_sarif(sarif, sarif_of_check(judged, rules, __version__))
    if as_json:
        print(json.dumps(_facts(judged, rows, rules) | {"verdict": verdict}, ensure_ascii=False))
    else:
        _print(judged, rows, rules, detailed=len(judged) == 1 and not labels)
    raise typer.Exit(show_verdict(verdict, quiet=as_json))


def _with_progress(paths: list[Path]) -> Iterable[Path]:
    stderr = Console(stderr=True)
    return track(paths, "judging", console=stderr, transient=True, disable=len(paths) == 1 or not stderr.is_terminal)


def _judge(path: Path, rules: Registry, labels: Labels | None) -> Judged:
    with open_trace(path) as reader:
        report = check(reader, rules, reader.header.run)
    return Judged(str(path), report, reader.footer is not None, labels.is_bad(path) if labels else None)


def _any_rows(judged: list[Judged], rules: Registry) -> list[Row]:
    others = {rule.id for rule in rules.invariants if rule.otherwise != "block"}
    return [
        any_row("any rule that blocks", judged, lambda rule: rule not in others),
        any_row("any rule", judged, lambda _: True),
    ]


def _print(judged: list[Judged], rows: list[Row], rules: Registry, *, detailed: bool) -> None:
    out = console()
    if detailed:
        _print_findings(out, judged[0], rules)
    table = rule_table([row for row in rows if row.steps.fired], labelled=judged[0].positive is not None)
    print_table(out, table)
    silent = [row.rule for row in rows if not row.steps.fired]
    if silent:
        out.print(f"never spoke: {', '.join(silent)}", markup=False)
    unsealed = [one.trace for one in judged if not one.sealed]
    if unsealed:
        out.print(f"not sealed, so the end may be missing: {', '.join(unsealed)}", markup=False)


def _print_findings(out: Console, judged: Judged, rules: Registry) -> None:
    report = judged.report
    with open_trace(judged.trace) as reader:
        for line in finding_lines(judged.trace, report.findings, reader, rules):
            out.print(line, markup=False)
    if report.omitted:
        out.print(f"… and {report.omitted} more; the table counts all")


def _facts(judged: list[Judged], rows: list[Row], rules: Registry) -> dict[str, Any]:
    return {
        "registry": {"name": rules.name, "version": rules.version, "digest": rules.digest},
        "traces": len(judged),
        "omitted": sum(one.report.omitted for one in judged),
        "unsealed": [one.trace for one in judged if not one.sealed],
        "rules": [facts_of_row(row) for row in rows],
        "findings": [
            {"trace": one.trace, **finding_facts(finding)} for one in judged for finding in one.report.findings
        ],
    }
