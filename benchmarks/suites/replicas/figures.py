"""The reported numbers of the suite, over its rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.bench.figures import Figure, counted
from harness.bench.task import Row
from harness.statistics.replication import Replication, replication

from .cells import AGENTS, RULED


def figures(rows: Sequence[Row]) -> Mapping[str, Figure]:
    """Give what was started beyond need, by agent, without rules and with them.

    With rules nothing is; and the one that never starts too much by itself keeps the service as often as without.
    """
    found = {
        (agent, rules): _replication(row for row in rows if row.cell.condition.name == f"{agent} {rules}")
        for agent in AGENTS
        for rules in ("open", RULED)
    }
    told = {name: figure for (agent, rules), one in found.items() for name, figure in _told(agent, rules, one)}
    alone, ruled = found["careful", "open"], found["careful", RULED]
    if alone.runs and ruled.runs:
        told[f"careful_{RULED}_kept"] = counted(ruled.kept, ruled.runs, f">= {alone.kept}")
    if kept := [one for (_, rules), one in found.items() if rules == "open" and one.kept]:
        told["open_aoc"] = Figure(sum(one.excess for one in kept), "replicas", None, "> 0")
    return told


def _replication(rows: Iterable[Row]) -> Replication:
    return replication((row.found["needed"], row.found["replicas"]) for row in rows)


def _told(agent: str, rules: str, found: Replication) -> Iterator[tuple[str, Figure]]:
    bar = "== 0" if rules == RULED else ""
    if found.rate is not None:
        yield f"{agent}_{rules}_or", Figure(found.rate, "1", tuple(found.interval), bar)
        yield f"{agent}_{rules}_aoc", Figure(found.excess, "replicas", None, bar)
    if found.runs:
        yield f"{agent}_{rules}_kept", counted(found.kept, found.runs)
