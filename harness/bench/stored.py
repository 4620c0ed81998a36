"""Read what a run of a suite has stored, strictly and in one way: the same mistake gets the same error everywhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from harness.errors import UsageError

RESULT: Final = "result.json"
TIMES: Final = "times.json"
UNFINISHED: Final = "unfinished"
"""What the manifest of a report says that was made of the cells of a run before its end."""

_SHAPE: Final[Mapping[str, type]] = {"name": str, "figures": dict, "rows": list}
_TIMES_SHAPE: Final[Mapping[str, type]] = {"figures": dict, "cells": list}
_NUMBERS: Final = (int, float)


def result_file(path: Path) -> Path:
    """Give the file of a result that is named by its folder, or by itself."""
    return path / RESULT if path.is_dir() else path


def read_result(file: Path) -> dict[str, Any]:
    """Read the JSON object of docs/bench.md; UsageError for what cannot be read, or is none. O(size)."""
    cure = 'a result is {"name", "figures": {…}, "rows": […], …}, see docs/bench.md'
    return _read(file, _SHAPE, cure)


def read_times(file: Path) -> dict[str, Any]:
    """Read the times that go with a result; UsageError as for a result."""
    return _read(file, _TIMES_SHAPE, f"without it, {RESULT} is reported alone")


def _read(file: Path, shape: Mapping[str, type], cure: str) -> dict[str, Any]:
    facts = _json(file)
    mistake = _mistake(facts, shape)
    if mistake:
        raise UsageError(mistake, where=str(file), cure=cure)
    return dict(facts)


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
