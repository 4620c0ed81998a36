"""Do one cell, and what an executor is: whoever does many of them, anywhere and in any order.

What no executor verifies: that a suite keeps its promises, to share nothing between cells and to find the same again.
"""

from __future__ import annotations

import pickle
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from harness.bench.suite import PREFIX, Suite, load_module
from harness.bench.task import Cell
from harness.determinism import canonical
from harness.errors import UsageError

TRACES: Final = "traces"
"""Where a row says its trace is, seen from the folder of the result."""

_MOST_IN_CHUNK: Final = 100  # what giving out a chunk costs is then nothing beside the smallest of cells
_CHUNKS_EACH: Final = 8  # for each worker: fewer, and the last ones would leave the others idle

Keep = Callable[[bytes, str], object]
"""Puts a trace where traces are kept, under a name of its own there."""


class Done(NamedTuple):
    """What became of a cell: what it found, or the error for which it found nothing; and how long that took."""

    cell: Cell
    found: Mapping[str, Any] | None
    error: str
    wall_s: float


class Executor(Protocol):
    """Whoever does cells."""

    def do(self, suite: Suite, cells: Sequence[Cell], traces: str | None) -> Iterator[Done]:
        """Yield each cell once, when it is done; ``traces`` is the folder or URL to keep traces in, if anybody does."""


class Answer(NamedTuple):
    """What a worker says of a cell, and the traces that it carries to whoever can put them where they are kept."""

    found: Mapping[str, Any] | None
    error: str
    wall_s: float
    traces: Mapping[str, bytes]


class Carrier:
    """Keep traces until they are taken along."""

    def __init__(self) -> None:
        self._held: dict[str, bytes] = {}

    def __call__(self, trace: bytes, name: str) -> None:
        self._held[name] = trace

    def taken(self) -> dict[str, bytes]:
        """Give what is held, and hold it no more."""
        held, self._held = self._held, {}
        return held


class Packed(NamedTuple):
    """A suite on its way to another process: the file of its module, if it has one of its own, and its pickle."""

    name: str
    module: str
    file: str
    pickled: bytes


def do_cell(suite: Suite, cell: Cell, keep: Keep | None) -> Done:
    """Do a cell in an empty folder of its own; whatever stops it is told apart from what it finds.

    A cell that ends the program ends itself only; one that goes to another folder is brought back.
    """
    began, found, error = time.perf_counter(), None, ""
    try:
        # what a cell leaves behind that cannot be removed says nothing of what it found
        with tempfile.TemporaryDirectory(prefix=f"harness-{suite.name}-", ignore_cleanup_errors=True) as folder:
            with chdir("."):
                found = _as_read(suite.run(cell, Path(folder)))
            _check_own(found, cell)
            if keep is not None and found.get("trace"):
                found["trace"] = _kept(Path(folder) / found["trace"], cell, keep)
    except KeyboardInterrupt:
        raise  # of whoever measures
    except BaseException as stop:  # noqa: BLE001 - whatever stops a measurement is kept apart from what it measures
        found, error = None, _said(stop)
    return Done(cell, found, error, time.perf_counter() - began)


def answer_for(suite: Suite, cell: Cell, keep: Keep | None) -> Answer:
    """Do a cell for another process."""
    done = do_cell(suite, cell, keep)
    return Answer(done.found, done.error, done.wall_s, keep.taken() if isinstance(keep, Carrier) else {})


def done_of(cell: Cell, answer: Answer, keep: Keep | None) -> Done:
    """Take an answer, and put the traces that came with it where they are kept."""
    found, error, wall_s, traces = answer
    try:
        for name, trace in traces.items():
            assert keep is not None
            keep(trace, name)
    except Exception as stop:  # noqa: BLE001 - as in the process that did the cell, when that keeps its trace
        found, error = None, _said(stop)
    return Done(cell, found, error, wall_s)


def chunks(cells: Sequence[Cell], workers: int) -> Iterator[Sequence[Cell]]:
    """Yield the cells in pieces of 1 to 100, each small enough for the work to be shared evenly."""
    size = min(max(len(cells) // (workers * _CHUNKS_EACH), 1), _MOST_IN_CHUNK)
    for start in range(0, len(cells), size):
        yield cells[start : start + size]


def keeper(traces: str | None) -> Keep | None:
    """Give what puts traces into a folder, or wherever fsspec knows how to write; UsageError where it cannot."""
    if traces is None:
        return None
    if "://" not in traces:
        return lambda trace, name: write_whole(Path(traces) / name, trace)
    try:
        import fsspec
    except ImportError:
        cure = "pip install fsspec"
        raise UsageError("traces go to a URL by fsspec, which is not installed", where=traces, cure=cure) from None
    try:
        system, root = fsspec.core.url_to_fs(traces)
        system.makedirs(root, exist_ok=True)
    except ImportError as error:
        cure = "install it here and where the workers are"
        raise UsageError(f"no package for such a URL is installed: {error}", where=traces, cure=cure) from None
    except Exception as error:  # noqa: BLE001 - a file system may raise anything
        cure = "s3://BUCKET/PATH, file:///PATH or another one that fsspec knows; rights come from the environment"
        raise UsageError(f"traces cannot be kept there: {_said(error)}", where=traces, cure=cure) from None
    return lambda trace, name: system.pipe_file(f"{root.rstrip('/')}/{name}", trace)


def carried(traces: str | None, *, far: bool) -> bool:
    """Tell whether workers cannot put traces there themselves; ``far`` ones have another disk, all have own memory."""
    if traces is None:
        return False
    scheme, url, _ = traces.partition("://")
    return scheme == "memory" or (far and (not url or scheme in ("file", "local")))


def pack(suite: Suite) -> Packed:
    """Make a suite ready to travel; UsageError for one that holds what only this process knows."""
    try:
        pickled = pickle.dumps(suite)
    except Exception as error:
        cure = "define its functions at the top of a module; or --workers 1 and no --executor"
        raise UsageError(
            f"cannot be sent to other processes: {error}", where=f"suite {suite.name}", cure=cure
        ) from error
    module = getattr(suite.run, "__module__", "").partition(".")[0]
    file = sys.modules[module].__file__ if module.startswith(PREFIX) else None
    return Packed(suite.name, module if file else "", file or "", pickled)


def unpack(packed: Packed) -> Suite:
    """Give the suite again, where the same code stands at the same place."""
    if packed.module:
        load_module(packed.module, Path(packed.file))
    suite: Suite = pickle.loads(packed.pickled)  # noqa: S301 - it comes from whoever started this process
    return suite


Address = tuple[int, int, int]
"""A cell as it travels: the places of its task and its condition in the suite, and its seed."""


def addresses(suite: Suite, cells: Sequence[Cell]) -> list[Address]:
    """Give the cells as they travel. O(tasks + cells)."""
    tasks = {task.name: place for place, task in enumerate(suite.tasks)}
    conditions = {condition.name: place for place, condition in enumerate(suite.conditions)}
    return [(tasks[cell.task.name], conditions[cell.condition.name], cell.seed) for cell in cells]


def cell_at(suite: Suite, address: Address) -> Cell:
    """Give the cell again."""
    task, condition, seed = address
    return Cell(suite.tasks[task], suite.conditions[condition], seed)


def trace_name(cell: Cell, file: str) -> str:
    """Give a cell's trace a name that no other cell's has, and that every file system takes."""
    named = [cell.task.name, cell.condition.name, cell.seed]
    readable = re.sub(r"[^\w.-]+", "-", f"{cell.condition.name}.{cell.task.name}.{cell.seed}", flags=re.ASCII)
    return f"{readable[:100]}.{canonical.digest_of(named)[:8]}{''.join(Path(file).suffixes)}"


def write_whole(file: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all, whoever is killed on the way."""
    file.parent.mkdir(parents=True, exist_ok=True)
    begun = file.with_name(f".{file.name}")
    begun.write_bytes(content)
    begun.replace(file)


def _said(error: BaseException) -> str:
    """Word an error; half a character in it, which no file holds, is spelled out."""
    return f"{type(error).__name__}: {error}".encode(errors="backslashreplace").decode()


def _as_read(found: Mapping[str, Any]) -> dict[str, Any]:
    """Give what was found as whoever reads it from a file or a pipe will have it, so that it makes no difference."""
    read: dict[str, Any] = canonical.decode(canonical.encode_as_is(dict(found)))
    return read


def _check_own(found: Mapping[str, Any], cell: Cell) -> None:
    """Raise UsageError for what would make a row one of another cell, which it is then paired and counted with."""
    for name, own in cell.facts.items():
        if found.get(name, own) != own:
            raise UsageError(f"what was found says {name!r} too, which names the cell", cure="call it something else")


def _kept(file: Path, cell: Cell, keep: Keep) -> str:
    name = trace_name(cell, file.name)
    keep(file.read_bytes(), name)
    return f"{TRACES}/{name}"
