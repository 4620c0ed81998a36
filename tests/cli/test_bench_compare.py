"""``harness bench compare``: what it says, its exit code, and that the page about it is right."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli import execute

ROOT = Path(__file__).parents[2]


def stored(file: Path, outcomes: str, name: str = "toy") -> str:
    """Store the result of tasks of which + is right, and - is not."""
    rows = [
        {"task": f"t{n}", "group": "all", "condition": "us", "seed": 1, "passed": one == "+"}
        for n, one in enumerate(outcomes)
    ]
    file.write_text(json.dumps({"name": name, "version": "1", "commit": None, "figures": {}, "rows": rows}))
    return str(file)


@pytest.mark.parametrize(
    ("before", "after", "options", "code", "first"),
    [
        (
            "+" * 100,
            "+" * 100,
            (),
            0,
            "better or equal: no condition loses 5 % of these tasks or more (error at most 5 %)",
        ),
        (
            "+" * 30,
            "-" * 15 + "+" * 15,
            (),
            1,
            "worse: us gets 50 % right, before 100 %, of these 30 tasks (error at most 5 %)",
        ),
        (
            "+" * 30,
            "-" * 15 + "+" * 15,
            ("--beyond",),
            1,
            "worse: us gets 50 % right, before 100 %, of 30 tasks that stand for all like them (error at most 5 %)",
        ),
        ("+" * 10, "+" * 10, ("--no-chance",), 0, "better or equal: no task was lost"),
        ("+" * 10, "-" + "+" * 9, ("--no-chance",), 1, "worse: a task was lost"),
    ],
)
def test_the_exit_code_is_the_answer(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    before: str,
    after: str,
    options: tuple[str, ...],
    code: int,
    first: str,
) -> None:
    """And the first line says it in words."""
    files = stored(tmp_path / "a.json", before), stored(tmp_path / "b.json", after)
    assert execute(["bench", "compare", *files, *options]) == code
    assert capsys.readouterr().out.splitlines()[0] == first


def test_too_few_tasks_end_with_3_and_say_how_many_would_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ten tasks that stayed as they were prove nothing; of three that were lost of ten, more of the same would."""
    file = stored(tmp_path / "a.json", "+" * 10)
    assert execute(["bench", "compare", file, file]) == 3
    first, *_, hint, plan = capsys.readouterr().out.splitlines()
    assert first.startswith("inconclusive: us: a loss of 5 % of these tasks can neither be shown nor ruled out")
    assert hint.startswith("nothing changed:") and hint.endswith("--no-chance decides")
    assert re.fullmatch(r"us: .*, better or equal after about (\d+) runs of each task, as by --seeds \1, or .*", plan)
    assert execute(["bench", "compare", file, stored(tmp_path / "b.json", "---" + "+" * 7)]) == 3
    more = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("us: if it goes on as now"))
    assert re.search(r"worse after about (\d) runs of each task, as by --seeds \1, or \d\d tasks", more)


def test_no_column_is_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the width of the terminal, and however long a name."""
    monkeypatch.setenv("COLUMNS", "40")
    file, name = tmp_path / "a.json", "a condition whose name is long " * 10
    stored(file, "++")
    file.write_text(file.read_text().replace('"us"', json.dumps(name.strip())))
    execute(["bench", "compare", str(file), str(file), "--no-chance"])
    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith(name.strip())]
    assert row.rstrip().endswith("better or equal")


def test_another_suite_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is printed but the reason."""
    files = stored(tmp_path / "a.json", "++"), stored(tmp_path / "b.json", "++", "other")
    assert execute(["bench", "compare", *files]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "a result of suite other" in said.err
    assert execute(["bench", "compare", files[0], files[0], "--margin", "0"]) == 2


def test_json_is_one_object_with_all_that_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is strict JSON: what has no upper end has none."""
    files = stored(tmp_path / "a.json", "+" * 6 + "-" * 3), stored(tmp_path / "b.json", "+" * 9)
    execute(["bench", "compare", *files, "--json"])
    whole = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(name))
    (line,) = whole["lines"]
    assert (whole["answer"], line["runs"], line["odds_interval"][1]) == ("inconclusive", 9, None)
    assert line["changes"] == {f"t{n}": [0, 1, 1] for n in (6, 7, 8)}
    assert line["flips"] == {"negative": 0, "positive": 3 / 9, "inconsistency": 0}
    assert whole["baseline"]["variance"].keys() == {"task", "agent", "seed", "judge", "infrastructure"}


def test_the_page_is_right(tmp_path: Path) -> None:
    """The example of docs/statistics.md is run, and prints what the page shows; its plans are those that are made."""
    page = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), "COLUMNS": "80"}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        subprocess.run([sys.executable, "-c", block], cwd=tmp_path, check=True, env=environment)
    example = re.search(r"^    \$ harness (.*)\n((?:    .*\n|\n)*)", page, re.MULTILINE)
    assert example is not None
    command = [sys.executable, "-m", "harness", *example[1].split()]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (1, "")
    shown = [line.strip() for line in example[2].strip().splitlines()]
    assert [line.strip() for line in done.stdout.splitlines()] == shown
