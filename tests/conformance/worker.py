"""A process that records small agents, or replays what another one recorded, and prints one JSON object a run.

::

    python -m tests.conformance.worker SECONDS record FOLDER TIMES NAME…
    python -m tests.conformance.worker SECONDS replay TRACE…
    python -m tests.conformance.worker SECONDS strict FOLDER NAME…

``record`` has a thread of its own that keeps the interpreter busy; ``strict`` runs each agent under an app that refuses
what it cannot capture. After so many seconds it says where each of its threads is, and ends.
"""

from __future__ import annotations

import copy
import faulthandler
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import harness
from harness.door.agents import load_entry
from harness.testing.model_server import ModelServer
from tests.conformance.catalogue import Case, cases
from tests.conformance.world import app


def record(folder: Path, times: int, names: list[str]) -> None:
    """Record each agent so many times."""
    with _busy():
        for case in _chosen(names):
            for number in range(times):
                _record(case, folder / f"{case.name}-{number:03}.mat.jsonl")


def replay(traces: list[Path]) -> None:
    """Replay each trace."""
    for trace in traces:
        try:
            found = harness.replay(trace)
            facts = {
                "equal": found.equal,
                "digest": found.digest,
                "result": found.result,
                "error": _text(found.error),
                "difference": _text(found.divergence or found.ended),
            }
        except Exception as error:
            facts = {"equal": False, "digest": "", "result": None, "error": _text(error), "difference": _text(error)}
        _print({"name": trace.name.partition("-")[0], "trace": trace.name, **facts})


def strict(folder: Path, names: list[str]) -> None:
    """Run each agent once under an app that refuses what it cannot capture."""
    strictly = copy.copy(app)
    strictly.uncaptured = "refuse"
    for case in _chosen(names):
        with _model(case):
            try:
                strictly.session(trace=folder / f"{case.name}.mat.jsonl").run(load_entry(case.entry))
                _print({"name": case.name, "refused": None})
            except harness.UsageError as error:
                _print({"name": case.name, "refused": str(error)})


def _record(case: Case, trace: Path) -> None:
    session = app.session(trace=trace)
    result, error = None, None
    with _model(case):
        try:
            result = session.run(load_entry(case.entry))
        except Exception as raised:
            error = raised
    _print(
        {
            "name": case.name,
            "trace": trace.name,
            "digest": session.trace.digest,
            "result": result,
            "error": _text(error),
            "uncaptured": [str(one) for one in getattr(session, "uncaptured", ())],
        }
    )


def _chosen(names: list[str]) -> list[Case]:
    return [case for case in cases() if not case.missing and (not names or case.name in names)]


def _print(facts: dict[str, Any]) -> None:
    print(json.dumps(facts), flush=True)


def _text(error: Exception | None) -> str | None:
    return None if error is None else f"{type(error).__name__}: {error}"


@contextmanager
def _model(case: Case) -> Iterator[None]:
    """Serve the scripted model to the agents that need one, anew for each run, because it counts its failures."""
    if not case.name.startswith("models."):
        yield
        return
    from tests.conformance.agents.models import policy

    with ModelServer(policy) as server:
        os.environ |= {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": "none-needed"}
        yield


@contextmanager
def _busy() -> Iterator[None]:
    """Have another thread fight for the interpreter, now and then."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.003):
            until = time.perf_counter() + 0.002
            while time.perf_counter() < until:
                pass

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def main() -> None:
    """Do what the command line says."""
    seconds, verb, *rest = sys.argv[1:]
    faulthandler.dump_traceback_later(float(seconds), exit=True)
    if verb == "record":
        record(Path(rest[0]), int(rest[1]), rest[2:])
    elif verb == "replay":
        replay([Path(trace) for trace in rest])
    else:
        strict(Path(rest[0]), rest[1:])


if __name__ == "__main__":
    main()
