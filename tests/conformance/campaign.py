"""Record small agents in one process, replay them in others, and say where a promise was not kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.conformance.catalogue import Case

ROOT = Path(__file__).parents[2]
RECORDED_SEED = "0"
_MAX_ERRORS = 4000

Facts = dict[str, Any]


class Broken(Exception):
    """Say how a worker ended that did not end well, with what it had printed until then."""

    def __init__(self, what: str, printed: list[Facts]) -> None:
        super().__init__(what)
        self.printed = printed


def record(folder: Path, times: int, names: Sequence[str], *, timeout: float = 60) -> list[Facts]:
    """Record each agent so many times, in one process that is kept busy."""
    environment = {"CONFORMANCE_LEVEL": f"level {os.getpid()}"}
    return _work(["record", str(folder), str(times), *names], RECORDED_SEED, environment, timeout)


def replay(traces: Sequence[Path], hash_seed: str, *, timeout: float = 60) -> list[Facts]:
    """Replay traces in a fresh process with an empty environment, in another folder, under a hash seed."""
    return _work(["replay", *map(str, traces)], hash_seed, {}, timeout)


def strict(folder: Path, names: Sequence[str], *, timeout: float = 60) -> list[Facts]:
    """Run agents under an app that refuses what it cannot capture."""
    return _work(["strict", str(folder), *names], RECORDED_SEED, {}, timeout)


def complaint(case: Case, recorded: Facts, replayed: Facts, hash_seed: str) -> str:
    """Say how a replay breaks what is promised of its agent; empty where it keeps it."""
    same = all(recorded[part] == replayed[part] for part in ("digest", "result", "error"))
    if replayed["equal"]:
        return "" if same else f"silently different: {recorded['result']} and now {replayed['result']}"
    difference = replayed["difference"] or f"unequal digests, and {replayed['error']}"
    if case.promise == "unpromised":
        return ""
    if case.promise == "hash seed" and hash_seed != RECORDED_SEED:
        return "" if "hash seed" in difference else f"the hash seed is not named as the cause: {difference}"
    return difference


def misrecorded(case: Case, recorded: Facts) -> str:
    """Say what is wrong with a recording: its end, or an uncaptured door without a name; empty where nothing."""
    error, found = recorded["error"] or "", recorded["uncaptured"]
    if error.partition(":")[0] != case.raises:
        return f"the recorded run ended with {error or 'no error'}"
    if not case.door or any(case.door in one for one in found):
        return ""
    return f"{case.door} is not named as uncaptured, only {found}"


def unrefused(case: Case, facts: Facts) -> str:
    """Say how a strict app breaks its promise to refuse a door by name; empty where it keeps it."""
    if case.door in (facts["refused"] or ""):
        return ""
    return f"a strict app does not refuse {case.door}: {facts['refused']}"


def _work(arguments: list[str], hash_seed: str, environment: dict[str, str], timeout: float) -> list[Facts]:
    command = [sys.executable, "-m", "tests.conformance.worker", str(timeout), *arguments]
    whole = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed, **environment}
    with tempfile.TemporaryDirectory() as elsewhere:
        done = subprocess.run(command, cwd=elsewhere, env=whole, capture_output=True, text=True, check=False)
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode != 0:
        what = f"{arguments[0]} ended with {done.returncode} after {len(printed)} runs"
        raise Broken(f"{what}: {done.stderr[-_MAX_ERRORS:]}", printed)
    return printed
