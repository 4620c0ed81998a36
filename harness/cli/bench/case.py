"""``harness bench case CASE.yaml``: an argument looked at again and drawn, or begun."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer
import yaml

from harness.adapters.files import read_text, trace_files
from harness.bench.case.argument import Status
from harness.bench.case.drawing import SIGNS, drawn
from harness.bench.case.judge import Judged, judge
from harness.bench.case.page import html_page
from harness.bench.case.reading import read_case
from harness.bench.case.scaffold import scaffold
from harness.cli import INCONCLUSIVE, OK, VIOLATION
from harness.cli.options import AsJson
from harness.cli.output import emit, write_files
from harness.errors import UsageError

_EXIT: Final[dict[Status, int]] = {
    "supported": OK,
    "inconclusive": INCONCLUSIVE,
    "stale": INCONCLUSIVE,
    "unsupported": VIOLATION,
}


def command(
    case: Annotated[Path, typer.Argument(metavar="CASE", help="A case as YAML; with --new, where to write one.")],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write case.yaml, case.svg and case.html there.")
    ] = None,
    new: Annotated[bool, typer.Option("--new", help="Write a case that begins from --registry.")] = False,
    registry: Annotated[str | None, typer.Option(help="With --new: the registry whose rules are goals.")] = None,
    trace: Annotated[
        list[Path] | None, typer.Option(metavar="TRACE|DIR", help="With --new: evidence; may be repeated.")
    ] = None,
    result: Annotated[
        list[Path] | None, typer.Option(metavar="FILE|DIR", help="With --new: a stored result; may be repeated.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="With --new: write over a file.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look again at everything that an assurance case rests on, and draw it in the Goal Structuring Notation.

    Exit 0 where every goal is supported by evidence that is as it was pinned, 1 where one is not supported, 3 where
    evidence is stale or inconclusive, 2 where the case is no argument or names what is not there.
    """
    if new:
        _begin(case, registry, trace or [], result or [], force=force)
    elif registry or trace or result or force:
        raise UsageError("--registry, --trace, --result and --force begin a case", cure="add --new")
    judged = judge(read_case(read_text(case), str(case)), case)
    lines = [*_lines(judged), *([f"written: {case}"] if new else [])]
    if out is not None:
        files = _files(judged, out)
        write_files(files, force=True)
        lines.append(f"written: {', '.join(map(str, files))}")
    emit(judged.facts, lines, as_json)
    raise typer.Exit(_EXIT[judged.status])


def _begin(case: Path, registry: str | None, traces: list[Path], results: list[Path], *, force: bool) -> None:
    if registry is None:
        raise UsageError("a case begins from a registry", cure="--registry R")
    found = trace_files(traces) if traces else []
    write_files({case: scaffold(case, registry, found, results).encode()}, force=force)


def _files(judged: Judged, out: Path) -> dict[Path, bytes]:
    told = yaml.safe_dump(judged.facts, sort_keys=False, allow_unicode=True, width=110)
    texts = {"case.yaml": told, "case.svg": drawn(judged), "case.html": html_page(judged)}
    return {out / name: text.encode() for name, text in texts.items()}


def _lines(judged: Judged) -> Iterator[str]:
    """Tell what is not as it should be, evidence before the goals that rest on it."""
    elements = judged.case.elements
    for one in sorted(elements.values(), key=lambda one: one.kind != "solution"):
        found = judged.findings[one.id]
        if found.status != "supported":
            yield f"{SIGNS[found.status]}  {one.id}  {found.told}   {one.at.place}"
    evidence = sum(one.kind == "solution" for one in elements.values())
    goals = sum(one.kind == "goal" for one in elements.values())
    yield f"{SIGNS[judged.status]}   {judged.case.title}: goals {goals}, evidence {evidence}"
