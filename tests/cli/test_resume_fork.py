"""``harness resume`` and ``harness fork`` on the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.cli import execute

AGENT = """
import harness
app = harness.Harness(traces=".")
@app.tool(effect="read")
def look(name: str) -> str:
    return f"saw {name}"
@app.tool(effect="write")
def pay(cents: int) -> str:
    open("paid.txt", "a").write(f"{cents}\\n")
    return f"paid {cents}"
@app.agent
def main(cents: int = 5) -> str:
    look("order")
    try:
        return pay(cents)
    except harness.InDoubt as doubt:
        return str(doubt)
"""

RULES = """
registry: small
version: "1"
default: allow
tools: {look: {effect: read}, pay: {effect: write}}
invariants:
  - {id: SMALL, title: small payments only, on: action, tool: pay, require: call.args.cents < 3, severity: high,
     otherwise: block}
"""

WAITING = """\
import pathlib
import time

import harness

app = harness.Harness()


@app.tool(effect="read")
def wait() -> str:
    if not pathlib.Path("begun").exists():
        pathlib.Path("begun").touch()
        time.sleep(30)
    return "waited"


@app.agent
def main() -> str:
    return wait()
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a folder, as a user would."""
    command = [sys.executable, "-m", "harness", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=dict(os.environ))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with an agent, its trace, the same cut off before the payment's outcome, and a registry."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "shopping.py").write_text(AGENT)
    (folder / "small.yaml").write_text(RULES)
    recorded = run(folder, "run", "shopping:main", "--trace", "t.mat.jsonl")
    assert recorded.returncode == 0, recorded.stderr
    lines = (folder / "t.mat.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "cut.mat.jsonl").write_bytes(b"".join(lines[:4]) + lines[4][:20])
    return folder


def test_resume_leaves_a_payment_alone_and_says_so(folder: Path) -> None:
    """The doubt is told, the run is sealed and replays, and a second resumption is refused."""
    paid = (folder / "paid.txt").read_text()
    resumed = run(folder, "resume", "cut.mat.jsonl", "--json")
    assert resumed.returncode == 0, resumed.stderr
    facts = json.loads(resumed.stdout)
    assert [(one["tool"], one["decided"]) for one in facts["doubts"]] == [("pay", "left")]
    assert (folder / "paid.txt").read_text() == paid
    assert run(folder, "replay", facts["trace"]).returncode == 0
    again = run(folder, "resume", "cut.mat.jsonl")
    assert again.returncode == 2
    assert "resumed already" in again.stderr


def test_resume_repeats_what_may_be_repeated(folder: Path) -> None:
    """Whoever resumes may say that a tool's call is made again."""
    (folder / "other.mat.jsonl").write_bytes((folder / "cut.mat.jsonl").read_bytes())
    paid = (folder / "paid.txt").read_text()
    resumed = run(folder, "resume", "other.mat.jsonl", "--repeat", "pay")
    assert resumed.returncode == 0, resumed.stderr
    assert "performed: the answer (whoever resumed the run) was yes" in resumed.stdout
    assert (folder / "paid.txt").read_text() == paid + "5\n"


def test_fork_tells_what_became_of_it(folder: Path) -> None:
    """The first difference, where outcomes came from and the verdicts are told; the new trace replays."""
    forked = run(folder, "fork", "t.mat.jsonl", "--at", "1", "--set", 'outcome="declined"')
    assert forked.returncode == 0, forked.stderr
    assert "/ok  'paid 5' → 'declined'" in forked.stdout
    assert "2 outcomes from the record · live: nothing" in forked.stdout
    assert "verdict  holds → holds" in forked.stdout
    assert run(folder, "replay", forked.stdout.split()[0]).returncode == 0


def test_an_offline_fork_stops_where_the_record_ends(folder: Path) -> None:
    """Exit 4, and the call that the record does not know."""
    paid = (folder / "paid.txt").read_text()
    forked = run(folder, "fork", "t.mat.jsonl", "--at", "1", "--set", "args./cents=4", "--offline")
    assert forked.returncode == 4
    assert "does not know this call of pay" in forked.stdout
    assert (folder / "paid.txt").read_text() == paid


def test_check_only_runs_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The recorded calls are judged by another registry: exit 1 where one would have been decided otherwise."""
    trace, rules = str(folder / "t.mat.jsonl"), str(folder / "small.yaml")
    assert execute(["fork", trace, "--set", f"registry={rules}", "--check-only"]) == 1
    assert "pay  allow → block   SMALL" in capsys.readouterr().out


def test_a_change_without_a_value_is_a_usage_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is no pair is told with its cure."""
    assert execute(["fork", str(folder / "t.mat.jsonl"), "--set", "outcome"]) == 2
    assert "write --set name=value" in capsys.readouterr().err


def test_an_interrupted_run_says_how_to_go_on(folder: Path) -> None:
    """Ctrl-C leaves a trace without a seal, as a kill does, and names the command that continues it."""
    options = ["--approve", "no"]
    command = [sys.executable, "-m", "harness", "run", "waiting:main", "--trace", "waiting.mat.jsonl", *options]
    (folder / "waiting.py").write_text(WAITING)
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True, env=environment) as process:
        while not (folder / "begun").exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert told == "interrupted after 1 step\n    go on  harness resume waiting.mat.jsonl --approve no\n"
    resumed = run(folder, "resume", "waiting.mat.jsonl", *options)
    assert resumed.returncode == 0, resumed.stderr
    assert "returned 'waited'" in resumed.stdout


def test_only_what_runs_can_be_placed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Options that --check-only would have to ignore are refused."""
    assert execute(["fork", str(folder / "t.mat.jsonl"), "--set", "registry=x", "--check-only", "--at", "1"]) == 2
    assert "leave out --at, --offline and --out" in capsys.readouterr().err
