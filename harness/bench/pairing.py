"""Two results of one suite, cell beside cell: what was right before and is now.

A result is what ``harness bench run NAME --json`` prints, or a folder with it as ``result.json``. A row is judged by
its ``passed``, or else its ``correct``, where that is true or false.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from harness.bench.stored import read_result, result_file
from harness.errors import UsageError

_SHOWN: Final = 5  # names in a message


class Report(NamedTuple):
    """A stored result; ``broken`` cells could not be measured, ``unjudged`` rows say neither right nor wrong."""

    path: Path
    name: str
    suite_version: str
    harness_version: str
    commit: str | None
    rows: tuple[Mapping[str, Any], ...]
    broken: int
    unjudged: int

    @property
    def facts(self) -> dict[str, Any]:
        """Give what names it, and how much of it counts, as JSON."""
        return {
            "path": str(self.path),
            "name": self.name,
            "suite_version": self.suite_version,
            "version": self.harness_version,
            "commit": self.commit,
            "judged": len(self.rows),
            "unjudged": self.unjudged,
            "broken": self.broken,
        }


class Pair(NamedTuple):
    """One cell, before and after."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]

    @property
    def difference(self) -> int:
        """1 for what was gained, -1 for what was lost, 0 for what is as it was."""
        return right(self.after) - right(self.before)


class Pairing(NamedTuple):
    """The pairs of each condition by task, in the order of the first result; ``alone`` are rows without a partner."""

    conditions: Mapping[str, Mapping[str, Sequence[Pair]]]
    alone: int


def right(row: Mapping[str, Any]) -> bool:
    """Tell whether a judged row is right."""
    found = row.get("passed")
    return bool(found if isinstance(found, bool) else row["correct"])


def read_report(path: Path) -> Report:
    """Read a stored result, a file or its folder; UsageError where it is none, or no row of it is judged."""
    file = result_file(path)
    whole = read_result(file)
    rows = whole["rows"]
    measured = [row for row in rows if "infrastructure" not in row]
    judged = tuple(
        row for row in measured if isinstance(row.get("passed"), bool) or isinstance(row.get("correct"), bool)
    )
    if not judged:
        cure = "compare suites whose rows hold passed or correct, true or false"
        raise UsageError(f"none of {len(rows)} rows says whether its task was done right", where=str(file), cure=cure)
    for row in judged:
        if missing := [name for name in ("task", "condition", "seed") if name not in row]:
            raise UsageError(f"a row without {missing[0]!r}", where=str(file), cure="harness bench run NAME --json")
    return Report(
        path,
        whole["name"],
        _suite_version(whole),
        str(whole.get("version", "")),
        whole.get("commit"),
        judged,
        len(rows) - len(measured),
        len(measured) - len(judged),
    )


def paired(baseline: Report, candidate: Report) -> Pairing:
    """Put the cells of both side by side, by condition, task and seed.

    Where each has one condition these are compared, whatever they are called. UsageError where suites, their versions
    or the tasks of a condition are not the same: what can be compared is the same work, done twice. O(rows).
    """
    _check_same(baseline, candidate)
    before, after = _by_condition(baseline.rows), _by_condition(candidate.rows)
    if len(before) == len(after) == 1:
        [tasks], [(name, others)] = before.values(), after.items()
        before, after = {name: tasks}, {name: others}
    shared = [name for name in before if name in after]
    if not shared:
        named = f"{_some(before)} before, {_some(after)} after"
        raise UsageError(f"no condition is in both: {named}", where=str(candidate.path), cure="run the same conditions")
    for name in shared:
        _check_tasks(name, before[name], after[name], candidate.path)
    pairs = {
        name: {task: list(_pairs(before[name][task], after[name][task])) for task in before[name]} for name in shared
    }
    partners = sum(len(found) for tasks in pairs.values() for found in tasks.values())
    return Pairing(pairs, len(baseline.rows) + len(candidate.rows) - 2 * partners)


def _suite_version(whole: Mapping[str, Any]) -> str:
    suite = whole.get("manifest", {}).get("suite", {})
    return str(suite.get("version", "")) if isinstance(suite, dict) else ""


def _check_same(baseline: Report, candidate: Report) -> None:
    where = str(candidate.path)
    if baseline.name != candidate.name:
        what = f"is a result of suite {candidate.name}, and the baseline one of {baseline.name}"
        raise UsageError(what, where=where, cure="compare two results of one suite")
    one, other = baseline.suite_version, candidate.suite_version
    if one and other and one != other:
        what = f"is of version {other} of the suite, and the baseline of {one}"
        raise UsageError(what, where=where, cure="run both with the same version of the suite")


def _by_condition(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, list[Mapping[str, Any]]]]:
    found: dict[str, dict[str, list[Mapping[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        found[row["condition"]][row["task"]].append(row)
    return found


def _check_tasks(condition: str, before: Iterable[str], after: Iterable[str], path: Path) -> None:
    old, new = set(before), set(after)
    if old == new:
        return
    parts = [f"{_some(sorted(names))} {said}" for names, said in ((old - new, "missing"), (new - old, "new")) if names]
    raise UsageError(
        f"the judged tasks of {condition} are not those of the baseline: {', '.join(parts)}",
        where=str(path),
        cure="do the same tasks in both; cells that could not be measured can be run again",
    )


def _pairs(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> Iterator[Pair]:
    """Yield pairs of one seed; where no seed is in both, in the order of the seeds."""
    old, new = dict(_keyed(before)), dict(_keyed(after))
    if shared := [key for key in old if key in new]:
        yield from (Pair(old[key], new[key]) for key in shared)
        return
    yield from (Pair(old[one], new[other]) for one, other in zip(sorted(old), sorted(new), strict=False))


def _keyed(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[tuple[int, str, int], Mapping[str, Any]]]:
    times = Counter[tuple[int, str]]()
    for row in rows:
        key = (row["seed"], str(row.get("judge", "")))
        times[key] += 1
        yield (*key, times[key]), row


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    rest = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + rest
