"""The reported numbers of the suite, counted over its rows."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Final

from harness.bench.figures import SEED, Figure, counted
from harness.bench.task import Row
from harness.statistics.cluster import bootstrap, wilson_by_cluster
from harness.statistics.cover import greedy_cover
from harness.statistics.reliability import area_under

Searches = Sequence[Mapping[str, Any]]
"""What the guided search found in one agent, seed by seed."""

BUDGETS: Final = (0, 1, 2, 3)
"""What a schedule may cost, in calls that are struck (``harness.stress.search.cost``)."""


def figures(rows: Sequence[Row]) -> Mapping[str, Figure]:
    """Give the figures; shares are of the agents with a bug, and of the counterexamples that were found."""
    by: dict[str, list[Mapping[str, Any]]] = {"guided": [], "random": [], "mended": []}
    agents: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by[row.cell.condition.name].append(row.found)
        if row.cell.condition.name == "guided":
            agents.setdefault(row.cell.task.name, []).append(row.found)
    guided, drawn, mended = by["guided"], by["random"], by["mended"]
    found = [one for one in guided if one["found"]]
    most = len(guided)
    return {
        "buggy": Figure(most, "1", None, ">= 40"),
        "reported": Figure(sum(one["reported"] for one in guided), "1", None, ">= 12"),
        "twins": Figure(len(mended), "1", None, ">= 10"),
        "found": counted(len(found), most, f">= {0.95 * most:g}") if most else Figure(0, "1"),
        "random_found": counted(sum(one["found"] for one in drawn), len(drawn)) if drawn else Figure(0, "1"),
        "false_alarms": Figure(sum(one["alarms"] for one in mended), "1", None, "== 0"),
        "minimal": _all(found, "minimal"),
        "replays": _all(found, "replays"),
        "median_schedule": Figure(_median([one["elements"] for one in found]), "elements", None, "<= 2"),
        "median_runs": Figure(_median([one["runs"] for one in found]), "runs"),
        "random_median_runs": Figure(_median([one["runs"] for one in drawn if one["found"]]), "runs"),
        "blame_exact": Figure(sum(one["blame_exact"] for one in found), "1", None, f">= {0.9 * most:g}"),
        **_unbroken(list(agents.values())),
        **_cover(found),
    }


def _unbroken(agents: Sequence[Searches]) -> dict[str, Figure]:
    """Give the shares of agents that no schedule was found to break at a cost up to each budget, and the area of it.

    Searches of one agent under several seeds go together in intervals.
    """
    if not agents:
        return {}
    told = {}
    for budget in BUDGETS[1:]:
        interval = wilson_by_cluster([_at([one], budget) for one in agents])
        told[f"unbroken_at_{budget}"] = Figure(_share_at(agents, budget), "1", interval)
    return told | {"robustness_area": Figure(_area(agents), "1", bootstrap(agents, _area, SEED))}


def _area(agents: Sequence[Searches]) -> float:
    return area_under({budget: _share_at(agents, budget) for budget in BUDGETS})


def _share_at(agents: Sequence[Searches], budget: float) -> float:
    unbroken, searches = _at(agents, budget)
    return unbroken / searches


def _at(agents: Sequence[Searches], budget: float) -> tuple[int, int]:
    """Count the searches that found nothing at a cost up to a budget, and all."""
    searches = [search for one in agents for search in one]
    return sum(not one["found"] or one["cost"] > budget for one in searches), len(searches)


def _cover(found: Sequence[Mapping[str, Any]]) -> dict[str, Figure]:
    """Give how many signatures failures have, and how few counterexamples, kept as tests, show them all."""
    covers = {number: {tuple(one) for one in row["signatures"]} for number, row in enumerate(found)}
    signatures = {one for covered in covers.values() for one in covered}
    return {"signatures": Figure(len(signatures), "1"), "cover": Figure(len(greedy_cover(covers)), "1")}


def _all(found: Sequence[Mapping[str, Any]], key: str) -> Figure:
    return Figure(sum(one[key] for one in found), "1", None, f"== {len(found)}")


def _median(values: Sequence[int]) -> float:
    return statistics.median(values) if values else 0.0
