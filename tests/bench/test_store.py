"""A folder of results: what is kept, what is gone on with, and what is told of a folder that is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.bench.executor import Done
from harness.bench.runner import run_cells
from harness.bench.store import CELLS, Store, read_stored, stored_cells
from harness.bench.stored import RESULT, TIMES
from harness.bench.suite import Suite
from harness.errors import StoreError, UsageError
from tests.bench.few import suite_of

STANDS = {"suite": "few", "code": {"digest": "1"}}


def logged(folder: Path) -> list[str]:
    """Give the tasks that were done, in order, and forget them."""
    log = folder / "log"
    done = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return done


def run(suite: Suite, folder: Path, *, resume: bool | None = None, stands: dict[str, object] | None = None) -> int:
    """Run a suite into a folder and finish it; give how many cells were measured."""
    with Store(folder, stands or STANDS, resume=resume) as store:
        result = run_cells(suite, suite.cells(), store=store)
        store.finish({"rows": len(result.rows)}, {})
    return len(result.rows)


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(0, 3000))
def test_a_run_cut_off_anywhere_goes_on_to_the_same_rows(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    """Wherever the file of cells ends, those whose lines are whole are not done again, and the others are."""
    folder = tmp_path_factory.mktemp("cut")
    suite = suite_of(5, log=str(folder / "log"))
    cells = list(suite.cells())
    run(suite, folder)
    whole = (folder / CELLS).read_bytes()
    rows = read_stored(folder)
    (folder / CELLS).write_bytes(whole[:cut])
    (folder / RESULT).unlink()
    logged(folder)
    run(suite, folder)
    lines = max(whole[:cut].count(b"\n") - 1, 0)
    assert logged(folder) == [cell.task.name for cell in cells[lines:]]
    again = read_stored(folder)
    assert rows is not None
    assert again is not None
    assert list(again.lines) == list(rows.lines)
    said = {name: line["found"]["said"] for name, line in again.lines.items()}
    assert said == {name: line["found"]["said"] for name, line in rows.lines.items()}


def test_a_finished_run_begins_anew_unless_it_is_resumed(tmp_path: Path) -> None:
    """What is finished is done again by default, and not with resume."""
    suite = suite_of(2, log=str(tmp_path / "log"))
    assert run(suite, tmp_path) == 4
    assert run(suite, tmp_path) == 4
    assert len(logged(tmp_path)) == 8
    assert run(suite, tmp_path, resume=True) == 4
    assert logged(tmp_path) == []
    assert run(suite, tmp_path, resume=False) == 4
    assert len(logged(tmp_path)) == 4


def test_what_could_not_be_measured_is_tried_again(tmp_path: Path) -> None:
    """A broken cell is kept apart with its reason; the next run does it, and nothing else."""
    broken = suite_of(4, log=str(tmp_path / "log"), task_2={"breaks": True})
    assert run(broken, tmp_path) == 6
    stored = read_stored(tmp_path)
    assert stored is not None
    assert [line.get("error", "")[:15] for line in stored.lines.values()].count("ConnectionError") == 2
    logged(tmp_path)
    assert run(suite_of(4, log=str(tmp_path / "log")), tmp_path) == 8
    assert logged(tmp_path) == ["task 2", "task 2"]


def test_cells_of_other_code_are_not_gone_on_with(tmp_path: Path) -> None:
    """By default such a run begins anew; one that was to be resumed is told what is not the same."""
    suite = suite_of(2, log=str(tmp_path / "log"))
    run(suite, tmp_path)
    (tmp_path / RESULT).unlink()
    other = {**STANDS, "code": {"digest": "2"}}
    with pytest.raises(UsageError, match="depend on another code"):
        run(suite, tmp_path, resume=True, stands=other)
    logged(tmp_path)
    assert run(suite, tmp_path, stands=other) == 4
    assert len(logged(tmp_path)) == 4


def test_a_run_begun_anew_leaves_nothing_of_the_old_one(tmp_path: Path) -> None:
    """Traces and reports of before are gone once the first cell of the new run is done."""
    run(suite_of(3), tmp_path)
    assert len(list((tmp_path / "traces").iterdir())) == 6
    with Store(tmp_path, STANDS, resume=False) as store:
        run_cells(suite_of(1), suite_of(1).cells(), store=store)
    assert sorted(path.name for path in tmp_path.iterdir()) == [CELLS, "traces"]
    assert len(list((tmp_path / "traces").iterdir())) == 2


def test_two_runs_never_share_a_folder(tmp_path: Path) -> None:
    """The second is told, while the first is writing; then it may."""
    with Store(tmp_path, STANDS), pytest.raises(UsageError, match="another run writes"):
        Store(tmp_path, STANDS)
    with Store(tmp_path, STANDS):
        pass


def test_a_line_that_is_no_cell_is_told(tmp_path: Path) -> None:
    """Only the last line may be torn; another one is named with its number, and nothing is thrown away."""
    run(suite_of(2), tmp_path)
    lines = (tmp_path / CELLS).read_bytes().splitlines(keepends=True)
    for wrong in (b'{"task":\n', b"[]\n", b'{"task": "one"}\n'):
        (tmp_path / CELLS).write_bytes(b"".join([lines[0], wrong, *lines[1:]]))
        with pytest.raises(StoreError, match=r"cells\.jsonl:2: is no cell"):
            run(suite_of(2), tmp_path, resume=True)
        assert len((tmp_path / CELLS).read_bytes().splitlines()) == 6


def test_stored_cells_are_those_of_their_suite(tmp_path: Path) -> None:
    """They come back as they were; one whose task is no more is told."""
    suite = suite_of(3)
    cells = list(suite.cells())
    with Store(tmp_path, STANDS) as store:
        for cell in cells:
            store.keep(Done(cell, {"number": 1}, "", 0.5))
    stored = read_stored(tmp_path)
    assert stored is not None
    assert list(stored_cells(stored, suite)) == [Done(cell, {"number": 1}, "", 0.5) for cell in cells]
    with pytest.raises(UsageError, match="no task 'task 2' under 'us' any more"):
        list(stored_cells(stored, suite_of(2)))


def test_a_folder_without_results(tmp_path: Path) -> None:
    """Nothing is there before anything is done; a file is no folder."""
    assert read_stored(tmp_path / "none") is None
    (tmp_path / RESULT).touch()
    with pytest.raises(UsageError, match="results cannot be kept there"):
        Store(tmp_path / RESULT, STANDS)


def test_both_files_are_written(tmp_path: Path) -> None:
    """The report and the times are JSON, each with a line end."""
    with Store(tmp_path, STANDS) as store:
        store.finish({"ä": [1]}, {"wall_s": 0.1})
    assert (tmp_path / RESULT).read_text(encoding="utf-8").endswith("}\n")
    assert json.loads((tmp_path / RESULT).read_text(encoding="utf-8")) == {"ä": [1]}
    assert json.loads((tmp_path / TIMES).read_text()) == {"wall_s": 0.1}
