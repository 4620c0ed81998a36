"""``harness bench report RESULT…``: stored results as a page, Markdown, JUnit XML or SARIF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from harness import __version__
from harness.adapters.sarif import write_sarif
from harness.bench.report.difference import difference
from harness.bench.report.html_page import html_page
from harness.bench.report.junit import junit_of
from harness.bench.report.markdown import markdown_of
from harness.bench.report.outcome import outcomes_of
from harness.bench.report.runs import run_tables
from harness.bench.report.sarif import sarif_of
from harness.bench.report.stored import Stored, read_results
from harness.cli.options import AsJson
from harness.cli.output import console, emit, write_file
from harness.errors import UsageError

Html = Annotated[Path | None, typer.Option(metavar="FILE", help="One page that opens from disk.")]
Markdown = Annotated[Path | None, typer.Option(metavar="FILE", help="Markdown.")]
Junit = Annotated[Path | None, typer.Option(metavar="FILE", help="JUnit XML, for build servers.")]
Sarif = Annotated[Path | None, typer.Option(metavar="FILE", help="SARIF 2.1.0, for code hosts.")]


def command(
    results: Annotated[list[Path], typer.Argument(metavar="RESULT…", help="Folders with a result, or result files.")],
    html: Html = None,
    markdown: Markdown = None,
    junit: Junit = None,
    sarif: Sarif = None,
    as_json: AsJson = False,
) -> None:
    """Report stored results; later ones are compared with the first, row by row.

    Without an option, the Markdown is printed. Nothing is run or judged again, and the exit code says nothing of the
    results: it is 0 where the report is written.
    """
    found = read_results(results)
    files = named_reports(html=html, markdown=markdown, junit=junit, sarif=sarif)
    _write(files, found)
    if not files and not as_json:
        console().print(markdown_of(found), markup=False, end="")
        return
    facts = {"results": [_facts(one, found[0]) for one in found], "files": {kind: str(files[kind]) for kind in files}}
    emit(facts, [str(file) for file in files.values()], as_json)


def named_reports(**wanted: Path | None) -> dict[str, Path]:
    """Give the files of the reports that are wanted, by kind; UsageError for those that could not all be written."""
    files = {kind: file for kind, file in wanted.items() if file is not None}
    if len(set(files.values())) < len(files):
        raise UsageError("two reports would be written to one file", cure="name a file for each")
    for file in files.values():
        if not file.parent.is_dir():
            raise UsageError("cannot be written: there is no such folder", where=str(file))
    return files


def write_reports(files: Mapping[str, Path], results: Sequence[Path]) -> None:
    """Write reports of stored results, by kind."""
    if files:
        _write(files, read_results(results))


def _write(files: Mapping[str, Path], found: tuple[Stored, ...]) -> None:
    for kind, file in files.items():
        if kind == "sarif":
            write_sarif(file, sarif_of(found, __version__))
        elif kind == "html":
            write_file(file, html_page(found, __version__))
        else:
            write_file(file, markdown_of(found) if kind == "markdown" else junit_of(found))


def _facts(result: Stored, first: Stored) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "label": result.label,
        "name": result.facts["name"],
        "missed": [name for name, figure in result.figures.items() if figure.get("ok") is False],
        "outcomes": outcomes_of(result.rows),
        "tables": [table._asdict() for table in run_tables(result.rows)],
    }
    if result is not first:
        found = difference(first, result)
        facts["worse"] = [flip.key._asdict() for flip in found.worse]
        facts["better"] = [flip.key._asdict() for flip in found.better]
        facts["regressions"] = {name: one._asdict() for name, one in found.regressions.items()}
    return facts
