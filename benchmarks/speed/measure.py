"""Timing, told in the one shape of every measurement (``harness.bench.figures``).

A sample is one repetition. Things that are compared are timed in turn within each repetition, so that a slow moment of
the machine meets all of them, and a ratio is the median of the repetitions' own ratios.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

import orjson
from rich.console import Console

from harness import __version__
from harness.bench.figures import SEED, Figure, installed, report_of
from harness.cli.tables import figure_table, print_table, row_table

__all__ = [
    "REPETITIONS",
    "SEED",
    "Figure",
    "Samples",
    "installed",
    "measured",
    "report",
    "side_by_side",
    "us_per_call",
]

REPETITIONS: Final = 9

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
        print(orjson.dumps(report_of(name, __version__, figures, listed, seed=seed, packages=_PACKAGES)).decode())
        return
    console = Console()
    print_table(console, figure_table(name, figures))
    if listed:
        print_table(console, row_table(listed))
