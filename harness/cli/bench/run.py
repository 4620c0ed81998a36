"""``harness bench run NAME``: a suite's tasks are done, what they found is kept, and its figures reported."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from contextlib import nullcontext, redirect_stdout
from itertools import count, islice
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from harness import __version__
from harness.bench.executor import Executor
from harness.bench.figures import Figure
from harness.bench.local import Here, Pool
from harness.bench.manifest import differences, identity
from harness.bench.runner import Result, chosen, parted, reported, result_of, run_cells
from harness.bench.store import RESULTS, Store, ended, read_stored, stored_cells, write_report
from harness.bench.stored import UNFINISHED
from harness.bench.suite import Suite, load_suite, with_data
from harness.bench.task import Cell
from harness.cli import INFRASTRUCTURE, OK, VIOLATION
from harness.cli.bench.report import Html, Junit, Markdown, Sarif, named_reports, write_reports
from harness.cli.options import AsJson
from harness.cli.output import console, counted
from harness.cli.progress import progress
from harness.cli.tables import figure_table, print_table
from harness.errors import UsageError

_SHOWN: Final = 20  # cells that are told of one by one


def command(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="A suite, by name; or ./FILE.py, or ./FOLDER."),
    ],
    seeds: Annotated[int, typer.Option(metavar="N", help="How often to do the tasks that depend on chance.")] = 1,
    task: Annotated[list[str] | None, typer.Option(metavar="GLOB", help="Only tasks of such names.")] = None,
    condition: Annotated[list[str] | None, typer.Option(metavar="GLOB", help="Only such conditions.")] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A folder of recorded data, for suites that read some.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where results are kept; results/NAME by default.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="How many cells to do at a time; 1, or all that Ray has.")
    ] = None,
    executor: Annotated[Literal["local", "ray"], typer.Option(help="Who does them.")] = "local",
    address: Annotated[
        str, typer.Option(metavar="ADDRESS", help="A cluster of Ray; by default one is started here.")
    ] = "",
    traces: Annotated[str, typer.Option(metavar="URL", help="Keep traces there, by fsspec, and not in DIR.")] = "",
    resume: Annotated[
        bool | None,
        typer.Option("--resume/--fresh", help="Go on with the cells in DIR, or begin anew; else what was cut off."),
    ] = None,
    rescore: Annotated[bool, typer.Option("--rescore", help="Do nothing: give the figures of DIR.")] = False,
    html: Html = None,
    markdown: Markdown = None,
    junit: Junit = None,
    sarif: Sarif = None,
    as_json: AsJson = False,
) -> None:
    """Do every task of a suite under every condition, and compare the figures with their targets.

    Cells are kept in DIR as they are done. A run that was cut off, or could not measure some, goes on when it is run
    again. Exit 1 where a target is missed, 5 where a cell could not be measured: its figures are then not complete.
    """
    reports = named_reports(html=html, markdown=markdown, junit=junit, sarif=sarif)
    with redirect_stdout(sys.stderr) if as_json else nullcontext():  # stdout is for the JSON object alone
        suite = with_data(load_suite(name), data)
        folder = out or RESULTS / suite.name
        cells = chosen(suite, suite.cells(seeds), task or (), condition or ())
        if rescore:
            result, stands = _stored(suite, folder)
        else:
            suite.ready()
            stands = identity(suite, __version__)
            with Store(folder, stands, resume=resume) as store:
                try:
                    result = _run(suite, cells, _executor(executor, workers, address), store, _url(traces))
                except KeyboardInterrupt:
                    _tell_interrupted(context, sum(store.kept(cell) is not None for cell in cells), len(cells))
                    raise
        figures = dict(suite.figures(result.rows))
        report = reported(suite, result, figures, stands)
        write_report(folder, *parted(suite, result, report))
        write_reports(reports, [folder])
    if as_json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        _print(suite, figures, result, folder)
        if UNFINISHED in stands:
            console().print("the run has not come to its end: these are the cells that are done", markup=False)
    raise typer.Exit(INFRASTRUCTURE if result.broken else VIOLATION if _missed(figures) else OK)


def _stored(suite: Suite, folder: Path) -> tuple[Result, dict[str, Any]]:
    """Give the result of the cells in a folder, and what they depend on, and their figures where it is not the same.

    It says where they are of a run that did not come to its end, which is then still gone on with.
    """
    stored = read_stored(folder)
    if stored is None:
        raise UsageError("there are no cells", where=str(folder), cure=f"harness bench run {suite.name} does some")
    now = identity(suite, __version__)
    other = {key: now.get(key) for key in differences(stored.identity, now)}
    told = ({"rescored": other} if other else {}) | ({} if ended(folder) else {UNFINISHED: True})
    return result_of(suite, stored_cells(stored, suite)), stored.identity | told


def _executor(kind: str, workers: int | None, address: str) -> Executor:
    if kind == "ray":
        from harness.bench.ray import OnRay  # brings nothing heavy itself, and is nobody else's

        return OnRay(address, workers)
    if address:
        raise UsageError("only Ray has clusters", where="--address", cure="--executor ray")
    return Here() if workers in (None, 1) else Pool(workers)


def _url(traces: str) -> str:
    if traces and "://" not in traces:
        raise UsageError(f"{traces!r} is no URL", where="--traces", cure="s3://…, file:///…; a folder: --out DIR")
    return traces


def _run(suite: Suite, cells: list[Cell], executor: Executor, store: Store, traces: str) -> Result:
    before = sum(store.kept(cell) is not None for cell in cells)
    told = count(1)
    with progress(suite.name, len(cells), before) as shown:
        return run_cells(
            suite,
            cells,
            lambda cell: shown(max(next(told), before), cell.task.name),  # those of before are told first
            executor=executor,
            store=store,
            traces=traces,
        )


def _tell_interrupted(context: typer.Context, kept: int, cells: int) -> None:
    """Say what is kept, and the command by which it goes on: the same, unless that began anew."""
    on = ["harness", "bench", "run"]
    for option in context.command.params:
        value, flag = context.params[option.name or ""], option.opts[0]
        if value == option.default or not value or option.name == "resume":
            continue
        if option.param_type_name == "argument":
            on.append(str(value))
        elif value is True:
            on.append(flag)
        else:
            on += [word for one in (value if isinstance(value, list | tuple) else [value]) for word in (flag, str(one))]
    print(f"interrupted after {kept} of {counted(cells, 'cell')}\n    go on  {shlex.join(on)}", file=sys.stderr)


def _print(suite: Suite, figures: dict[str, Figure], result: Result, folder: Path) -> None:
    out = console()
    print_table(out, figure_table(f"{suite.name} {suite.version}", figures))
    if _missed(figures):
        for line in islice(_wrong(result), _SHOWN):
            out.print(line, markup=False)
    for cell, error in result.broken[:_SHOWN]:
        out.print(f"not measured  {cell.condition.name}  {cell.task.name}: {error.splitlines()[0]}", markup=False)
    broken = f", {counted(len(result.broken), 'cell')} could not be measured" if result.broken else ""
    out.print(f"{counted(len(result.rows), 'cell')} measured{broken}; {folder}", markup=False)


def _wrong(result: Result) -> Iterator[str]:
    for cell, found in result.rows:
        if found.get("correct") is False:
            yield f"{cell.condition.name}  {cell.task.name}: {found.get('why', 'not correct')}"


def _missed(figures: dict[str, Figure]) -> bool:
    return any(figure.ok is False for figure in figures.values())
