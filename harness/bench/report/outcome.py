"""What became of a row, as every report tells it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, get_args

from harness.statistics.cluster import wilson_by_cluster

Outcome = Literal["passed", "failed", "unmeasured", "unjudged"]
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)

_JUDGED_BY: Final = ("passed", "correct")
_COUNTED: Final = (("passes", "injections"), ("passes", "tasks"))

Row = Mapping[str, Any]


class Key(NamedTuple):
    """What tells a row from the others of its result."""

    task: str
    condition: str
    seed: int | None

    def __str__(self) -> str:
        """Name it to a reader."""
        return " · ".join(part for part in (self.task, self.condition) if part)


class Share(NamedTuple):
    """How many of a row's, or of many rows' tries passed, with Wilson's 95 % interval of the share."""

    passed: int
    tries: int
    low: float
    high: float


def key_of(row: Row, number: int) -> Key:
    """Give what names a row; ``number`` names one that says nothing of a task."""
    seed = row.get("seed")
    return Key(str(row.get("task", f"row {number}")), str(row.get("condition", "")), seed)


def outcome_of(row: Row) -> Outcome:
    """Tell whether a row's task was done right; ``unjudged`` where the row does not say."""
    if "infrastructure" in row:
        return "unmeasured"
    judged = next((row[key] for key in _JUDGED_BY if isinstance(row.get(key), bool)), None)
    return "unjudged" if judged is None else "passed" if judged else "failed"


def outcomes_of(rows: Iterable[Row]) -> dict[Outcome, int]:
    """Count the rows of each outcome."""
    counts = Counter(outcome_of(row) for row in rows)
    return {outcome: counts[outcome] for outcome in OUTCOMES}


def tries_of(row: Row) -> tuple[int, int] | None:
    """Give how many tries of a row passed, and of how many; None where it does not say.

    A row that tries many things says ``passes`` of ``injections`` or ``tasks``; any other one is one try.
    """
    outcome = outcome_of(row)
    if outcome in ("passed", "failed"):
        return int(outcome == "passed"), 1
    for passes, tries in _COUNTED:
        if type(row.get(passes)) is int and type(row.get(tries)) is int:
            return row[passes], row[tries]
    return None


def shares_by(rows: Iterable[Row], axis: str) -> dict[str, Share]:
    """Give the share of tries that passed for each value of a fact that rows have, in the order of the rows.

    Rows of one task turn out alike, so where it has several the interval is clustered by task. The tries of a row that
    tries many things are taken for independent.
    """
    clusters: dict[str, dict[tuple[Any, ...], tuple[int, int]]] = {}
    for number, row in enumerate(rows):
        told, value = tries_of(row), row.get(axis)
        if told is None or not told[1] or not isinstance(value, str):
            continue
        of = clusters.setdefault(value, {})
        if outcome_of(row) == "unjudged":
            of |= {(number, nth): (int(nth < told[0]), 1) for nth in range(told[1])}
        else:
            task = (key_of(row, number).task,)
            passed, tries = of.get(task, (0, 0))
            of[task] = passed + told[0], tries + told[1]
    return {value: _share([*of.values()]) for value, of in clusters.items()}


def rules_of(row: Row) -> Sequence[str]:
    """Give the rules that a row says were violated."""
    said = row.get("violations")
    return [str(rule) for rule in said] if isinstance(said, list) else []


def why_of(row: Row) -> str:
    """Say in a few words why a row is as it is; nothing where it does not say."""
    if "infrastructure" in row:
        return str(row["infrastructure"])
    why = row.get("why") or row.get("reason") or ""
    return str(why) if why else ", ".join(f"violates {rule}" for rule in dict.fromkeys(rules_of(row)))


def _share(clusters: Sequence[tuple[int, int]]) -> Share:
    passed, tries = (sum(column) for column in zip(*clusters, strict=True))
    return Share(passed, tries, *wilson_by_cluster(clusters))
