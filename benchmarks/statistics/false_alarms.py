"""How often a gate or a test sees what is not there."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final

from harness.bench.figures import Figure, counted
from harness.determinism.streams import stream
from harness.statistics.gate import Answer, Gate
from harness.statistics.multiple import benjamini_hochberg, holm
from harness.statistics.paired import mcnemar, sign_flip

ALPHA: Final = 0.05
MARGIN: Final = 0.05
LOOKS: Final = 200  # tasks after each of which the gate is asked
ROUNDS: Final = 20  # in each of which every task is done once more, and the gate is asked again

Draw = Callable[[random.Random], float]


def changed(lost: float, gained: float) -> Draw:
    """Give a way to draw the difference of one task that is done once."""
    return lambda chance: -1.0 if (drawn := chance.random()) < lost else 1.0 if drawn < lost + gained else 0.0


def several(before: float, after: float, seeds: int = 3) -> Draw:
    """Give a way to draw the difference of a task that is done several times, and is easy or hard."""

    def draw(chance: random.Random) -> float:
        ease = chance.uniform(-0.2, 0.2)
        gained = sum(chance.random() < after + ease for _ in range(seeds))
        return (gained - sum(chance.random() < before + ease for _ in range(seeds))) / seeds

    return draw


EQUAL: Final[dict[str, Draw]] = {
    "no difference, 1 % of tasks flip each way": changed(0.01, 0.01),
    "no difference, 10 % flip each way": changed(0.1, 0.1),
    "no difference, 25 % flip each way": changed(0.25, 0.25),
    "no difference, three runs of each task": several(0.7, 0.7),
}
WORSE: Final[dict[str, Draw]] = {
    "worse by the margin, nothing gained": changed(0.05, 0.0),
    "worse by the margin, 10 % gained": changed(0.15, 0.1),
    "worse by the margin, three runs of each task": several(0.7, 0.65),
}
Tasks = tuple[tuple[float, float], ...]
"""The chances of each task to come out right, before and after: the tasks are what they are, and runs vary."""

EQUAL_TASKS: Final[dict[str, Tasks]] = {
    "ten tasks alike": ((0.9, 0.9),) * 10,
    "ten tasks, of which half lose 30 points and half gain them": ((0.9, 0.6), (0.6, 0.9)) * 5,
    "ten tasks, of which one always loses and one always gains": ((1.0, 0.0), (0.0, 1.0), *((0.8, 0.8),) * 8),
}
WORSE_TASKS: Final[dict[str, Tasks]] = {
    "ten tasks, each worse by the margin": ((0.9, 0.85),) * 10,
    "ten tasks, of which one loses half": ((1.0, 0.5), *((0.9, 0.9),) * 9),
}
COLLAPSED: Final[dict[str, Tasks]] = {
    "96 % to 48 % of ten tasks": ((0.96, 0.96), (0.96, 0.0)) * 5,
    "96 % to 80 % of ten tasks": ((0.96, 0.8),) * 10,
}


def answers(draw: Draw, wrong: Answer, simulations: int, name: str) -> int:
    """Count simulations in which the gate gives an answer at any of its looks."""
    return sum(_ever(draw, wrong, stream(number, "gate", name)) for number in range(simulations))


def _ever(draw: Draw, wrong: Answer, chance: random.Random) -> bool:
    gate = Gate(ALPHA, MARGIN)
    for _ in range(LOOKS):
        gate = gate.with_difference(draw(chance))
        if gate.answer == wrong:
            return True
    return False


def answers_on_tasks(tasks: Tasks, wrong: Answer, simulations: int, name: str, rounds: int = ROUNDS) -> int:
    """Count simulations in which the gate gives an answer on these tasks after any of their rounds."""
    return sum(_ever_on(tasks, wrong, stream(number, "tasks", name), rounds) for number in range(simulations))


def _ever_on(tasks: Tasks, wrong: Answer, chance: random.Random, rounds: int) -> bool:
    gate = Gate(ALPHA, MARGIN)
    for _ in range(rounds):
        for before, after in tasks:
            gate = gate.with_difference((chance.random() < after) - (chance.random() < before))
        if gate.answer == wrong:
            return True
    return False


def gate_figures(simulations: int) -> Iterator[tuple[str, Figure]]:
    """Yield false answers of the gate, asked after each of 200 tasks or of 20 rounds of ten, and its right ones."""
    bar = f"<= {ALPHA * simulations:g}"
    for name, draw in EQUAL.items():
        yield f"gate says worse: {name}", counted(answers(draw, "worse", simulations, name), simulations, bar)
    for name, draw in WORSE.items():
        kept = answers(draw, "better or equal", simulations, name)
        yield f"gate says better or equal: {name}", counted(kept, simulations, bar)
    for name, tasks in EQUAL_TASKS.items():
        yield f"gate says worse: {name}", counted(answers_on_tasks(tasks, "worse", simulations, name), simulations, bar)
    for name, tasks in WORSE_TASKS.items():
        kept = answers_on_tasks(tasks, "better or equal", simulations, name)
        yield f"gate says better or equal: {name}", counted(kept, simulations, bar)
    for name, tasks in COLLAPSED.items():
        found = answers_on_tasks(tasks, "worse", simulations // 10, name, rounds=5)
        yield f"gate finds it within five runs of each: {name}", counted(found, simulations // 10)
    for loss in (0.1, 0.2):
        name = f"worse by {100 * loss:g} points, 5 % gained"
        found = answers(changed(loss + 0.05, 0.05), "worse", simulations // 10, name)
        yield f"gate finds it within 200 tasks: {name}", counted(found, simulations // 10)
    name = "no difference, 1 % of tasks flip each way"
    found = answers(EQUAL[name], "better or equal", simulations // 10, name)
    yield f"gate finds it within 200 tasks: {name}", counted(found, simulations // 10)


# --- tests ------------------------------------------------------------------------------------------------------------


p_of = lru_cache(maxsize=None)(mcnemar)  # of few counts, very often


def rejection_figures(simulations: int) -> Iterator[tuple[str, Figure]]:
    """Yield how often a true null hypothesis is rejected, by each test at its level."""
    gc.freeze()  # statsmodels collects garbage at every call: without this it goes through all modules each time
    bar = f"<= {ALPHA * simulations:g}"
    for tasks, flip in ((20, 0.1), (100, 0.05), (100, 0.25)):
        found = sum(
            _mcnemar(tasks, changed(flip, flip), stream(n, "mcnemar", tasks)) <= ALPHA for n in range(simulations)
        )
        yield f"McNemar rejects: {tasks} tasks, {100 * flip:g} % flip each way", counted(found, simulations, bar)
    for tasks in (10, 50):
        found = sum(_sign_flip(tasks, stream(n, "sign flip", tasks)) <= ALPHA for n in range(simulations))
        yield f"sign flips reject: {tasks} tasks, three runs of each", counted(found, simulations, bar)
    found = sum(min(holm(_family(stream(n, "holm"), 0))) <= ALPHA for n in range(simulations))
    yield "Holm rejects any of ten that are true", counted(found, simulations, bar)
    shares = sum(_false_share(stream(n, "discoveries")) for n in range(simulations))
    yield "Benjamini-Hochberg: false among what is rejected, six of ten true", Figure(shares, "1", None, bar)


def _mcnemar(tasks: int, draw: Draw, chance: random.Random) -> float:
    found = [draw(chance) for _ in range(tasks)]
    return p_of(found.count(-1.0), found.count(1.0))


def _sign_flip(tasks: int, chance: random.Random) -> float:
    draw = several(0.7, 0.7)
    return sign_flip([round(3 * draw(chance)) for _ in range(tasks)])


def _family(chance: random.Random, false: int) -> list[float]:
    """Draw p-values of ten tests, the first few of a null hypothesis that is false."""
    kinds = [changed(0.3, 0.05)] * false + [changed(0.15, 0.15)] * (10 - false)
    return [_mcnemar(60, draw, chance) for draw in kinds]


def _false_share(chance: random.Random) -> float:
    rejected = [place for place, p in enumerate(benjamini_hochberg(_family(chance, 4))) if p <= ALPHA]
    return sum(place >= 4 for place in rejected) / len(rejected) if rejected else 0.0
