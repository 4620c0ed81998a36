"""Whether as many runs as a plan names see what it says they see, and whether variance goes where it came from."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator
from typing import Final

from benchmarks.statistics.false_alarms import ALPHA, MARGIN, changed, p_of
from harness.bench.figures import Figure
from harness.determinism.streams import stream
from harness.statistics.gate import Answer, gate
from harness.statistics.library import library
from harness.statistics.power import (
    gate_power,
    gate_runs_needed,
    paired_power,
    pairs_needed,
    runs_needed,
    unpaired_power,
)
from harness.statistics.sampling import runs_to_see
from harness.statistics.sources import variance_by_source

POWER: Final = 0.8
BAR: Final = "<= 3"
POINTS: Final = "points"


def plan_figures(simulations: int) -> Iterator[tuple[str, Figure]]:
    """Yield how far the share of simulations that see a change is from the power that was stated, in points."""
    for lost, gained in ((0.1, 0.02), (0.15, 0.05), (0.06, 0.04)):
        pairs = pairs_needed(lost, gained, ALPHA, POWER)
        seen = sum(_paired(pairs, lost, gained, stream(n, "paired", pairs)) for n in range(simulations)) / simulations
        stated = paired_power(lost, gained, pairs, ALPHA)
        name = f"paired plan: {100 * lost:g} % lost, {100 * gained:g} % gained, {pairs} pairs"
        yield name, Figure(100 * abs(seen - stated), POINTS, None, BAR)
    for before, after in ((0.9, 0.88), (0.7, 0.6), (0.5, 0.8)):
        runs = runs_needed(before, after, ALPHA, POWER)
        seen = _unpaired(before, after, runs, simulations)
        name = f"unpaired plan: {100 * before:g} % to {100 * after:g} %, {runs} runs each"
        yield name, Figure(100 * abs(seen - unpaired_power(before, after, runs, ALPHA)), POINTS, None, BAR)
    yield from _gate_figures(simulations)
    for share in (0.05, 0.02, 0.01):
        runs = runs_to_see(share)
        drawn = (stream(n, "tail", runs) for n in range(simulations))
        seen = sum(any(one.random() < share for _ in range(runs)) for one in drawn) / simulations
        stated = -math.expm1(runs * math.log1p(-share))
        yield f"seen at least once: {100 * share:g} %, {runs} runs", Figure(100 * abs(seen - stated), POINTS, None, BAR)


def _gate_figures(simulations: int) -> Iterator[tuple[str, Figure]]:
    cases: tuple[tuple[Answer, float, float], ...] = (
        ("worse", 0.5, 0.02),
        ("worse", 0.2, 0.05),
        ("better or equal", 0.02, 0.02),
    )
    for answer, lost, gained in cases:
        runs = gate_runs_needed(answer, lost, gained, ALPHA, MARGIN, POWER)
        seen = _gated(answer, lost, gained, runs, simulations)
        stated = gate_power(answer, lost, gained, runs, ALPHA, MARGIN)
        name = f"plan of the gate: {answer}, {100 * lost:g} % lost, {100 * gained:g} % gained, {runs} runs"
        yield name, Figure(100 * abs(seen - stated), POINTS, None, BAR)


def _gated(answer: Answer, lost: float, gained: float, runs: int, simulations: int) -> float:
    """Give the share of simulations in which the gate has this answer, asked once after so many runs."""
    generator = library("numpy").random.default_rng(runs)
    drawn = Counter(map(tuple, generator.multinomial(runs, [lost, gained, 1 - lost - gained], simulations).tolist()))
    right = (
        times
        for (down, up, same), times in drawn.items()
        if gate([-1.0] * down + [1.0] * up + [0.0] * same, ALPHA, MARGIN).answer == answer
    )
    return sum(right) / simulations


def _paired(pairs: int, lost: float, gained: float, chance: random.Random) -> bool:
    draw = changed(lost, gained)
    found = [draw(chance) for _ in range(pairs)]
    return p_of(found.count(-1.0), found.count(1.0)) <= ALPHA


def _unpaired(before: float, after: float, runs: int, simulations: int) -> float:
    """Give the share of simulations in which the two-sample test of proportions (pooled) sees the change."""
    numpy = library("numpy")
    generator = numpy.random.default_rng(runs)
    old = generator.binomial(runs, before, simulations) / runs
    new = generator.binomial(runs, after, simulations) / runs
    pooled = (old + new) / 2
    scores = numpy.abs(new - old) / numpy.sqrt(2 * pooled * (1 - pooled) / runs)
    return float(numpy.mean(scores >= library("scipy.stats").norm.isf(ALPHA / 2)))


def source_figures(simulations: int) -> Iterator[tuple[str, Figure]]:
    """Yield how far the mean of estimated variances is from the true ones, as a share of them, in percent."""
    true = {"task": 1.0, "seed": 0.5, "judge": 0.25}
    sums = dict.fromkeys(true, 0.0)
    for number in range(simulations):
        for name, variance in variance_by_source(_nested(true, stream(number, "sources")), list(true)):
            if variance is not None:
                sums[name] += variance
    for name, variance in true.items():
        off = 100 * abs(sums[name] / simulations / variance - 1)
        yield f"variance by source: {name}", Figure(off, "%", None, "<= 2")


def _nested(true: dict[str, float], chance: random.Random) -> list[tuple[tuple[int, int, int], float]]:
    """Draw values of thirty tasks, each done two to four times and judged twice."""
    rows = []
    for task in range(30):
        of_task = chance.gauss(0, math.sqrt(true["task"]))
        for seed in range(2 + task % 3):
            of_seed = of_task + chance.gauss(0, math.sqrt(true["seed"]))
            rows += [((task, seed, judge), of_seed + chance.gauss(0, math.sqrt(true["judge"]))) for judge in (0, 1)]
    return rows
