"""The reported numbers of the suite, counted over its rows."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from harness.bench.figures import Figure
from harness.bench.task import Row
from harness.statistics.interval import wilson

Found = Mapping[str, Any]

_SETS: Final = ("infeasible", "feasible", "point", "beyond")
_PROPOSERS: Final = ("good", "sycophantic", "oscillating", "random")
_ENDS: Final = ("converged", "infeasible", "exhausted", "escalated")


def figures(rows: Sequence[Row]) -> Mapping[str, Figure]:
    """Give the figures.

    ``unknown_rate`` is over the sets that can be decided by how they are made; of the others, to be undecided is the
    right answer, and ``overclaimed`` counts any other one. ``model_calls`` are proposals that were asked for before a
    paradox was told, in loops and in sessions.
    """
    by: defaultdict[str, list[Found]] = defaultdict(list)
    loops: defaultdict[str, list[Found]] = defaultdict(list)
    for row in rows:
        by[row.cell.task.group].append(row.found)
        if row.cell.task.group == "loops":
            loops[row.cell.condition.name].append(row.found)
    return {
        **_of_sets(by),
        **_of_cases(by["published"]),
        **_of_loops(loops, [*by["loops"], *by["sessions"]]),
        **_of_time([one for group in _SETS for one in by[group]]),
    }


def _of_sets(by: Mapping[str, Sequence[Found]]) -> dict[str, Figure]:
    every = [one for group in _SETS for one in by[group]]
    answered = [*every, *by["published"]]
    decidable = [one for one in answered if one["truth"] != "beyond"]
    planted = [one for one in every if "mus_exact" in one]
    return {
        "instances": Figure(len(every), "1", None, ">= 400"),
        **{f"instances_{group}": Figure(len(by[group]), "1", None, ">= 100") for group in _SETS},
        "false_paradox": _none(one["verdict"] == "infeasible" and one["truth"] != "infeasible" for one in answered),
        "missed_paradox": _none(one["verdict"] == "feasible" and one["truth"] == "infeasible" for one in answered),
        "overclaimed": _none(one["overclaimed"] for one in every),
        "witness_wrong": _none(one["witness_wrong"] for one in every),
        "leaning_wrong": _none(one["leaning_wrong"] for one in every),
        **_rate("unknown_rate", [one["verdict"] == "undecided" for one in decidable], "<= 0.01"),
        **_rate("mus_exact_rate", [one["mus_exact"] for one in planted], "== 1"),
        "sets_with_several_muses": Figure(sum(one["planted"] > 1 for one in planted), "1"),
    }


def _of_cases(found: Sequence[Found]) -> dict[str, Figure]:
    vectors = sum(one["vectors"] for one in found)
    return {
        "vectors_correct": Figure(sum(one["correct"] for one in found), "1", None, f"== {vectors}"),
        "vectors": Figure(vectors, "1", None, ">= 40"),
    }


def _of_loops(loops: Mapping[str, Sequence[Found]], every: Sequence[Found]) -> dict[str, Figure]:
    detected = [one for one in every if one["end"] == "infeasible"]
    ends = {
        f"{who}_{end}": Figure(sum(one["end"] == end for one in loops[who]), "1")
        for who in _PROPOSERS
        for end in _ENDS[:3]
    }
    return {
        "model_calls": Figure(sum(one.get("requests", one.get("asks", 0)) for one in detected), "1", None, "== 0"),
        "loops": Figure(len(every), "1"),
        **ends,
        "loops_false_paradox": _none(one["end"] == "infeasible" and one["truth"] != "infeasible" for one in every),
        "loops_missed_paradox": _none(one["end"] != "infeasible" and one["truth"] == "infeasible" for one in every),
        "locked_broken": Figure(sum(one["locked_broken"] for one in every), "1", None, "== 0"),
        "converged_wrong": _none(one["ended_wrong"] for one in every),
    }


def _of_time(found: Sequence[Found]) -> dict[str, Figure]:
    times = sorted(one["ms"] for one in found)
    if len(times) < 2:
        return {}
    p90 = statistics.quantiles(times, n=10)[-1]
    return {
        "decide_median_ms": Figure(statistics.median(times), "ms", (times[0], times[-1]), "<= 100"),
        "decide_p90_ms": Figure(p90, "ms", (times[0], times[-1]), "<= 500"),
    }


def _none(wrong: Any) -> Figure:
    """Count what must never happen."""
    return Figure(sum(wrong), "1", None, "== 0")


def _rate(name: str, found: Sequence[bool], target: str) -> dict[str, Figure]:
    """Give a share with its interval; a share of nothing is left out."""
    if not found:
        return {}
    return {name: Figure(sum(found) / len(found), "1", wilson(sum(found), len(found)), target)}
