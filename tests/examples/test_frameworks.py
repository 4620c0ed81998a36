"""Every example is recorded against a scripted model and replayed in fresh processes, as its docstring says."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx2
import pytest

from harness.door.replay import replay
from harness.testing.model_server import ModelServer, call, calls, say, script

ROOT = Path(__file__).parents[2]
EXAMPLES = [
    ("support", "support:policy", "openai", 6),
    ("openai_agents_support", "policies:desk", "agents", 7),
    ("langgraph_support", "policies:support", "langgraph langchain_openai", 6),
    ("pydantic_ai_support", "policies:support", "pydantic_ai", 6),
]


@pytest.mark.parametrize(("name", "policy", "packages", "steps"), EXAMPLES, ids=[row[0] for row in EXAMPLES])
def test_an_example_replays(name: str, policy: str, packages: str, steps: int, tmp_path: Path) -> None:
    """A run of the example has the steps of its script, prints nothing else, and replays under another hash seed."""
    _require(packages)
    trace = str(tmp_path / "run.mat.jsonl")
    done = _harness(
        tmp_path, "run", f"examples.{name}:main", "--model-script", f"examples.{policy}", "--trace", trace, "--json"
    )
    assert (done["steps"], done["error"]) == (steps, None)
    assert done["result"] == "I have refunded 120.00; the money is with you in two days."
    (replayed,) = _harness(tmp_path, "replay", trace, "--verify", "1")["replays"]
    assert (replayed["digest"], replayed["hash_seed"]) == (done["digest"], 1)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_each_request_of_the_server_replays_alone(loop: str, tmp_path: Path) -> None:
    """Ten requests at once leave ten traces; each replays without the server to the digest that its answer names."""
    _require(f"starlette uvicorn {loop}")
    lookups = calls(call("get_order", order_id="W-77"), call("get_order", order_id="W-78"))
    with ModelServer(script([lookups, say("Both will come soon.")])) as model, _served(tmp_path, model, loop) as url:
        answers = _ask_at_once(url, [f"Question {number}" for number in range(10)])
    assert len({answer["trace"] for answer in answers}) == 10
    for answer in answers:
        again = replay(tmp_path / answer["trace"])
        assert again.equal
        assert again.digest == answer["digest"]


def _require(packages: str) -> None:
    for package in packages.split():
        if find_spec(package) is None:
            pytest.skip(f"the package {package} is not installed")


def _environment(**more: str) -> dict[str, str]:
    # the frameworks keep one client for the life of the process and leave its connections to the end of it
    warnings = "default,ignore::ResourceWarning"
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": warnings, **more}


def _harness(folder: Path, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "harness", *arguments]
    command += [] if "--json" in arguments else ["--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=_environment(), check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


@contextmanager
def _served(folder: Path, model: ModelServer, loop: str) -> Iterator[str]:
    """Serve the example by uvicorn in a process of its own, on a port that is bound here."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [sys.executable, "-m", "uvicorn", "examples.server:web", "--log-level", "warning"]
        command += ["--loop", loop, "--fd", str(listener.fileno())]
        environment = _environment(OPENAI_BASE_URL=model.base_url, OPENAI_API_KEY="none-needed")
        server = subprocess.Popen(command, cwd=folder, env=environment, pass_fds=[listener.fileno()])
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.terminate()
            server.wait()


def _ask_at_once(url: str, questions: list[str]) -> list[dict[str, Any]]:
    def ask(question: str) -> dict[str, Any]:
        response = httpx2.post(f"{url}/ask", json={"question": question}, timeout=30).raise_for_status()
        answer: dict[str, Any] = response.json()
        return answer

    with ThreadPoolExecutor(len(questions)) as pool:
        return list(pool.map(ask, questions))
