"""A suite that takes a while, in processes that tests kill."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
SUITE = """
import os, subprocess, time
from harness.bench.figures import Figure
from harness.bench.suite import Suite
from harness.bench.task import Condition, Task


def run(cell, folder):
    with open(LOG, "a") as log:
        log.write(f"{os.getpid()} {cell.task.name}\\n")
    if cell.task.name == SLEEPER:
        subprocess.Popen(["sleep", "60"])
        time.sleep(60)
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


def started(folder: Path, *options: str, sleeper: str = "") -> subprocess.Popen[str]:
    """Start the command line on the suite of this test, as the first of a group of processes of its own."""
    (folder / "slow").mkdir(exist_ok=True)
    text = SUITE.replace("LOG", repr(str(folder / "log"))).replace("SLEEPER", repr(sleeper))
    (folder / "slow" / "__init__.py").write_text(text)
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder), "--out", str(folder / "out"), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)},
        process_group=0,
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


def same_but_for_the_log(one: dict[str, bytes], other: dict[str, bytes]) -> bool:
    """Compare files; the digest of the suite is another one, because the file names its log."""
    first, second = json.loads(one["result.json"]), json.loads(other["result.json"])
    for whole in (first, second):
        del whole["manifest"]["suite"]["digest"]
    return first == second and {**one, "result.json": b""} == {**other, "result.json": b""}
