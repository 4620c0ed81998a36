"""``harness shrink``: a counterexample becomes small, and a test that is red until the agent is mended."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from harness.adapters.files import open_trace
from harness.cli import execute
from harness.door.agents import load_entry
from tests.inner import PYTEST
from tests.test_docs import assert_shown, example, program

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


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make a project with the shop and a recorded run of a bad day, and go there."""
    for name in ("shop.py", "shop.yaml"):
        shutil.copy(SHOP / name, tmp_path)
    (tmp_path / "plan.yaml").write_text(PLAN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    main = load_entry("shop:main")
    session = main.__harness_app__.session(trace="found.mat.jsonl", faults="plan.yaml")
    session.run(main, customers=["Ann", "Bob"], greeting="Good morning")
    yield tmp_path
    sys.modules.pop("shop", None)


def suite(folder: Path, where: str) -> subprocess.CompletedProcess[str]:
    """Run the tests of the project in a process of their own, from any folder."""
    command = [*PYTEST, where]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)


def test_what_is_left_is_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Sizes, the rule, the schedule in words, what the run did, and how to see it again; exit 1, as it violates."""
    assert execute(["shrink", "found.mat.jsonl", "--before", "shop:fresh"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("3 elements → 1 · input 53 → 21 bytes · 6 calls → 3 · ")
    assert lines[1] == "PAY-ONCE  An order is paid once"
    assert lines[2].strip() == "1st call of pay: nothing happens, and no answer comes (timeout)"
    assert "minimal: nothing can be left out, and nothing be one step simpler" in lines
    assert lines[-1] == "again  harness replay found.shrunk-1.mat.jsonl --break violation"
    sys.modules["shop"].fresh()
    assert execute(["replay", "found.shrunk-1.mat.jsonl"]) == 0
    assert execute(["verify", "found.shrunk-1.mat.jsonl"]) == 0


def test_a_program_reads_the_same(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One JSON object, with the schedule as it can be run again."""
    asked = ["shrink", "found.mat.jsonl", "--before", "shop:fresh", "--json", "--out", "small.mat.jsonl"]
    assert execute(asked) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["schedule"] == {"inject": [{"name": "timeout-1", "fault": "timeout", "tool": ["pay"], "nth": [1]}]}
    assert told["input"] == {"customers": ["Ann"]}
    assert (told["rule"], told["minimal"], told["replays"]) == ("PAY-ONCE", True, True)
    with open_trace(told["trace"]) as reader:
        list(reader)
    assert (told["trace"], told["digest"]) == ("small.mat.jsonl", reader.digest)


def test_the_test_is_red_until_the_agent_is_mended(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The emitted test fails on the agent with the bug, saying what it did, and passes on the mended one."""
    assert execute(["shrink", "found.mat.jsonl", "--before", "shop:fresh", "--emit", "tests/test_found.py"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "test   pytest tests/test_found.py"
    Path("found.shrunk-1.mat.jsonl").unlink()
    red = suite(project.parent, f"{project.name}/tests")
    assert red.returncode == 1
    assert 'pay(cents=500, order="W-Ann") → unknown   struck by timeout' in red.stdout
    assert execute(["replay", "tests/traces/test_found.mat.jsonl"]) == 0
    Path("shop.py").write_text(Path("shop.py").read_text().replace(BUG, MENDED))
    green = suite(project.parent, f"{project.name}/tests")
    assert green.returncode == 0, green.stdout


def test_nothing_is_written_over(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A test of that name that says something else stays, unless --force is said."""
    Path("test_found.py").write_text("mine")
    asked = ["shrink", "found.mat.jsonl", "--before", "shop:fresh", "--emit", "test_found.py"]
    assert execute(asked) == 2
    assert "test_found.py: there is another file of that name" in capsys.readouterr().err
    assert Path("test_found.py").read_text() == "mine"
    assert execute([*asked, "--force"]) == 1
    assert "def test_pay_once" in Path("test_found.py").read_text()


def test_a_run_that_is_not_the_same_twice_is_a_divergence(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without what puts the world back the receipts count up; the cure is told, and the exit code is 4."""
    assert execute(["shrink", "found.mat.jsonl"]) == 4
    said = capsys.readouterr().err
    assert "--before module:function" in said
    assert "receipt" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rule", "PAID"], "the trace does not violate PAID\n    cure  it violates PAY-ONCE"),
        (["--before", "shop:frsh"], "module 'shop' has no 'frsh'\n    cure  did you mean 'fresh'?"),
        (["--budget", "0"], "--budget"),
        (["--record", "--emit", "x.py"], "a test runs the agent live, which --record does not"),
    ],
)
def test_a_mistake_is_told_with_its_cure(
    project: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is written then."""
    assert execute(["shrink", "found.mat.jsonl", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not list(project.glob("*shrunk*"))


def test_the_page_is_right(project: Path) -> None:
    """The command of docs/shrink.md prints what the page shows, and writes the test that the page shows."""
    command, shown = example("shrink.md", "shrink runs")
    Path("runs").mkdir()
    Path("found.mat.jsonl").rename(command[1])
    done = program(project, *command)
    assert done.returncode == 1, done.stderr
    assert_shown(shown, done)
    page = (ROOT / "docs" / "shrink.md").read_text(encoding="utf-8")
    (written,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert Path("tests/test_found.py").read_text() == written
