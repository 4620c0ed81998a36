"""What is different between two stored results, figure by figure and row by row.

What this does not tell: whether a difference is more than chance; ``harness bench compare`` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from harness.bench.report.outcome import Key, Outcome, Row, key_of, outcome_of, rules_of
from harness.bench.report.stored import Stored
from harness.review.account import account_from
from harness.statistics.reliability import Regression, regression


class Moved(NamedTuple):
    """A figure before and after; None on the side that does not have it."""

    name: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @property
    def change(self) -> float | None:
        """Give the value after less the value before, where there are both."""
        if self.before is None or self.after is None:
            return None
        return float(self.after["value"] - self.before["value"])


class Flip(NamedTuple):
    """A row whose outcome is another one; numbers of the row in both results."""

    key: Key
    before: Outcome
    after: Outcome
    rows: tuple[int, int]


class Difference(NamedTuple):
    """Two results side by side.

    ``alike`` counts the rows that are in both and came out the same, ``regressions`` tell how many of those that were
    well before are not any more (arXiv 2603.18096): by success, by the rules they keep, by what was done against rules.
    """

    figures: tuple[Moved, ...]
    better: tuple[Flip, ...]
    worse: tuple[Flip, ...]
    other: tuple[Flip, ...]
    only_before: tuple[Key, ...]
    only_after: tuple[Key, ...]
    alike: int
    regressions: Mapping[str, Regression]


def difference(before: Stored, after: Stored) -> Difference:
    """Compare two results; rows are paired by task, condition and seed. O(rows)."""
    rows = {key_of(row, number): (number, outcome_of(row)) for number, row in enumerate(before.rows)}
    new = {key_of(row, number): (number, outcome_of(row)) for number, row in enumerate(after.rows)}
    both = [key for key in rows if key in new]
    flips = [Flip(key, rows[key][1], new[key][1], (rows[key][0], new[key][0])) for key in both]
    flips = [flip for flip in flips if flip.before != flip.after]
    names = dict.fromkeys([*before.figures, *after.figures])
    return Difference(
        figures=tuple(Moved(name, before.figures.get(name), after.figures.get(name)) for name in names),
        better=tuple(flip for flip in flips if (flip.before, flip.after) == ("failed", "passed")),
        worse=tuple(flip for flip in flips if (flip.before, flip.after) == ("passed", "failed")),
        other=tuple(flip for flip in flips if {flip.before, flip.after} != {"passed", "failed"}),
        only_before=tuple(key for key in rows if key not in new),
        only_after=tuple(key for key in new if key not in rows),
        alike=len(both) - len(flips),
        regressions=_regressions([(before.rows[rows[key][0]], after.rows[new[key][0]]) for key in both]),
    )


def _regressions(pairs: Sequence[tuple[Row, Row]]) -> dict[str, Regression]:
    """Measure each of _GOOD over the rows that tell of it on both sides; what none was before is left out."""
    found = {}
    for name, good in _GOOD.items():
        tasks: dict[str, tuple[int, int]] = {}
        for before, after in pairs:
            was, now = good(before), good(after)
            if was and now is not None:
                task = str(before.get("task"))
                passed, lost = tasks.get(task, (0, 0))
                tasks[task] = passed + 1, lost + (not now)
        if tasks:
            found[name] = regression(list(tasks.values()))
    return found


def _passed(row: Row) -> bool | None:
    return {"passed": True, "failed": False}.get(outcome_of(row))


def _kept(row: Row) -> bool | None:
    return not rules_of(row) if isinstance(row.get("violations"), list) else None


def _harmless(row: Row) -> bool | None:
    account = account_from(row.get("account"))
    return None if account is None else not account.harmed


_GOOD: Final[Mapping[str, Callable[[Row], bool | None]]] = {
    "passed": _passed,
    "violated no rule": _kept,
    "did nothing that a rule forbids": _harmless,
}
