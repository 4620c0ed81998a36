"""``harness bench report``: what is written, printed and refused."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from harness.cli import execute
from tests.bench.report.made import ROWS, stored, write


def test_each_option_writes_its_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every report is written, and its path is said; missed bars are not this verb's exit code."""
    folder = write(tmp_path / "shop", stored())
    files = {kind: tmp_path / f"out.{kind}" for kind in ("html", "markdown", "junit", "sarif")}
    options = [word for kind, file in files.items() for word in (f"--{kind}", str(file))]
    assert execute(["bench", "report", str(folder), *options]) == 0
    assert capsys.readouterr().out.split() == [str(file) for file in files.values()]
    assert files["html"].read_text(encoding="utf-8").startswith("<!doctype html>")
    assert files["markdown"].read_text(encoding="utf-8").startswith("# shop\n")
    assert ElementTree.parse(files["junit"]).getroot().get("tests") == "8"
    assert json.loads(files["sarif"].read_text(encoding="utf-8"))["version"] == "2.1.0"


def test_without_an_option_markdown_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed is what would be written."""
    folder = write(tmp_path / "shop", stored())
    assert execute(["bench", "report", str(folder), "--markdown", str(tmp_path / "m.md")]) == 0
    capsys.readouterr()
    assert execute(["bench", "report", str(folder)]) == 0
    assert capsys.readouterr().out == (tmp_path / "m.md").read_text(encoding="utf-8")


def test_json_is_one_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It names what is missed and which rows flipped against the first result."""
    before = write(tmp_path / "before", stored())
    after = write(tmp_path / "after", stored([*ROWS[:2], {**ROWS[2], "correct": False}, *ROWS[3:]]))
    assert execute(["bench", "report", str(before), str(after), "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["results"]
    assert first["missed"] == ["seconds"]
    assert first["outcomes"] == {"passed": 2, "failed": 2, "unmeasured": 1, "unjudged": 1}
    assert second["worse"] == [{"task": "cancel", "condition": "guarded", "seed": 1}]


def test_mistakes_are_the_callers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No result, one file for two reports, and a folder that is not there end with 2."""
    folder = str(write(tmp_path / "shop", stored()))
    both = ["--junit", str(tmp_path / "x"), "--html", str(tmp_path / "x")]
    for arguments in ([], [str(tmp_path / "none")], [folder, *both], [folder, "--html", str(tmp_path / "no" / "x")]):
        assert execute(["bench", "report", *arguments]) == 2, arguments
    assert not (tmp_path / "x").exists()
    assert "cannot be written" in capsys.readouterr().err
