"""A folder of results: the cells that are done, the traces they wrote, and at the end the report.

::

    cells.jsonl   what the cells depend on, then a line for each that is done, in the order they were
    traces/       what cells wrote, each under the name of its cell
    result.json   the report; the same bytes for the same suite and seeds
    times.json    what was measured of time and memory, which is never the same twice

A cell is kept once its line is whole: a run that is killed at any time is continued after the last of them. That a
disk that loses its power keeps the last lines is not promised.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from harness.bench.executor import TRACES, Done, write_whole
from harness.bench.manifest import differences
from harness.bench.stored import RESULT, TIMES, UNFINISHED
from harness.bench.suite import Suite
from harness.bench.task import Cell
from harness.determinism import canonical
from harness.errors import StoreError, UsageError

CELLS: Final = "cells.jsonl"

RESULTS: Final = Path("results")
"""Where the folders of results are that nobody named, each by the name of its suite."""

Name = tuple[str, str, int]

_FIRST: Final = {"manifest"}
_LINE: Final = {"task", "condition", "seed", "wall_s"}


class Stored(NamedTuple):
    """The cells of a folder: what they depend on, and those that are done by their names; ``size`` in whole lines."""

    identity: dict[str, Any]
    lines: dict[Name, dict[str, Any]]
    size: int


class Store:
    """A folder that results are written to, by one process at a time.

    ``resume`` True goes on with the cells that are there, UsageError where they depend on something else; False begins
    anew; None goes on with a run that was cut off or could not measure some cells, and else begins anew.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any], *, resume: bool | None = None) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = (folder / CELLS).open("a+b")
        except OSError as error:
            raise UsageError(f"results cannot be kept there: {error.strerror}", where=str(folder)) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            stored = _taken_up(folder, identity, resume)
            self.done: dict[Name, dict[str, Any]] = stored.lines if stored else {}
            self._begin(identity, stored)
        except BlockingIOError:
            self._file.close()
            raise UsageError("another run writes its results there", where=str(folder), cure="--out DIR") from None
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    @property
    def traces(self) -> Path:
        """The folder of traces."""
        return self.folder / TRACES

    def kept(self, cell: Cell) -> Done | None:
        """Give what became of a cell, None where it is still to be done; a broken one is."""
        line = self.done.get(_name(cell))
        return _done(cell, line) if line and "found" in line else None

    def keep(self, done: Done) -> None:
        """Add a cell that is done; it is kept when this returns, whoever is killed then. StoreError from the disk."""
        task, condition, seed = _name(done.cell)
        line: dict[str, Any] = {"task": task, "condition": condition, "seed": seed, "wall_s": done.wall_s}
        line |= {"error": done.error} if done.found is None else {"found": done.found}
        self._append(line)
        self.done[task, condition, seed] = line

    def finish(self, result: Mapping[str, Any], times: Mapping[str, Any]) -> None:
        """Write the report and what was measured of time; each file is there whole, or not at all."""
        write_report(self.folder, result, times)

    def _begin(self, identity: Mapping[str, Any], stored: Stored | None) -> None:
        for name in (RESULT, TIMES):
            (self.folder / name).unlink(missing_ok=True)
        self._file.truncate(stored.size if stored else 0)
        if stored is None:
            shutil.rmtree(self.traces, ignore_errors=True)
            self._append({"manifest": identity})

    def _append(self, line: Mapping[str, Any]) -> None:
        try:
            self._file.write(canonical.encode_as_is(dict(line)) + b"\n")
            self._file.flush()
        except OSError as error:
            why = f"cannot be written: {error.strerror}; what was done before is kept"
            raise StoreError(f"{self.folder / CELLS}: {why}") from None


def read_stored(folder: Path) -> Stored | None:
    """Read the cells of a folder; None where there are none. A torn last line is left out, StoreError names another.

    O(size).
    """
    file = folder / CELLS
    whole = file.read_bytes() if file.is_file() else b""
    size = whole.rfind(b"\n") + 1
    lines = list(_read(whole[:size], file))
    if not lines:
        return None
    first, *rest = lines
    return Stored(first["manifest"], {(one["task"], one["condition"], one["seed"]): one for one in rest}, size)


def ended(folder: Path) -> bool:
    """Tell whether the run of a folder came to its end, and its report is of all its cells. O(size)."""
    try:
        report = json.loads((folder / RESULT).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(report, dict) and UNFINISHED not in report.get("manifest", {})


def stored_cells(stored: Stored, suite: Suite) -> Iterator[Done]:
    """Yield the cells of a folder as those of a suite; UsageError for one that the suite has not."""
    tasks = {task.name: task for task in suite.tasks}
    conditions = {condition.name: condition for condition in suite.conditions}
    for (task, condition, seed), line in stored.lines.items():
        if task not in tasks or condition not in conditions:
            cure = f"harness bench run {suite.name} --fresh"
            raise UsageError(f"has no task {task!r} under {condition!r} any more", where=suite.name, cure=cure)
        yield _done(Cell(tasks[task], conditions[condition], seed), line)


def write_report(folder: Path, result: Mapping[str, Any], times: Mapping[str, Any]) -> None:
    """Write a report and the times that go with it."""
    for name, content in ((TIMES, times), (RESULT, result)):
        write_whole(folder / name, json.dumps(content, ensure_ascii=False, indent=1).encode() + b"\n")


def _taken_up(folder: Path, identity: Mapping[str, Any], resume: bool | None) -> Stored | None:
    """Give the cells to go on with, None to begin anew."""
    stored = None if resume is False else read_stored(folder)
    if stored is None:
        return None
    other = differences(stored.identity, canonical.decode(canonical.encode(dict(identity))))
    if other and resume:
        raise UsageError(
            f"the cells there depend on another {', '.join(other)}",
            where=str(folder),
            cure="--fresh, or --out DIR",
        )
    finished = ended(folder) and all("found" in line for line in stored.lines.values())
    return None if other or (finished and resume is None) else stored


def _read(whole: bytes, file: Path) -> Iterable[dict[str, Any]]:
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            read = canonical.decode(line)
        except ValueError:
            read = None
        if not isinstance(read, dict) or not (_FIRST if number == 1 else _LINE) <= read.keys():
            raise StoreError(f"{file}:{number}: is no cell; --fresh begins anew")
        yield read


def _name(cell: Cell) -> Name:
    return cell.task.name, cell.condition.name, cell.seed


def _done(cell: Cell, line: Mapping[str, Any]) -> Done:
    return Done(cell, line.get("found"), line.get("error", ""), line["wall_s"])
