"""``harness replay --verify``: fresh processes that share nothing with the recording."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

AGENTS: Final = """\
import json
import os
import socket
from pathlib import Path

import harness

app = harness.Harness()


@app.tool(effect="read")
def search(query: str) -> str:
    return "found"


def prompt(words):
    names = set(words)
    return ", ".join(names)


@app.agent
def sound() -> str:
    return search("x")


@app.agent
def unordered() -> str:
    text = prompt(["alpha", "beta", "gamma", "delta"])
    return search(text)


@app.agent
def calling() -> str:
    try:
        socket.create_connection(("127.0.0.1", 9), timeout=1)
    except OSError:
        pass
    return search("x")
"""


def harness(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    command = [sys.executable, "-m", "harness", *arguments]
    environment = {**os.environ, "PYTHONHASHSEED": "random", **variables}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with the agents."""
    (tmp_path / "agents.py").write_text(AGENTS, encoding="utf-8")
    return tmp_path


def verified(folder: Path, name: str, code: int, *options: str) -> dict[str, Any]:
    """Record an agent, verify its trace, and give what was printed."""
    assert harness(folder, "run", f"agents:{name}", "--trace", f"{name}.mat.jsonl").returncode == 0
    done = harness(folder, "replay", f"{name}.mat.jsonl", "--verify", "2", "--json", *options)
    assert done.returncode == code, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_equal_digests_in_processes_that_share_nothing(folder: Path) -> None:
    """Two hash seeds, two digests that are the recorded one, and no socket."""
    told = verified(folder, "sound", 0)
    assert told["equal"]
    assert [one["hash_seed"] for one in told["replays"]] == [1, 2]
    assert {one["digest"] for one in told["replays"]} == {told["recorded_digest"]}
    assert [one["sockets"] for one in told["replays"]] == [[], []]


def test_the_line_that_lets_the_order_of_a_set_out_is_named(folder: Path) -> None:
    """Call site, cause, cure, and the statement behind it, which lies in another function."""
    told = verified(folder, "unordered", 4)
    divergence = next(one["divergence"] for one in told["replays"] if one["divergence"])
    assert (divergence["pointer"], divergence["cure"]) == ("/args/query", "sort before joining")
    assert divergence["site"].endswith(f"agents.py:{line_of('return search(text)')}")
    assert told["hash_order"]["recorded_hash_seed"] == 0
    assert told["hash_order"]["sites"] == [f"{folder / 'agents.py'}:{line_of('.join(names)')}"]


def test_a_socket_is_refused_and_told(folder: Path) -> None:
    """Whatever the digest is: the agent tried to talk to somebody on the way."""
    told = verified(folder, "calling", 4)
    assert all("127.0.0.1" in one["sockets"][0] for one in told["replays"])


def test_a_replay_starts_in_an_empty_folder_with_an_empty_environment(folder: Path) -> None:
    """A module that looks around when it is imported finds nothing of the place it is verified from."""
    look = "Path(__file__).with_name('seen').write_text(json.dumps([sorted(os.environ), os.listdir()]))\n"
    (folder / "agents.py").write_text(AGENTS + look, encoding="utf-8")
    assert harness(folder, "run", "agents:sound", "--trace", "t.mat.jsonl").returncode == 0
    assert harness(folder, "replay", "t.mat.jsonl", "--verify", "1", OPENAI_API_KEY="sk-mine").returncode == 0
    names, listed = json.loads((folder / "seen").read_text())
    assert listed == []
    needed = {"LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONHASHSEED", "LC_CTYPE"}
    told = {"ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL"}
    assert set(names) <= needed | told | {"OPENAI_AGENTS_DISABLE_TRACING"}


def test_an_agent_that_needs_its_folder_says_so_and_can_have_it(folder: Path) -> None:
    """The failure names the cure, and the cure cures."""
    (folder / "agents.py").write_text(AGENTS + "TEXT = Path('agents.py').read_text()\n", encoding="utf-8")
    assert harness(folder, "run", "agents:sound", "--trace", "t.mat.jsonl").returncode == 0
    done = harness(folder, "replay", "t.mat.jsonl", "--verify", "1")
    assert done.returncode == 2
    assert "--folder ." in done.stderr
    assert harness(folder, "replay", "t.mat.jsonl", "--verify", "1", "--folder", ".").returncode == 0


def test_registries_beside_the_agent_are_found_from_anywhere(folder: Path) -> None:
    """A rule that the app names by a relative path is the same rule in an empty folder."""
    rule = "{id: SHORT, on: action, require: 'True', severity: low, otherwise: warn, says: x}"
    rules = f"registry: own\nversion: 1.0.0\ndefault: allow\ninvariants:\n  - {rule}\n"
    (folder / "own.yaml").write_text(rules, encoding="utf-8")
    (folder / "agents.py").write_text(AGENTS.replace("Harness()", 'Harness("own.yaml")'), encoding="utf-8")
    assert verified(folder, "sound", 0)["equal"]


def test_what_is_tolerated_is_tolerated_in_every_process(folder: Path) -> None:
    """Exit code 0, though not equal."""
    told = verified(folder, "unordered", 0, "--tolerate", "search:/args/query")
    assert not told["equal"]
    assert all(one["agrees"] for one in told["replays"])


def line_of(text: str) -> int:
    """Give the line of the agents' source that holds a text."""
    return next(number for number, line in enumerate(AGENTS.splitlines(), start=1) if text in line)
