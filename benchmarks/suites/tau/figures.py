"""The reported numbers of the suite, over its rows; intervals are Wilson's at 95 %."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.bench.figures import Figure
from harness.bench.task import Row
from harness.statistics.interval import wilson

PRECISE = ">= 0.95"


def figures(rows: Sequence[Row]) -> Mapping[str, Figure]:
    """Give the figures of every set of conversations."""
    said: dict[str, Figure] = {}
    for (task, _, _), found in rows:
        said |= dict(figures_of(task.name, found, barred=task.data["barred"]))
    return said


def figures_of(name: str, found: Mapping[str, Any], *, barred: bool = False) -> Iterator[tuple[str, Figure]]:
    """Yield the figures of one set; ``barred`` where its precision has a bar."""
    yield from ((f"{name}_{truth}", Figure(count, "1")) for truth, count in found["writes"].items())
    for share, (k, n) in found["shares"].items():
        yield f"{name}_{share}", _share(k, n, PRECISE if barred and share == "precision" else "")
    for share, (k, n) in found["failure_shares"].items():
        yield share, _share(k, n)


def _share(k: int, n: int, target: str = "") -> Figure:
    """Give a share with its interval; 0 where there are no cases, with the interval [0, 1]."""
    return Figure(k / max(n, 1), "1", tuple(wilson(k, n)), target)
