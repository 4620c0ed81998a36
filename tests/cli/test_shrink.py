"""``harness shrink``: a counterexample becomes small, and a test that is red until the agent is mended."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from harness.adapters.files import open_trace
from tests.test_docs import assert_shown, example

ROOT: Final = Path(__file__).parent.parent.parent
SHOP: Final = ROOT / "tests" / "stress"
PLAN: Final = """\
faults: a bad day
inject:
  - {fault: delay, strength: {delay_ms: 5}}
  - {fault: commit_then_timeout, tool: "p*"}
  - {fault: shuffle}
"""
BUG: Final = "            continue\n"
MENDED: Final = '            return "ask whether it is paid"\n'


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a project with the shop, and a recorded run of a bad day."""
    project = tmp_path_factory.mktemp("project")
    for name in ("shop.py", "shop.yaml"):
        shutil.copy(SHOP / name, project)
    (project / "plan.yaml").write_text(PLAN)
    given = '{"customers": ["Ann", "Bob"], "greeting": "Good morning"}'
    done = harness(project, "run", "shop:main", "--input", given, "--faults", "plan.yaml", "--trace", "found.mat.jsonl")
    assert done.returncode == 1, done.stderr
    return project


@pytest.fixture
def project(recorded: Path, tmp_path: Path) -> Path:
    """Give a copy of the project, so that no test meets what another has written."""
    shutil.copytree(recorded, tmp_path / "shop")
    return tmp_path / "shop"


def harness(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    command = [sys.executable, "-m", "harness.cli", *arguments]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)


def suite(folder: Path, where: str) -> subprocess.CompletedProcess[str]:
    """Run the tests of the project, from anywhere."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", where]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)


def test_what_is_left_is_told(project: Path) -> None:
    """Sizes, the rule, the schedule in words, what the run did, and how to see it again; exit 1, as it violates."""
    done = harness(project, "shrink", "found.mat.jsonl", "--before", "shop:fresh")
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("3 elements → 1 · input 53 → 21 bytes · 6 calls → 3 · ")
    assert lines[1] == "PAY-ONCE  An order is paid once"
    assert lines[2].strip() == "1st call of pay: nothing happens, and no answer comes (timeout)"
    assert "minimal: nothing can be left out, and nothing be one step simpler" in lines
    assert lines[-1] == "again  harness replay found.shrunk-1.mat.jsonl --break violation"
    assert harness(project, "replay", "found.shrunk-1.mat.jsonl").returncode == 0
    assert harness(project, "verify", "found.shrunk-1.mat.jsonl").returncode == 0


def test_a_program_reads_the_same(project: Path) -> None:
    """One JSON object, with the schedule as it can be run again."""
    done = harness(project, "shrink", "found.mat.jsonl", "--before", "shop:fresh", "--json", "--out", "small.mat.jsonl")
    told = json.loads(done.stdout)
    assert told["schedule"] == {"inject": [{"name": "timeout-1", "fault": "timeout", "tool": ["pay"], "nth": [1]}]}
    assert told["input"] == {"customers": ["Ann"]}
    assert (told["rule"], told["minimal"], told["replays"]) == ("PAY-ONCE", True, True)
    with open_trace(project / told["trace"]) as reader:
        list(reader)
    assert (told["trace"], told["digest"]) == ("small.mat.jsonl", reader.digest)


def test_the_test_is_red_until_the_agent_is_mended(project: Path) -> None:
    """The emitted test fails on the agent with the bug, saying what it did, and passes on the mended one."""
    asked = ["--before", "shop:fresh", "--path", ".", "--emit", "tests/test_found.py"]
    made = harness(project, "shrink", "found.mat.jsonl", *asked)
    assert made.returncode == 1, made.stderr
    assert made.stdout.splitlines()[-1] == "test   pytest tests/test_found.py"
    (project / "found.shrunk-1.mat.jsonl").unlink()
    red = suite(project.parent, "shop/tests")
    assert red.returncode == 1
    assert 'pay(cents=500, order="W-Ann") → unknown   struck by timeout' in red.stdout
    assert harness(project, "replay", "tests/traces/test_found.mat.jsonl").returncode == 0
    written = (project / "shop.py").read_text()
    (project / "shop.py").write_text(written.replace(BUG, MENDED))
    green = suite(project.parent, "shop/tests")
    assert green.returncode == 0, green.stdout


def test_nothing_is_written_over(project: Path) -> None:
    """A test of that name that says something else stays, unless --force is said."""
    (project / "test_found.py").write_text("mine")
    asked = ["shrink", "found.mat.jsonl", "--before", "shop:fresh", "--emit", "test_found.py"]
    done = harness(project, *asked)
    assert (done.returncode, (project / "test_found.py").read_text()) == (2, "mine")
    assert "test_found.py: there is another file of that name" in done.stderr
    assert harness(project, *asked, "--force").returncode == 1
    assert "def test_pay_once" in (project / "test_found.py").read_text()


def test_a_run_that_is_not_the_same_twice_is_a_divergence(project: Path) -> None:
    """Without what puts the world back the receipts count up; the cure is told, and the exit code is 4."""
    done = harness(project, "shrink", "found.mat.jsonl")
    assert done.returncode == 4
    assert "--before module:function" in done.stderr
    assert "receipt" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rule", "PAID"], "the trace does not violate PAID\n    cure  it violates PAY-ONCE"),
        (["--before", "shop:frsh"], "module 'shop' has no 'frsh'\n    cure  did you mean 'fresh'?"),
        (["--budget", "0"], "--budget"),
    ],
)
def test_a_mistake_is_told_with_its_cure(project: Path, arguments: list[str], said: str) -> None:
    """Nothing is written then."""
    done = harness(project, "shrink", "found.mat.jsonl", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert not list(project.glob("*shrunk*"))


def test_the_page_is_right(project: Path) -> None:
    """The command of docs/shrink.md prints what the page shows, and writes the test that the page shows."""
    command, shown = example("shrink.md", "shrink runs")
    (project / "runs").mkdir()
    (project / "found.mat.jsonl").rename(project / command[1])
    done = harness(project, *command, "--path", ".")
    assert done.returncode == 1, done.stderr
    assert_shown(shown, done)
    page = (ROOT / "docs" / "shrink.md").read_text(encoding="utf-8")
    (written,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert (project / "tests" / "test_found.py").read_text() == written
