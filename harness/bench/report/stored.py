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

from harness.bench.store import RESULT, TIMES
from harness.errors import UsageError

WALL_S: Final = "wall_s"
"""Under this name a row has the seconds that it took, where they were stored."""

_SHAPE: Final[Mapping[str, type]] = {"name": str, "figures": dict, "rows": list}
_TIMES_SHAPE: Final[Mapping[str, type]] = {"figures": dict, "cells": list}
_NUMBERS: Final = (int, float)


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
    files = [path / RESULT if path.is_dir() else path for path in paths]
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
    facts = _json(file)
    mistake = _mistake(facts, _SHAPE)
    if mistake:
        cure = 'a result is {"name", "figures": {…}, "rows": […], …}, see docs/bench.md'
        raise UsageError(mistake, where=str(file), cure=cure)
    beside = file.with_name(TIMES)
    return _timed(facts, beside) if file.name == RESULT and beside.is_file() else facts


def _timed(facts: Mapping[str, Any], file: Path) -> Mapping[str, Any]:
    """Put the times of a result back into its figures and rows."""
    times = _json(file)
    mistake = _mistake(times, _TIMES_SHAPE)
    if mistake:
        raise UsageError(mistake, where=str(file), cure=f"without it, {RESULT} is reported alone")
    cells = {_name(cell): cell for cell in times["cells"]}
    rows = [{**row, **cells.get(_name(row), {})} for row in facts["rows"]]
    return {**facts, "figures": {**facts["figures"], **times["figures"]}, "rows": rows}


def _name(cell: Mapping[str, Any]) -> str:
    return json.dumps([cell.get(key) for key in ("task", "condition", "seed")])


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"), parse_constant=str)  # NaN is no JSON
    except OSError as error:
        cure = f"name a folder with {RESULT}, or a file that harness bench run --json has written"
        raise UsageError(f"cannot be read: {error.strerror}", where=str(file), cure=cure) from None
    except ValueError as error:
        cure = "write it with harness bench run NAME --json > FILE"
        raise UsageError(f"is not JSON: {error}", where=str(file), cure=cure) from None


def _mistake(facts: Any, shape: Mapping[str, type]) -> str:
    """Say what keeps a JSON value from being what is stored; nothing where it is."""
    if not isinstance(facts, dict):
        return "is no JSON object"
    for key, kind in shape.items():
        if not isinstance(facts.get(key), kind):
            return f"has no {key!r} that is a JSON {'string' if kind is str else 'array' if kind is list else 'object'}"
    for name, figure in facts["figures"].items():
        if not (isinstance(figure, dict) and isinstance(figure.get("value"), _NUMBERS)):
            return f"figure {name!r} has no value"
    for each in (key for key, kind in shape.items() if kind is list):
        for number, row in enumerate(facts[each]):
            if not isinstance(row, dict):
                return f"{each}[{number}] is no JSON object"
    return ""
