"""Suites: their cells, how they are found, and what is said where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.bench import suite as suites
from harness.bench.figures import SEED
from harness.bench.runner import chosen
from harness.bench.suite import DATA, Suite, load_suite, suite_names, suites_folder, with_data
from harness.bench.task import Cell, Condition, Task
from harness.errors import UsageError


def suite_of(*tasks: Task, conditions: Sequence[Condition] = (Condition("us"),)) -> Suite:
    """Give a suite whose cells find nothing."""
    return Suite("few", "1", "A few", tasks, tuple(conditions), lambda cell, folder: {}, lambda rows: {})


def told(cells: Any) -> list[tuple[str, str, int]]:
    """Give cells as what a reader knows them by."""
    return [(cell.task.name, cell.condition.name, cell.seed - SEED) for cell in cells]


def test_a_seeded_task_is_done_for_every_seed_and_another_one_once() -> None:
    """Three seeds make three cells of a task that depends on chance, and one of a task that does not."""
    suite = suite_of(Task("fixed", "a"), Task("drawn", "a", seeded=True))
    assert told(suite.cells(3)) == [("fixed", "us", 0), ("drawn", "us", 0), ("drawn", "us", 1), ("drawn", "us", 2)]


def test_a_condition_does_the_tasks_of_its_groups() -> None:
    """A condition that names groups is given their tasks only; one that names none is given all."""
    suite = suite_of(Task("one", "a"), Task("two", "b"), conditions=(Condition("us"), Condition("them", ("b",))))
    assert told(suite.cells()) == [("one", "us", 0), ("two", "us", 0), ("two", "them", 0)]


def test_recorded_trials_are_the_cells_of_a_task() -> None:
    """A task that was done before has one cell for each trial of each condition, however many seeds are asked for."""
    task = Task("one", "a", trials={"us": (4, 9)})
    cells = suite_of(task, conditions=(Condition("us"), Condition("them"))).cells(3)
    assert [(cell.condition.name, cell.seed) for cell in cells] == [("us", 4), ("us", 9)]


def test_a_folder_of_data_gives_a_suite_its_tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of the option comes before that of the environment; without either a suite stays as it is."""
    monkeypatch.delenv(DATA, raising=False)
    suite = replace(suite_of(Task("one", "a")), given=lambda folder: suite_of(Task(folder.name, "a")))
    assert with_data(suite, None) is suite
    monkeypatch.setenv(DATA, str(tmp_path))
    assert with_data(suite, None).tasks[0].name == tmp_path.name
    (tmp_path / "other").mkdir()
    assert with_data(suite, tmp_path / "other").tasks[0].name == "other"


def test_data_that_cannot_be_taken_is_told_with_a_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A suite that takes none, one that has no tasks without, and a folder that is not there end with what to do."""
    monkeypatch.delenv(DATA, raising=False)
    with pytest.raises(UsageError, match="few takes no data"):
        with_data(suite_of(Task("one", "a")), tmp_path)
    empty = replace(suite_of(), given=lambda folder: suite_of(), needs=("talks",))
    with pytest.raises(UsageError, match=r"needs talks\n.*--data DIR"):
        with_data(empty, None)
    with pytest.raises(UsageError, match="nowhere: there is no such folder"):
        with_data(empty, tmp_path / "nowhere")


def test_what_a_suite_needs_is_named_where_a_name_is_none_of_it() -> None:
    """It may have more conditions where that is there."""
    suite = replace(suite_of(Task("one", "a")), needs=("KEY for the condition model",))
    with pytest.raises(UsageError, match=r"no condition is named 'model'\n.*needs KEY for the condition model"):
        chosen(suite, suite.cells(), (), ("model",))


def test_a_suite_is_put_together_rightly_or_not_at_all() -> None:
    """Two tasks of one name, and no seeds at all, are told to whoever asks for them."""
    with pytest.raises(UsageError, match="2 tasks are named 'one'"):
        suite_of(Task("one", "a"), Task("one", "b"))
    for name in ("", "a/b", "../other", ".hidden"):
        with pytest.raises(UsageError, match="cannot name a suite"):
            replace(suite_of(), name=name)
    with pytest.raises(UsageError, match="0 seeds"):
        list(suite_of(Task("one", "a")).cells(0))


def test_a_cell_names_itself_in_its_row() -> None:
    """A row begins with the task, its group, the condition and the seed."""
    facts = Cell(Task("one", "a"), Condition("us"), 7).facts
    assert facts == {"task": "one", "group": "a", "condition": "us", "seed": 7}


def test_suites_are_found_by_name() -> None:
    """The router's suite is among those that come with harness, and is loaded once."""
    assert "router" in suite_names()
    assert load_suite("router").name == "router"
    assert load_suite("router") is load_suite("router")


@pytest.mark.parametrize(("name", "cure"), [("ruter", "did you mean 'router'"), ("xyz", "suites: .*router")])
def test_a_suite_that_is_nowhere_is_told_with_a_cure(name: str, cure: str) -> None:
    """An unknown name is answered with the nearest one, or with all there are."""
    with pytest.raises(UsageError, match=cure):
        load_suite(name)


def test_a_package_without_a_suite_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that only looks like a suite is named, with what it lacks; one that breaks breaks again next time."""
    for name, text in {"empty": "", "halting": "1 / 0"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(text)
    monkeypatch.setattr(suites, "suites_folder", lambda: tmp_path)
    assert suite_names() == ["empty", "halting"]
    with pytest.raises(UsageError, match="empty defines no SUITE"):
        load_suite("empty")
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            load_suite("halting")


def test_suites_of_a_checkout_stand_beside_the_package() -> None:
    """In a checkout the suites are those under benchmarks/."""
    assert suites_folder() == Path(__file__).parents[2] / "benchmarks" / "suites"
