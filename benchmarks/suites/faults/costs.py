"""What teams cost, how they bear several faults at once, how long they last, and whether agents keep to their roles.

Overhead, efficiency and amplification are those of arXiv 2512.08296 (``harness.statistics.teams``), beside the agent
alone: tokens where nothing goes wrong, for padded contexts would be most of them else; turns and errors under the
faults that both are given. Area, MTBF and drift are those of 2603.18096. Intervals of what is no plain share are a
bootstrap over the letters, which all teams and faults have in common.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any, NamedTuple, TypeVar

from harness.bench.figures import SEED, Figure
from harness.bench.task import Row
from harness.statistics.cluster import bootstrap
from harness.statistics.interval import Interval
from harness.statistics.reliability import area_under, lifetime
from harness.statistics.teams import amplification, efficiency, overhead
from harness.statistics.tolerance import Share

from .strikes import BUDGETS, CLEAN, FAMILIES, SINGLE, TEAMS

Letter = TypeVar("Letter")
"""What is counted of one letter."""


class Beside(NamedTuple):
    """What a team, and the agent alone, came to in the same cells."""

    runs: int = 0
    errors: int = 0
    turns: int = 0
    tokens: int = 0
    single_errors: int = 0
    single_turns: int = 0
    single_tokens: int = 0


def costs(rows: Sequence[Row]) -> dict[str, Figure]:
    """Give the figures."""
    clean = [row for row in rows if row.cell.task.group == CLEAN]
    struck = [row for row in rows if row.cell.task.group in FAMILIES and row.found["injected"]]
    told = dict[str, Figure]()
    for team in TEAMS:
        told |= dict(_beside(f"{team}_overhead", _overhead, _letters(clean, team)))
        told |= dict(_beside(f"{team}_efficiency", _efficiency, _letters(struck, team)))
        told |= dict(_beside(f"{team}_amplification", _amplification, _letters(struck, team)))
    for who in (*TEAMS, SINGLE):
        told |= dict(_area(who, rows))
        told |= dict(_lifetimes(who, struck))
    return told | dict(_roles(struck))


# --- beside the agent alone -------------------------------------------------------------------------------------------


def _letters(rows: Sequence[Row], team: str) -> list[Beside]:
    """Add up by letter the cells that a team and the agent alone have both done."""
    alone = {(row.cell.task.name, row.cell.seed): row.found for row in rows if row.cell.condition.name == SINGLE}
    letters: dict[int, Beside] = {}
    for row in rows:
        other = alone.get((row.cell.task.name, row.cell.seed))
        if row.cell.condition.name == team and other is not None:
            letter = row.cell.task.data["letter"]
            counts = zip(letters.get(letter, Beside()), (1, *_taken(row.found), *_taken(other)), strict=True)
            letters[letter] = Beside(*map(sum, counts))
    return list(letters.values())


def _taken(found: Mapping[str, Any]) -> tuple[int, int, int]:
    return not found["passed"], found["turns"], found["tokens"]


def _beside(
    name: str, number: Callable[[Sequence[Beside]], float | None], letters: Sequence[Beside]
) -> Iterator[tuple[str, Figure]]:
    if letters and (value := number(letters)) is not None:
        yield name, Figure(value, "1", _between(letters, number))


def _overhead(letters: Sequence[Beside]) -> float | None:
    return overhead(sum(one.tokens for one in letters), sum(one.single_tokens for one in letters))


def _efficiency(letters: Sequence[Beside]) -> float | None:
    runs = sum(one.runs for one in letters)
    success = (runs - sum(one.errors for one in letters)) / runs
    return efficiency(success, sum(one.turns for one in letters), sum(one.single_turns for one in letters))


def _amplification(letters: Sequence[Beside]) -> float | None:
    return amplification(sum(one.errors for one in letters), sum(one.single_errors for one in letters))


# --- each by itself ---------------------------------------------------------------------------------------------------


def _area(who: str, rows: Iterable[Row]) -> Iterator[tuple[str, Figure]]:
    """Yield the area under the share of letters that are done with no fault, with one, and with more at once."""
    letters: dict[int, dict[int, list[bool]]] = {}
    for row in rows:
        task = row.cell.task
        if row.cell.condition.name == who and task.group in (CLEAN, "budget"):
            done = letters.setdefault(task.data["letter"], {})
            done.setdefault(task.data.get("budget", 0), []).append(row.found["passed"])
    areas = [(_area_of(done), 1) for done in letters.values() if set(done) == {0, *BUDGETS}]
    if areas:
        yield f"{who}_area", Figure(fmean(area for area, _ in areas), "1", _between(areas, _ratio))


def _area_of(done: Mapping[int, Sequence[bool]]) -> float:
    return area_under({budget: fmean(passed) for budget, passed in done.items()})


def _lifetimes(who: str, struck: Iterable[Row]) -> Iterator[tuple[str, Figure]]:
    """Yield the mean steps to a failure; that a letter is not done can be told at the end of a run only."""
    runs = [row for row in struck if row.cell.condition.name == who]
    failed, survived = ([row.found["steps"] for row in runs if row.found["passed"] is done] for done in (False, True))
    if not runs:
        return
    naive, censored = lifetime(failed, survived)
    yield f"{who}_mtbf_naive", Figure(naive, "steps", _between(_steps(runs, lambda passed: 1), _ratio))
    if censored is not None:
        between = _between(_steps(runs, lambda passed: not passed), _ratio)
        yield f"{who}_mtbf_censored", Figure(censored, "steps", between)


def _steps(runs: Iterable[Row], counts: Callable[[bool], int]) -> list[tuple[float, float]]:
    """Add up by letter the steps of runs, and what each run counts."""
    letters: dict[int, tuple[float, float]] = {}
    for row in runs:
        steps, of = letters.get(row.cell.task.data["letter"], (0, 0))
        letters[row.cell.task.data["letter"]] = steps + row.found["steps"], of + counts(row.found["passed"])
    return list(letters.values())


def _ratio(letters: Sequence[tuple[float, float]]) -> float | None:
    below = sum(of for _, of in letters)
    return sum(part for part, _ in letters) / below if below else None


def _between(letters: Sequence[Letter], number: Callable[[Sequence[Letter]], float | None]) -> Interval | None:
    """Give the interval of a number over letters; a single one says nothing of others."""
    return bootstrap(letters, number, SEED) if len(letters) > 1 else None


def _roles(struck: Sequence[Row]) -> Iterator[tuple[str, Figure]]:
    """Yield of every agent the share of its calls that its role does not allow."""
    counts: dict[str, tuple[int, int]] = {}
    for row in struck:
        for agent, held in row.found["run"]["agents"].items():
            outside, asked = counts.get(agent, (0, 0))
            counts[agent] = outside + held["outside"], asked + held["asked"]
    for agent, (outside, asked) in counts.items():
        share = Share(outside, asked)
        if share.value is not None:
            yield f"{agent}_drift", Figure(share.value, "1", (share.interval.low, share.interval.high))
