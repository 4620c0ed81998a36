"""Do cells on Ray: on a cluster that is there already, or on one that is started for it on this machine.

Ray is given a batch at a time, because what it costs to give out one thing is more than many cells take.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from harness.bench.executor import (
    Address,
    Done,
    Keep,
    Packed,
    addresses,
    cell_at,
    chunks,
    do_cell,
    keeper,
    pack,
    unpack,
)
from harness.bench.manifest import code_digest, suite_digest
from harness.bench.suite import Suite
from harness.bench.task import Cell
from harness.errors import UsageError

_AHEAD = 2  # batches for each worker: one under way and one that waits there


class _Order(NamedTuple):
    """What every batch needs: the suite, the digests of its code and ours, and the URL for traces, empty for none."""

    packed: Packed
    digests: tuple[str, str]
    url: str
    traces: bool


class OnRay:
    """Do cells in batches on Ray; ``address`` is that of a cluster, empty for one that is started here.

    Traces come back with what was found, and are put where they are to be kept by whoever asked; one that is kept at a
    URL is written there by the worker. A batch whose worker dies is done again cell by cell, so that only the cell that
    kills its worker is not measured. UsageError without Ray, and where workers have other code.
    """

    def __init__(self, address: str = "", workers: int = 0) -> None:
        self._address, self._workers = address, workers

    def do(self, suite: Suite, cells: Sequence[Cell], traces: str | None) -> Iterator[Done]:
        keep = keeper(traces)
        ray = _imported()
        url = traces if traces and "://" in traces else ""
        order = _Order(pack(suite), _digests(suite), url, keep is not None)
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
                    yield from _arrived(chunk, said, keep)


_Answer = tuple[Mapping[str, Any] | None, str, float]
_Found = list[tuple[_Answer, dict[str, bytes]]]


class _Unable(NamedTuple):
    """Says why a worker cannot do any cell: an exception of ours would not arrive."""

    why: str


def _batch(order: _Order, cells: Sequence[Address]) -> _Found | _Unable:
    """Do a batch on a worker; with each cell comes the trace that it wrote, unless that went to a URL."""
    try:
        suite, found = _unpacked(order), _Found()
    except Exception as error:  # noqa: BLE001 - whatever it is ends the run, and not one cell
        return _Unable(f"{type(error).__name__}: {error}")
    for address in cells:
        carried = dict[str, bytes]()
        keep = keeper(order.url) if order.url else _carry(carried) if order.traces else None
        found.append((do_cell(suite, cell_at(suite, address), keep)[1:], carried))
    return found


@lru_cache(1)
def _unpacked(order: _Order) -> Suite:
    if order.packed.file and not Path(order.packed.file).is_file():
        raise FileNotFoundError(f"there is no {order.packed.file}")
    suite = unpack(order.packed)
    if _digests(suite) != order.digests:
        raise ImportError("this is another harness, or another suite")
    return suite


def _digests(suite: Suite) -> tuple[str, str]:
    return suite_digest(suite), code_digest()


def _carry(carried: dict[str, bytes]) -> Keep:
    return lambda trace, name: carried.__setitem__(name, trace)


def _heard(ray: Any, ready: Any) -> _Found | str:
    """Give what a batch found, or how its worker died; UsageError where workers cannot do the suite at all."""
    cure = "install the same harness and the same suite, at the same place, on every node"
    try:
        found: _Found | _Unable = ray.get(ready)
    except ray.exceptions.RayTaskError as error:  # not of a cell, whose errors are found: of what stands here
        raise UsageError(f"a worker of Ray cannot do the cells: {error.cause}", cure=cure) from None
    except ray.exceptions.RayError as error:
        return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    if isinstance(found, _Unable):
        raise UsageError(f"a worker of Ray cannot do the cells: {found.why}", cure=cure)
    return found


def _arrived(cells: Sequence[Cell], found: _Found, keep: Keep | None) -> Iterator[Done]:
    for cell, (answer, carried) in zip(cells, found, strict=True):
        for name, content in carried.items():
            assert keep is not None
            keep(content, name)
        yield Done(cell, *answer)


def _imported() -> Any:
    try:
        import ray
    except ImportError:
        raise UsageError("Ray is not installed", cure="pip install 'agent-assurance-harness[ray]'") from None
    return ray


@contextmanager
def _cluster(ray: Any, address: str, workers: int) -> Iterator[int]:
    """Join a cluster or start one, and give how many cells it does at a time; leave it if it was not joined before."""
    joined = ray.is_initialized()
    if not joined:
        mine = {} if address else {"num_cpus": workers or os.cpu_count(), "include_dashboard": False}
        try:
            ray.init(address=address or "local", log_to_driver=False, logging_level="error", **mine)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise UsageError(f"no cluster can be reached: {error}", where=address, cure="ray status tells") from None
    try:
        there = max(int(ray.cluster_resources().get("CPU", 1)), 1)
        yield min(workers, there) if workers else there
    finally:
        if not joined:
            ray.shutdown()
