"""Whoever does the cells, however many at a time and whatever dies on the way, the result is the same."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.bench.executor import (
    Answer,
    Done,
    Executor,
    addresses,
    cell_at,
    chunks,
    done_of,
    pack,
    trace_name,
    unpack,
)
from harness.bench.local import Here, Pool
from harness.bench.ray import OnRay, _batch, _digests, _Order
from harness.bench.runner import parted, reported, result_of, run_cells
from harness.bench.store import Store, write_report
from harness.bench.suite import Suite, load_suite, suites_folder
from harness.bench.task import Cell, Condition, Task
from harness.errors import UsageError
from tests.bench.few import suite_of
from tests.bench.killed import files_in, finished, gone, log_of, started

STANDS = {"of": "the test", "code": {"version": "1"}}


@pytest.fixture(scope="module")
def on_ray() -> Iterator[Executor]:
    """Give an executor on a cluster of two workers, which stays for all tests."""
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'agent-assurance-harness[ray]'")
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    yield OnRay(workers=2)
    ray.shutdown()
    monkeypatch.undo()


@pytest.fixture(params=["pool", "ray"])
def elsewhere(request: pytest.FixtureRequest) -> Executor:
    """Give each executor that does cells in other processes."""
    return Pool(2) if request.param == "pool" else request.getfixturevalue("on_ray")


def files_of(folder: Path, suite: Suite, cells: list[Cell], executor: Executor) -> dict[str, bytes]:
    """Run cells into a folder; give the bytes of its report and of every trace."""
    with Store(folder, STANDS, resume=False) as store:
        result = run_cells(suite, cells, executor=executor, store=store)
    report = reported(suite, result, suite.figures(result.rows), STANDS)
    write_report(folder, *parted(suite, result, report))
    files = [folder / "result.json", *sorted((folder / "traces").glob("*"))]
    return {path.name: path.read_bytes() for path in files}


def test_the_files_are_the_same_whoever_does_the_cells(tmp_path: Path, elsewhere: Executor) -> None:
    """Rows, figures and traces are byte for byte those of one process, a broken cell among them."""
    suite = suite_of(task_4={"breaks": True})
    here = files_of(tmp_path / "here", suite, list(suite.cells(2)), Here())
    there = files_of(tmp_path / "there", suite, list(reversed(list(suite.cells(2)))), elsewhere)
    assert there == here
    assert len(here) == 1 + 2 * (30 + 10) - 2
    assert b"ConnectionError: no disk" in here["result.json"]


def test_traces_of_virtual_time_are_the_same_whoever_does_the_cells(tmp_path: Path, elsewhere: Executor) -> None:
    """What harness records of an agent that sleeps, draws and calls has the same bytes, and follows the seed."""
    suite = suite_of(4, traced=True)
    here = files_of(tmp_path / "here", suite, list(suite.cells(2)), Here())
    assert files_of(tmp_path / "there", suite, list(suite.cells(2)), elsewhere) == here
    one, other = (content for name, content in here.items() if name.startswith("us.task-3"))
    assert b'"surface":"tool"' in one
    assert one != other


def test_a_suite_of_files_writes_the_same_whoever_does_the_cells(tmp_path: Path, elsewhere: Executor) -> None:
    """Ten tasks of an agent with a scripted model, asked over HTTP, have the same report and the same traces."""
    folder = shutil.copytree(suites_folder() / "openai_smoke", tmp_path / "desk")
    (folder / "scripted.py").write_text("from tests.benchmarks.test_openai_smoke import right\n", encoding="utf-8")
    head, tasks, rest = (folder / "suite.yaml").read_text(encoding="utf-8").partition("tasks:")
    kept = [line for line in head.splitlines() if line.startswith(("suite", "version", "rules", "agent", "state"))]
    agent = (folder / "openai_smoke_agent.py").read_text(encoding="utf-8")
    (folder / "openai_smoke_agent.py").write_text(
        agent.replace('os.environ["HARNESS_MODEL"]', "'scripted'"), encoding="utf-8"
    )
    declared = "\n".join([*kept, "model: scripted:right", tasks]) + rest
    (folder / "suite.yaml").write_text(declared, encoding="utf-8")
    suite = load_suite(str(folder))
    here = files_of(tmp_path / "here", suite, list(suite.cells()), Here())
    assert len(here) == 11
    assert json.loads(here["result.json"])["figures"]["passed"]["value"] == 10
    assert files_of(tmp_path / "there", suite, list(suite.cells()), elsewhere) == here


@pytest.mark.parametrize(
    ("name", "tasks"), [("router", ("CS-1", "TB-2", "d1", "generated 003")), ("adversary", ("moves",))]
)
def test_a_suite_finds_the_same_elsewhere(
    tmp_path: Path, elsewhere: Executor, name: str, tasks: tuple[str, ...]
) -> None:
    """Tasks of two suites that come with harness have the same rows in other processes as in this one."""
    if name == "adversary":
        pytest.importorskip("chess", reason="chess is not there: pip install 'agent-assurance-harness[bench]'")
    suite = load_suite(name)
    cells = [few(cell) for cell in suite.cells() if cell.task.name.lower() in {task.lower() for task in tasks}]
    few_suite = Suite(
        suite.name,
        suite.version,
        suite.title,
        tuple(dict.fromkeys(cell.task for cell in cells)),
        suite.conditions,
        suite.run,
        suite.figures,
    )
    assert len(cells) >= 2
    here = run_cells(few_suite, cells)
    assert here.broken == ()
    assert run_cells(few_suite, cells, executor=elsewhere) == here


def few(cell: Cell) -> Cell:
    """Give a cell of the adversary with fewer tries; another one as it is."""
    data = {**cell.task.data, **({"tries": 3} if "tries" in cell.task.data else {})}
    return cell._replace(task=Task(cell.task.name, cell.task.group, data, cell.task.seeded))


def test_a_cell_that_kills_its_process_is_the_only_one_lost(tmp_path: Path, elsewhere: Executor) -> None:
    """All others are measured, each once more at most; what is lost says how."""
    suite = suite_of(task_7={"dies_without": str(tmp_path / "medicine")}, log=str(tmp_path / "log"))
    cells = list(suite.cells())
    result = run_cells(suite, cells, executor=elsewhere)
    assert {one.cell.task.name for one in result.broken} == {"task 7"}
    assert all("Worker" in one.error for one in result.broken)
    assert len(result.rows) == len(cells) - 2
    (tmp_path / "medicine").touch()
    assert [row.cell for row in run_cells(suite, cells, executor=elsewhere).rows] == cells


def test_a_cell_that_ends_the_program_ends_itself(elsewhere: Executor) -> None:
    """What calls sys.exit could not be measured, wherever it is done; the run goes on and tells of it."""
    suite = suite_of(3, task_1={"exits": 0})
    here = run_cells(suite, suite.cells())
    assert {(one.cell.task.name, one.error) for one in here.broken} == {("task 1", "SystemExit: 0")}
    assert len(here.rows) == 4
    assert run_cells(suite, suite.cells(), executor=elsewhere).broken == here.broken


def test_a_row_names_no_other_cell_than_its_own() -> None:
    """What a suite finds may repeat the name of its cell; another one could not be measured, and says why."""
    suite = suite_of(3, task_0={"says": {"task": "task 0"}}, task_1={"says": {"seed": 7}})
    result = run_cells(suite, suite.cells())
    assert {one.cell.task.name for one in result.broken} == {"task 1"}
    assert "what was found says 'seed' too" in result.broken[0].error


def test_a_cell_that_goes_to_another_folder_takes_nothing_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its trace, those after it and the report are kept where they were to be, though that folder is named in short."""
    for where in ("here", "there"):
        (tmp_path / where).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    suite = suite_of(3, task_1={"goes_to": str(tmp_path / "there")})
    assert len(files_of(Path("out"), suite, list(suite.cells()), Here())) == 1 + 6
    assert list((tmp_path / "there").iterdir()) == []


def test_the_pool_says_how_a_process_ended(tmp_path: Path) -> None:
    """The signal is named, and no other cell is done twice."""
    suite = suite_of(task_7={"dies_without": str(tmp_path / "medicine")}, log=str(tmp_path / "log"))
    result = run_cells(suite, suite.cells(), executor=Pool(2))
    assert {one.error for one in result.broken} == {"WorkerDied: its process was ended by SIGKILL"}
    assert sorted((tmp_path / "log").read_text().split("\n")) == sorted(
        [*(cell.task.name for cell in suite.cells()), ""]
    )


def test_a_dead_worker_is_noticed_though_a_child_of_it_lives(tmp_path: Path) -> None:
    """A process that a cell has forked, and that lives on, does not keep the run waiting for an answer."""
    suite, began = suite_of(1, leaves_a_child=True, dies_without=str(tmp_path / "medicine")), time.monotonic()
    assert len(run_cells(suite, suite.cells(), executor=Pool(1)).broken) == 2
    assert time.monotonic() - began < 30


def test_what_cannot_travel_is_told_before_anything_is_done(elsewhere: Executor) -> None:
    """A suite with a function that has no name elsewhere is the caller's mistake, with a cure."""
    suite = Suite("few", "1", "", (Task("one", "a"),), (Condition("us"),), lambda cell, folder: {}, lambda rows: {})
    with pytest.raises(UsageError, match="cannot be sent to other processes") as told:
        run_cells(suite, suite.cells(), executor=elsewhere)
    assert "at the top of a module" in told.value.cure


def test_what_is_not_there_elsewhere_is_told(tmp_path: Path, elsewhere: Executor) -> None:
    """A worker that cannot load the suite ends the run with a usage error, and is no broken cell."""
    from harness.bench.suite import PREFIX, load_module

    file = tmp_path / "__init__.py"
    file.write_text("def run(cell, folder):\n    return {}\n\n\ndef figures(rows):\n    return {}\n")
    module = load_module(f"{PREFIX}gone_{tmp_path.name}", file)
    suite = Suite("gone", "1", "", (Task("one", "a"),), (Condition("us"),), module.run, module.figures)
    file.write_text("import no_such_module\n")
    with pytest.raises(UsageError, match=r"no_such_module|another suite"):
        run_cells(suite, suite.cells(), executor=elsewhere)


def test_workers_of_ray_have_the_same_code_or_none(
    tmp_path: Path, on_ray: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cells are done where the digests are the same; where they are not, the run ends and says what to do about it."""
    from harness.bench.suite import PREFIX, load_module

    text = "def run(cell, folder):\n    return {}\n\n\ndef figures(rows):\n    return {}\n"
    (tmp_path / "__init__.py").write_text(text)
    module = load_module(f"{PREFIX}other_{tmp_path.name}", tmp_path / "__init__.py")
    suite = Suite("other", "1", "", (Task("one", "a"),), (Condition("us"),), module.run, module.figures)
    assert [done.found for done in on_ray.do(suite, list(suite.cells()), None)] == [{}]
    monkeypatch.setattr("harness.bench.ray.code_digest", lambda: "that of another harness")
    with pytest.raises(UsageError, match="another harness") as told:
        list(on_ray.do(suite, list(suite.cells()), None))
    assert "on every node" in told.value.cure


def test_traces_go_to_a_url(tmp_path: Path, elsewhere: Executor) -> None:
    """By fsspec they are where a URL says, with the bytes they have in a folder; rows are the same."""
    pytest.importorskip("fsspec", reason="fsspec is not installed: pip install 'agent-assurance-harness[ray]'")
    suite = suite_of(6)
    at_url = run_cells(suite, suite.cells(), executor=elsewhere, traces=f"file://{tmp_path}/far")
    in_folder = run_cells(suite, suite.cells(), traces=str(tmp_path / "near"))
    assert [row.cell for row in at_url.rows] == [row.cell for row in in_folder.rows]
    assert [row.found["trace"] for row in at_url.rows] == [row.found["trace"] for row in in_folder.rows]
    far, near = ({path.name: path.read_bytes() for path in (tmp_path / of).iterdir()} for of in ("far", "near"))
    assert far == near
    assert len(far) == 12


def test_traces_in_memory_are_those_of_whoever_started_the_run(elsewhere: Executor) -> None:
    """What is in the memory of a worker would be lost with it: such traces come back."""
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed: pip install fsspec")
    memory, suite = fsspec.filesystem("memory"), suite_of(3)
    result = run_cells(suite, suite.cells(), executor=elsewhere, traces="memory://few/traces")
    names = [row.found["trace"].removeprefix("traces/") for row in result.rows]
    assert len(names) == 6
    assert {path.rpartition("/")[2] for path in memory.ls("/few/traces", detail=False)} == set(names)
    memory.rm("/few", recursive=True)


@pytest.mark.parametrize("url", ["nowhere://traces", "dropbox://traces", "file:///dev/null/traces"])
def test_a_place_for_traces_that_is_none_is_told_before_anything_is_done(tmp_path: Path, url: str) -> None:
    """A kind of URL nobody knows, one whose package is missing and a place nobody may write to have a cure."""
    pytest.importorskip("fsspec", reason="fsspec is not installed: pip install fsspec")
    suite = suite_of(1, log=str(tmp_path / "log"))
    for executor in (Here(), Pool(2)):
        with pytest.raises(UsageError, match=r"traces cannot be kept there|no package for such a URL") as told:
            run_cells(suite, suite.cells(), executor=executor, traces=url)
        assert told.value.where == url
        assert told.value.cure
    assert not (tmp_path / "log").exists()


def test_a_trace_that_cannot_be_put_away_is_no_measurement() -> None:
    """What stops it is told of its cell, as it is where the cell is done."""

    def full(trace: bytes, name: str) -> None:
        raise OSError(28, "No space left on device")

    cell = next(suite_of(1).cells())
    answer = Answer({"number": 1}, "", 0.5, {"one.mat.jsonl": b"{}"})
    assert done_of(cell, answer, full) == Done(cell, None, "OSError: [Errno 28] No space left on device", 0.5)


def test_a_batch_comes_back_after_a_second() -> None:
    """Of cells that take longer, a worker tells those that are done, one at least, and no minute of work is lost."""
    suite = suite_of(3, wait_s=0.6)
    order = _Order(pack(suite), _digests(suite), Path.cwd(), None, carried=False)
    found = _batch(order, addresses(suite, list(suite.cells())))
    assert isinstance(found, list)
    assert [answer.found is not None for answer in found] == [True, True]


def test_a_run_on_ray_that_was_killed_goes_on(tmp_path: Path, on_ray: Executor) -> None:
    """Killed with its driver, and with a worker of the next run, it ends with all cells measured, few of them again."""
    import ray

    options = ("--executor", "ray", "--address", ray.get_runtime_context().gcs_address)
    process = started(tmp_path, *options)
    log = log_of(tmp_path, 40)
    process.kill()
    process.communicate(timeout=60)
    gone(log)
    before = log_of(tmp_path, 40)
    kept = (tmp_path / "out" / "cells.jsonl").read_bytes().count(b"\n") - 1
    assert 0 < kept < len(before) < 100
    process = started(tmp_path, *options)
    pid, _task = log_of(tmp_path, len(before) + 10)[-1]
    os.kill(int(pid), signal.SIGKILL)
    said, _ = process.communicate(timeout=120)
    assert (process.returncode, "100 cells measured" in said) == (0, True)
    batch = len(max(chunks(range(100 - kept), 2), key=len))
    assert len(log_of(tmp_path, 100)) - len(before) <= 100 - kept + batch
    on_ray_at_last = files_in(tmp_path / "out")
    assert finished(tmp_path, "--fresh", "--workers", "2")[0] == 0
    assert files_in(tmp_path / "out") == on_ray_at_last


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1:99999"])
def test_a_cluster_that_is_not_there_is_told_at_once(address: str) -> None:
    """Ray itself would try for more than a minute; nothing is done, Ray or no Ray."""
    suite = suite_of(1)
    with pytest.raises(UsageError, match="no cluster can be reached") as told:
        list(OnRay(address).do(suite, list(suite.cells()), None))
    assert told.value.where == address


@pytest.mark.parametrize("executor", [Pool, partial(OnRay, "")])
def test_an_executor_has_a_worker(executor: Callable[[int], Executor]) -> None:
    """No workers are the caller's mistake."""
    with pytest.raises(UsageError, match="0 workers"):
        executor(0)


@given(st.integers(0, 3000), st.integers(1, 64))
def test_chunks_are_all_cells_in_order_and_never_large(number: int, workers: int) -> None:
    """Nothing is lost or done twice, and no chunk is so large that the others would wait for it."""
    cell = next(suite_of(1).cells())
    cells = [cell._replace(seed=seed) for seed in range(number)]
    given_out = list(chunks(cells, workers))
    assert [one for chunk in given_out for one in chunk] == cells
    assert all(1 <= len(chunk) <= max(min(100, number // (8 * workers)), 1) for chunk in given_out)


def test_cells_and_suites_travel() -> None:
    """A cell is the same when its address is looked up in the suite that arrived, and so is the suite."""
    suite = load_suite("router")
    arrived = unpack(pickle.loads(pickle.dumps(pack(suite))))
    assert arrived == suite
    cells = list(suite.cells(2))
    assert [cell_at(arrived, address) for address in addresses(suite, cells)] == cells


@given(st.lists(st.tuples(st.text(), st.text(), st.integers()), unique=True, max_size=5))
def test_traces_of_two_cells_never_share_a_name(named: list[tuple[str, str, int]]) -> None:
    """Names that look alike when only letters are left, or are very long, are told apart."""
    names = {trace_name(Cell(Task(task, "a"), Condition(who), seed), "run.mat.jsonl") for task, who, seed in named}
    assert len(names) == len(named)
    assert all(name.endswith(".mat.jsonl") and "/" not in name and len(name) < 130 for name in names)


def test_what_is_not_json_is_no_row() -> None:
    """A number that JSON has not stops the measurement of its cell, with its place."""
    suite = suite_of(1)
    (row, *_) = run_cells(
        Suite("few", "1", "", suite.tasks, suite.conditions, lambda c, f: {"x": float("nan")}, suite.figures),
        suite.cells(),
    ).broken
    assert "NotRecordable" in row.error
    assert "/x" in row.error


def test_an_error_of_any_text_is_kept(tmp_path: Path) -> None:
    """One with half a character in it is told of its cell, and ends no run."""

    def stops(cell: Cell, folder: Path) -> dict[str, Any]:
        raise OSError("no file caf\udce9")

    few = suite_of(1)
    suite = Suite("few", "1", "", few.tasks, few.conditions, stops, few.figures)
    with Store(tmp_path, STANDS) as store:
        result = run_cells(suite, suite.cells(), store=store)
    assert {one.error for one in result.broken} == {"OSError: no file caf\\udce9"}


def test_a_result_is_in_the_suites_order() -> None:
    """What is done in another order comes back in that of tasks, conditions and seeds."""
    suite = suite_of(5)
    cells = list(suite.cells(2))
    done = [Done(cell, {"number": 1}, "", 0.1) for cell in reversed(cells)]
    assert [row.cell for row in result_of(suite, done).rows] == cells
