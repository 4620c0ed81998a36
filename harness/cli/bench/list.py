"""``harness bench list``: the suites that come with harness."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.bench.store import RESULTS
from harness.bench.stored import read_result, result_file
from harness.bench.suite import load_suite, suite_names
from harness.cli.options import AsJson
from harness.cli.output import counted, emit


def command(
    results: Annotated[Path, typer.Option(metavar="DIR", help="Where results are kept, by suite.")] = RESULTS,
    as_json: AsJson = False,
) -> None:
    """List the suites: what they measure, how many tasks and cells they have, what they need, and the last result.

    A cell is a task done once.
    """
    facts = []
    for suite in map(load_suite, suite_names()):
        file = result_file(results / suite.name)
        result = read_result(file) if file.is_file() else None
        facts.append(
            {
                "name": suite.name,
                "version": suite.version,
                "title": suite.title,
                "tasks": len(suite.tasks),
                "cells": sum(1 for _ in suite.cells()),
                "needs": list(suite.needs),
                "last": _summary(result) if result else None,
            }
        )
    emit({"suites": facts}, [_line(fact) for fact in facts], as_json)


def _summary(result: Mapping[str, Any]) -> dict[str, Any]:
    """Say how many bars the last result met, of how many, and of how many cells."""
    told = [figure["ok"] for figure in result["figures"].values() if figure["ok"] is not None]
    broken = sum("infrastructure" in row for row in result["rows"])
    cells = len(result["rows"])
    return {"met": sum(told), "bars": len(told), "cells": cells, "broken": broken, "commit": result["commit"]}


def _line(fact: Mapping[str, Any]) -> str:
    sizes = f"{counted(fact['tasks'], 'task')}, {counted(fact['cells'], 'cell')}"
    line = f"{fact['name']} {fact['version']}  {sizes}  {fact['title']}"
    if fact["needs"]:
        line += f"  needs {', '.join(fact['needs'])}"
    if last := fact["last"]:
        partly = f", {last['cells']} of {counted(fact['cells'], 'cell')}" if last["cells"] < fact["cells"] else ""
        broken = f", {last['broken']} not measured" if last["broken"] else ""
        line += f"  last: {last['met']} of {counted(last['bars'], 'bar')} met{partly}{broken}"
    return line
