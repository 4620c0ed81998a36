"""What docs/faults.md shows is what happens."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from harness.faults.file import STRENGTHS, load_faults
from harness.faults.plan import KINDS
from tests.test_docs import ROOT, assert_shown, program

PAGE = (ROOT / "docs" / "faults.md").read_text()


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Give a folder with the page's program and its plan."""
    for name, fence in (("desk.py", "python"), ("mind.yaml", "yaml")):
        (block,) = [one for one in re.findall(rf"```{fence}\n(.*?)```", PAGE, re.DOTALL) if f"# {name}\n" in one]
        (tmp_path / name).write_text(block)
    return tmp_path


def test_a_struck_run_is_told_as_the_page_says(desk: Path) -> None:
    """Run, shown and replayed in processes of their own, each as the page has it; the model is not asked again."""
    commands = re.findall(r"^    \$ (harness .*)\n((?:    .+\n)*)", PAGE, re.MULTILINE)
    assert [shlex.split(command)[1] for command, _ in commands] == ["run", "show", "show"]
    for command, shown in commands:
        done = program(desk, *shlex.split(command)[1:])
        assert done.returncode == 0, done.stderr
        assert_shown([line.strip() for line in shown.splitlines()], done)
    replayed = program(
        desk, "replay", "mind.mat.jsonl", "--json", OPENAI_API_KEY="none", OPENAI_BASE_URL="http://[::1]:9"
    )
    assert json.loads(replayed.stdout)["equal"], replayed.stderr


def test_the_plan_of_the_page_is_one() -> None:
    """The first plan loads, and says what it is there for."""
    plan = load_faults(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0], "faults.yaml")
    assert [fault.kind for fault in plan.faults] == ["commit_then_timeout", "error", "stale", "delay"]


def test_the_page_knows_every_kind_and_its_settings() -> None:
    """Each kind of fault stands in a table, with the settings that it has."""
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    for kind in KINDS:
        row = next(line for line in rows if f"`{kind}`" in line.split(" | ")[0])
        assert all(f"`{setting}" in row for setting in STRENGTHS.get(kind, ()) if setting != "after_ms"), row
