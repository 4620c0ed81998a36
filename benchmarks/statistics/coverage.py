"""How often an interval holds the truth that it was made to hold."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from statistics import NormalDist
from typing import Final

from benchmarks.statistics.false_alarms import COLLAPSED, EQUAL_TASKS, WORSE_TASKS, Draw, Tasks, changed
from harness.bench.figures import Figure, counted
from harness.determinism.streams import stream
from harness.statistics.cluster import cluster_bootstrap, wilson_by_cluster
from harness.statistics.flips import gained_to_lost
from harness.statistics.interval import Interval, clopper_pearson, wilson
from harness.statistics.paired import mean_difference, share_difference
from harness.statistics.ranking import Scored, areas

LEAST: Final = 0.945
"""The nominal 95 % less half a point."""

NARROW: Final = "share by clusters"
"""What begins so says itself that it is too narrow for few clusters, and has no bar; nothing is decided by it here."""

Trial = Callable[[random.Random], tuple[Interval | None, float]]
"""Draws data, and gives the interval and the truth; no interval where the data make none."""

wilson_of, exact_of = lru_cache(maxsize=None)(wilson), lru_cache(maxsize=None)(clopper_pearson)


def coverage_figures(simulations: int) -> Iterator[tuple[str, Figure]]:
    """Yield how many intervals hold the truth, by procedure and kind of data."""
    for name, trial in TRIALS.items():
        held = drawn = 0
        for number in range(simulations):
            interval, truth = trial(stream(number, "coverage", name))
            if interval is not None:
                drawn, held = drawn + 1, held + (interval.low - 1e-12 <= truth <= interval.high + 1e-12)
        yield name, counted(held, drawn, "" if name.startswith(NARROW) else f">= {LEAST * drawn:g}")


def _successes(chance: random.Random, trials: int, share: float) -> int:
    return sum(chance.random() < share for _ in range(trials))


def _wilson(trials: int) -> Trial:
    def trial(chance: random.Random) -> tuple[Interval, float]:
        share = chance.random()
        return wilson_of(_successes(chance, trials, share), trials), share

    return trial


def _exact(trials: int, share: float) -> Trial:
    return lambda chance: (exact_of(_successes(chance, trials, share), trials), share)


def _shares(tasks: int, draw: Draw, truth: float) -> Trial:
    return lambda chance: (share_difference([draw(chance) for _ in range(tasks)]).interval, truth)


def _mixed(loss: float, seeds: int) -> Draw:
    """Give a way to draw differences of tasks of which some are lost in every run, and all others vary."""

    def draw(chance: random.Random) -> float:
        if chance.random() < loss:
            return -1.0
        return (_successes(chance, seeds, 0.8) - _successes(chance, seeds, 0.8)) / seeds

    return draw


def _these(chances: Tasks, runs: int) -> Trial:
    """Do the same tasks again each time: what is held is the mean difference of these."""
    truth = math.fsum(after - before for before, after in chances) / len(chances)

    def trial(chance: random.Random) -> tuple[Interval, float]:
        found = [
            (chance.random() < after) - (chance.random() < before) for before, after in chances for _ in range(runs)
        ]
        return share_difference(found).interval, truth

    return trial


def _effort(tasks: int, spread: Callable[[random.Random], float]) -> Trial:
    def trial(chance: random.Random) -> tuple[Interval | None, float]:
        found = mean_difference([spread(chance) for _ in range(tasks)])
        return found and found.interval, 0.0

    return trial


def _clusters(count: int) -> Trial:
    """Tasks are easy or hard and done four times each; a bootstrap."""

    def trial(chance: random.Random) -> tuple[Interval, float]:
        clusters = [(_successes(chance, 4, chance.uniform(0.3, 0.9)), 4) for _ in range(count)]
        return cluster_bootstrap(clusters, chance.getrandbits(32), resamples=500), 0.6

    return trial


def _by_task(runs: Sequence[int], truth: float) -> Trial:
    """Tasks are mostly easy or hard, the more of them easy the higher the truth, and done so many times each."""

    def trial(chance: random.Random) -> tuple[Interval, float]:
        shares = [(chance.betavariate(truth, 1 - truth), each) for each in runs]
        return wilson_by_cluster([(_successes(chance, each, share), each) for share, each in shares]), truth

    return trial


def _areas(questions: int, apart: float, hard: float) -> Trial:
    """Eight replies to each question, of which those to a hard one are mostly wrong."""
    truth = NormalDist().cdf(apart / math.sqrt(2))

    def trial(chance: random.Random) -> tuple[Interval | None, float]:
        wrongs = [
            (question, chance.random() < share)
            for question in range(questions)
            for share in [0.65 if chance.random() < hard else 0.05] * 8
        ]
        scored = [Scored(question, wrong, chance.gauss(apart * wrong, 1), 0.0) for question, wrong in wrongs]
        found = areas(scored)
        return found and found.score.interval, truth

    return trial


def _odds(tasks: int, lost: float, gained: float) -> Trial:
    def trial(chance: random.Random) -> tuple[Interval | None, float]:
        draw = changed(lost, gained)
        found = [draw(chance) for _ in range(tasks)]
        return gained_to_lost(found.count(1.0), found.count(-1.0))[1], gained / lost

    return trial


TRIALS: Final[dict[str, Trial]] = {
    **{f"Wilson: {n} trials, any share": _wilson(n) for n in (20, 100)},
    **{f"Clopper-Pearson: {n} trials, {p:g}": _exact(n, p) for n in (20, 100) for p in (0.02, 0.3, 0.95)},
    **{
        f"difference of shares: {n} tasks, {100 * lost:g} % lost, {100 * gained:g} % gained": _shares(
            n, changed(lost, gained), gained - lost
        )
        for n in (10, 30, 100, 300)
        for lost, gained in ((0.02, 0.02), (0.1, 0.02), (0.2, 0.2), (0.4, 0.05))
    },
    **{
        f"difference of shares: {n} tasks, five runs, {100 * loss:g} % lost always": _shares(n, _mixed(loss, 5), -loss)
        for n in (10, 30, 100)
        for loss in (0.0, 0.05, 0.2)
    },
    **{
        f"difference of shares: {name}, {runs} runs of each": _these(chances, runs)
        for name, chances in (EQUAL_TASKS | WORSE_TASKS | COLLAPSED).items()
        for runs in (2, 5)
    },
    **{f"difference of numbers: {n} tasks, normal": _effort(n, lambda one: one.gauss(0, 1)) for n in (10, 30, 100)},
    **{
        f"difference of numbers: {n} tasks, each side log-normal": _effort(
            n, lambda one: math.exp(one.gauss(0, 1)) - math.exp(one.gauss(0, 1))
        )
        for n in (10, 30, 100)
    },
    **{f"odds of flips: {n} tasks": _odds(n, 0.2, 0.1) for n in (20, 100)},
    **{
        f"area: 48 questions, {hard:g} hard, {apart:g} apart": _areas(48, apart, hard)
        for apart, hard in ((0.0, 0.05), (0.0, 0.2), (1.5, 0.4))
    },
    **{
        f"share by task: {tasks} tasks, {runs} runs, {100 * truth:g} %": _by_task([runs] * tasks, truth)
        for tasks in (10, 50)
        for runs in (3, 10)
        for truth in (0.5, 0.9)
    },
    **{
        f"share by task: 10 tasks, two runs and fifty of one, {100 * truth:g} %": _by_task([50, *[2] * 9], truth)
        for truth in (0.5, 0.9)
    },
    f"{NARROW}: 50 tasks, four runs": _clusters(50),
}
