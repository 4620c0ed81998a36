"""``harness bench``: what is listed, what is measured, and what the exit code says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from harness.bench import discover
from harness.bench import suite as suites
from harness.cli import execute

SUITE = """
import time
from harness.bench.figures import counted
from harness.bench.suite import Suite
from harness.bench.task import Condition, Task


def run(cell, folder):
    if cell.task.name == BROKEN:
        raise ConnectionError("no server\\nhere")
    return {"correct": cell.task.name != WRONG, "why": "it is wrong", "ms": time.time()}


def figures(rows):
    return {"correct": counted(sum(row.found["correct"] for row in rows), len(rows), f"== {len(rows)}")}


SUITE = Suite(
    "NAME", "1", "A few tasks", (Task("one", "a"), Task("two", "a", seeded=True)), (Condition("us"),), run, figures,
    needs=("a chessboard",), measured=("ms",),
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
    for module in (suites, discover):
        monkeypatch.setattr(module, "suites_folder", lambda: tmp_path)
    monkeypatch.chdir(tmp_path)


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run the verb; give its exit code, and what it said on both ways."""
    code = execute(["bench", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_suites_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Every suite is a few lines, or an entry, with its size and what it needs."""
    code, out, _ = ran(capsys, "list")
    assert code == 0
    assert out.splitlines()[6:] == ["good 1  2 tasks, 2 cells", "    A few tasks", "    needs  a chessboard"]
    listed: list[dict[str, Any]] = json.loads(ran(capsys, "list", "--json")[1])["suites"]
    size = {"name": "good", "version": "1", "title": "A few tasks", "tasks": 2, "cells": 2}
    assert listed[2] == {**size, "needs": ["a chessboard"], "last": None}


def test_the_list_fits_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    """No line is wider than 80 columns, whatever a suite has to say."""
    file = Path("good/__init__.py")
    needs = tuple(f"piece {number}" for number in range(20))
    file.write_text(
        file.read_text().replace('("a chessboard",)', repr(needs)).replace("A few tasks", "A few tasks " * 9)
    )
    _, out, _ = ran(capsys, "list")
    assert max(map(len, out.splitlines())) <= 80
    assert " ".join(out.split()).endswith("needs " + ", ".join(needs))


def test_the_list_tells_the_last_results(capsys: pytest.CaptureFixture[str]) -> None:
    """Bars that were met, cells that were not measured, and results of a part only are told."""
    for name in KINDS:
        ran(capsys, "run", name, "--json")
    ran(capsys, "run", "good", "--task", "one")
    lines = ran(capsys, "list")[1].splitlines()
    assert [line.strip() for line in lines if "last" in line] == [
        "last   0 of 1 bar met (not correct)",
        "last   0 of 1 bar met (not correct), 1 not measured",
        "last   1 of 1 bar met, 1 of 2 cells",
    ]
    last = json.loads(ran(capsys, "list", "--json")[1])["suites"][1]["last"]
    counts = {"met": 0, "bars": 1, "missed": ["correct"], "cells": 2, "broken": 1}
    assert {**last, "commit": None} == {**counts, "commit": None}


def test_a_suite_whose_bars_are_met_ends_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON is one object and nothing else; rows come with it, seeded tasks once for each seed."""
    code, out, err = ran(capsys, "run", "good", "--json", "--seeds", "3")
    whole = json.loads(out)
    assert (code, err, len(out.splitlines())) == (0, "", 1)
    assert whole["name"] == "good"
    assert whole["figures"]["correct"]["value"] == len(whole["rows"]) == 4
    assert whole["figures"]["correct"]["ok"] is True


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_a_cell_prints_is_no_part_of_the_answer(capfd: pytest.CaptureFixture[str], workers: str) -> None:
    """With --json, stdout is one object whoever does the cells; what they print stands on stderr."""
    file = Path("good/__init__.py")
    file.write_text(
        file.read_text().replace("def run(cell, folder):", "def run(cell, folder):\n    print('by a cell')")
    )
    assert execute(["bench", "run", "good", "--json", "--workers", workers]) == 0
    said = capfd.readouterr()
    assert json.loads(said.out)["name"] == "good"
    assert said.err.splitlines() == ["by a cell"] * 2


def test_a_missed_bar_ends_with_1_and_names_the_cells(capsys: pytest.CaptureFixture[str]) -> None:
    """The table says which bar is missed, and below it stand the cells that went wrong."""
    code, out, _ = ran(capsys, "run", "bad")
    assert code == 1
    assert "missed" in out
    assert "us  two: it is wrong" in out
    assert out.endswith("2 cells measured; results/bad\n")


def test_what_cannot_be_measured_ends_with_5(capsys: pytest.CaptureFixture[str]) -> None:
    """A broken measurement is told apart from a bad result, and goes before it."""
    code, out, _ = ran(capsys, "run", "broken")
    assert code == 5
    assert "not measured  us  one: ConnectionError: no server\n" in out
    assert out.endswith("1 cell measured, 1 cell could not be measured; results/broken\n")
    assert json.loads(ran(capsys, "run", "broken", "--json")[1])["rows"][-1]["infrastructure"].startswith("Conn")


def test_the_suite_of_the_page_can_be_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What docs/bench.md shows as a suite is one, and one of its two sums is right."""
    page = (Path(__file__).parents[2] / "docs" / "bench.md").read_text(encoding="utf-8")
    (written,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "sums").mkdir()
    (tmp_path / "sums" / "__init__.py").write_text(written, encoding="utf-8")
    code, out, _ = ran(capsys, "run", "sums", "--json")
    assert (code, json.loads(out)["figures"]["correct"]["value"]) == (0, 1)


def read(file: str) -> Any:
    """Read a JSON file of the working directory."""
    return json.loads(Path(file).read_text(encoding="utf-8"))


def test_results_are_kept_apart_from_times(capsys: pytest.CaptureFixture[str]) -> None:
    """The report is kept without what is never the same twice; that stands in a file of its own, and on stdout."""
    shown = json.loads(ran(capsys, "run", "good", "--json")[1])
    kept, times = read("results/good/result.json"), read("results/good/times.json")
    assert all("ms" in row for row in shown["rows"])
    assert kept == {**shown, "rows": [{key: row[key] for key in row if key != "ms"} for row in shown["rows"]]}
    assert kept["manifest"]["tasks"] == kept["manifest"]["cells"] == 2
    assert kept["manifest"]["code"]["commit"] == kept["commit"]
    assert [cell["ms"] for cell in times["cells"]] == [row["ms"] for row in shown["rows"]]
    assert all(cell["wall_s"] > 0 for cell in times["cells"])


def test_results_are_the_same_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    """Another run, one with two workers too, writes the same bytes; what they are called is up to the caller."""
    ran(capsys, "run", "good", "--seeds", "5")
    ran(capsys, "run", "good", "--seeds", "5", "--workers", "2", "--out", "elsewhere")
    assert Path("elsewhere/result.json").read_bytes() == Path("results/good/result.json").read_bytes()


def test_a_run_writes_the_reports_that_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """They are those that ``bench report`` writes of the result, and the exit code is still that of the figures."""
    files = {kind: f"now.{kind}" for kind in ("html", "markdown", "junit", "sarif")}
    options = [word for kind, file in files.items() for word in (f"--{kind}", file)]
    assert ran(capsys, "run", "bad", *options)[0] == 1
    later = [word.replace("now.", "later.") for word in options]
    assert ran(capsys, "report", "results/bad", *later)[0] == 0
    for file in files.values():
        assert Path(file).read_bytes() == Path(file.replace("now.", "later.")).read_bytes()


def test_reports_that_could_not_be_written_are_told_before_anything_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that is not there, and one file for two reports, end with 2 and no result."""
    for options in (("--html", "none/page.html"), ("--html", "one", "--junit", "one")):
        assert ran(capsys, "run", "good", *options)[0] == 2
    assert not Path("results").exists()


def test_some_of_the_cells(capsys: pytest.CaptureFixture[str]) -> None:
    """Patterns choose tasks and conditions; one that nothing fits is told with names that there are."""
    _, out, _ = ran(capsys, "run", "good", "--task", "o*", "--condition", "us", "--json")
    assert [row["task"] for row in json.loads(out)["rows"]] == ["one"]
    code, _, err = ran(capsys, "run", "good", "--task", "tree")
    assert (code, err) == (
        2,
        "suite good: no task is named 'tree'\n    cure  there is one, two; the suite needs a chessboard\n",
    )


def test_figures_are_made_again_without_running_anything(capsys: pytest.CaptureFixture[str]) -> None:
    """After a change of the suite the kept cells are scored by it, and the manifest says what is not the same."""
    assert ran(capsys, "run", "bad")[0] == 1
    file = Path("bad/__init__.py")
    file.write_text(file.read_text().replace("def run(cell, folder):", "def run(cell, folder):\n    1 / 0"))
    file.write_text(file.read_text().replace("== {len(rows)}", ">= 1"))
    suites.sys.modules.pop(suites.PREFIX + "bad")
    code, out, _ = ran(capsys, "run", "bad", "--rescore", "--json")
    assert (code, json.loads(out)["figures"]["correct"]["target"]) == (0, ">= 1")
    kept = read("results/bad/result.json")
    assert kept["manifest"]["rescored"].keys() == {"suite"}
    assert [row["task"] for row in kept["rows"]] == ["one", "two"]
    assert ran(capsys, "run", "good", "--rescore")[2].startswith("results/good: there are no cells")


def test_a_run_that_was_cut_off_is_gone_on_with_though_it_was_scored(capsys: pytest.CaptureFixture[str]) -> None:
    """Figures of what is done say that it is not all; they make no finished run of it, whose cells are done anew."""
    assert ran(capsys, "run", "good")[0] == 0
    whole, cells = read("results/good/result.json"), Path("results/good/cells.jsonl")
    Path("results/good/result.json").unlink()
    kept = cells.read_bytes().splitlines(keepends=True)[:2]
    cells.write_bytes(b"".join(kept))
    for _ in range(2):
        assert "not come to its end" in ran(capsys, "run", "good", "--rescore")[1]
    assert read("results/good/result.json")["manifest"]["unfinished"] is True
    assert ran(capsys, "run", "good")[0] == 0
    assert cells.read_bytes().startswith(b"".join(kept))
    assert read("results/good/result.json") == whole


def test_results_are_gone_on_with(capsys: pytest.CaptureFixture[str]) -> None:
    """With --resume what is done is not done again, so that its time stands; other code is told."""
    first = json.loads(ran(capsys, "run", "good", "--json", "--seeds", "2")[1])
    again = json.loads(ran(capsys, "run", "good", "--json", "--seeds", "3", "--resume")[1])
    assert again["rows"][:3] == first["rows"]
    assert len(again["rows"]) == 4
    Path("good/more.txt").touch()
    code, _, err = ran(capsys, "run", "good", "--resume")
    assert (code, err.split("\n")[0]) == (2, "results/good: the cells there depend on another suite")


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "goood"),
        ("run", "good", "--seeds", "0"),
        ("run",),
        ("run", "good", "--workers", "0"),
        ("run", "good", "--address", "here"),
        ("run", "good", "--traces", "folder"),
        ("run", "good", "--executor", "nobody"),
    ],
)
def test_a_wrong_call_ends_with_2(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    """An unknown suite, no seeds and no name are the caller's mistakes."""
    code, out, err = ran(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err
