"""Timing, and the one shape of every measurement.

A sample is one repetition. Things that are compared are timed in turn within each repetition, so that a slow moment of
the machine meets all of them, and a ratio is the median of the repetitions' own ratios.
"""

from __future__ import annotations

import gc
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
from rich.console import Console
from rich.table import Table

from harness import __version__

REPETITIONS: Final = 9
SEED: Final = 20_240_515

_PACKAGES: Final = ("openai", "orjson", "openai-agents", "inspect-ai", "opentelemetry-sdk", "zstandard")


class Samples(NamedTuple):
    """The figures of all repetitions, in ``unit``."""

    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The figure that is reported."""
        return statistics.median(self.values)

    @property
    def interval(self) -> tuple[float, float]:
        """The smallest and the largest figure."""
        return min(self.values), max(self.values)

    def over(self, other: Samples) -> Samples:
        """Give the ratio to another thing's samples, repetition by repetition."""
        return Samples("1", tuple(one / two for one, two in zip(self.values, other.values, strict=True)))


class Figure(NamedTuple):
    """One reported number; ``target`` reads like ``<= 2`` and is empty where there is no bar."""

    value: float
    unit: str
    interval: tuple[float, float] | None = None
    target: str = ""

    @property
    def ok(self) -> bool | None:
        """Whether the bar is met; None without a bar."""
        if not self.target:
            return None
        relation, bound = self.target.split()
        limit = float(bound)
        return {"<=": self.value <= limit, "<": self.value < limit, ">=": self.value >= limit}[relation]


def measured(samples: Samples, target: str = "") -> Figure:
    """Give samples as a figure: median, smallest and largest."""
    return Figure(samples.median, samples.unit, samples.interval, target)


def side_by_side(
    runs: Mapping[str, Callable[[], float]], unit: str, repetitions: int = REPETITIONS
) -> dict[str, Samples]:
    """Run each thing once to warm up, then all of them in turn, so many times; each gives its own figure."""
    for run in runs.values():
        run()
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repetitions):
        for name, run in runs.items():
            taken[name].append(run())
    return {name: Samples(unit, tuple(values)) for name, values in taken.items()}


def us_per_call(loop: Callable[[int], object], calls: int) -> float:
    """Time a loop of so many calls, garbage collection held back, in microseconds for one call."""
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter_ns()
        loop(calls)
        return (time.perf_counter_ns() - start) / calls / 1000
    finally:
        gc.enable()


def report(
    name: str, figures: Mapping[str, Figure], rows: Iterable[Mapping[str, Any]] = (), *, seed: int = SEED
) -> None:
    """End a benchmark: one JSON object where ``--json`` was asked for, else tables."""
    listed = list(rows)
    if "--json" in sys.argv[1:]:
        print(orjson.dumps(_whole(name, figures, listed, seed)).decode())
    else:
        _show(name, figures, listed)


def installed(package: str) -> str | None:
    """Give the version of a distribution, None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _whole(name: str, figures: Mapping[str, Figure], rows: list[Mapping[str, Any]], seed: int) -> dict[str, Any]:
    return {
        "name": name,
        "version": __version__,
        "commit": _commit(),
        "seed": seed,
        "environment": _environment(),
        "figures": {key: {**figure._asdict(), "ok": figure.ok} for key, figure in figures.items()},
        "rows": rows,
    }


def _show(name: str, figures: Mapping[str, Figure], rows: list[Mapping[str, Any]]) -> None:
    console = Console()
    table = Table("figure", "value", "min … max", "target", "", title=name)
    for key, figure in figures.items():
        between = " … ".join(f"{end:.4g}" for end in figure.interval or ())
        unit = "" if figure.unit == "1" else f" {figure.unit}"
        met = {True: "met", False: "missed", None: ""}[figure.ok]
        table.add_row(key, f"{figure.value:.4g}{unit}", between, figure.target, met)
    console.print(table)
    if rows:
        columns = list(dict.fromkeys(column for row in rows for column in row))
        detail = Table(*columns)
        for row in rows:
            detail.add_row(*(_cell(row.get(column, "")) for column in columns))
        console.print(detail)


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _environment() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
        "cpus": os.cpu_count(),
        "packages": {name: found for name in _PACKAGES if (found := installed(name))},
    }


def _commit() -> str | None:
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None  # not a checkout
