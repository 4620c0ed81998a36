"""Other processes, past every tool."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import subprocess

from tests.conformance.catalogue import promised
from tests.conformance.world import app, look


@promised("observed", "subprocess.Popen")
@app.agent
def child_process() -> list[str]:
    """subprocess.run past every tool."""
    said = subprocess.run(["echo", "hello"], capture_output=True, text=True, check=True).stdout
    return [look(said.strip())]


def _elsewhere() -> int:
    return os.getpid()


@promised("unpromised", "os.fork")
@app.agent
def process_pool() -> list[str]:
    """concurrent.futures.ProcessPoolExecutor: what another process computes."""
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as pool:
        return [look(str(pool.submit(_elsewhere).result()))]


@promised("unpromised", "os.fork")
@app.agent
def other_process() -> list[str]:
    """multiprocessing.Process with a pipe."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=lambda: theirs.send(os.getpid()))
    process.start()
    said = ours.recv()
    process.join()
    return [look(str(said))]
