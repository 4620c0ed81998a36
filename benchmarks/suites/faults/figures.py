"""The reported numbers of the suite, counted over its rows.

RS, O, L and S are those of arXiv 2602.19843 (``harness.statistics.tolerance``), by team and over all teams.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from harness.bench.figures import Figure
from harness.bench.task import Row
from harness.statistics.tolerance import TIERS, Counts, Share, Tier, neutralised, pooled, robustness, tier_shares

from .strikes import CLEAN, STRIKES

_OVERALL: Final = ""


def figures(rows: Sequence[Row]) -> Mapping[str, Figure]:
    """Give the figures; a share of nothing is left out."""
    struck = [row for row in rows if row.cell.task.name != CLEAN]
    injections, inert = _sum(struck, "injections"), _sum(struck, "inert")
    teams = {team: [row for row in struck if row.cell.condition.name == team] for team in STRIKES}
    told = {
        "injections": Figure(injections, "1"),
        "effective": Figure(_sum(struck, "effective"), "1", None, f"== {injections - inert}"),
        "inert": Figure(inert, "1"),
        "unfired": Figure(_sum(struck, "unfired"), "1", None, "== 0"),
        "clean_passes": _clean(rows),
    }
    told |= dict(_robustness({_OVERALL: struck, **teams}))
    told |= dict(_tiers({_OVERALL: struck, **teams}))
    between = neutralised(_cases(teams["linear"]), _cases(teams["iterative"]))
    return told | dict(_share("iterative_over_linear", between, "> 0.4"))


def _clean(rows: Iterable[Row]) -> Figure:
    clean = [row.found for row in rows if row.cell.task.name == CLEAN]
    return Figure(sum(one["passes"] for one in clean), "1", None, f"== {sum(one['tasks'] for one in clean)}")


def _robustness(groups: Mapping[str, Sequence[Row]]) -> Iterator[tuple[str, Figure]]:
    for group, rows in groups.items():
        shares = [robustness(row.found["passes"], row.found["injections"]) for row in rows]
        yield from _share(_named("rs", group), pooled(shares))


def _tiers(groups: Mapping[str, Sequence[Row]]) -> Iterator[tuple[str, Figure]]:
    for group, rows in groups.items():
        for tier in TIERS:
            counts = Counts(*(sum(column) for column in zip(*_counts(rows, tier), strict=True)))
            for name, share in tier_shares(counts)._asdict().items():
                yield from _share(_named(f"{name}_{tier.lower()}", group), share)


def _counts(rows: Iterable[Row], tier: Tier) -> Iterator[Counts]:
    yield Counts(0, 0, 0, 0, 0)
    for row in rows:
        yield Counts(*row.found["tiers"][tier])


def _cases(rows: Iterable[Row]) -> dict[tuple[str, int, str], bool]:
    """Give of each fault, seed and task whether the task was done."""
    return {
        (row.cell.task.name, row.cell.seed, task): done
        for row in rows
        for key, done in (("passed", True), ("failed", False))
        for task in row.found[key]
    }


def _share(name: str, share: Share, target: str = "") -> Iterator[tuple[str, Figure]]:
    if share.value is not None:
        yield name, Figure(share.value, "1", (share.interval.low, share.interval.high), target)


def _named(name: str, group: str) -> str:
    return f"{group}_{name}" if group else name


def _sum(rows: Iterable[Row], key: str) -> int:
    return sum(row.found[key] for row in rows)
