"""Real or noise: what changed between two results of one suite, and whether it is worse.

The question is put of the tasks that were done: whether they would come out worse again. Whether others like them would
is told beside it, where tasks were done several times, for that takes many tasks and not many runs.

What this does not verify: that runs of one task are independent of each other, that the tasks are a fair sample of what
is to come, that both results were measured in the same circumstances, or that a row is judged right.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any, Final, NamedTuple

from harness.bench.pairing import Pair, Pairing, Report, right
from harness.errors import UsageError
from harness.statistics.flips import Flips, flips, gained_to_lost
from harness.statistics.gate import Answer, evened, gate
from harness.statistics.interval import Interval
from harness.statistics.multiple import benjamini_hochberg, holm
from harness.statistics.paired import mean_difference, share_difference, sign_flip
from harness.statistics.power import gate_runs_needed
from harness.statistics.reliability import pass_power, success_at
from harness.statistics.sources import Source, variance_by_source

Tasks = Mapping[str, Sequence[Pair]]

EFFORT: Final = ("steps", "tokens")
"""Numbers of a row that are compared where every pair has them."""


class Bars(NamedTuple):
    """What is asked: ``alpha`` bounds false answers, a loss below ``margin`` is tolerated.

    ``beyond`` asks of all tasks like these, of which these are a sample: each is then one observation, however often it
    was done. Without ``chance`` every run of a task is the same: one lost task is worse.
    """

    alpha: float = 0.05
    margin: float = 0.05
    chance: bool = True
    beyond: bool = False


class Beyond(NamedTuple):
    """The difference that all tasks like these may have, and the answer of them."""

    interval: Interval
    answer: Answer


class Line(NamedTuple):
    """One condition, or one of its groups of tasks; without chance there is no interval and no p.

    ``before`` and ``after`` are what was right, as the mean over tasks; ``flips`` counts runs. ``changes`` names tasks
    with their (right before, right after, runs), those lost most first. ``several`` is (runs of each task, success@k
    before and after, pass^k before and after), None where a task was done once. ``beyond`` is None where that is the
    same question, or the one that is answered anyway.
    """

    condition: str
    group: str | None
    tasks: int
    flips: Flips
    before: float
    after: float
    difference: float
    interval: Interval | None
    p: float | None
    odds: tuple[float | None, Interval]
    changes: Mapping[str, tuple[int, int, int]]
    several: tuple[int, tuple[float, float], tuple[float, float]] | None
    beyond: Beyond | None
    answer: Answer


class Rule(NamedTuple):
    """How many runs violate a rule, before and after, of all that are compared, with a p-value (false discoveries)."""

    rule: str
    before: int
    after: int
    runs: int
    p: float


class Effort(NamedTuple):
    """What a run takes on average under a condition, and the difference; its interval is None for a single task."""

    condition: str
    what: str
    before: float
    after: float
    interval: Interval | None


class Plan(NamedTuple):
    """How many runs of a condition decide with 80 %, all its tasks together, where they are not enough.

    ``worse`` is the number if as much is lost and gained as now, None where that is no loss; ``kept`` if runs go on to
    change as often as now, and nothing is lost on balance. None too where more than 10,000 are needed.
    """

    condition: str
    runs: int
    tasks: int
    worse: int | None
    kept: int | None


class Comparison(NamedTuple):
    """All that changed; ``plans`` is for each condition of which nothing is shown, if that is the answer."""

    answer: Answer
    lines: Sequence[Line]
    rules: Sequence[Rule]
    effort: Sequence[Effort]
    plans: Sequence[Plan]


def compared(pairing: Pairing, bars: Bars) -> Comparison:
    """Compare what is paired.

    "Worse" anywhere is the answer; "better or equal" has to hold of every condition. Half of alpha is spent on
    conditions and half on groups, in equal parts, so the whole answer is falsely "worse" in a share of alpha at most.
    p-values of lines are Holm's. UsageError for bars that are none, or without scipy and statsmodels.
    O(runs^2) at worst, for the exact p-values.
    """
    wholes = [(name, None, tasks) for name, tasks in pairing.conditions.items()]
    parts = [(name, group, tasks) for name, _, whole in wholes for group, tasks in _groups(whole).items()]
    levels = {False: bars.alpha / len(wholes) / (2 if parts else 1), True: bars.alpha / 2 / max(1, len(parts))}
    lines = [
        _line(condition, group, tasks, bars, levels[group is not None]) for condition, group, tasks in wholes + parts
    ]
    if bars.chance:
        lines = [line._replace(p=p) for line, p in zip(lines, holm([line.p or 0.0 for line in lines]), strict=True)]
    order = {name: place for place, name in enumerate(pairing.conditions)}
    lines.sort(key=lambda line: order[line.condition])  # each condition, and below it its groups
    answer = _whole_answer(lines)
    plans = [
        _plan(line, pairing.conditions[line.condition], bars, levels[False])
        for line in lines
        if answer == line.answer == "inconclusive" and line.group is None
    ]
    return Comparison(answer, lines, _rules(pairing, bars), _efforts(pairing), plans)


def sources_of(report: Report) -> list[Source]:
    """Split the variance of being right in one result by task, agent, seed and judge.

    Last comes infrastructure: what differs between runs that differ in none of these. Agents are conditions.
    """
    rows = [
        ((row["task"], row["condition"], row["seed"], row.get("judge", "")), float(right(row))) for row in report.rows
    ]
    return variance_by_source(rows, ("task", "agent", "seed", "judge"), rest="infrastructure")


def _groups(tasks: Tasks) -> dict[str, Tasks]:
    """Give the tasks of each group, where there is more than one."""
    groups: dict[str, dict[str, Sequence[Pair]]] = {}
    for task, pairs in tasks.items():
        groups.setdefault(str(pairs[0].before.get("group", "")), {})[task] = pairs
    return {name: groups[name] for name in groups} if len(groups) > 1 else {}


def _line(condition: str, group: str | None, tasks: Tasks, bars: Bars, level: float) -> Line:
    sums = {task: sum(pair.difference for pair in pairs) for task, pairs in tasks.items()}
    shares = [sums[task] / len(pairs) for task, pairs in tasks.items()]
    pairs = [pair for found in tasks.values() for pair in found]
    found = flips((right(one), right(other), _said(one) != _said(other)) for one, other in pairs)
    gained, lost = sum(one > 0 for one in sums.values()), sum(one < 0 for one in sums.values())
    asked = shares if bars.beyond else _evened(tasks)
    swapped = list(sums.values()) if bars.beyond else [pair.difference for pair in pairs]
    counts = {task: _counts(pairs) for task, pairs in tasks.items()}
    before, after = (fmean(count[side] / count[2] for count in counts.values()) for side in (0, 1))
    return Line(
        condition,
        group,
        len(tasks),
        found,
        before,
        after,
        math.fsum(shares) / len(shares),
        share_difference(asked).interval if bars.chance else None,
        sign_flip(swapped) if bars.chance else None,
        gained_to_lost(gained, lost),
        {task: counts[task] for task in sorted(sums, key=lambda name: sums[name]) if sums[task]},
        _several(tasks),
        _beyond(shares, bars, level) if bars.chance and len(asked) > len(shares) else None,
        _answer(asked, bars, level) if bars.chance else ("worse" if found.lost else "better or equal"),
    )


def _evened(tasks: Tasks) -> list[float]:
    return evened([pair.difference for pair in pairs] for pairs in tasks.values())


def _beyond(shares: Sequence[float], bars: Bars, level: float) -> Beyond:
    return Beyond(share_difference(shares).interval, _answer(shares, bars, level))


def _counts(pairs: Sequence[Pair]) -> tuple[int, int, int]:
    return sum(right(one) for one, _ in pairs), sum(right(other) for _, other in pairs), len(pairs)


def _answer(differences: Sequence[float], bars: Bars, level: float) -> Answer:
    """Give the gate's answer; only "worse" is one of many chances to be wrong, all conditions have to be kept."""
    kept = gate(differences, bars.alpha, bars.margin).answer == "better or equal"
    return "better or equal" if kept else gate(differences, level, bars.margin).answer


def _whole_answer(lines: Sequence[Line]) -> Answer:
    if any(line.answer == "worse" for line in lines):
        return "worse"
    kept = all(line.answer == "better or equal" for line in lines if line.group is None)
    return "better or equal" if kept else "inconclusive"


def _several(tasks: Tasks) -> tuple[int, tuple[float, float], tuple[float, float]] | None:
    runs = min(map(len, tasks.values()))
    if runs < 2:
        return None
    counts = [_counts(pairs) for pairs in tasks.values()]

    def mean(chance: Any, place: int) -> float:
        return math.fsum(chance(count[2], count[place], runs) for count in counts) / len(counts)

    return runs, (mean(success_at, 0), mean(success_at, 1)), (mean(pass_power, 0), mean(pass_power, 1))


def _said(row: Mapping[str, Any]) -> Any:
    return row.get("answer", row.get("why"))


def _plan(line: Line, tasks: Tasks, bars: Bars, level: float) -> Plan:
    differences = [math.fsum(pair.difference for pair in pairs) / len(pairs) for pairs in tasks.values()]
    asked = differences if bars.beyond else _evened(tasks)
    lost, gained = (math.fsum(max(0.0, sign * one) for one in asked) / len(asked) for sign in (-1, 1))
    changed = min(0.5, (math.fsum(map(abs, asked)) + 1) / 2 / (len(asked) + 1))  # of each kind; never none at all
    return Plan(
        line.condition,
        len(asked),
        line.tasks,
        _runs("worse", lost, gained, level, bars.margin) if lost > gained else None,
        _runs("better or equal", changed, changed, bars.alpha, bars.margin),
    )


def _runs(answer: Answer, lost: float, gained: float, alpha: float, margin: float) -> int | None:
    try:
        return gate_runs_needed(answer, lost, gained, alpha, margin)
    except UsageError:
        return None  # more than anybody will do


def _rules(pairing: Pairing, bars: Bars) -> list[Rule]:
    """Compare how often each rule was violated, in runs that tell it on both sides."""
    tasks = [
        [({*one["violations"]}, {*other["violations"]}) for one, other in pairs]
        for found in pairing.conditions.values()
        for pairs in found.values()
        if all("violations" in row for pair in pairs for row in pair)
    ]
    runs = sum(map(len, tasks))
    rules = sorted({rule for pairs in tasks for pair in pairs for side in pair for rule in side})
    ps = [sign_flip(_changes(tasks, rule, bars)) for rule in rules]
    return [
        Rule(
            rule,
            sum(rule in old for pairs in tasks for old, _ in pairs),
            sum(rule in new for pairs in tasks for _, new in pairs),
            runs,
            p,
        )
        for rule, p in zip(rules, benjamini_hochberg(ps), strict=True)
    ]


def _changes(tasks: Sequence[Sequence[tuple[set[str], set[str]]]], rule: str, bars: Bars) -> list[int]:
    """Give by how much more often a rule is violated, in each run; of all tasks like these, in each task."""
    changes = [[(rule in new) - (rule in old) for old, new in pairs] for pairs in tasks]
    return [sum(one) for one in changes] if bars.beyond else [change for one in changes for change in one]


def _efforts(pairing: Pairing) -> list[Effort]:
    found = []
    for condition, tasks in pairing.conditions.items():
        for what in EFFORT:
            if all(
                isinstance(row.get(what), int | float) for pairs in tasks.values() for pair in pairs for row in pair
            ):
                before = [math.fsum(one[what] for one, _ in pairs) / len(pairs) for pairs in tasks.values()]
                after = [math.fsum(other[what] for _, other in pairs) / len(pairs) for pairs in tasks.values()]
                difference = mean_difference([new - old for old, new in zip(before, after, strict=True)])
                interval = difference.interval if difference else None
                found.append(
                    Effort(condition, what, math.fsum(before) / len(before), math.fsum(after) / len(after), interval)
                )
    return found
