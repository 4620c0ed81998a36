"""A stored result as a case sees it: its digest, its figures and its rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from harness.bench.figures import SEED, Figure
from harness.bench.store import RESULT
from harness.determinism import canonical
from harness.errors import UsageError


class Result(NamedTuple):
    """A result: ``digest`` is the SHA-256 of the file's bytes."""

    name: str
    digest: str
    seed: int
    figures: Mapping[str, Figure]
    rows: tuple[Mapping[str, Any], ...]


def read_result(path: Path) -> Result:
    """Read a result from its file, or the folder of a run; UsageError says what is missing. O(size)."""
    file = path / RESULT if path.is_dir() else path
    try:
        data = file.read_bytes()
    except OSError as error:
        cure = "harness bench run NAME --out DIR writes one"
        raise UsageError(f"cannot be read: {error.strerror}", where=str(file), cure=cure) from None
    try:
        told = canonical.decode(data)
        figures = {name: _figure(stated) for name, stated in told["figures"].items()}
        return Result(
            str(told["name"]), canonical.digest(data), int(told.get("seed", SEED)), figures, tuple(told["rows"])
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        cure = "the JSON object of harness bench run --json"
        raise UsageError("not a result", where=str(file), cure=cure) from None


def _figure(stated: Mapping[str, Any]) -> Figure:
    interval = stated.get("interval")
    between = (float(interval[0]), float(interval[1])) if interval else None
    return Figure(float(stated["value"]), str(stated["unit"]), between, str(stated.get("target") or ""))
