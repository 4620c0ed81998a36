"""``harness bench``: what is listed, what is measured, and what the exit code says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from harness.bench import suite as suites
from harness.cli import execute

SUITE = """
from harness.bench.figures import counted
from harness.bench.suite import Suite
from harness.bench.task import Condition, Task


def run(cell, folder):
    if cell.task.name == BROKEN:
        raise ConnectionError("no server\\nhere")
    return {"correct": cell.task.name != WRONG, "why": "it is wrong"}


def figures(rows):
    return {"correct": counted(sum(row.found["correct"] for row in rows), len(rows), f"== {len(rows)}")}


SUITE = Suite(
    "NAME", "1", "A few tasks", (Task("one", "a"), Task("two", "a", seeded=True)), (Condition("us"),), run, figures
)
"""
KINDS = {"good": ("", ""), "bad": ("two", ""), "broken": ("two", "one")}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let three small suites be those that come with harness."""
    for name, (wrong, broken) in KINDS.items():
        text = SUITE.replace("NAME", name).replace("WRONG", repr(wrong)).replace("BROKEN", repr(broken))
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(text)
        monkeypatch.delitem(suites.sys.modules, suites.PREFIX + name, raising=False)
    monkeypatch.setattr(suites, "suites_folder", lambda: tmp_path)


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run the verb; give its exit code, and what it said on both ways."""
    code = execute(["bench", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_suites_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Every suite is a line, or an entry, with its size."""
    code, out, _ = ran(capsys, "list")
    assert (code, out.splitlines()[2]) == (0, "good 1  2 tasks, 2 cells  A few tasks")
    listed: list[dict[str, Any]] = json.loads(ran(capsys, "list", "--json")[1])["suites"]
    assert listed[2] == {"name": "good", "version": "1", "title": "A few tasks", "tasks": 2, "cells": 2}


def test_a_suite_whose_bars_are_met_ends_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON is one object and nothing else; rows come with it, seeded tasks once for each seed."""
    code, out, err = ran(capsys, "run", "good", "--json", "--seeds", "3")
    whole = json.loads(out)
    assert (code, err, len(out.splitlines())) == (0, "", 1)
    assert whole["name"] == "good"
    assert whole["figures"]["correct"]["value"] == len(whole["rows"]) == 4
    assert whole["figures"]["correct"]["ok"] is True


def test_a_missed_bar_ends_with_1_and_names_the_cells(capsys: pytest.CaptureFixture[str]) -> None:
    """The table says which bar is missed, and below it stand the cells that went wrong."""
    code, out, _ = ran(capsys, "run", "bad")
    assert code == 1
    assert "missed" in out
    assert "us  two: it is wrong" in out
    assert out.endswith("2 cells measured\n")


def test_what_cannot_be_measured_ends_with_5(capsys: pytest.CaptureFixture[str]) -> None:
    """A broken measurement is told apart from a bad result, and goes before it."""
    code, out, _ = ran(capsys, "run", "broken")
    assert code == 5
    assert "not measured  us  one: ConnectionError: no server\n" in out
    assert out.endswith("1 cell measured, 1 cell could not be measured\n")
    assert json.loads(ran(capsys, "run", "broken", "--json")[1])["rows"][-1]["infrastructure"].startswith("Conn")


def test_the_suite_of_the_page_can_be_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What docs/bench.md shows as a suite is one, and one of its two sums is right."""
    page = (Path(__file__).parents[2] / "docs" / "bench.md").read_text(encoding="utf-8")
    (written,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "sums").mkdir()
    (tmp_path / "sums" / "__init__.py").write_text(written, encoding="utf-8")
    code, out, _ = ran(capsys, "run", "sums", "--json")
    assert (code, json.loads(out)["figures"]["correct"]["value"]) == (0, 1)


@pytest.mark.parametrize("arguments", [("run", "goood"), ("run", "good", "--seeds", "0"), ("run",)])
def test_a_wrong_call_ends_with_2(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    """An unknown suite, no seeds and no name are the caller's mistakes."""
    code, out, err = ran(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err
