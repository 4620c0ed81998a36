"""``harness bench case``: an argument is begun, looked at again, and flagged when what it rests on changes."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.bench.figures import counted
from harness.cli import execute
from tests.bench.case.parts import record, write_registry, write_result

PAGE = Path(__file__).parents[2] / "docs" / "case.md"
NEW = ("case.yaml", "--new", "--registry", "shop.yaml", "--trace", "runs", "--result", "results/sums")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with a registry, a trace and a result."""
    monkeypatch.chdir(tmp_path)
    for name in ("runs", "results/sums"):
        (tmp_path / name).mkdir(parents=True)
    write_registry(tmp_path)
    record(tmp_path, 5, 700, name="runs/day")
    rows: list[dict[str, Any]] = [{"task": str(at), "group": "easy", "correct": at > 0} for at in range(60)]
    write_result(tmp_path / "results" / "sums", rows, correct=counted(59, 60, ">= 50"), seen=counted(3, 9))
    return tmp_path


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run the verb; give its exit code, and what it said on both ways."""
    code = execute(["bench", "case", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_page_shows_what_happens(capsys: pytest.CaptureFixture[str]) -> None:
    """Both commands of docs/case.md print what stands below them."""
    shown = re.findall(r"^    \$ harness bench case (.*)\n((?:    [^$].*\n)*)", PAGE.read_text(), re.MULTILINE)
    assert len(shown) == 2
    for command, lines in shown:
        code, out, err = ran(capsys, *shlex.split(command))
        assert (code, err) == (0, "")
        assert [line.strip() for line in lines.splitlines()] == out.splitlines()


def test_the_file_of_the_page_is_a_case(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    """The example with the digests of what is there is read, and its undeveloped goal is what it lacks."""
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    rows = [{"group": "hard" if at % 3 else "easy", "correct": at > 0} for at in range(300)]
    write_result(folder / "results" / "sums", rows, correct=counted(59, 60))
    (folder / "case.yaml").write_text(re.sub(r', digest: "sha256:[^"]*"', "", text))
    code, out, _ = ran(capsys, "case.yaml", "--json")
    elements = json.loads(out)["elements"]
    assert code == 1
    assert {name for name, one in elements.items() if one["status"] == "unsupported"} == {"G-top", "S-parts", "G-stop"}
    assert elements["E-winter"]["found"]["bound"] <= 0.1


def test_a_case_that_was_begun_names_only_grave_rules(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    """A rule of high severity has a goal, with the trace; one of low severity and a figure without a bar have none."""
    assert ran(capsys, *NEW)[0] == 0
    written = yaml.safe_load((folder / "case.yaml").read_text())
    assert list(written["goals"]) == ["G-top", "G-CAP", "G-sums"]
    assert [one.get("figure", {}).get("name") for one in written["evidence"].values()] == [None, "correct"]


def test_a_rule_without_a_trace_is_undeveloped(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is claimed of a rule of which no trace says anything."""
    code, out, _ = ran(capsys, *NEW[:4])
    assert (code, "✕ unsupported  G-CAP  not developed yet   case.yaml:" in out) == (1, True)


@pytest.mark.parametrize(
    ("change", "element"),
    [
        (lambda folder: write_registry(folder, "warn"), "G-CAP"),
        (lambda folder: ((folder / "runs/day.mat.jsonl").unlink(), record(folder, 6, name="runs/day")), "E-1"),
        (lambda folder: write_result(folder / "results/sums", [], correct=counted(58, 60, ">= 50")), "E-sums-correct"),
    ],
    ids=["registry", "trace", "result"],
)
def test_a_change_of_what_it_rests_on_is_flagged(
    capsys: pytest.CaptureFixture[str], folder: Path, change: Any, element: str
) -> None:
    """Another registry, trace or result makes exactly its element stale, and the exit code 3."""
    assert ran(capsys, *NEW)[0] == 0
    change(folder)
    code, out, _ = ran(capsys, "case.yaml")
    assert code == 3
    assert re.search(rf"^! stale  {element}  the (registry|trace|result) has changed: it is sha256:", out, re.MULTILINE)
    told = json.loads(ran(capsys, "case.yaml", "--json")[1])
    own = {name for name, one in told["elements"].items() if "has changed" in one["told"]}
    assert own == {element}


def test_a_missed_bar_ends_with_1(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    """A figure that misses its bar speaks against the goal, even where it was pinned so."""
    write_result(folder / "results" / "sums", [], correct=counted(40, 60, ">= 50"))
    code, out, _ = ran(capsys, *NEW)
    assert (code, "misses >= 50" in out) == (1, True)


def test_what_is_written_is_what_was_found(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    """The resolved YAML, the JSON and a second run say the same."""
    ran(capsys, *NEW)
    files = [folder / "out" / name for name in ("case.yaml", "case.svg", "case.html")]
    facts = json.loads(ran(capsys, "case.yaml", "--out", "out", "--json")[1])
    first = [file.read_bytes() for file in files]
    assert yaml.safe_load(first[0]) == facts
    assert facts["elements"]["E-1"]["found"]["CAP"] == {"asked": 2, "violated": 1, "unknown": 0, "violated_and_done": 0}
    ran(capsys, "case.yaml", "--out", "out")
    assert [file.read_bytes() for file in files] == first


def test_mistakes_end_with_2(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    """A case that is none, options that need another, and a file that would be lost are told."""
    (folder / "bad.yaml").write_text("case: x\ngoals: {G: {says: y}}\n")
    assert ran(capsys, "bad.yaml")[::2] == (2, ran(capsys, "bad.yaml")[2])
    assert "bad.yaml:2:12  nothing supports G" in ran(capsys, "bad.yaml")[2]
    assert "a case begins from a registry" in ran(capsys, "new.yaml", "--new")[2]
    assert "add --new" in ran(capsys, "bad.yaml", "--registry", "shop.yaml")[2]
    assert "another file of that name" in ran(capsys, "bad.yaml", *NEW[1:])[2]
    assert ran(capsys, "bad.yaml", *NEW[1:], "--force")[0] == 0
