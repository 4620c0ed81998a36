"""``harness to-test``: a trace becomes a test that a person can read, and that passes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from harness.adapters.files import open_trace
from harness.cli import execute
from tests.inner import PYTEST

AGENT: Final = """\
import harness

app = harness.Harness("rules.yaml")


@app.tool(effect="write")
def refund(amount_cents: int) -> str:
    return f"refunded {amount_cents}"


@app.agent
def main(amount_cents: int = 100) -> str:
    try:
        return refund(amount_cents)
    except harness.Refused as refused:
        return str(refused)
"""

RULES: Final = """\
registry: refunds
version: 1.0.0
default: allow
invariants:
  - id: REFUND-LIMIT
    on: action
    tool: refund
    require: call.args.amount_cents <= 500
    severity: critical
    otherwise: block
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a project with an agent, two recorded runs of it and a folder of tests, and go there."""
    (tmp_path / "agent.py").write_text(AGENT)
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "tests").mkdir()
    code = (
        "from agent import app, main\n"
        "app.session(trace='runs/small-refund.mat.jsonl').run(main, amount_cents=100)\n"
        "app.session(trace='runs/large.mat.jsonl').run(main, amount_cents=900)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def passes(project: Path) -> bool:
    """Run the project's tests in a process of their own."""
    command = [*PYTEST, "--assert=plain", "tests"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    print(done.stdout)
    return done.returncode == 0


def test_the_test_passes_until_the_agent_changes(project: Path) -> None:
    """The written test replays the run, also one in which a rule has blocked a call; a changed agent fails it."""
    assert execute(["to-test", "runs/small-refund.mat.jsonl"]) == 0
    assert execute(["to-test", "runs/large.mat.jsonl"]) == 0
    shutil.rmtree("runs")
    assert passes(project)
    Path("agent.py").write_text(
        Path("agent.py").read_text().replace("refund(amount_cents)", "refund(amount_cents + 1)")
    )
    assert not passes(project)


def test_the_test_is_one_that_a_person_can_read(project: Path) -> None:
    """A few lines: what the run was, where it is, and what it violated."""
    execute(["to-test", "runs/large.mat.jsonl"])
    with open_trace("runs/large.mat.jsonl") as reader:
        list(reader)
    assert (
        Path("tests/test_large.py").read_text()
        == f'''\
"""A recorded run of agent:main: 1 step, verdict violated."""

import pytest


@pytest.mark.harness(
    trace="traces/large.mat.jsonl",
    path="..",
    violated=["REFUND-LIMIT"],
)
def test_large(harness_replay):
    """sha256:{reader.digest}"""
    harness_replay()
'''
    )


@pytest.mark.parametrize("name", ["small-refund", "large"])
def test_the_test_is_clean(name: str, project: Path) -> None:
    """Ruff finds nothing in it under its defaults, and would not format it otherwise."""
    execute(["to-test", f"runs/{name}.mat.jsonl"])
    (found,) = Path("tests").glob("*.py")
    ruff = [sys.executable, "-m", "ruff"]
    for how in (["check"], ["format", "--check"]):
        done = subprocess.run([*ruff, *how, "--isolated", str(found)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_nothing_is_written_over(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of that name that says something else stays as it is, unless --force is said."""
    test = Path("tests/test_large.py")
    test.write_text("mine")
    assert execute(["to-test", "runs/large.mat.jsonl"]) == 2
    assert "tests/test_large.py: there is another file of that name" in capsys.readouterr().err
    assert test.read_text() == "mine"
    assert not Path("tests/traces").exists()
    assert execute(["to-test", "runs/large.mat.jsonl", "--force"]) == 0
    assert "harness_replay" in test.read_text()


def test_another_trace_of_that_name_is_not_written_over(project: Path) -> None:
    """Neither the test nor the trace is written where one of them would be lost."""
    kept = Path("tests/traces/large.mat.jsonl")
    kept.parent.mkdir()
    kept.write_text("mine")
    assert execute(["to-test", "runs/large.mat.jsonl"]) == 2
    assert kept.read_text() == "mine"
    assert os.listdir("tests") == ["traces"]


def test_a_trace_can_stay_where_it_is(project: Path) -> None:
    """With --reference the test names the trace by its way from the test's folder."""
    assert execute(["to-test", "runs/large.mat.jsonl", "--reference", "--out", "tests/deep/test_it.py"]) == 0
    assert 'trace="../../runs/large.mat.jsonl"' in Path("tests/deep/test_it.py").read_text()
    assert passes(project)


def test_a_run_that_was_cut_off_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A test cannot tell the end of a run that has none."""
    lines = Path("runs/large.mat.jsonl").read_bytes().splitlines(keepends=True)
    Path("runs/cut.mat.jsonl").write_bytes(b"".join(lines[:-1]))
    assert execute(["to-test", "runs/cut.mat.jsonl"]) == 2
    assert "the run was cut off" in capsys.readouterr().err


def test_a_trace_without_an_entry_needs_one(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A session around plain calls names no function, so the reader has to."""
    code = "from agent import app, main\nwith app.session(trace='t.mat.jsonl') as s:\n    s.note('x')\n    main()\n"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert execute(["to-test", "t.mat.jsonl"]) == 2
    assert "--entry module:function" in capsys.readouterr().err
    assert execute(["to-test", "t.mat.jsonl", "--entry", "agent:main"]) == 0
    assert 'entry="agent:main"' in Path("tests/test_t.py").read_text()
