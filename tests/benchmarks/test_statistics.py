"""The procedures hold in a tenth and less of the simulations that the campaign makes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from benchmarks.statistics import coverage
from benchmarks.statistics.coverage import coverage_figures
from benchmarks.statistics.false_alarms import answers, answers_on_tasks, changed, gate_figures, rejection_figures
from benchmarks.statistics.plans import plan_figures, source_figures
from harness.bench.figures import Figure
from harness.statistics.interval import Interval

Part = Callable[[int], Iterator[tuple[str, Figure]]]


PARTS = [(gate_figures, 100), (rejection_figures, 40), (plan_figures, 2000), (source_figures, 500)]


@pytest.mark.parametrize(("part", "simulations"), PARTS)
def test_every_bar_is_met(part: Part, simulations: int) -> None:
    """The gate, the tests, the plans and the parts of variance are as right as they say."""
    figures = dict(part(simulations))
    assert figures
    assert [name for name, figure in figures.items() if figure.ok is False] == []


def test_intervals_hold_the_truth() -> None:
    """Of 300 of each kind no fewer than chance allows of 94.5 %: three standard errors below."""
    for name, figure in coverage_figures(300):
        if not figure.target:
            continue
        trials = float(figure.target.removeprefix(">= ")) / coverage.LEAST
        assert figure.value >= trials * coverage.LEAST - 3 * (trials * 0.95 * 0.05) ** 0.5, name


def test_a_gate_that_cries_wolf_would_be_seen() -> None:
    """Where tasks are in fact lost "worse" is said far more often than alpha, so the count can fail its bar."""
    assert answers(changed(0.15, 0.05), "worse", 50, "planted") > 10
    assert answers_on_tasks(((0.9, 0.6),) * 10, "worse", 20, "planted") > 10


def test_an_interval_that_is_too_narrow_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interval of half the width misses its bar."""

    def narrow(chance: random.Random) -> tuple[Interval, float]:
        low, high = coverage.wilson_of(sum(chance.random() < 0.5 for _ in range(100)), 100)
        return Interval((3 * low + high) / 4, (low + 3 * high) / 4), 0.5

    monkeypatch.setattr(coverage, "TRIALS", {"narrow": narrow})
    assert [figure.ok for _, figure in coverage_figures(200)] == [False]
