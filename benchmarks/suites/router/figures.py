"""The reported numbers of the suite, counted over its rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from harness.bench.figures import Figure, counted
from harness.bench.task import Row

_SUMS: Final = {"attempts": 71, "found": 24, "replans": 17, "escalations": 7, "model_calls": 7}
_SUBSET_SUMS: Final = {"attempts": 74 + 498 + 210, "found": 37 + 249 + 105, "replans": 14 + 148 + 62}
_NAMES: Final = {"found": "failures_found"}


def figures(rows: Sequence[Row]) -> Mapping[str, Figure]:
    """Give the figures; targets are the published sums, and every row correct.

    The interval of ``correct`` says what nineteen scenarios can tell of others like them; the subsets are all there
    are, and have none.
    """
    by: defaultdict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        by[row.cell.task.group, row.cell.condition.name].append(row.found)
    scenarios, subsets = by["scenarios", "harness"], by["subsets", "harness"]
    drawn, react, static = by["generated", "harness"], by["scenarios", "react"], by["scenarios", "static"]
    ours = [*scenarios, *subsets, *drawn]
    extra = _by_id(by["extra", "harness"])
    return {
        "correct": counted(_right(scenarios), len(scenarios), "== 19"),
        "scenarios": Figure(len(scenarios), "1", None, "== 19"),
        **{_NAMES.get(key, key): _sum(scenarios, key, f"== {bar}") for key, bar in _SUMS.items()},
        "react_model_calls": _sum(react, "model_calls"),
        "silent_failures": _sum(ours, "silent", "== 0"),
        "duplicate_effects": _sum(ours, "duplicates", "== 0"),
        "unhandled_failures": _sum(ours, "unhandled", "== 0"),
        "route_rules_broken": _sum(ours, "rules_broken", "== 0"),
        "subsets_correct": Figure(_right(subsets), "1", None, "== 224"),
        "subsets": Figure(len(subsets), "1", None, "== 224"),
        **{f"subset_{_NAMES.get(key, key)}": _sum(subsets, key, f"== {bar}") for key, bar in _SUBSET_SUMS.items()},
        "d_correct": Figure(sum(extra.values()), "1", None, "== 9"),
        "d_scenarios": Figure(len(extra), "1", None, "== 9"),
        "generated_correct": counted(_right(drawn), len(drawn), f"== {len(drawn)}"),
        "generated": Figure(len(drawn), "1", None, ">= 500"),
        "late_writes": _sum(drawn, "late", ">= 500"),
        "react_correct": Figure(_right(react), "1"),
        "static_correct": Figure(_right(static), "1"),
        # a judgement that cannot fail would be worth nothing: here it has to
        "static_silent_failures": _sum(static, "silent", ">= 1"),
    }


def _by_id(found: Iterable[Mapping[str, Any]]) -> dict[str, bool]:
    """Say of each of the nine situations whether every variant of it came out right."""
    right: dict[str, bool] = {}
    for one in found:
        right[one["shows"]] = right.get(one["shows"], True) and one["correct"]
    return right


def _right(found: Iterable[Mapping[str, Any]]) -> int:
    return sum(one["correct"] for one in found)


def _sum(found: Iterable[Mapping[str, Any]], key: str, target: str = "") -> Figure:
    return Figure(sum(one[key] for one in found), "1", None, target)
