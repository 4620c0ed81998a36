"""What the page shows, as JSON: results with their rows, the traces behind them, and how results differ.

Traces are the larger part of a page. They are read in the order of their news, failed rows first, until BUDGET_BYTES
are full; the page says which ones it does not hold and how to see them.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from harness.bench.report.difference import Difference, difference
from harness.bench.report.outcome import key_of, outcome_of, outcomes_of, rules_of, shares_by, tries_of, why_of
from harness.bench.report.runs import run_tables
from harness.bench.report.stored import Stored
from harness.bench.report.timeline import Timeline, timeline_of
from harness.errors import TraceError

BUDGET_BYTES: Final = 6_000_000
_AXES: Final = ("condition", "group", "fault")
_WORST_FIRST: Final = {"failed": 0, "unmeasured": 1, "unjudged": 2, "passed": 3}


def page_data(results: Sequence[Stored]) -> dict[str, Any]:
    """Give everything that a page shows; the first result is what the others are compared with."""
    room = _Room(BUDGET_BYTES // max(len(results), 1))
    first, *others = results
    return {
        "results": [_result(one, room) for one in results],
        "differences": [{"of": 1 + at, **_difference(difference(first, one))} for at, one in enumerate(others)],
        "pictures": room.pictures,
    }


class _Room:
    """How much of a page traces may take, for each result, and the pictures that they share."""

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self.pictures: list[str] = []
        self._places: dict[str, int] = {}

    def place_of(self, picture: str) -> int | None:
        """Give where a picture stands among the page's, each kept once; None for none."""
        if not picture:
            return None
        if picture not in self._places:
            self._places[picture] = len(self.pictures)
            self.pictures.append(picture)
        return self._places[picture]


def _result(result: Stored, room: _Room) -> dict[str, Any]:
    facts = {key: value for key, value in result.facts.items() if key not in ("figures", "rows")}
    rows = result.rows
    return {
        **facts,
        "label": result.label,
        "figures": [{"name": name, **figure} for name, figure in result.figures.items()],
        "outcomes": outcomes_of(rows),
        "shares": {axis: shares_by(rows, axis) for axis in _AXES},
        "tables": [table._asdict() for table in run_tables(rows)],
        "rows": [_row(row, number) for number, row in enumerate(rows)],
        "traces": _traces(result, room),
    }


def _row(row: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Give a row with what became of it beside what it says."""
    key, (passed, tries) = key_of(row, number), tries_of(row) or (0, 0)
    return {
        "facts": {**row, "task": key.task, "condition": key.condition},
        "outcome": outcome_of(row),
        "why": why_of(row),
        "passed": passed,
        "tries": tries,
        "rules": list(dict.fromkeys(rules_of(row))),
    }


# --- traces ----------------------------------------------------------------------------------------------------------


def _traces(result: Stored, room: _Room) -> dict[int, dict[str, Any]]:
    """Give the traces by the number of their row; one that has no room is only named."""
    traced = [(number, row) for number, row in enumerate(result.rows) if isinstance(row.get("trace"), str)]
    traced.sort(key=lambda one: (_WORST_FIRST[outcome_of(one[1])], not rules_of(one[1])))
    left, found = room.budget_bytes, dict[int, dict[str, Any]]()
    for number, row in traced:
        path = result.folder / row["trace"]
        found[number] = {"show": f"harness show {shlex.quote(str(path))}"}
        if left > 0:
            held = _held(path, room)
            left -= len(json.dumps(held, ensure_ascii=False).encode())
            found[number] |= held
    return dict(sorted(found.items()))


def _held(path: Path, room: _Room) -> dict[str, Any]:
    try:
        return _timeline(timeline_of(path), room)
    except TraceError as error:
        return {"unreadable": str(error)}


def _timeline(timeline: Timeline, room: _Room) -> dict[str, Any]:
    return {
        **timeline._asdict(),
        "violations": [one._asdict() for one in timeline.violations],
        "routes": room.place_of(timeline.routes),
    }


# --- differences -----------------------------------------------------------------------------------------------------


def _difference(found: Difference) -> dict[str, Any]:
    return {
        "figures": [{**one._asdict(), "change": one.change} for one in found.figures],
        "flips": {side: [*_flips(found, side)] for side in ("worse", "better", "other")},
        "only_before": [str(key) for key in found.only_before],
        "only_after": [str(key) for key in found.only_after],
        "alike": found.alike,
        "regressions": [{"name": name, **one._asdict()} for name, one in found.regressions.items()],
    }


def _flips(found: Difference, side: str) -> Iterator[dict[str, Any]]:
    for flip in getattr(found, side):
        yield {**flip._asdict(), "key": str(flip.key), "seed": flip.key.seed}
