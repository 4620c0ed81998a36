"""Do cells on this machine: in this process, or in processes of their own.

The processes are our own and not those of ``concurrent.futures``, which does not say whose work is lost when one of
them dies: here it is the one cell that was being done, and the others go on.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, Pipe, wait
from typing import Final

from harness.bench.executor import Done, addresses, cell_at, chunks, do_cell, keeper, pack, unpack
from harness.bench.suite import Suite
from harness.bench.task import Cell
from harness.errors import UsageError

_LEFT_S: Final = 5  # how long a process that was told to end may take for it


class Here:
    """Do cells one after another in this process."""

    def do(self, suite: Suite, cells: Sequence[Cell], traces: str | None) -> Iterator[Done]:
        keep = keeper(traces)
        for cell in cells:
            yield do_cell(suite, cell, keep)


class Pool:
    """Do cells in several processes of this machine, each given some at a time.

    A cell whose process dies is not measured; it says how the process ended. UsageError for a suite that cannot be
    loaded elsewhere.
    """

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise UsageError(f"{workers} workers do nothing", cure="--workers 1 or more")
        self._workers = workers

    def do(self, suite: Suite, cells: Sequence[Cell], traces: str | None) -> Iterator[Done]:
        keeper(traces)  # what cannot be kept is better known before anything is done
        order = pack(suite), traces
        waiting = deque(map(deque, chunks(cells, self._workers)))
        busy: dict[Connection, _Worker] = {}
        try:
            while waiting or busy:
                while waiting and len(busy) < self._workers:
                    worker = _Worker(order)
                    busy[worker.pipe] = worker
                    worker.give(suite, waiting.popleft())
                for pipe in wait(list(busy)):
                    assert isinstance(pipe, Connection)
                    worker = busy[pipe]
                    yield worker.hear()
                    if worker.cells and worker.alive:
                        continue
                    if worker.cells:
                        waiting.appendleft(worker.cells)
                    if worker.alive and waiting:
                        worker.give(suite, waiting.popleft())
                    else:
                        busy.pop(pipe).end()
        finally:
            for worker in busy.values():
                worker.end()


class _Worker:
    """One process, the pipe to it, and the cells that it has not answered for, the first of them under way."""

    def __init__(self, order: object) -> None:
        self.pipe, theirs = Pipe()
        self.cells: deque[Cell] = deque()
        self.alive = True
        # a fresh interpreter that does not look at the program that was started: that may be anybody's script
        program = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; serve({theirs.fileno()})"
        command = [sys.executable, "-c", program]
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)  # noqa: S603
        theirs.close()
        self._send(order)

    def give(self, suite: Suite, cells: deque[Cell]) -> None:
        """Send cells to be done."""
        self.cells = cells
        self._send(addresses(suite, cells))

    def hear(self) -> Done:
        """Wait for what became of the next cell."""
        cell = self.cells.popleft()
        try:
            said = self.pipe.recv()
        except (EOFError, OSError):
            self.alive = False
            return Done(cell, None, f"WorkerDied: its process {_ending(self._process.wait())}", 0.0)
        if isinstance(said, str):
            raise UsageError(f"cannot be loaded by a worker: {said}", cure="--workers 1 does without")
        return Done(cell, *said)

    def end(self) -> None:
        """End the process, whatever it does."""
        self.pipe.close()
        self._process.terminate()
        try:
            self._process.wait(_LEFT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _send(self, what: object) -> None:
        try:
            self.pipe.send(what)
        except OSError:
            pass  # it has died already, and will be found so when it is heard


def serve(file: int) -> None:
    """Do the cells that come through a pipe until it is closed; the whole life of a worker."""
    pipe = Connection(file)
    try:
        packed, traces = pipe.recv()
        try:
            suite, keep = unpack(packed), keeper(traces)
        except Exception as error:  # noqa: BLE001 - the one who sent it is told, and stops
            pipe.send(f"{type(error).__name__}: {error}")
            return
        while True:
            for address in pipe.recv():
                pipe.send(do_cell(suite, cell_at(suite, address), keep)[1:])
    except (EOFError, OSError, KeyboardInterrupt):
        pass  # whoever gave the cells has gone, or the user has


def _ending(code: int) -> str:
    return f"ended with exit code {code}" if code >= 0 else f"was ended by {signal.Signals(-code).name}"
