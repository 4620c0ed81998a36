"""Read stored results: a folder with ``result.json``, or a file that holds what ``harness bench run --json`` prints.

Times and memory are stored in a file of their own, ``times.json``, because they are never the same twice; they are put
back where they belong.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from harness.bench.stored import RESULT, TIMES, read_result, read_times, result_file
from harness.errors import UsageError

WALL_S: Final = "wall_s"
"""Under this name a row has the seconds that it took, where they were stored."""


class Stored(NamedTuple):
    """One measurement as it was stored; ``label`` tells it from the others that are reported with it.

    ``facts`` is the object of docs/bench.md. The traces that its rows name are looked for from ``folder``.
    """

    label: str
    folder: Path
    facts: Mapping[str, Any]

    @property
    def rows(self) -> Sequence[Mapping[str, Any]]:
        """Give the rows as they were stored."""
        rows: Sequence[Mapping[str, Any]] = self.facts["rows"]
        return rows

    @property
    def figures(self) -> Mapping[str, Mapping[str, Any]]:
        """Give the figures by name."""
        figures: Mapping[str, Mapping[str, Any]] = self.facts["figures"]
        return figures


def read_results(paths: Sequence[Path]) -> tuple[Stored, ...]:
    """Read results, labelled by the suite's name where that tells them apart, else by their path.

    UsageError for one that is not there, is named twice or does not read like a result.
    """
    files = [result_file(path) for path in paths]
    for path, times in Counter(file.resolve() for file in files).items():
        if times > 1:
            raise UsageError("the same result is named twice", where=str(path), cure="name another one")
    found = [_read(file) for file in files]
    names = Counter(facts["name"] for facts in found)
    return tuple(
        Stored(facts["name"] if names[facts["name"]] == 1 else str(path), file.parent, facts)
        for path, file, facts in zip(paths, files, found, strict=True)
    )


def _read(file: Path) -> Mapping[str, Any]:
    facts = read_result(file)
    beside = file.with_name(TIMES)
    return _timed(facts, beside) if file.name == RESULT and beside.is_file() else facts


def _timed(facts: Mapping[str, Any], file: Path) -> Mapping[str, Any]:
    """Put the times of a result back into its figures and rows."""
    times = read_times(file)
    cells = {_name(cell): cell for cell in times["cells"]}
    rows = [{**row, **cells.get(_name(row), {})} for row in facts["rows"]]
    return {**facts, "figures": {**facts["figures"], **times["figures"]}, "rows": rows}


def _name(cell: Mapping[str, Any]) -> str:
    return json.dumps([cell.get(key) for key in ("task", "condition", "seed")])
