"""A suite for the tests of whoever does cells: it can fail, kill its process, wait, and write traces."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import harness
from harness.bench.figures import Figure
from harness.bench.suite import Suite
from harness.bench.task import Cell, Condition, Row, Task
from harness.door.trial import Trials
from harness.stress.schedule import Schedule


def run(cell: Cell, folder: Path) -> Mapping[str, Any]:
    """Give what follows from the cell, by way of a trace; ``data`` says what goes wrong on the way."""
    data = cell.task.data
    if log := data.get("log"):
        with Path(log).open("a") as file:
            file.write(f"{cell.task.name}\n")
    if data.get("leaves_a_child") and os.fork() == 0:
        time.sleep(60)
        os._exit(0)
    if (wanted := data.get("dies_without")) and not Path(wanted).exists():
        os.kill(os.getpid(), signal.SIGKILL)
    if "exits" in data:
        sys.exit(data["exits"])
    if away := data.get("goes_to"):
        os.chdir(away)
    if data.get("breaks"):
        raise ConnectionError("no disk\nat all")
    time.sleep(data.get("wait_s", 0))
    (folder / "run.mat.jsonl").write_bytes(traced(cell) if data.get("traced") else f"{cell.facts}\n".encode())
    return {
        "number": data["number"] * 0.1,
        "said": (cell.condition.name, {"ä": None}),
        "trace": "run.mat.jsonl",
        "ms": time.perf_counter(),
        **data.get("says", {}),
    }


def traced(cell: Cell) -> bytes:
    """Give the trace of a small agent that waits and draws, in virtual time, with the seed of the cell."""
    app = harness.Harness()

    @app.tool(effect="write")
    def book(day: int) -> str:
        return f"booked {cell.task.name}"

    def agent() -> list[str]:
        time.sleep(random.random())
        return [book(day=random.randrange(31)) for _ in range(3)]

    return b"".join(Trials(app, agent).run(Schedule(seed=cell.seed)).lines)


def figures(rows: Sequence[Row]) -> Mapping[str, Figure]:
    """Give the sum, and a time."""
    return {
        "sum": Figure(sum(row.found["number"] for row in rows), "1", None, ">= 0"),
        "slowest_ms": Figure(max((row.found["ms"] for row in rows), default=0), "ms"),
    }


def suite_of(tasks: int = 30, **data: Any) -> Suite:
    """Give a suite of so many tasks; ``data`` names what is said of all, or by ``task_N`` of one of them."""
    common = {name: value for name, value in data.items() if not name.startswith("task_")}
    return Suite(
        "few",
        "1",
        "A few",
        tuple(
            Task(f"task {number}", "a", {"number": number, **common, **data.get(f"task_{number}", {})}, number % 3 == 0)
            for number in range(tasks)
        ),
        (Condition("us"), Condition("them/there")),
        run,
        figures,
        measured=("ms", "slowest_ms"),
    )
