"""The reported numbers of the suite, over its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.bench.figures import Figure
from harness.bench.task import Row


def figures(rows: Sequence[Row]) -> Mapping[str, Figure]:
    """Give the figures; every tower has to come out without an error, each in the time and memory there is.

    An error is a vote that decided for a wrong move, refused by a rule or not.
    """
    towers, limits, races = (_of(rows, group) for group in ("tower", "limit", "races"))
    one_vote = [one for one in limits if "correlation" not in one]
    shared = [one for one in limits if "correlation" in one]
    return {
        "steps": Figure(min((one["made"] for one in towers), default=0), "1", None, f"== {2**20 - 1}"),
        "errors": Figure(_sum(towers, "refused") + _sum(towers, "wrong"), "1", None, "== 0"),
        "seconds": Figure(_largest(towers, "seconds"), "s", None, "< 600"),
        "cpu_seconds": Figure(_largest(towers, "cpu_s"), "s"),
        "peak_rss_mb": Figure(_largest(towers, "peak_rss_mb"), "MB", None, "< 500"),
        "verified": Figure(sum(_sound(one) for one in towers), "1", None, f"== {max(len(towers), 1)}"),
        "sampled": Figure(min((one["sampled"] for one in towers), default=0), "1", None, ">= 1000"),
        "sampled_unequal": Figure(_sum(towers, "unequal"), "1", None, "== 0"),
        "discarded": Figure(_sum(towers, "discarded"), "1", None, ">= 1"),
        "votes_over_plan": Figure(
            max((one["votes_per_step"] / one["planned_votes"] for one in towers), default=0), "1", None, "<= 1.01"
        ),
        "absorption_difference": Figure(_largest(races, "chain_difference"), "1", None, "<= 1e-9"),
        "races_standard_errors": Figure(_largest(races, "standard_errors"), "1", None, "<= 4"),
        # a vote cannot do everything, and a check that never finds anything would be worth nothing: here both have to
        "one_vote_errors": Figure(_sum(one_vote, "refused"), "1", None, ">= 1"),
        "shared_errors": Figure(_sum(shared, "refused"), "1", None, ">= 1"),
        "shared_correlation": Figure(_largest(shared, "correlation"), "1", None, ">= 0.3"),
        "limits_left_wrong": Figure(_sum(limits, "wrong"), "1", None, "== 0"),
    }


def _of(rows: Sequence[Row], group: str) -> list[Mapping[str, Any]]:
    return [row.found for row in rows if row.cell.task.group == group]


def _sum(found: Sequence[Mapping[str, Any]], key: str) -> int:
    return sum(one[key] for one in found)


def _largest(found: Sequence[Mapping[str, Any]], key: str) -> float:
    return max((one[key] for one in found), default=0)


def _sound(found: Mapping[str, Any]) -> bool:
    """Tell whether a trace is whole, and every rule held of it, at the door and when it was judged again."""
    return bool(found["sealed"]) and found["verdict"] == "holds" and not found["findings"]
