"""Random edits of recorded requests and of agents' code: each gives exactly one divergence, at the right pointer.

``python -m benchmarks.fuzz.edits [--n 500] [--seed 1] [--json]``. Four small agents (plain, asynchronous, with a
model, with threads) are recorded; then either the stored trace is edited and chained anew, or the agent's source is
changed. Where a replay has to stop follows from the edit alone (``benchmarks.fuzz.edit_oracle``). An edit that changes
nothing an agent does has to replay equal.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from benchmarks.fuzz import edit_code, edit_trace
from benchmarks.fuzz.edit_agents import SOURCES, Said, Wrapped, dry_run
from benchmarks.fuzz.edit_oracle import Expected, of_sources
from benchmarks.speed.measure import Figure, report
from harness.adapters.files import open_trace
from harness.door.replay import Replay, replay


class Recorded(NamedTuple):
    """One recorded agent: its trace, its source file, what it does by a dry run, the model's replies."""

    shape: str
    trace: Path
    file: Path
    said: list[Said]
    replies: list[dict[str, Any]]


class Case(NamedTuple):
    """One edit: what it is, the trace and the source to replay, and where the replay has to stop (None: nowhere)."""

    name: str
    trace: Path
    source: str
    expected: Expected | None


def record(agents: Wrapped, shape: str) -> Recorded:
    """Record an agent and check that a dry run of its source gives the recorded calls."""
    trace = agents.record(shape)
    replies = list(agents.replies)
    file = agents.folder / f"{shape}.py"
    said = dry_run(edit_code.unchanged(SOURCES[shape]), file, replies)
    with open_trace(trace) as reader:
        calls = [event.body["tool"] for event in reader if event.kind == "action"]
    assert calls == [one.kind for one in said[:-1]], (shape, calls, said)
    return Recorded(shape, trace, file, said, replies)


def make(recorded: Recorded, random: Random, folder: Path) -> Case:
    """Edit a recorded run, half of the time its trace and half of the time its source."""
    source = edit_code.unchanged(SOURCES[recorded.shape])
    if random.random() < 0.5:
        name, trace, expected = edit_trace.edited(recorded.trace, random, folder / "edited.mat.jsonl")
        return Case(f"trace: {name}", trace, source, expected)
    name, source = edit_code.mutated(source, random)
    with open_trace(recorded.trace) as reader:
        kinds = [event.kind for event in reader]
    expected = of_sources(recorded.said, dry_run(source, recorded.file, recorded.replies), kinds)
    return Case(f"code: {name}", recorded.trace, source, expected)


def judge(agents: Wrapped, recorded: Recorded, case: Case) -> str:
    """Replay an edit and say what is wrong with what came out; empty where it is right."""
    performed = agents.performed
    app, main = agents.load(case.source, recorded.file)
    found = replay(case.trace, entry=main, app=app)
    if agents.performed != performed:
        return "a tool was called for real"
    if case.expected is None:
        return "" if found.equal else f"not equal though nothing changed: {found.divergence}"
    return _compare(found, case.expected, recorded.file)


def _compare(found: Replay, expected: Expected, file: Path) -> str:
    divergence = found.divergence
    if divergence is None:
        return f"no divergence; expected {expected}"
    if (divergence.seq, divergence.pointer) != expected[:2]:
        return f"found {divergence.seq} {divergence.pointer!r}, expected {expected}: {divergence}"
    if divergence.pointer and repr(divergence.recorded) == repr(divergence.now):
        return f"the two values are the same: {divergence}"
    if expected.line and divergence.site != f"{file}:{expected.line}":
        return f"the call site is {divergence.site!r}, not line {expected.line}: {divergence}"
    return "" if divergence.cause else f"no cause is given: {divergence}"


def campaign(count: int, seed: int, folder: Path) -> tuple[Counter[str], list[dict[str, Any]]]:
    """Judge so many edits; give how many there were of each kind, and those that came out wrong."""
    counts: Counter[str] = Counter()
    faults: list[dict[str, Any]] = []
    with Wrapped(folder) as agents:
        runs = [record(agents, shape) for shape in SOURCES]
        number = 0
        while counts["edits"] < count:
            random = Random(f"{seed}:{number}")
            recorded = random.choice(runs)
            case = make(recorded, random, folder)
            fault = judge(agents, recorded, case)
            counts["edits" if case.expected is not None else "without_effect"] += 1
            counts["sites"] += bool(case.expected is not None and case.expected.line)
            counts[case.name] += case.expected is not None
            if fault:
                faults.append({"number": number, "shape": recorded.shape, "edit": case.name, "fault": fault})
            number += 1
    return counts, faults


def main() -> None:
    """Run the campaign and leave with 1 where an edit came out wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=500, help="how many edits that change what the agent does")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        counts, faults = campaign(options.n, options.seed, Path(folder))
    wrong = {fault["number"] for fault in faults}
    figures = {
        "edits": Figure(counts["edits"], "1"),
        "right": Figure(counts["edits"] + counts["without_effect"] - len(wrong), "1"),
        "wrong": Figure(len(wrong), "1", target="<= 0"),
        "without_effect_and_equal": Figure(counts["without_effect"], "1"),
        "call_sites_checked": Figure(counts["sites"], "1"),
        "seconds": Figure(time.perf_counter() - start, "s"),
    }
    kinds = {name: Figure(number, "1") for name, number in sorted(counts.items()) if ":" in name}
    report("edits", figures | kinds, faults[:50], seed=options.seed)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
