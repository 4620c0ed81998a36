"""``harness causes``, run in this process."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from harness.cli import execute

ROOT = Path(__file__).parents[2]

JOBS = [part for job in ("report", "refresh", "serve") for part in ("--input", f'{{"job": "{job}"}}')]
SHOP = ["causes", "examples.catalogue:shop", "--before", "examples.catalogue:fresh"]


@pytest.fixture(autouse=True)
def _hash_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "0")


def test_a_cycle_is_told_and_exits_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    """Edges by number, the cycle as edges, and the run that confirms it."""
    assert execute([*SHOP, *JOBS, "--confirm", '{"job": "day"}', "--json"]) == 1
    facts = json.loads(capsys.readouterr().out)
    (cycle,) = facts["cycles"]
    assert [facts["edges"][number]["cause"] for number in cycle["edges"]] == cycle["sites"]
    confirmed = {"faults": ["duplicate at query_database 1"], "test": '{"job": "day"}', "rounds": 1}
    assert cycle["confirmed"] == confirmed
    assert {one["ends"] for one in facts["chains"]} == {"violated PRICES-SHOWN"}


def test_the_traces_of_a_cycle_are_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One for each edge, and each of them replays; nothing is written over."""
    assert execute([*SHOP, *JOBS, "--out", str(tmp_path), "--json"]) == 1
    kept = json.loads(capsys.readouterr().out)["traces"]
    assert [json.loads(one["test"])["job"] for one in kept] == ["serve", "report", "refresh"]
    for one in kept:
        assert execute(["replay", one["trace"]]) == 0
    assert execute([*SHOP, *JOBS, "--out", str(tmp_path)]) == 2


def test_people_read_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a test that has all parts the cycle is called a hypothesis."""
    assert execute([*SHOP, *JOBS]) == 1
    said = capsys.readouterr().out
    assert "feeds itself:" in said
    assert "a hypothesis" in said
    assert "load at query_database → timeout at query_database → violated PRICES-SHOWN" in said


def test_without_a_cycle_it_is_0_and_3_where_faults_are_untried(capsys: pytest.CaptureFixture[str]) -> None:
    """The budget decides which."""
    assert execute([*SHOP, *JOBS[:2]]) == 0
    assert "nothing was found to feed itself" in capsys.readouterr().out
    assert execute([*SHOP, *JOBS[:2], "--budget", "5"]) == 3
    assert "untried: the budget is used up" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [[], ["--input", "[]"], ["--holds", "x"], ["--kind", "storm"], ["--holds", "x=y."]])
def test_a_mistake_is_told(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2, with the cure."""
    tests = [] if not wrong or "--input" in wrong else JOBS
    assert execute([*SHOP, *tests, *wrong]) == 2
    assert "cure" in capsys.readouterr().err


def test_the_page_shows_what_happens(capsys: pytest.CaptureFixture[str]) -> None:
    """Every line of the example in docs/causes.md is printed, in that order, and its Python runs."""
    page = (ROOT / "docs" / "causes.md").read_text(encoding="utf-8")
    command, shown = re.findall(r"```bash\nharness (.*?)```\n\n((?: {4}[^\n]*\n)+)", page, re.DOTALL)[0]
    assert execute(shlex.split(command.replace("\\\n", ""))) == 1
    printed = iter([" ".join(line.split()) for line in capsys.readouterr().out.splitlines()])
    for line in shown.splitlines():
        wanted = " ".join(line.split())
        assert wanted == "…" or wanted in printed, wanted
    (code,) = re.findall(r"```python\n(from .*?)```", page, re.DOTALL)
    exec(compile(code, "causes.md", "exec"), {})
