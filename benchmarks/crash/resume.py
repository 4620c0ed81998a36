"""Kill runs, resume them, and count what they paid: ``python -m benchmarks.crash.resume --count 300 --json``.

First every moment around every kind of call, sync and async; then kills at random times, of the run and of what resumes
it, until one attempt is let through. The ledger is an SQLite file that knows nothing of harness.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

import harness
from benchmarks.crash import ledger
from benchmarks.crash.ledger import MOMENTS, ROUNDS, Recorder
from benchmarks.speed.measure import SEED, Figure, report
from harness.adapters.claims import taken_over_by
from harness.adapters.files import open_trace
from harness.errors import TraceError
from harness.trace.event import Event

ENTRIES: Final = ("one_by_one", "all_at_once")
TOOLS: Final = ("look", "keyed", "blind", "probed")

_RANDOM_ROUNDS: Final = 12
_LONGEST_S: Final = 0.25  # a little longer than a run of so many rounds takes
_KILLS: Final = 3


class Case(NamedTuple):
    """One run to kill: how it was to end, and after which times its attempts are killed."""

    name: str
    entry: str
    rounds: int
    kill: str
    delays: tuple[float, ...]


def cases(count: int, seed: int) -> Iterator[Case]:
    """Give every moment once, then random ones."""
    for entry, tool, moment in itertools.product(ENTRIES, TOOLS, MOMENTS):
        yield Case(f"{entry} {tool} {moment}", entry, ROUNDS, f"{tool}:{moment}:1", ())
    chance = Random(seed)
    for number in range(count):
        delays = tuple(chance.uniform(0, _LONGEST_S) for _ in range(chance.randint(1, _KILLS)))
        yield Case(f"random {number}", chance.choice(ENTRIES), _RANDOM_ROUNDS, "", delays)


def run_case(recorder: Recorder, case: Case, folder: Path, seen: Counter[str]) -> list[str]:
    """Kill and resume one run to its end, and give what is wrong with what it left."""
    book, trace = folder / "ledger.db", folder / "t.mat.jsonl"
    ledger.prepare(str(book))
    delays = list(case.delays)
    first = delays.pop(0) if delays else -1
    code = recorder.record(case.entry, trace, book, kill=case.kill, rounds=case.rounds, kill_after_s=first)
    while code != 0:
        if code > 0:
            return [f"ended with exit code {code}"]
        seen["kills"] += 1
        if not _begun(trace):
            seen["killed before anything was kept"] += 1
            return [] if not ledger.counts(str(book)) else ["something was done that was not announced"]
        code = recorder.resume(trace, book, kill_after_s=delays.pop(0) if delays else -1)
        seen["resumptions"] += 1
        trace = taken_over_by(trace) or trace
    seen["runs that came to their end"] += 1
    return list(_faults(trace, ledger.counts(str(book)), case.rounds, seen))


def _begun(trace: Path) -> bool:
    try:
        with open_trace(trace):
            return True
    except TraceError:
        return False


def _faults(trace: Path, paid: dict[tuple[str, int], int], rounds: int, seen: Counter[str]) -> Iterator[str]:
    with open_trace(trace) as reader:
        events = list(reader)
    if reader.footer is None:
        yield "the last trace is not sealed"
    replayed = harness.replay(trace)
    if not replayed.equal:
        yield f"the resumed trace does not replay: {replayed.divergence or replayed.ended}"
    left = _left(events)
    seen["doubts left alone"] += len(left)
    seen["doubts settled"] += sum(event.kind == "note" and event.body.get("text") == "in doubt" for event in events)
    for tool, number in itertools.product(TOOLS, range(rounds)):
        count = paid.get((tool, number), 0)
        seen[f"{tool} done {min(count, 2)}{'+' * (count > 1)}"] += 1
        if tool == "look":
            wrong = count < 1
        elif (tool, number) in left:
            wrong = count > 1
        else:
            wrong = count != 1
        if wrong:
            yield f"{tool} {number} was done {count} times"


def _left(events: list[Event]) -> set[tuple[str, int]]:
    """Give the calls of which the agent was told that nobody knows whether they happened."""
    calls = {event.seq: event.body for event in events if event.kind == "action"}
    unknown = [calls[event.body["action"]] for event in events if "unknown" in event.body]
    return {(body["tool"].removeprefix("a"), body["args"]["number"]) for body in unknown}


def main() -> None:
    """Read the command line, kill, resume, report, and leave with 1 where anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="how many runs are killed at random times")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    seen: Counter[str] = Counter()
    rows: list[dict[str, Any]] = []
    total = 0
    with Recorder() as recorder:
        for case in cases(options.count, options.seed):
            total += 1
            with tempfile.TemporaryDirectory() as folder:
                faults = run_case(recorder, case, Path(folder), seen)
            rows += [{"case": case.name, "fault": fault} for fault in faults]
    figures = {"cases": Figure(total, "1"), "faults": Figure(len(rows), "1", target="<= 0")}
    figures |= {name.replace(" ", "_"): Figure(count, "1") for name, count in sorted(seen.items())}
    report("crash", figures, rows, seed=options.seed)
    sys.exit(1 if rows else 0)


if __name__ == "__main__":
    main()
