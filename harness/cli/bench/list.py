"""``harness bench list``: the suites that come with harness."""

from __future__ import annotations

from harness.bench.suite import load_suite, suite_names
from harness.cli.options import AsJson
from harness.cli.output import counted, emit


def command(as_json: AsJson = False) -> None:
    """List the suites with what they measure and how many tasks and cells they have; a cell is a task done once."""
    suites = [load_suite(name) for name in suite_names()]
    sizes = [(suite, sum(1 for _ in suite.cells())) for suite in suites]
    facts = [
        {
            "name": suite.name,
            "version": suite.version,
            "title": suite.title,
            "tasks": len(suite.tasks),
            "cells": cells,
        }
        for suite, cells in sizes
    ]
    lines = [
        f"{suite.name} {suite.version}  {counted(len(suite.tasks), 'task')}, {counted(cells, 'cell')}  {suite.title}"
        for suite, cells in sizes
    ]
    emit({"suites": facts}, lines, as_json)
