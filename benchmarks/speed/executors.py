"""What giving out cells costs, and what is lost with what is killed: ``python -m benchmarks.speed.executors [--json]``.

Every run is a whole ``harness bench run`` in a process of its own, start and report included. Tiny cells do nothing;
cells of 5 ms do an amount of work that took so long on one core when the measurement began. The speed-up compares the
cells of one worker with those of two, without the seconds that both take to start. A run is killed in its middle, and
the next one loses a worker: its files are compared with those of a run that was left alone. Where Ray is not installed,
its figures are left out. What this does not measure: a cluster of more than one machine, and the speed-up by Ray, which
on one machine takes longer to start, and by less even amounts, than the cells take.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.speed.measure import Figure, Samples, installed, measured, report

ROOT: Final = Path(__file__).parents[2]
WAYS: Final = {
    "one": ("--workers", "1"),
    "two": ("--workers", "2"),
    "ray": ("--executor", "ray", "--workers", "2"),
}
TINY: Final = 10_000
WORKING: Final = 1_000
WRITING: Final = 200
REPETITIONS: Final = 3
_PATIENCE_S: Final = 120.0

SUITE: Final = """
import os, time
from harness.bench.figures import Figure
from harness.bench.suite import Suite
from harness.bench.task import Condition, Task


def work(rounds):
    number = 0
    for step in range(rounds):
        number += step * step % 7
    return number


def run(cell, folder):
    data = cell.task.data
    if data["log"]:
        with open(data["log"], "a") as log:
            log.write(f"{os.getpid()}\\n")
        (folder / "run.jsonl").write_text(cell.task.name)
    return {"number": work(data["rounds"]), **({"trace": "run.jsonl"} if data["log"] else {})}


def figures(rows):
    return {"sum": Figure(sum(row.found["number"] for row in rows), "1")}


TASKS = tuple(Task(f"task {n}", "a", {"rounds": ROUNDS, "log": LOG}) for n in range(CELLS))
SUITE = Suite("cells", "1", "Cells that do little", TASKS, (Condition("us"),), run, figures)
"""


def suite(folder: Path, cells: int, rounds: int, log: str = "") -> Path:
    """Write a suite of so many cells; each does so many rounds of work, and with ``log`` says so and leaves a trace."""
    file = folder / "cells.py"
    file.write_text(SUITE.replace("ROUNDS", str(rounds)).replace("LOG", repr(log)).replace("CELLS", str(cells)))
    return file


def started(file: Path, out: str, *options: str) -> subprocess.Popen[bytes]:
    """Start a run of a suite."""
    command = [sys.executable, "-m", "harness", "bench", "run", str(file)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [*command, "--out", str(file.parent / out), *options], stdout=subprocess.DEVNULL, env=environment
    )


def seconds(file: Path, *options: str) -> float:
    """Run a suite from the beginning to its end, and time it."""
    begin = time.perf_counter()
    if code := started(file, "timed", "--fresh", *options).wait():
        raise RuntimeError(f"the run ended with {code}")
    return time.perf_counter() - begin


def rounds_of_5_ms(folder: Path) -> int:
    """Find how much work takes 5 ms here, on one core."""
    space: dict[str, Any] = {}
    exec(suite(folder, 0, 0).read_text(), space)
    return int(0.005 * 200_000 / min(timed(space["work"], 200_000) for _ in range(9)))


def timed(function: Any, *arguments: Any) -> float:
    """Call a function, and give the seconds that it takes."""
    begin = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - begin


def speeds(folder: Path, ways: Mapping[str, tuple[str, ...]], rounds: int) -> dict[str, Figure]:
    """Time tiny cells, and cells of 5 ms."""
    figures: dict[str, Figure] = {}
    for name, options in ways.items():
        taken = Samples("s", tuple(seconds(suite(folder, TINY, 0), *options) for _ in range(REPETITIONS)))
        figures[f"tiny_cells_{name}_s"] = measured(taken, "< 60")
    ratios = []
    for _ in range(REPETITIONS):
        one, two = (
            seconds(suite(folder, WORKING, rounds), *ways[name]) - seconds(suite(folder, 2, rounds), *ways[name])
            for name in ("one", "two")
        )
        ratios.append(one / two)
    figures["speed_up_two"] = measured(Samples("1", tuple(ratios)), ">= 1.8")
    return figures


def log_of(log: Path, least: int) -> list[str]:
    """Wait until so many cells were begun; give the process of each."""
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        lines = log.read_text().split() if log.exists() else []
        if len(lines) >= least:
            return lines
        time.sleep(0.01)
    raise TimeoutError(f"{least} cells were not begun")


def left(processes: set[str]) -> float:
    """Wait until none of these processes is there; give the seconds."""
    begin = time.monotonic()
    while any(Path(f"/proc/{one}").exists() for one in processes):
        if time.monotonic() - begin > _PATIENCE_S:
            raise TimeoutError(f"some of {processes} go on")
        time.sleep(0.02)
    return time.monotonic() - begin


def files_in(folder: Path) -> dict[str, bytes]:
    """Give the report and the traces."""
    return {path.name: path.read_bytes() for path in (folder / "result.json", *sorted((folder / "traces").iterdir()))}


def killed(folder: Path, options: tuple[str, ...], rounds: int) -> dict[str, Any]:
    """Kill a run in its middle, then a worker of the run that goes on, then let it come to its end."""
    log = folder / "log"
    log.unlink(missing_ok=True)
    file = suite(folder, WRITING, rounds * 4, str(log))
    run = started(file, "out", "--fresh", *options)
    begun = log_of(log, WRITING // 4)
    run.kill()
    run.wait()
    gone_s = left(set(begun) - {str(run.pid)})
    begun = log_of(log, 1)
    kept = (folder / "out" / "cells.jsonl").read_bytes().count(b"\n") - 1
    run = started(file, "out", *options)
    worker = log_of(log, len(begun) + WRITING // 4)[-1]
    if int(worker) != run.pid:
        os.kill(int(worker), signal.SIGKILL)
    run.wait()
    if run.returncode:
        started(file, "out", *options).wait()  # the cell that was lost with its worker
    again = len(log_of(log, WRITING)) - len(begun) - (WRITING - kept)
    return {"kept": kept, "done_again": again, "gone_s": gone_s, "files": files_in(folder / "out")}


def kills(
    folder: Path, ways: Mapping[str, tuple[str, ...]], rounds: int
) -> Iterator[tuple[str, Figure, dict[str, Any]]]:
    """Yield how many files of a killed run are not those of a run in one process that was left alone."""
    alone: dict[str, bytes] = {}
    for name, options in ways.items():
        row = killed(folder, options, rounds)
        files = row.pop("files")
        if not alone:
            started(folder / "cells.py", "alone", "--fresh").wait()
            alone = files_in(folder / "alone")
        differing = sum(files.get(file) != alone.get(file) for file in files.keys() | alone.keys())
        yield f"files_that_differ_{name}", Figure(differing, "1", None, "== 0"), {"killed": name, **row}


def main() -> None:
    ways = WAYS if installed("ray") else {name: options for name, options in WAYS.items() if name != "ray"}
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        rounds = rounds_of_5_ms(Path(folder))
        figures = speeds(Path(folder), ways, rounds)
        for name, figure, row in kills(Path(folder), ways, rounds):
            figures[name] = figure
            rows.append(row)
    report("executors", figures, rows)


if __name__ == "__main__":
    main()
