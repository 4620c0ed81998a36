"""``harness bench run NAME``: a suite's tasks are done and its figures reported."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from harness import __version__
from harness.bench.figures import Figure, figure_table, report_of
from harness.bench.runner import Result, run_cells
from harness.bench.suite import Suite, load_suite
from harness.bench.task import Cell
from harness.cli import INFRASTRUCTURE, OK, VIOLATION
from harness.cli.options import AsJson
from harness.cli.output import console, counted

_PACKAGES: Final = ("openai", "orjson")
_SHOWN: Final = 20  # cells that are told of one by one


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A suite; harness bench list names them.")],
    seeds: Annotated[int, typer.Option(metavar="N", help="How often to do the tasks that depend on chance.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Do every task of a suite under every condition, and compare the figures with their targets.

    Exit 1 where a target is missed, 5 where a cell could not be measured at all: its figures are then not complete.
    """
    suite = load_suite(name)
    result = _run(suite, list(suite.cells(seeds)))
    figures = dict(suite.figures(result.rows))
    if as_json:
        whole = report_of(suite.name, __version__, figures, result.facts, packages=_PACKAGES)
        print(json.dumps(whole, ensure_ascii=False))
    else:
        _print(suite, figures, result)
    raise typer.Exit(INFRASTRUCTURE if result.broken else VIOLATION if _missed(figures) else OK)


def _run(suite: Suite, cells: list[Cell]) -> Result:
    stderr = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as progress:
        bar = progress.add_task(suite.name, total=len(cells))
        return run_cells(suite, cells, lambda cell: progress.update(bar, advance=1, description=cell.task.name))


def _print(suite: Suite, figures: dict[str, Figure], result: Result) -> None:
    out = console()
    out.print(figure_table(f"{suite.name} {suite.version}", figures))
    if _missed(figures):
        for line in islice(_wrong(result), _SHOWN):
            out.print(line, markup=False)
    for cell, error in result.broken[:_SHOWN]:
        out.print(f"not measured  {cell.condition.name}  {cell.task.name}: {error.splitlines()[0]}", markup=False)
    broken = f", {counted(len(result.broken), 'cell')} could not be measured" if result.broken else ""
    out.print(f"{counted(len(result.rows), 'cell')} measured{broken}")


def _wrong(result: Result) -> Iterator[str]:
    for cell, found in result.rows:
        if found.get("correct") is False:
            yield f"{cell.condition.name}  {cell.task.name}: {found.get('why', 'not correct')}"


def _missed(figures: dict[str, Figure]) -> bool:
    return any(figure.ok is False for figure in figures.values())
