"""``harness bench list``: the suites that come with harness."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from harness.bench.store import RESULTS
from harness.bench.stored import read_result, result_file
from harness.bench.suite import load_suite, suite_names
from harness.cli.options import AsJson
from harness.cli.output import counted, emit

_WIDTH: Final = 80  # of a terminal that nobody has widened, and of a page
_INDENT: Final = 4


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
        facts.append(
            {
                "name": suite.name,
                "version": suite.version,
                "title": suite.title,
                "tasks": len(suite.tasks),
                "cells": sum(1 for _ in suite.cells()),
                "needs": list(suite.needs),
                "last": _summary(read_result(file)) if file.is_file() else None,
            }
        )
    emit({"suites": facts}, [line for fact in facts for line in _lines(fact)], as_json)


def _summary(result: Mapping[str, Any]) -> dict[str, Any]:
    """Say how many bars the last result met, of how many, and of how many cells."""
    told = {name: figure["ok"] for name, figure in result["figures"].items() if figure.get("ok") is not None}
    rows = result["rows"]
    return {
        "met": sum(told.values()),
        "bars": len(told),
        "missed": [name for name, ok in told.items() if not ok],
        "cells": len(rows),
        "broken": sum("infrastructure" in row for row in rows),
        "commit": result.get("commit"),
    }


def _lines(fact: Mapping[str, Any]) -> Iterator[str]:
    yield f"{fact['name']} {fact['version']}  {counted(fact['tasks'], 'task')}, {counted(fact['cells'], 'cell')}"
    yield from _wrapped("", fact["title"])
    if fact["needs"]:
        yield from _wrapped("needs  ", ", ".join(fact["needs"]))
    if last := fact["last"]:
        yield from _wrapped("last   ", _told(last, fact["cells"]))


def _told(last: Mapping[str, Any], cells: int) -> str:
    """Say what came of a suite that has so many cells now."""
    bars = f"{last['met']} of {counted(last['bars'], 'bar')} met" if last["bars"] else "no bar to meet"
    missed = f" (not {', '.join(last['missed'])})" if last["missed"] else ""
    done = f", {last['cells']} of {counted(cells, 'cell')}" if last["cells"] < cells else ""
    broken = f", {last['broken']} not measured" if last["broken"] else ""
    return f"{bars}{missed}{done}{broken}"


def _wrapped(label: str, text: str) -> list[str]:
    first, further = " " * _INDENT + label, " " * (_INDENT + len(label))
    return textwrap.wrap(text, _WIDTH, initial_indent=first, subsequent_indent=further, break_long_words=False)
