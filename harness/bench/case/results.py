"""A stored result as a case sees it: its digest, its figures and its rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from harness.bench import stored
from harness.bench.figures import SEED, Figure
from harness.bench.stored import result_file
from harness.determinism import canonical
from harness.errors import UsageError


class Result(NamedTuple):
    """A result: ``digest`` is the SHA-256 of the file's bytes; ``unfinished`` is one of a run before its end."""

    name: str
    digest: str
    seed: int
    figures: Mapping[str, Figure]
    rows: tuple[Mapping[str, Any], ...]
    unfinished: bool = False


def read_result(path: Path) -> Result:
    """Read a result from its file, or the folder of a run; UsageError says what is missing. O(size)."""
    file = result_file(path)
    told = stored.read_result(file)
    try:
        figures = {name: _figure(stated) for name, stated in told["figures"].items()}
    except (ValueError, LookupError, TypeError):
        cure = "the JSON object of harness bench run --json"
        raise UsageError("has a figure that cannot be read", where=str(file), cure=cure) from None
    digest = canonical.digest(file.read_bytes())
    unfinished = stored.UNFINISHED in (told.get("manifest") or {})
    return Result(told["name"], digest, int(told.get("seed", SEED)), figures, tuple(told["rows"]), unfinished)


def _figure(stated: Mapping[str, Any]) -> Figure:
    interval = stated.get("interval")
    between = (float(interval[0]), float(interval[1])) if interval else None
    return Figure(float(stated["value"]), str(stated["unit"]), between, str(stated.get("target") or ""))
