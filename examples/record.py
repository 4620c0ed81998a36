"""Record all golden traces anew: ``python -m examples.record [NAME…]``, from the root of the repository.

Each agent of the table runs once against its scripted model, under ``harness run`` and so under a fixed hash seed, but
for the one in a web server. What came before is replaced only when the new trace has the verdict that the table says
and replays in fresh processes. Prints the lines of the table in ``traces/README.md``.
"""

from __future__ import annotations

import importlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx2

from harness.testing.model_server import ModelServer

ROOT: Final = Path(__file__).parents[1]
TRACES: Final = ROOT / "traces"


class Golden(NamedTuple):
    """One golden trace: its agent in ``examples``, what is in it, its verdict, and what its environment says.

    ``ask`` is the question that the agent is asked as a web server; where there is none, it runs by itself.
    """

    name: str
    about: str
    entry: str = "main"
    verdict: str = "holds"
    scripted: bool = True
    environment: tuple[tuple[str, str], ...] = ()
    ask: str = ""


GOLDEN: Final = (
    Golden("support", "asynchronous, streamed answers, two tools at once, one write"),
    Golden("parcels", "synchronous, errors of tools, retries with jitter, the client's own retry after a 429"),
    Golden("prices", "a pool of threads with a lock, in the order the shops answered"),
    Golden("letters", "synchronous streams, one of them broken off"),
    Golden("newsroom", "an editor and two reporters: agents with queues between them"),
    Golden("bank", "a blocked call, a failed call, and a model that does better", verdict="violated"),
    Golden("ward", "a rewritten call and a blocked one, in tasks side by side", verdict="violated"),
    Golden("coupons", "clock, chance, UUIDs and an environment variable", environment=(("DISCOUNT", "15"),)),
    Golden("flights", "timeouts and cancelled calls, one of them a write that has happened", scripted=False),
    Golden("research", "tasks that make tasks, a semaphore, as_completed"),
    Golden(
        "team",
        "three agents with handoffs, messages and a memory: what is refused between them, and a budget of handoffs",
        verdict="violated",
    ),
    Golden("checkout", "a goal led around a provider that is down and an answer that was lost, one charge"),
    Golden(
        "transfer",
        "branches at once, a breaker that opens and closes, a pager that flaps, a page in doubt, monitors",
        scripted=False,
    ),
    Golden(
        "server", "recorded in the loop of a uvicorn server", entry="answer", ask="Where is W-77, and where is W-78?"
    ),
)


def main() -> None:
    """Record the traces that were named, or all."""
    for golden in GOLDEN:
        if len(sys.argv) == 1 or golden.name in sys.argv[1:]:
            print(record(golden))


def record(golden: Golden) -> str:
    """Record one trace, replay it in fresh processes, put it in its place, and give its line for the README."""
    with tempfile.TemporaryDirectory(dir=TRACES) as folder:
        trace = _asked(golden, folder) if golden.ask else _run(golden, folder)
        verdict = _harness("verify", str(trace))["verdict"]
        if verdict != golden.verdict:
            raise SystemExit(f"{golden.name}: the verdict is {verdict}, not {golden.verdict}")
        replayed = _harness("replay", str(trace), "--verify", "2")
        if not replayed["equal"]:
            raise SystemExit(f"{golden.name} does not replay: {json.dumps(replayed, indent=1)}")
        trace.replace(TRACES / f"{golden.name}.mat.jsonl")
    return f"| `{golden.name}.mat.jsonl` | `examples.{golden.name}:{golden.entry}` | {golden.about} |"


def _run(golden: Golden, folder: str) -> Path:
    trace = Path(folder) / "recorded.mat.jsonl"
    script = ["--model-script", f"examples.{golden.name}:policy"] if golden.scripted else []
    entry = f"examples.{golden.name}:{golden.entry}"
    done = _harness("run", entry, *script, "--trace", str(trace), environment=dict(golden.environment))
    if done["error"]:
        raise SystemExit(f"{golden.name} ended with {done['error']}")
    return trace


def _asked(golden: Golden, folder: str) -> Path:
    """Ask the agent as a web server, and give the trace of that one request."""
    os.environ.setdefault("OPENAI_API_KEY", "none-needed")  # its module makes a client when it is imported
    module = importlib.import_module(f"examples.{golden.name}")
    with ModelServer(module.policy) as model, _served(golden, folder, model.base_url) as url:
        answer = httpx2.post(f"{url}/ask", json={"question": golden.ask}, timeout=30).raise_for_status().json()
    return Path(folder) / str(answer["trace"])


@contextmanager
def _served(golden: Golden, folder: str, base_url: str) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        descriptor = listener.fileno()
        command = [sys.executable, "-m", "uvicorn", f"examples.{golden.name}:web", "--log-level", "warning"]
        environment = _environment(OPENAI_BASE_URL=base_url, OPENAI_API_KEY="none-needed", PYTHONHASHSEED="0")
        server = subprocess.Popen(
            [*command, "--fd", str(descriptor)], cwd=folder, env=environment, pass_fds=[descriptor]
        )
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.terminate()
            server.wait()


def _harness(*arguments: str, environment: dict[str, str] | None = None) -> dict[str, Any]:
    command = [sys.executable, "-m", "harness", *arguments, "--json"]
    whole = _environment(**(environment or {}))
    done = subprocess.run(command, cwd=ROOT, env=whole, capture_output=True, text=True, check=False)
    if not done.stdout:
        raise SystemExit(f"harness {' '.join(arguments)}: {done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _environment(**more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **more}


if __name__ == "__main__":
    main()
