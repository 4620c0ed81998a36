"""Do cells on Ray: on a cluster that is there already, or on one that is started for it on this machine.

Ray is given a batch at a time, because what it costs to give out one thing is more than many cells take.
"""

from __future__ import annotations

import os
import socket
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from harness.bench.executor import (
    Address,
    Answer,
    Carrier,
    Done,
    Packed,
    addresses,
    answer_for,
    carried,
    cell_at,
    chunks,
    done_of,
    keeper,
    pack,
    unpack,
)
from harness.bench.manifest import code_digest, suite_digest
from harness.bench.suite import Suite
from harness.bench.task import Cell
from harness.errors import UsageError

_AHEAD = 2  # batches for each worker: one under way and one that waits there
_TELLS = "ray status, on a node of it, tells its address; without --address one is started here"
_REACH_S = 5.0  # Ray itself tries for more than a minute
_BATCH_S = 1.0  # after so long a worker tells what it has found: more would be lost with it, and nobody saw it go on


class _Order(NamedTuple):
    """What every batch needs: the suite, the digests of its code and ours, and where traces are kept.

    ``folder`` is where the run was started, which suites may name files from; ``carried`` traces come back.
    """

    packed: Packed
    digests: tuple[str, str]
    folder: Path
    traces: str | None
    carried: bool


class OnRay:
    """Do cells in batches on Ray; ``address`` is that of a cluster, empty for one that is started here.

    Traces for a folder come back with what was found; those for a URL that every machine sees are written by workers. A
    batch whose worker dies is done again cell by cell, so that only the cell that kills its worker is not measured.
    UsageError without Ray, and where workers have other code.
    """

    def __init__(self, address: str = "", workers: int | None = None) -> None:
        if workers is not None and workers < 1:
            raise UsageError(f"{workers} workers do nothing", cure="--workers 1 or more")
        self._address, self._workers = address, workers

    def do(self, suite: Suite, cells: Sequence[Cell], traces: str | None) -> Iterator[Done]:
        keep = keeper(traces)
        _reach(self._address)
        ray = _imported()
        order = _Order(pack(suite), _digests(suite), Path.cwd(), traces, carried(traces, far=True))
        with _cluster(ray, self._address, self._workers) as workers:
            shared, batch = ray.put(order), ray.remote(max_retries=0)(_batch)
            waiting, running = deque(chunks(cells, workers)), dict[Any, Sequence[Cell]]()
            while waiting or running:
                while waiting and len(running) < _AHEAD * workers:
                    chunk = waiting.popleft()
                    running[batch.remote(shared, addresses(suite, chunk))] = chunk
                (ready, *_), _rest = ray.wait(list(running))
                chunk = running.pop(ready)
                said = _heard(ray, ready)
                if isinstance(said, str) and len(chunk) > 1:
                    waiting.extend([cell] for cell in chunk)
                elif isinstance(said, str):
                    yield Done(chunk[0], None, said, 0.0)
                else:
                    yield from (done_of(cell, answer, keep) for cell, answer in zip(chunk, said, strict=False))
                    if left := chunk[len(said) :]:
                        waiting.appendleft(left)


class _Unable(NamedTuple):
    """Says why a worker cannot do any cell."""

    why: str


def _batch(order: _Order, cells: Sequence[Address]) -> list[Answer] | _Unable:
    """Do a batch on a worker, at least its first cell, and no further one once a second has passed."""
    try:
        suite = _unpacked(order)
        keep = Carrier() if order.carried else keeper(order.traces)
    except Exception as error:  # noqa: BLE001 - whatever it is ends the run, and not one cell
        return _Unable(f"{type(error).__name__}: {error}")
    began, answers = time.monotonic(), list[Answer]()
    for address in cells:
        answers.append(answer_for(suite, cell_at(suite, address), keep))
        if time.monotonic() - began > _BATCH_S:
            break
    return answers


@lru_cache(1)
def _unpacked(order: _Order) -> Suite:
    if order.folder.is_dir():
        os.chdir(order.folder)
    if order.packed.file and not Path(order.packed.file).is_file():
        raise FileNotFoundError(f"there is no {order.packed.file}")
    suite = unpack(order.packed)
    if _digests(suite) != order.digests:
        raise ImportError("this is another harness, or another suite")
    return suite


def _digests(suite: Suite) -> tuple[str, str]:
    return suite_digest(suite), code_digest()


def _heard(ray: Any, ready: Any) -> list[Answer] | str:
    """Give what a batch found, or how its worker died; UsageError where workers cannot do the suite at all."""
    cure = "install the same harness and the same suite, at the same place, on every node"
    try:
        found: list[Answer] | _Unable = ray.get(ready)
    except ray.exceptions.RayTaskError as error:  # not of a cell, whose errors are found: of what stands here
        raise UsageError(f"a worker of Ray cannot do the cells: {error.cause}", cure=cure) from None
    except ray.exceptions.RayError as error:
        return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    if isinstance(found, _Unable):
        raise UsageError(f"a worker of Ray cannot do the cells: {found.why}", cure=cure)
    return found


def _reach(address: str) -> None:
    host, _, port = address.rpartition("/")[2].rpartition(":")
    if not port.isdigit():
        return  # a name that Ray knows, such as auto, or nothing
    try:
        socket.create_connection((host, int(port)), _REACH_S).close()
    except (OSError, OverflowError) as error:
        raise UsageError(f"no cluster can be reached: {error}", where=address, cure=_TELLS) from None


def _imported() -> Any:
    try:
        import ray
    except ImportError:
        raise UsageError("Ray is not installed", cure="pip install 'agent-assurance-harness[ray]'") from None
    return ray


@contextmanager
def _cluster(ray: Any, address: str, workers: int | None) -> Iterator[int]:
    """Join a cluster or start one, and give how many cells it does at a time; leave it if it was not joined before."""
    joined = ray.is_initialized()
    if not joined:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a cluster of ours tells nobody that it is there
        mine = {} if address else {"num_cpus": workers or os.cpu_count(), "include_dashboard": False}
        try:
            ray.init(address=address or "local", log_to_driver=False, logging_level="error", **mine)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise UsageError(f"no cluster can be reached: {error}", where=address, cure=_TELLS) from None
    try:
        there = max(int(ray.cluster_resources().get("CPU", 1)), 1)
        yield min(workers, there) if workers else there
    finally:
        if not joined:
            ray.shutdown()
