"""A run whose processes are killed, and that is run again, has the files of one that was left alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SUITE = """
import os, time
from harness.bench.figures import Figure
from harness.bench.suite import Suite
from harness.bench.task import Condition, Task


def run(cell, folder):
    with open(LOG, "a") as log:
        log.write(f"{os.getpid()} {cell.task.name}\\n")
    time.sleep(0.02)
    (folder / "run.mat.jsonl").write_text(cell.task.name)
    return {"number": cell.task.data["number"] * 0.1, "trace": "run.mat.jsonl"}


def figures(rows):
    return {"sum": Figure(sum(row.found["number"] for row in rows), "1", None, ">= 0")}


TASKS = tuple(Task(f"task {n}", "a", {"number": n}) for n in range(100))
SUITE = Suite("slow", "1", "A few", TASKS, (Condition("us"),), run, figures)
"""
PROGRAM = """
import sys
from pathlib import Path
from harness.bench import suite
suite.suites_folder = lambda: Path(sys.argv[1])
from harness.cli import execute
sys.exit(execute(["bench", "run", "slow", *sys.argv[2:]]))
"""


def started(folder: Path, *options: str) -> subprocess.Popen[str]:
    """Start the command line on the suite of this test."""
    (folder / "slow").mkdir(exist_ok=True)
    (folder / "slow" / "__init__.py").write_text(SUITE.replace("LOG", repr(str(folder / "log"))))
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder), "--out", str(folder / "out"), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def finished(folder: Path, *options: str) -> tuple[int, str]:
    """Run it to its end; give its exit code and what it said."""
    process = started(folder, *options)
    said, told = process.communicate(timeout=120)
    return process.returncode, said + told


def log_of(folder: Path, least: int) -> list[list[str]]:
    """Wait until so many cells were begun; give the process and the task of each."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        lines = (folder / "log").read_text().splitlines() if (folder / "log").exists() else []
        if len(lines) >= least:
            return [line.split(" ", 1) for line in lines]
        time.sleep(0.01)
    raise AssertionError(f"{least} cells were not begun in a minute")


def gone(log: list[list[str]]) -> None:
    """Wait until no process of a log is there."""
    workers, until = {pid for pid, _ in log}, time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < until, f"of {workers} some are still there"
        time.sleep(0.02)


def files_in(folder: Path) -> dict[str, bytes]:
    """Give the report and the traces of a folder."""
    found = [folder / "result.json", *sorted((folder / "traces").iterdir())]
    return {path.name: path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Give the files of a run that nobody killed, of the same suite: it stands at the same place in each test."""
    folder = tmp_path_factory.mktemp("untouched")
    assert finished(folder, "--workers", "2")[0] == 0
    return files_in(folder / "out")


def same_but_for_the_log(one: dict[str, bytes], other: dict[str, bytes]) -> bool:
    """Compare files; the digest of the suite is another one, because the file names its log."""
    first, second = json.loads(one["result.json"]), json.loads(other["result.json"])
    for whole in (first, second):
        del whole["manifest"]["suite"]["digest"]
    return first == second and {**one, "result.json": b""} == {**other, "result.json": b""}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_run_that_was_killed_goes_on(tmp_path: Path, untouched: dict[str, bytes], workers: str) -> None:
    """After kill -9 the next run does what was not done, and the files are as if nothing had happened."""
    process = started(tmp_path, "--workers", workers)
    log_of(tmp_path, 30)
    process.kill()
    process.communicate(timeout=60)
    assert not (tmp_path / "out" / "result.json").exists()
    gone(log_of(tmp_path, 30))
    kept = (tmp_path / "out" / "cells.jsonl").read_bytes().count(b"\n") - 1
    before = len(log_of(tmp_path, 30))
    assert kept >= 20
    assert finished(tmp_path, "--workers", workers)[0] == 0
    assert len(log_of(tmp_path, 30)) - before == 100 - kept
    assert same_but_for_the_log(files_in(tmp_path / "out"), untouched)
    again = files_in(tmp_path / "out")
    assert finished(tmp_path, "--fresh")[0] == 0
    assert files_in(tmp_path / "out") == again


def test_a_worker_that_was_killed_costs_one_cell(tmp_path: Path, untouched: dict[str, bytes]) -> None:
    """The run ends with 5 and says which cell it could not measure; the next run does that one, and no other."""
    process = started(tmp_path, "--workers", "2")
    pid, _task = log_of(tmp_path, 30)[-1]
    os.kill(int(pid), signal.SIGKILL)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 5
    assert "WorkerDied: its process was ended by SIGKILL" in said
    assert "99 cells measured, 1 cell could not be measured" in said
    begun = len(log_of(tmp_path, 99))  # the one that was lost may not have come to its first line
    assert begun in (99, 100)
    assert finished(tmp_path)[0] == 0
    assert len(log_of(tmp_path, 99)) == begun + 1
    assert same_but_for_the_log(files_in(tmp_path / "out"), untouched)


def test_workers_leave_when_whoever_started_them_is_killed(tmp_path: Path) -> None:
    """No process of a killed run is left, though nobody told them to end."""
    process = started(tmp_path, "--workers", "2")
    log = log_of(tmp_path, 30)
    assert str(process.pid) not in {pid for pid, _ in log}
    process.kill()
    process.communicate(timeout=60)
    gone(log)
