"""The reported numbers of the suite, counted over its rows."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from harness.bench.figures import Figure, counted
from harness.bench.task import Row


def figures(rows: Sequence[Row]) -> Mapping[str, Figure]:
    """Give the figures; shares are of the agents with a bug, and of the counterexamples that were found."""
    by: dict[str, list[Mapping[str, Any]]] = {"guided": [], "random": [], "mended": []}
    for row in rows:
        by[row.cell.condition.name].append(row.found)
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
    }


def _all(found: Sequence[Mapping[str, Any]], key: str) -> Figure:
    return Figure(sum(one[key] for one in found), "1", None, f"== {len(found)}")


def _median(values: Sequence[int]) -> float:
    return statistics.median(values) if values else 0.0
