"""Do cells on this machine: in this process, or in processes of their own.

The processes are our own and not those of ``concurrent.futures``, which does not say whose work is lost when one of
them dies: here it is the one cell that was being done, and the others go on.
"""

from __future__ import annotations

import _thread
import os
import select
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, Pipe, wait
from typing import Final

from harness.bench.executor import (
    Carrier,
    Done,
    Keep,
    addresses,
    answer_for,
    carried,
    cell_at,
    chunks,
    do_cell,
    done_of,
    keeper,
    pack,
    unpack,
)
from harness.bench.suite import Suite
from harness.bench.task import Cell
from harness.errors import UsageError

_LEFT_S: Final = 5  # how long a process that was told to end may take for it
_PROGRAM: Final = """\
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)  # until there is a cell that could be interrupted
sys.path[:] = {path!r}
from {module} import serve
serve({file})
"""


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
        keep = keeper(traces)  # what cannot be kept is better known before anything is done
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
                    yield worker.hear(keep)
                    if worker.cells and worker.alive:
                        continue
                    if worker.cells:
                        waiting.appendleft(worker.cells)
                    if worker.alive and waiting:
                        worker.give(suite, waiting.popleft())
                    else:
                        worker.dismiss()
                        busy.pop(pipe).end()
        finally:
            for worker in busy.values():
                worker.dismiss()
            for worker in busy.values():
                worker.end()


class _Worker:
    """One process, the pipe to it, and the cells that it has not answered for, the first of them under way."""

    def __init__(self, order: object) -> None:
        self.pipe, theirs = Pipe()
        self.cells: deque[Cell] = deque()
        self.alive = True
        # a fresh interpreter that does not look at the program that was started: that may be anybody's script
        program = _PROGRAM.format(path=sys.path, module=__name__, file=theirs.fileno())
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", program],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=2,  # what a cell prints is no answer of the program that was started
            process_group=0,  # Ctrl-C is for whoever gives out the cells; and what a cell starts ends with its process
        )
        theirs.close()
        self._send(order)

    def give(self, suite: Suite, cells: deque[Cell]) -> None:
        """Send cells to be done."""
        self.cells = cells
        self._send(addresses(suite, cells))

    def hear(self, keep: Keep | None) -> Done:
        """Wait for what became of the next cell."""
        cell = self.cells.popleft()
        try:
            said = self.pipe.recv()
        except (EOFError, OSError):
            self.alive = False
            code = self._process.wait()
            self._kill()
            return Done(cell, None, f"WorkerDied: its process {_ending(code)}", 0.0)
        if isinstance(said, str):
            raise UsageError(f"cannot be loaded by a worker: {said}", cure="--workers 1 does without")
        return done_of(cell, said, keep)

    def dismiss(self) -> None:
        """Tell the process to end: in the middle of a cell by an interrupt, so that the cell's folder is removed."""
        if self.cells:
            self._process.send_signal(signal.SIGINT)
        else:
            self._send(None)

    def end(self) -> None:
        """Wait for the end of the process; what it has started, and the process itself if it stays, is killed."""
        try:
            self._process.wait(_LEFT_S)
        except subprocess.TimeoutExpired:
            pass
        self._kill()
        self.pipe.close()
        self._process.wait()

    def _kill(self) -> None:
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # nothing of it is left

    def _send(self, what: object) -> None:
        try:
            self.pipe.send(what)
        except OSError:
            pass  # it has died already, and will be found so when it is heard


def serve(file: int) -> None:
    """Do the cells that come through a pipe until there are no more; the whole life of a worker."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _thread.start_new_thread(_watch, (file,))  # one that no cell sees when it lists the threads there are
    pipe = Connection(file)
    os.register_at_fork(after_in_child=pipe.close)  # a child that outlives this process would hide that it has died
    try:
        packed, traces = pipe.recv()
        try:
            suite, keep = unpack(packed), Carrier() if carried(traces, far=False) else keeper(traces)
        except Exception as error:  # noqa: BLE001 - the one who sent it is told, and stops
            pipe.send(f"{type(error).__name__}: {error}")
            return
        while given := pipe.recv():
            for address in given:
                pipe.send(answer_for(suite, cell_at(suite, address), keep))
    except (EOFError, OSError, KeyboardInterrupt):
        pass  # whoever gave the cells has gone, or wants no more of them


def _watch(file: int) -> None:
    """Kill this process and all that it has started once whoever gives out the cells is gone, even in a cell."""
    hung_up = select.poll()
    hung_up.register(file, 0)
    hung_up.poll()
    os.killpg(0, signal.SIGKILL)


def _ending(code: int) -> str:
    return f"ended with exit code {code}" if code >= 0 else f"was ended by {signal.Signals(-code).name}"
