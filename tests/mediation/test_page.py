"""What docs/mediation.md shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from harness.cli import execute

PAGE = (Path(__file__).parents[2] / "docs" / "mediation.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with the page's registry."""
    (rules,) = re.findall(r"```yaml\n# shop.yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "shop.yaml").write_text(rules, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_programs_of_the_page_run(folder: Path) -> None:
    """One after the other, as parts of one program; their assertions hold."""
    known: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 5
    for block in blocks:
        exec(compile(block, "docs/mediation.md", "exec"), known)
    assert list((folder / "runs").glob("*.mat.jsonl"))


def test_the_policy_is_told_as_the_page_shows(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each line that is shown is printed, in this order."""
    shown = re.search(r"    \$ harness (registry effective.*)\n((?:    .*\n)*)", PAGE)
    assert shown is not None
    assert execute(shown[1].split()) == 0
    printed = iter(capsys.readouterr().out.splitlines())
    for line in shown[2].splitlines():
        words = line.replace("sha256:…", "").split()
        assert any(one.split()[: len(words)] == words for one in printed), line
