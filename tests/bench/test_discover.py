"""Suites of one's own are found by path, and among installed packages."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from harness.bench.suite import load_suite, suite_names
from harness.errors import UsageError

ONE = """
from harness.bench.suite import Suite
from harness.bench.task import Condition, Task

SUITE = Suite("own", "1", "One of my own", (Task("one", "a"),), (Condition("us"),), lambda cell, folder: {}, dict)
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let a package be installed that offers suites; give its folder."""
    folder, info = tmp_path / "their_suites", tmp_path / "their_suites-1.dist-info"
    for made in (folder, info):
        made.mkdir()
    (folder / "__init__.py").write_text(ONE, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-suites\nVersion: 1\n", encoding="utf-8")
    points = (
        "[harness.suites]\nown = their_suites:SUITE\nwhole = their_suites\nwrong = their_suites:Task\nlost = gone\n"
    )
    (info / "entry_points.txt").write_text(points, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    monkeypatch.delitem(sys.modules, "their_suites", raising=False)
    return folder


def test_a_file_and_a_package_are_suites(tmp_path: Path) -> None:
    """A path names a Python file with SUITE, or a folder that is such a package; it is loaded once."""
    (tmp_path / "own.py").write_text(ONE, encoding="utf-8")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "parts.py").write_text("TITLE = 'In parts'", encoding="utf-8")
    text = "from .parts import TITLE\n" + ONE.replace('"One of my own"', "TITLE")
    (tmp_path / "folder" / "__init__.py").write_text(text, encoding="utf-8")
    assert load_suite(str(tmp_path / "own.py")).title == "One of my own"
    assert load_suite(str(tmp_path / "folder")).title == "In parts"
    assert load_suite(str(tmp_path / "own.py")) is load_suite(str(tmp_path / "own.py"))


def test_two_files_of_one_name_are_two_suites(tmp_path: Path) -> None:
    """The place counts, not the name."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "own.py").write_text(ONE.replace("my own", name), encoding="utf-8")
    titles = [load_suite(str(tmp_path / name / "own.py")).title for name in ("a", "b")]
    assert titles == ["One of a", "One of b"]


def test_packages_offer_suites(package: Path) -> None:
    """An entry point names a SUITE, or a package that defines one, and is listed."""
    assert {"own", "whole", "router"} <= set(suite_names())
    assert load_suite("own").title == load_suite("whole").title == "One of my own"


def test_a_package_may_offer_a_directory(package: Path) -> None:
    """A package whose folder holds a suite.yaml offers that."""
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "till.py").write_text("def main() -> int:\n    return 1\n", encoding="utf-8")
    text = "suite: till\nversion: 1\nagent: till:main\ntasks: [{task: one, oracle: result == 1}]\n"
    (package / "suite.yaml").write_text(text, encoding="utf-8")
    assert load_suite("whole").name == "till"


@pytest.mark.parametrize(
    ("name", "message"),
    [("wrong", "wrong = their_suites:Task: is no suite"), ("lost", "gone cannot be imported: ModuleNotFoundError")],
)
def test_an_entry_point_that_is_no_suite_is_told(package: Path, name: str, message: str) -> None:
    """What a package offers wrongly is named with the entry point."""
    with pytest.raises(UsageError, match=message):
        load_suite(name)


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("none.py", None, "there is no such file\n.*harness bench new none"),
        ("notes.txt", "hello", "is no Python file"),
        ("empty.py", "", "defines no SUITE"),
        ("halting.py", "\n1 / 0", r"halting.py:2: .*cannot be imported: ZeroDivisionError"),
        ("torn.py", "def", r"torn.py:1: .*cannot be imported: SyntaxError"),
        ("folder/notes.txt", "hello", "holds neither suite.yaml nor __init__.py"),
    ],
)
def test_what_is_no_suite_is_told(tmp_path: Path, file: str, text: str | None, message: str) -> None:
    """A path that leads to no suite says why, with the line where code breaks."""
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        load_suite(str(path.parent if "/" in file else path))


def test_a_folder_without_a_dot_is_pointed_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bare name that is a folder here is answered with how to say so."""
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"harness bench run \./mine"):
        load_suite("mine")
