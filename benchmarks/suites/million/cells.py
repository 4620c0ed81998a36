"""One cell: a run in a process of its own, read again afterwards; or a million races."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from harness.bench.task import Cell
from harness.determinism.streams import stream
from harness.statistics.voting import decided_right, expected_votes, plan

from .climb import climb, rules, tower
from .proposer import Proposer
from .recheck import agreement_of, read_again

TARGET: Final = 0.95
"""How probable it has to be that the whole task is right."""

RACES: Final = 1_000_000

_PROGRAM: Final = """
import json, sys
from harness.bench.suite import load_suite
load_suite("million")
from harness_suite_million.cells import run_here
print(json.dumps(run_here(json.loads(sys.argv[1]), sys.argv[2])))
"""


def run(cell: Cell, folder: Path) -> Mapping[str, Any]:
    """Do a cell and give what was seen."""
    if cell.task.group == "races":
        return races(cell.task.data["accuracy"], cell.task.data["lead"], cell.seed)
    command = [sys.executable, "-c", _PROGRAM, json.dumps({**cell.task.data, "seed": cell.seed}), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(next(line for line in reversed(done.stderr.splitlines()) if line[:1].strip()))
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def run_here(data: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """Climb, record and read again, and say what that took of this process."""
    began = time.perf_counter()
    disks, trace = data["disks"], Path(folder) / "run.mat.jsonl"
    proposer = Proposer(data["error"], data.get("correlation", 0.0), seed=data["seed"])
    planned = plan(1 - proposer.error, 2**disks - 1, TARGET, correlation=0.0, valid=1 - proposer.spoilt)
    lead = data.get("lead", planned.lead)
    app, begin, move = tower(rules(lead), Path(folder))
    with app.session(trace=trace, seed=proposer.seed):
        climbed = climb(begin, move, disks, proposer, lead)
    recorded = time.perf_counter()
    found = {
        "lead": lead,
        "refused": climbed.refused,
        "votes_per_step": (climbed.votes + climbed.discarded) / (climbed.steps + climbed.refused),
        "planned_votes": planned.votes,
        "planned_errors": (2**disks - 1) * planned.wrong,
        "discarded": climbed.discarded,
        **read_again(trace, disks, proposer, lead),
        "trace_mb": trace.stat().st_size / 1e6,
        "record_s": recorded - began,
        "seconds": time.perf_counter() - began,
    }
    used = resource.getrusage(resource.RUSAGE_SELF)
    found |= {"cpu_s": used.ru_utime + used.ru_stime, "peak_rss_mb": used.ru_maxrss / 1024}
    if "correlation" in data:
        found["correlation"] = agreement_of(trace, lead, proposer.seed).correlation
    return found


def races(accuracy: float, lead: int, seed: int, number: int = RACES) -> dict[str, Any]:
    """Run a million races, and solve one as a Markov chain; say how far both are from the formulas."""
    draw = stream(seed, "races", lead).random
    right = votes = 0
    for _ in range(number):
        ahead = 0
        while -lead < ahead < lead:
            ahead += 1 if draw() < accuracy else -1
            votes += 1
        right += ahead > 0
    expected, rounds = decided_right(accuracy, lead), expected_votes(accuracy, lead)
    solved = chain(accuracy, lead)
    spread = (expected * (1 - expected) / number) ** 0.5
    return {
        "right": right / number,
        "formula": expected,
        "standard_errors": abs(right / number - expected) / spread,
        "votes": votes / number,
        "votes_formula": rounds,
        "chain_difference": max(abs(solved[0] - expected), abs(solved[1] - rounds)),
    }


def chain(accuracy: float, lead: int) -> tuple[float, float]:
    """Solve the race as a Markov chain by elimination: how probable the right end is, and the votes to either end."""

    def solved(base: float, at_right: float) -> float:
        slope, offset, rows = 0.0, 0.0, []  # the value of a state is slope × that of the next one + offset
        for _ in range(2 * lead - 1):
            rest = 1 - (1 - accuracy) * slope
            slope, offset = accuracy / rest, (base + (1 - accuracy) * offset) / rest
            rows.append((slope, offset))
        value = at_right
        for slope, offset in reversed(rows[lead - 1 :]):
            value = slope * value + offset
        return value

    return solved(0, 1), solved(1, 0)
