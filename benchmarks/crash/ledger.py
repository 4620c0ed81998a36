"""Agents that pay into a ledger, and die at a chosen moment.

The ledger is an SQLite file that knows nothing of harness: what was done can be counted whatever became of the agent.
A kill is ``TOOL:MOMENT:NUMBER``: the process kills itself with SIGKILL at that moment of the tool's call of that
number. The moments: ``intent-before`` and ``-after`` the intent reaches the operating system, ``effect-before`` and
``-after`` the ledger is changed, ``outcome-before`` and ``-after`` the outcome reaches the operating system.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any, NoReturn, Self

import harness
from harness.adapters.files import FileStore

MOMENTS = ("intent-before", "intent-after", "effect-before", "effect-after", "outcome-before", "outcome-after")
ROUNDS = 2


class Stage:
    """The ledger that agents of this process pay into, and the moment to die at."""

    ledger = ""
    kill = ""


app = harness.Harness()
door_app: Any = sys.modules["harness.door.app"]


def die_at(tool: str, moment: str, number: int) -> None:
    """Kill this process if this is the moment."""
    if f"{tool}:{moment}:{number}" == Stage.kill:
        os.kill(os.getpid(), signal.SIGKILL)


def change(kind: str, number: int, *, once: bool = False) -> str:
    """Write a line into the ledger; ``once`` is how it treats a number that it knows already."""
    die_at(kind, "effect-before", number)
    with sqlite3.connect(Stage.ledger, timeout=30) as ledger:
        known = ledger.execute("SELECT 1 FROM lines WHERE kind = ? AND number = ?", (kind, number)).fetchone()
        if not (once and known):
            ledger.execute("INSERT INTO lines VALUES (?, ?)", (kind, number))
    ledger.close()
    die_at(kind, "effect-after", number)
    return f"{kind} {number}"


def known(number: int) -> Any:
    """Tell whether the ledger has a payment that was asked for with a number of its own."""
    with sqlite3.connect(Stage.ledger, timeout=30) as ledger:
        found = ledger.execute("SELECT 1 FROM lines WHERE kind = 'probed' AND number = ?", (number,)).fetchone()
    ledger.close()
    return None if found is None else f"probed {number}"


@app.tool(effect="read")
def look(number: int) -> str:
    """Read, and let the ledger count it."""
    return change("look", number)


@app.tool(effect="write", idempotency_key="number")
def keyed(number: int) -> str:
    """Pay under a key that the ledger pays once."""
    return change("keyed", number, once=True)


@app.tool(effect="write")
def blind(number: int) -> str:
    """Pay, and nobody can tell afterwards."""
    return change("blind", number)


@app.tool(effect="write", probe="find")
def probed(number: int) -> str:
    """Pay, and ``find`` can tell afterwards."""
    return change("probed", number)


@app.tool(effect="read")
def find(number: int) -> Any:
    """Look for a payment of ``probed``."""
    return known(number)


@app.tool(effect="read", name="alook")
async def alook(number: int) -> str:
    """Do what ``look`` does, without blocking the loop."""
    await asyncio.sleep(0.001)
    return change("look", number)


@app.tool(effect="write", idempotency_key="number")
async def akeyed(number: int) -> str:
    """Do what ``keyed`` does, without blocking the loop."""
    await asyncio.sleep(0.001)
    return change("keyed", number, once=True)


@app.tool(effect="write")
async def ablind(number: int) -> str:
    """Do what ``blind`` does, without blocking the loop."""
    await asyncio.sleep(0.001)
    return change("blind", number)


@app.tool(effect="write", probe="afind")
async def aprobed(number: int) -> str:
    """Do what ``probed`` does, without blocking the loop."""
    await asyncio.sleep(0.001)
    return change("probed", number)


@app.tool(effect="read")
async def afind(number: int) -> Any:
    """Do what ``find`` does."""
    await asyncio.sleep(0.001)
    return known(number)


@app.agent
def one_by_one(rounds: int = ROUNDS) -> list[str]:
    """Call every tool in every round."""
    said: list[str] = []
    for number in range(rounds):
        for tool in (look, keyed, blind, probed):
            try:
                said.append(tool(number))
            except harness.InDoubt as doubt:
                said.append(f"{doubt.call} {number} in doubt")
    return said


@app.agent
async def all_at_once(rounds: int = ROUNDS) -> list[str]:
    """Call every tool in every round, those of a round side by side."""
    said: list[str] = []
    for number in range(rounds):
        answers = await asyncio.gather(
            alook(number), akeyed(number), ablind(number), aprobed(number), return_exceptions=True
        )
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, harness.InDoubt):
                raise answer
            said.append(str(answer))
    return said


class DeadlyStore(FileStore):
    """Die before or after the lines of one call reach the operating system."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        self._calls: dict[int, tuple[str, int]] = {}
        self._due: list[tuple[str, str, int]] = []

    def append(self, line: bytes) -> None:
        self._due = [moment for one in line.splitlines() if (moment := self._moment(json.loads(one)))]
        for tool, what, number in self._due:
            die_at(tool, f"{what}-before", number)
        super().append(line)

    def flush(self, *, disk: bool = False) -> None:
        super().flush(disk=disk)
        for tool, what, number in self._due:
            die_at(tool, f"{what}-after", number)

    def _moment(self, line: dict[str, Any]) -> tuple[str, str, int] | None:
        kind, body = line.get("kind"), line.get("body", {})
        if kind == "action":
            self._calls[line["seq"]] = tool, number = body["tool"].removeprefix("a"), body["args"]["number"]
            return tool, "intent", number
        if kind != "observation" or body["action"] not in self._calls:
            return None
        tool, number = self._calls[body["action"]]
        return tool, "outcome", number


def prepare(path: str) -> None:
    """Make an empty ledger."""
    with sqlite3.connect(path) as book:
        book.execute("CREATE TABLE lines (kind TEXT, number INTEGER)")
    book.close()


def counts(path: str) -> dict[tuple[str, int], int]:
    """Count the lines of a ledger."""
    with sqlite3.connect(path) as book:
        rows = book.execute("SELECT kind, number, COUNT(*) FROM lines GROUP BY kind, number").fetchall()
    book.close()
    return {(kind, number): count for kind, number, count in rows}


class Recorder:
    """Have runs recorded, or resumed, each in a process of its own that may be killed; a fork of one that is ready.

    Each gives the exit code of that process, negative for a signal. ``kill`` is as above; ``kill_after_s`` kills it
    from outside after a time.
    """

    def __init__(self) -> None:
        command = [sys.executable, "-c", "from benchmarks.crash.ledger import main; main()"]
        root = Path(__file__).parents[2]
        self._child = subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def record(
        self, entry: str, trace: Path, book: Path, *, kill: str = "", rounds: int = ROUNDS, kill_after_s: float = -1
    ) -> int:
        """Record one run."""
        return self._asked(entry, rounds, str(trace), str(book), kill, kill_after_s)

    def resume(self, trace: Path, book: Path, *, kill: str = "", kill_after_s: float = -1) -> int:
        """Resume one run."""
        return self._asked("", 0, str(trace), str(book), kill, kill_after_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.communicate("")

    def _asked(self, *wanted: str | float) -> int:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps(wanted) + "\n")
        self._child.stdin.flush()
        return int(self._child.stdout.readline())


def serve() -> None:
    """Do, in a process for each, what a ``Recorder`` asks for on standard input, and tell how it ended."""
    for line in sys.stdin:
        entry, rounds, trace, book, kill, kill_after_s = json.loads(line)
        child = os.fork()
        if child == 0:
            _perform(entry, rounds, trace, book, kill)
        if kill_after_s >= 0:
            time.sleep(kill_after_s)
            os.kill(child, signal.SIGKILL)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _perform(entry: str, rounds: int, trace: str, book: str, kill: str) -> NoReturn:
    Stage.ledger, Stage.kill = book, kill
    agents: dict[str, Any] = {"one_by_one": one_by_one, "all_at_once": all_at_once}
    try:
        if entry:
            app.session(trace=trace).run(agents[entry], rounds=rounds)
        else:
            harness.resume(trace)
        os._exit(0)
    except BaseException:  # noqa: BLE001 - a fork ends here, whatever happens
        traceback.print_exc()
        os._exit(1)


def main() -> None:
    """Serve, with stores that die, once everything is imported that a run needs."""
    with tempfile.TemporaryDirectory() as folder:
        Stage.ledger = f"{folder}/ledger.db"
        prepare(Stage.ledger)
        app.session(trace=f"{folder}/t.mat.jsonl").run(one_by_one, rounds=1)
        app.session(trace=f"{folder}/u.mat.jsonl").run(all_at_once, rounds=1)
    assert harness.resume is not None
    door_app.FileStore = DeadlyStore
    serve()
