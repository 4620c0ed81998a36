"""Race at the door and hold the ledger against the traces: ``python -m benchmarks.race.run [--count N] [--json]``.

N actions (10,000) are split over the ways of ``yard``. What is counted against us: a call that ran on other bytes than
those that were judged or while they changed, before its line was in the file, though it was blocked, not at all or
twice; two at a time where a rule says one; a decision that plain arithmetic over the trace, in its order, does not
come to; and a payment beyond the budget, by the ledger alone.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from benchmarks.race.yard import SESSIONS, WAYS, Limits, Row, Yard
from benchmarks.speed.measure import SEED, Figure, report
from harness.adapters.files import open_trace, trace_files
from harness.determinism import canonical
from harness.trace.event import Event

FAULTS: Final = (
    "other_bytes",
    "changed_under_way",
    "before_its_line",
    "though_refused",
    "not_once",
    "two_at_a_time",
    "otherwise_decided",
    "beyond_the_budget",
)


class Rules:
    """The rules of the yard once more, as plain arithmetic over the actions of one trace in their order."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._paid, self._stamps = 0, Counter[str]()
        self._inside = 0

    def decide(self, tool: str, args: dict[str, Any]) -> str:
        """Say what is to become of a call, and remember it where it is allowed."""
        order = args["order"]
        if tool == "pay":
            if type(order["cents"]) is not int or self._paid + order["cents"] > self._limits.budget:
                return "block"
            self._paid += order["cents"]
        elif tool == "stamp":
            if self._stamps[order["name"]] >= self._limits.stamps:
                return "block"
            self._stamps[order["name"]] += 1
        elif tool == "vault":
            if self._inside:
                return "block"
            self._inside += 1
        elif args["cents"] > self._limits.most:
            return "rewrite"
        return "allow"

    def ended(self, tool: str) -> None:
        """Take note that a call has come back."""
        self._inside -= tool == "vault"


def faults_of(path: str, rows: list[Row], limits: Limits) -> Counter[str]:
    """Hold what the ledger says of one trace against it, and give what is wrong, by kind."""
    with open_trace(path) as reader:
        events = list(reader)
        assert reader.footer is not None
    actions = {event.seq: event for event in events if event.kind == "action"}
    decided = {event.body["action"]: event.body["decision"] for event in events if event.kind == "decision"}
    lines = Path(path).read_bytes().splitlines(keepends=True)
    kept = [0]  # the bytes of the file that hold the header, event 0 and so on
    for line in lines:
        kept.append(kept[-1] + len(line))
    ran = Counter(row.action for row in rows)
    wrong = Counter[str]()
    for row in rows:
        judged = canonical.encode(actions[row.action].body["args"])
        wrong["other_bytes"] += row.at_first != judged or row.tool != actions[row.action].body["tool"]
        wrong["changed_under_way"] += row.at_last != row.at_first
        wrong["before_its_line"] += row.trace_bytes < kept[row.action + 2]
        wrong["though_refused"] += row.action in decided
    wrong["not_once"] = sum(ran[seq] != 1 for seq in actions if seq not in decided)
    wrong["two_at_a_time"] = _overlaps([row for row in rows if row.tool == "vault"])
    wrong["otherwise_decided"] = _otherwise(events, Rules(limits))
    wrong["beyond_the_budget"] = int(_paid(rows) > limits.budget)
    return wrong


def _overlaps(rows: list[Row]) -> int:
    ordered = sorted(rows, key=lambda row: row.began_ns)
    return sum(after.began_ns < before.ended_ns for before, after in pairwise(ordered))


def _otherwise(events: list[Event], rules: Rules) -> int:
    actions = {event.seq: event.body for event in events if event.kind == "action"}
    decided = {event.body["action"]: event.body["decision"] for event in events if event.kind == "decision"}
    wrong = 0
    for event in events:
        if event.kind == "action":
            wrong += decided.get(event.seq, "allow") != rules.decide(event.body["tool"], event.body["args"])
        elif event.kind == "observation":
            rules.ended(actions[event.body["action"]]["tool"])
    return wrong


def _paid(rows: list[Row]) -> float:
    cents = [canonical.decode(row.at_last)["order"]["cents"] for row in rows if row.tool == "pay"]
    return sum(one if type(one) is int else math.inf for one in cents)


def race(way: str, count: int, folder: Path, seed: int = SEED) -> dict[str, Any]:
    """Race in one way, and give a row: how many calls there were, how many ran, and what was wrong, by kind."""
    folder.mkdir()
    limits = Limits.of(count // SESSIONS if way == "many" else count)
    yard = Yard(folder, seed, limits)
    try:
        with yard.changing():
            WAYS[way](yard, range(seed, seed + count))
        rows = yard.done
    finally:
        yard.close()
    wrong = Counter[str]()
    traces = list(map(str, trace_files([folder / "runs"])))
    for path in traces:
        wrong.update(faults_of(path, [row for row in rows if row.trace == path], limits))
    wrong["not_once"] += sum(row.trace not in traces for row in rows)
    return {
        "way": way,
        "sessions": len(traces),
        "calls": count,
        "ran": len(rows),
        **{one: wrong[one] for one in FAULTS},
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    count = parser.parse_args().count // len(WAYS)
    with tempfile.TemporaryDirectory() as folder:
        rows = [race(way, count, Path(folder) / way) for way in WAYS]
    figures = {
        "calls": Figure(sum(row["calls"] for row in rows), "calls"),
        "ran": Figure(sum(row["ran"] for row in rows), "calls"),
        **{one: Figure(sum(row[one] for row in rows), "calls", target="== 0") for one in FAULTS},
    }
    report("race", figures, rows)


if __name__ == "__main__":
    main()
