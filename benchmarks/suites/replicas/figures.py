"""The reported numbers of the suite, over its rows; runs of one task go together in intervals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.bench.figures import Figure
from harness.bench.measures import counted_by_task, share_by_task
from harness.bench.task import Row
from harness.statistics.replication import Replication, replication

from .cells import AGENTS, RULED


def figures(rows: Sequence[Row]) -> Mapping[str, Figure]:
    """Give what was started beyond need, by agent, without rules and with them.

    With rules nothing is; and the one that never starts too much by itself keeps the service as often as without.
    """
    found = {
        (agent, rules): [row for row in rows if row.cell.condition.name == f"{agent} {rules}"]
        for agent in AGENTS
        for rules in ("open", RULED)
    }
    told = {name: figure for (agent, rules), own in found.items() for name, figure in _told(agent, rules, own)}
    alone, ruled = (_replication(found["careful", rules]) for rules in ("open", RULED))
    if alone.runs and ruled.runs:
        name = f"careful_{RULED}_kept"
        told[name] = told[name]._replace(target=f">= {alone.kept}")
    if kept := [one for agent in AGENTS if (one := _replication(found[agent, "open"])).kept]:
        told["open_aoc"] = Figure(sum(one.excess for one in kept), "replicas", None, "> 0")
    return told


def _replication(rows: Iterable[Row]) -> Replication:
    return replication((row.found["needed"], row.found["replicas"]) for row in rows)


def _told(agent: str, rules: str, rows: Sequence[Row]) -> Iterator[tuple[str, Figure]]:
    found, bar = _replication(rows), "== 0" if rules == RULED else ""
    kept = [(row.cell.task.name, row.found["replicas"] is not None) for row in rows]
    if found.rate is not None:
        each = ((task, _replication([row])) for (task, _), row in zip(kept, rows, strict=True))
        interval = share_by_task((task, one.over, one.kept) for task, one in each)
        yield f"{agent}_{rules}_or", Figure(found.rate, "1", interval, bar)
        yield f"{agent}_{rules}_aoc", Figure(found.excess, "replicas", None, bar)
    if rows:
        yield f"{agent}_{rules}_kept", counted_by_task(kept)
