"""What docs/first-number.md says is done, on the stand-in that it shows: two stored runs, and one decision."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.test_docs import program

ROOT: Final = Path(__file__).parent.parent
PAGE: Final = (ROOT / "docs" / "first-number.md").read_text(encoding="utf-8")
COMMANDS: Final = [line.removeprefix("harness ").split() for line in PAGE.splitlines() if line.startswith("harness ")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder in which the page is followed."""
    return tmp_path_factory.mktemp("stranger")


@pytest.fixture(scope="module")
def endpoint(folder: Path) -> Iterator[dict[str, str]]:
    """Start the stand-in of the page; give the variables that it prints."""
    (written,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (folder / "stand_in.py").write_text(written, encoding="utf-8")
    command = [sys.executable, "stand_in.py"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield dict(word.split("=", 1) for word in server.stdout.readline().split()[1:])
        server.kill()


def said(*words: str) -> list[str]:
    """Give the first command of the page that begins so."""
    return next(command for command in COMMANDS if command[: len(words)] == [*words])


def test_two_stored_runs_lead_to_the_right_decision(folder: Path, endpoint: dict[str, str]) -> None:
    """The model that mostly does nothing is found worse than the careful one, in the page's own commands."""
    pytest.importorskip("scipy", reason="harness[statistics] is not installed")
    runs = [command for command in COMMANDS if command[:3] == ["bench", "run", "openai-smoke"]]
    passed = []
    for command, model in zip(runs, ("careful", "hasty"), strict=True):
        done = program(folder, *command, **endpoint, HARNESS_MODEL=model)
        assert done.returncode == 0, done.stderr
        stored = json.loads((folder / command[-1] / "result.json").read_text(encoding="utf-8"))
        passed.append(stored["figures"]["passed"]["value"])
        assert len(stored["rows"]) == 50
    assert passed[0] > 40 > 25 > passed[1]
    decided = program(folder, *said("bench", "compare"))
    assert decided.returncode == 1, decided.stdout
    first, *_, last = decided.stdout.splitlines()
    assert re.fullmatch(r"worse: agent gets .* right, before .*, of these 10 tasks \(error at most 5 %\)", first)
    trace = last.removeprefix("see one that was lost: harness show ")
    assert (folder / trace).is_file()
    replayed = program(folder, "replay", trace, OPENAI_API_KEY="none")
    assert replayed.returncode == 0, replayed.stderr


def test_a_suite_of_ones_own_is_as_short_as_the_page_says(folder: Path) -> None:
    """Two commands write a folder of four files and run it, and all its tasks pass."""
    assert program(folder, *said("bench", "new")).returncode == 0
    assert len(list((folder / "refund-desk").iterdir())) == 4
    done = program(folder, *said("bench", "run", "./refund-desk"))
    assert done.returncode == 0, done.stdout
    assert "3 cells measured" in done.stdout


def test_the_suites_of_the_page_are_listed(folder: Path) -> None:
    """``openai-smoke`` is among them."""
    assert "openai-smoke" in program(folder, *said("bench", "list")).stdout
