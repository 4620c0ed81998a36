"""What rows tell of the runs behind them, as tables: how they ended, what was decided, which rules they violated.

Rows are in them that hold an account of their run (``harness.bench.measures``); nothing is read again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from statistics import median
from typing import Any, Final, NamedTuple, get_args

from harness.bench.measures import Ending, Run, is_hard, runs_of, share_by_task
from harness.review.account import DECIDED, First

Cell = str | int | float
Lines = Iterator[tuple[Cell, ...]]


class Table(NamedTuple):
    """A table of a report."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def run_tables(rows: Iterable[Mapping[str, Any]]) -> list[Table]:
    """Give the tables of the runs that rows tell of, by condition and some by group; none without a line. O(rows)."""
    runs, found = runs_of(rows), list[Table]()
    order = [*dict.fromkeys(run.condition for run in runs)]
    runs.sort(key=lambda run: order.index(run.condition))
    for title, by, heads, lines in _TABLES:
        several = [axis for axis in by if len({getattr(run, axis) for run in runs}) > 1]
        parts: dict[tuple[str, ...], list[Run]] = {}
        for run in runs:
            parts.setdefault(tuple(getattr(run, axis) for axis in several), []).append(run)
        made = tuple((*names, *line) for names, part in parts.items() for line in lines(part))
        if made:
            found.append(Table(title, (*several, *heads), made))
    return found


def _ended(runs: Sequence[Run]) -> Lines:
    """Give one line: the runs by how they ended, and the steps that they made."""
    how, steps = Counter(run.ending for run in runs), [run.account.steps for run in runs]
    yield (len(runs), *(how[ending] for ending in get_args(Ending)), median(steps), max(steps))


def _decided(runs: Sequence[Run]) -> Lines:
    """Give a line for each risk label: the calls, and how many were decided how."""
    counts: dict[str, Counter[str]] = {}
    for run in runs:
        for label, decided in run.account.decided.items():
            counts.setdefault(label, Counter()).update(decided)
    for label in sorted(counts):
        calls = counts[label].total()
        yield (label, calls, *(_part(counts[label][one], calls) for one in DECIDED))


def _violated(runs: Sequence[Run]) -> Lines:
    """Give a line for each rule: in how many runs it was violated (p_k), done and not only tried, violated first."""
    for rule in sorted({rule for run in runs for rule in run.account.violated}):
        said = [(run.task, run.account.violated.get(rule)) for run in runs]
        broken = [one for _, one in said if one]
        low, high = share_by_task((task, one is not None, 1) for task, one in said)
        yield (
            rule,
            f"{broken[0].severity} ({'hard' if is_hard(broken[0].severity) else 'soft'})",
            _part(len(broken), len(runs)),
            f"{_percent(low)} … {_percent(high)}",
            sum(one.done for one in broken),
            sum(run.account.first is not None and run.account.first.rule == rule for run in runs),
        )


def _first(runs: Sequence[Run]) -> Lines:
    """Give a line for each signature of a first violation: the runs that have it, at which steps, by which agents."""
    alike: dict[tuple[str, ...], list[First]] = {}
    for run in runs:
        if one := run.account.first:
            call = " ".join(filter(None, (one.surface, one.tool)))
            alike.setdefault((one.rule, one.severity, call, one.label, one.fault), []).append(one)
    for signature in sorted(alike, key=lambda which: (-len(alike[which]), which)):
        steps, agents = Counter(one.step for one in alike[signature]), Counter(one.agent for one in alike[signature])
        yield (*signature, len(alike[signature]), _spelled(steps), _spelled(agents))


def _outside(runs: Sequence[Run]) -> Lines:
    """Give a line for each agent that was held to an authority: its calls outside of it (role drift)."""
    for agent in sorted({agent for run in runs for agent in run.account.agents}):
        held = [(run.task, *run.account.agents[agent]) for run in runs if agent in run.account.agents]
        low, high = share_by_task(held)
        outside, asked = sum(one for _, one, _ in held), sum(one for _, _, one in held)
        yield agent, asked, _part(outside, asked), f"{_percent(low)} … {_percent(high)}"


_WHO: Final = ("condition",)
_WHO_AND_WHAT: Final = ("condition", "group")
_TABLES: Final[tuple[tuple[str, tuple[str, ...], tuple[str, ...], Callable[[Sequence[Run]], Lines]], ...]] = (
    ("How runs ended", _WHO_AND_WHAT, ("runs", *get_args(Ending), "steps (median)", "steps (most)"), _ended),
    ("Decisions by risk", _WHO_AND_WHAT, ("risk", "calls", *DECIDED), _decided),
    ("Violated rules", _WHO, ("rule", "severity", "runs", "95 %", "done", "violated first"), _violated),
    ("First violations", _WHO, ("rule", "severity", "at", "risk", "fault", "runs", "steps", "agents"), _first),
    ("Calls outside the authority of an agent", _WHO, ("agent", "calls", "outside", "95 %"), _outside),
)


def _part(count: int, of: int) -> str:
    return f"{count} ({_percent(count / of)})" if count else "0"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _spelled(counts: Counter[Any]) -> str:
    """Spell a distribution: values in order, with how often where that is not once."""
    return ", ".join(f"{value} ×{times}" if times > 1 else str(value) for value, times in sorted(counts.items()))
