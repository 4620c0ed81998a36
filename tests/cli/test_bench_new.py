"""``harness bench new``: what it writes passes at once, and would not if the agent were worse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.bench import discover
from harness.cli import execute


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder, with nothing loaded before."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(discover, "_loaded", {})
    return tmp_path


def ran(capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    """Run the suite that was written; give the exit code and the report."""
    capsys.readouterr()
    code = execute(["bench", "run", "./refund-desk", "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_what_is_written_passes_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Three tasks: one is done, one is held back by a rule, one meets a fault."""
    assert execute(["bench", "new", "refund-desk"]) == 0
    assert "next  harness bench run ./refund-desk" in capsys.readouterr().out
    code, report = ran(capsys)
    assert (code, report["figures"]["passed"]["value"]) == (0, 3)
    assert [row["violations"] for row in report["rows"]] == [[], ["REFUND-LIMIT"], []]


def test_other_processes_find_the_same(folder: Path) -> None:
    """Done by two workers, the suite gives the same bytes as done here."""
    assert execute(["bench", "new", "refund-desk"]) == 0
    for workers in ("1", "2"):
        assert execute(["bench", "run", "./refund-desk", "--workers", workers, "--out", f"by-{workers}"]) == 0
    assert (folder / "by-1" / "result.json").read_bytes() == (folder / "by-2" / "result.json").read_bytes()
    assert len(list((folder / "by-2" / "traces").iterdir())) == 3


@pytest.mark.parametrize(
    ("file", "good", "bad", "failing"),
    [
        ("refund_desk_agent.py", "return refund(order, cents)", "return 'paid'", "a small refund is paid"),
        ("refund_desk_agent.py", '        return "a pe', '        refund(order, 100)\n        return "a pe', "a large"),
        ("rules.yaml", "otherwise: block", "otherwise: warn", "a large refund waits for a person"),
        ("slow-bank.yaml", "tool: refund", "tool: refund, nth: 1", ""),
    ],
)
def test_a_worse_agent_is_noticed(
    folder: Path, capsys: pytest.CaptureFixture[str], file: str, good: str, bad: str, failing: str
) -> None:
    """An agent that lies, one that insists and a rule that only warns each fail a task; a lesser fault fails none."""
    execute(["bench", "new", "refund-desk"])
    text = (folder / "refund-desk" / file).read_text(encoding="utf-8")
    assert good in text
    (folder / "refund-desk" / file).write_text(text.replace(good, bad), encoding="utf-8")
    code, report = ran(capsys)
    failed = [row["task"] for row in report["rows"] if not row["passed"]]
    assert code == (1 if failing else 0)
    assert bool(failed) == bool(failing)
    assert not failing or failed[0].startswith(failing)


def test_nothing_is_written_over(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Files that are there and others are kept, unless --force says otherwise."""
    assert execute(["bench", "new", "refund-desk"]) == 0
    (folder / "refund-desk" / "rules.yaml").write_text("mine", encoding="utf-8")
    assert execute(["bench", "new", "refund-desk"]) == 2
    assert "another file of that name" in capsys.readouterr().err
    assert (folder / "refund-desk" / "rules.yaml").read_text(encoding="utf-8") == "mine"
    assert execute(["bench", "new", "refund-desk", "--force", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["files"]) == 4


@pytest.mark.parametrize("name", ["Desk", "../desk", "9", ""])
def test_a_name_has_a_form(folder: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """A name that would be no folder of its own, or no name of a module, is refused."""
    assert execute(["bench", "new", name]) == 2
    assert "no name of a suite" in capsys.readouterr().err
    assert list(folder.iterdir()) == []
