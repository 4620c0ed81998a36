"""Many threads and tasks at one door: what really ran is what was judged, whoever changes what all of them share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.race.run import FAULTS, faults_of, race
from benchmarks.race.yard import WAYS, Limits, Row, Yard, threads

CALLS = 1_000


@pytest.mark.parametrize("way", WAYS)
def test_what_ran_is_what_was_judged(way: str, tmp_path: Path) -> None:
    """1,000 calls in each way to race: ledger and trace tell the same story, and the rules hold in their order."""
    row = race(way, CALLS, tmp_path / way)
    assert {one: row[one] for one in FAULTS} == dict.fromkeys(FAULTS, 0)
    assert CALLS / 3 < row["ran"] < CALLS


def _replaced(which: int, **values: object) -> Callable[[list[Row]], list[Row]]:
    return lambda rows: [*rows[:which], rows[which]._replace(**values), *rows[which + 1 :]]


DEAR = b'{"order":{"cents":1000000}}'
CHEATS: dict[str, Callable[[list[Row]], list[Row]]] = {
    "other_bytes": _replaced(3, at_first=b'{"order":{}}'),
    "changed_under_way": _replaced(3, at_last=b'{"order":{"cents":3}}'),
    "before_its_line": _replaced(3, trace_bytes=10),
    "not_once": lambda rows: rows[1:],
    "two_at_a_time": lambda rows: [row._replace(began_ns=0) if row.tool == "vault" else row for row in rows],
    "beyond_the_budget": lambda rows: [
        row._replace(at_first=DEAR, at_last=DEAR) if row.tool == "pay" else row for row in rows
    ],
}


@pytest.mark.parametrize("fault", CHEATS)
def test_a_ledger_that_tells_another_story_is_noticed(fault: str, tmp_path: Path) -> None:
    """Each fault is counted where the ledger is made to show it, and no other but what follows from it."""
    limits = Limits.of(100)
    yard = Yard(tmp_path, 1, limits)
    threads(yard, range(100))
    rows = yard.done
    yard.close()
    assert +faults_of(rows[0].trace, rows, limits) == Counter()
    found = +faults_of(rows[0].trace, CHEATS[fault](rows), limits)
    assert fault in found
    assert set(found) <= {fault, "other_bytes", "changed_under_way"}
