"""Record public agents by ``harness run`` and inside uvicorn under load, replay them elsewhere, and print a table.

::

    pip install -r benchmarks/frameworks/requirements.txt
    pip install --no-deps pydantic-ai-examples
    python -m benchmarks.frameworks.run [--verify 20] [--requests 20] [--only NAME…] [--json]

Each agent is recorded three times over: alone, and by ``--requests`` requests at once against uvicorn on asyncio and
on uvloop, while processes keep the cores busy and a thread of the server fights for its interpreter. The one trace is
replayed by ``harness replay --verify``; those of a server in as many fresh processes, each under another hash seed,
in an empty folder and environment, without network, each beginning with another trace. A row says how many of these
replays were equal to their record, and of the first that was not, why. Each process goes on with a few of the other
traces, which find it as a run before has left it: ``again`` counts those.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx2

from benchmarks.frameworks.catalogue import CASES, QUESTION, Case
from benchmarks.frameworks.shipped import examples_folder
from benchmarks.load import busy
from benchmarks.speed.measure import Figure, installed, report
from harness.door.agents import load_entry
from harness.testing.model_server import ModelServer

ROOT: Final = Path(__file__).parents[2]
LOOPS: Final = ("asyncio", "uvloop")
MORE: Final = 4  # further traces that a process replays after its first
_QUIET: Final = "ignore"  # the frameworks' own warnings are not what is measured


class Row(NamedTuple):
    """What came out for one agent, recorded in one way."""

    case: Case
    recorded: str
    fresh: list[dict[str, Any]]
    again: list[dict[str, Any]]

    @property
    def why(self) -> str:
        """The reason of the first replay that was not equal."""
        return next((one["why"] for one in [*self.fresh, *self.again] if not one["equal"]), "")

    @property
    def equal(self) -> int:
        """How many replays in a fresh process were equal."""
        return sum(one["equal"] for one in self.fresh)

    def facts(self) -> dict[str, Any]:
        """Give the row of the table."""
        version = installed(self.case.project) or "?"
        name = self.case.entry.removesuffix(":main")
        return {
            "project": f"{self.case.project} {version}",
            "agent": name,
            "lines": self.case.lines,
            "recorded": self.recorded,
            "equal": f"{self.equal}/{len(self.fresh)}",
            "again": f"{sum(one['equal'] for one in self.again)}/{len(self.again)}" if self.again else "",
            "why": self.why,
        }


def main() -> None:
    """Examine the agents and end with the report."""
    options = _options()
    chosen = [case for case in CASES if not options.only or any(name in case.entry for name in options.only)]
    rows: list[Row] = []
    for case in chosen:
        with tempfile.TemporaryDirectory() as name:
            for recorded in options.recorded:
                row = _examined(case, recorded, Path(name), options)
                rows.append(row)
                print(*row.facts().values(), sep="  ", file=sys.stderr, flush=True)
    report("frameworks", _figures(rows), [row.facts() for row in rows])
    sys.exit(0 if all(row.equal == len(row.fresh) for row in rows) else 1)


def _examined(case: Case, recorded: str, folder: Path, options: argparse.Namespace) -> Row:
    try:
        if recorded == "run":
            return Row(case, recorded, _verified(_recorded(case, folder), options.verify), [])
        traces = _served_traces(case, recorded, folder, options.requests, options.load)
        found = _replayed(traces, options.verify)
        return Row(case, recorded, [one[0] for one in found], [later for one in found for later in one[1:]])
    except _Failed as error:
        return Row(case, recorded, [{"equal": False, "why": str(error)}] * options.verify, [])


class _Failed(Exception):
    """Say what kept an agent from being recorded or replayed at all."""


def _environment(**more: str) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), *examples_folder()])
    return {"PATH": os.environ["PATH"], "PYTHONPATH": path, "PYTHONWARNINGS": _QUIET, **more}


def _recorded(case: Case, folder: Path) -> str:
    trace = str(folder / "run.mat.jsonl")
    command = ["run", case.agent, "--input", json.dumps({"question": QUESTION})]
    command += ["--model-script", case.script, "--trace", trace, "--json"]
    facts = _harness(folder, command, _environment(EXAMPLES_INTERACTIVE_MODE="auto"))
    if facts["error"] is not None:
        raise _Failed(f"the recorded run ended in {facts['error']}")
    return trace


def _verified(trace: str, times: int) -> list[dict[str, Any]]:
    facts = _harness(Path(trace).parent, ["replay", trace, "--verify", str(times), "--json"], _environment())
    for one in facts["replays"]:
        one["why"] = (one["divergence"] or {}).get("text") or one["ended"] or " ".join(one["sockets"])
    return [one | {"equal": one["equal"] and not one["sockets"]} for one in facts["replays"]]


def _harness(folder: Path, arguments: list[str], environment: dict[str, str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "harness", *arguments]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env=environment, check=False, timeout=600
    )
    try:
        facts: dict[str, Any] = json.loads(done.stdout.strip().rpartition("\n")[2])
    except ValueError:
        raise _Failed(done.stderr.strip()[-600:] or f"exit code {done.returncode}") from None
    return facts


def _served_traces(case: Case, loop: str, folder: Path, requests: int, load: int) -> list[dict[str, Any]]:
    policy: Any = load_entry(case.script)
    with (
        ModelServer(policy) as model,
        busy(load),
        _served(case, loop, folder, model) as url,
        ThreadPoolExecutor(requests) as pool,
    ):
        answers = list(pool.map(lambda number: _ask(url, f"{QUESTION} ({number})"), range(requests)))
    if errors := [answer["error"] for answer in answers if "error" in answer]:
        raise _Failed(f"{len(errors)} of {requests} requests ended in {errors[0]}")
    return [answer | {"trace": str(folder / answer["trace"])} for answer in answers]


def _ask(url: str, question: str) -> dict[str, Any]:
    response = httpx2.get(f"{url}/ask", params={"question": question}, timeout=120)
    if response.status_code != 200:
        return {"error": f"HTTP {response.status_code}"}
    answer: dict[str, Any] = response.json()
    return answer


@contextmanager
def _served(case: Case, loop: str, folder: Path, model: ModelServer) -> Iterator[str]:
    """Serve one agent by uvicorn in a process of its own, on a port that is bound here."""
    environment = _environment(
        AGENT=case.agent,
        BURN="1",
        EXAMPLES_INTERACTIVE_MODE="auto",
        OPENAI_AGENTS_DISABLE_TRACING="1",
        OPENAI_API_KEY="none-needed",
        OPENAI_BASE_URL=model.base_url,
    )
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener, (folder / f"{loop}.log").open("wb") as log:
        command = [sys.executable, "-m", "uvicorn", "benchmarks.frameworks.server:web", "--log-level", "warning"]
        command += ["--loop", loop, "--fd", str(listener.fileno())]
        server = subprocess.Popen(
            command, cwd=folder, env=environment, pass_fds=[listener.fileno()], stdout=log, stderr=log
        )
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            if server.poll() is not None:
                raise _Failed(f"the server ended: {(folder / f'{loop}.log').read_text()[-600:]}")
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _replayed(traces: list[dict[str, Any]], times: int) -> list[list[dict[str, Any]]]:
    """Replay one trace, and then some of the others, in each of so many fresh processes."""
    expected = {answer["trace"]: answer["digest"] for answer in traces}

    def process(number: int) -> list[dict[str, Any]]:
        first = number % len(traces)
        order = [answer["trace"] for answer in traces[first:] + traces[:first]][: 1 + MORE]
        with tempfile.TemporaryDirectory() as elsewhere:
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.frameworks.replays", *order],
                cwd=elsewhere,
                env=_environment(PYTHONHASHSEED=str(number + 1)),
                capture_output=True,
                text=True,
                check=False,
                timeout=600,
            )
        found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        for one in found:
            one["equal"] = one["equal"] and one["digest"] == expected[one["trace"]] and not one["sockets"]
            one["why"] = one["why"] or " ".join(one["sockets"])
        died = {"equal": False, "why": f"the process died ({done.returncode}): {done.stderr.strip()[-600:]}"}
        return found + [died] * (len(order) - len(found))

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(process, range(times)))


def _figures(rows: list[Row]) -> dict[str, Figure]:
    runs = sum(len(row.fresh) for row in rows)
    again = [one["equal"] for row in rows for one in row.again]
    projects = {row.case.project for row in rows if row.equal == len(row.fresh)}
    differing = {row.case.project for row in rows if row.equal != len(row.fresh)}
    return {
        "agents": Figure(len({row.case.entry for row in rows}), "1"),
        "projects": Figure(len(projects | differing), "1"),
        "projects_wholly_equal": Figure(len(projects - differing), "1", target=">= 5"),
        "replays": Figure(runs, "1"),
        "replays_equal": Figure(sum(row.equal for row in rows), "1", target=f">= {runs}"),
        "replays_again": Figure(len(again), "1"),
        "replays_again_equal": Figure(sum(again), "1"),
        "most_lines_changed": Figure(max(row.case.lines for row in rows), "1", target="<= 2"),
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verify", type=int, default=20, help="fresh processes that replay each recording")
    parser.add_argument("--requests", type=int, default=20, help="requests at once against the server")
    parser.add_argument("--recorded", nargs="+", default=["run", *LOOPS], choices=["run", *LOOPS])
    parser.add_argument("--only", nargs="+", metavar="NAME", help="some agents, by a part of their name")
    parser.add_argument("--load", type=int, default=2, help="processes that only keep the cores busy")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    main()
