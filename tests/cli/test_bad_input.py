"""Whatever is wrong with what the command line is given: one error with its place and its cure, and exit code 2."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from harness.cli import execute

ROOT = Path(__file__).parents[2]

AGENT: Final = """\
import harness

app = harness.Harness()
answer = 42

@app.tool(effect="read")
def look(name: str) -> str:
    return name

@app.agent
def main(name: str = "W-77") -> str:
    return look(name)
"""


def registry(rule: str = 'require: "True"', more: str = "") -> str:
    """Give a registry of one rule, whose condition stands in line 7."""
    return f"registry: shop\nversion: 1.0.0\ndefault: allow\ninvariants:\n  - id: A\n    on: action\n    {rule}\n{more}"


FILES: Final[dict[str, str | bytes]] = {
    "shopkeeper.py": AGENT,
    "broken.py": "def main(:\n",
    "raising.py": "import os; os.environ['KEY']\n",
    "empty.yaml": "",
    "binary.yaml": b"\x7fELF\x02\x01\x01\x00\xff\xfe",
    "key.yaml": registry('require: "True"\n    severty: high'),
    "type.yaml": registry("require: [1, 2]"),
    "twice.yaml": registry(more='  - id: A\n    on: action\n    require: "True"\n'),
    "name.yaml": registry("require: cal.tool == 'look'"),
    "dunder.yaml": registry("require: call.__class__ == 1"),
    "lambda.yaml": registry('require: "lambda: True"'),
    "call.yaml": registry("require: exec('/etc/passwd') == 1"),
    "bomb.yaml": "a: &a [ha, ha]\nb: &b [*a, *a]\nc: &c [*b, *b]\nregistry: [*c, *c]\n",
    "deep.yaml": "registry: " + "[" * 20_000,
    "future.mat.jsonl": '{"format":"mat","host":{},"run":{},"version":2}\n',
    "other.mat.jsonl": '{"name":"value"}\n',
    "binary.mat.jsonl": b"\x7fELF\x02\x01\x01\x00\n\xff\xfe",
    "empty.mat.jsonl": "",
}

# what is given, the place, what is wrong, the cure
REGISTRIES: Final = [
    ("nowhere.yaml", "nowhere.yaml", "no such registry", "shipped registries: "),
    ("empty.yaml", "empty.yaml:1:1", "the file is empty", "an empty registry is never 'no rules'"),
    ("binary.yaml", "binary.yaml", "not a text file (UTF-8)", ""),
    ("key.yaml", "key.yaml:8:5", "unknown key 'severty'", "did you mean 'severity'?"),
    ("type.yaml", "type.yaml:7:14", "expected", ""),
    ("twice.yaml", "twice.yaml:8:9", "the id 'A' stands here twice", "first in line 5"),
    ("name.yaml", "name.yaml:7:14", "unknown name 'cal'", "did you mean 'call'?"),
    ("dunder.yaml", "dunder.yaml:7:19", "'__class__' is not allowed", "^^^^^^^^^"),
    ("lambda.yaml", "lambda.yaml:7:15", "a lambda is not allowed", "^^^^^^^^^^^^"),
    ("call.yaml", "call.yaml:7:14", "unknown function 'exec'", "known functions: "),
    ("bomb.yaml", "bomb.yaml:1:4", "anchors and aliases are not allowed", "write the value out"),
    ("deep.yaml", "deep.yaml:1:", "nested deeper than 40 levels", ""),
]

TRACES: Final = [
    ("future.mat.jsonl", "future.mat.jsonl:1", "trace format version 2 is not known here", "install a newer harness"),
    ("binary.mat.jsonl", "binary.mat.jsonl:1", "this is not a trace", "a trace starts with a JSON line"),
    ("other.mat.jsonl", "other.mat.jsonl:1", "this is not a trace", "lacks"),
    ("empty.mat.jsonl", "empty.mat.jsonl", "the file is empty", "was the run killed before its first event?"),
    ("nowhere.mat.jsonl", "nowhere.mat.jsonl", "No such file or directory", "name a trace file"),
    ("folder", "folder", "Is a directory", "name a trace file"),
]

RUNS: Final = [
    (["nowhere:main"], "nowhere:main", "there is no module 'nowhere'", "put that folder on PYTHONPATH"),
    (["shopkeeper:man"], "shopkeeper:man", "module 'shopkeeper' has no 'man'", "did you mean 'main'?"),
    (["shopkeeper:answer"], "shopkeeper:answer", "'answer' is no function but of type int", "it has: "),
    (["shopkeeper"], "'shopkeeper'", "names no entry", "write module:function"),
    (
        ["broken:main"],
        "broken:main",
        "cannot be imported: SyntaxError: invalid syntax (broken.py, line 1)",
        "tells more",
    ),
    (["raising:main"], "/", "raising.py:1: raising:main cannot be imported: KeyError: 'KEY'", "tells more"),
    (["shopkeeper:main", "--model-script", "shopkeeper:reply"], "shopkeeper:reply", "has no 'reply'", "it has: "),
    (["shopkeeper:main", "--input", '{"name"'], "--input", "is not JSON", "write --input '{"),
    (["shopkeeper:main", "--input", "[1]"], "--input", "is not a JSON object", "write --input '{"),
    (["shopkeeper:main", "--input", '{"nme": "W-78"}'], "--input", "'nme'", "takes (name: str = 'W-77')"),
    (["shopkeeper:main", "--trace", "empty.mat.jsonl"], "empty.mat.jsonl", "exists already", "name another file"),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the present folder, full of mistakes; what is imported from it is forgotten afterwards."""
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("PYTHONHASHSEED", "0")  # with a random one, harness run starts its process again
    yield tmp_path
    sys.modules.pop("shopkeeper", None)


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that must be refused as the caller's mistake, and give what it says."""
    assert execute(arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    return told.err


@pytest.mark.parametrize("verb", ["run", "check"])
@pytest.mark.parametrize(("file", "place", "wrong", "cure"), REGISTRIES)
def test_a_registry_that_cannot_be_used(
    verb: str, file: str, place: str, wrong: str, cure: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistake in a registry is told with file, line and column, before an agent runs or a trace is read."""
    said = refused([verb, "shopkeeper:main" if verb == "run" else "future.mat.jsonl", "--registry", file], capsys)
    assert said.startswith(place)
    assert wrong in said
    assert cure in said
    assert not (folder / "runs").exists()


@pytest.mark.parametrize("verb", ["show", "verify", "replay", "diff"])
@pytest.mark.parametrize(("file", "place", "wrong", "cure"), TRACES)
def test_a_trace_that_cannot_be_read(
    verb: str, file: str, place: str, wrong: str, cure: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever is no trace of this version is told with its line, by each verb that reads traces."""
    said = refused([verb, file, file] if verb == "diff" else [verb, file], capsys)
    assert said.startswith(f"{place}: ")
    assert wrong in said
    assert cure in said


@pytest.mark.parametrize(("arguments", "place", "wrong", "cure"), RUNS)
def test_a_run_that_cannot_begin(
    arguments: list[str], place: str, wrong: str, cure: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An entry, an input or a trace file that does not fit is told before anything runs or is written."""
    said = refused(["run", *arguments], capsys)
    assert said.startswith(place)
    assert wrong in said
    assert cure in said
    assert not (folder / "runs").exists()
    assert (folder / "empty.mat.jsonl").read_bytes() == b""


def test_a_folder_without_traces(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Checking nothing is an error, never 'all is well'."""
    said = refused(["check", "folder", "--registry", "airline"], capsys)
    assert said.startswith("folder: no *.mat.jsonl here\n    cure  was the run recorded elsewhere?")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["run", "shopkeeper:man"],
            "shopkeeper:man: module 'shopkeeper' has no 'man'\n    cure  did you mean 'main'?\n",
        ),
        (
            ["verify", "future.mat.jsonl"],
            "future.mat.jsonl:1: trace format version 2 is not known here\n    cure  install a newer harness\n",
        ),
        (
            ["run", "shopkeeper:main", "--registry", "empty.yaml"],
            (
                "empty.yaml:1:1  the file is empty\n    an empty registry is never 'no rules'\n"
                "1 mistake in 1 file; nothing was loaded\n"
            ),
        ),
    ],
)
def test_the_whole_program_says_no_more_than_that(arguments: list[str], said: str, folder: Path) -> None:
    """As a process of its own, too, the error is all there is on stderr, and the exit code is 2."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "harness", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)
