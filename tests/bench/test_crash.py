"""A run whose processes are killed, and that is run again, has the files of one that was left alone."""

from __future__ import annotations

import os
import shlex
import signal
from pathlib import Path

import pytest

from tests.bench.killed import files_in, finished, gone, log_of, same_but_for_the_log, started


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Give the files of a run that nobody killed, of the same suite: it stands at the same place in each test."""
    folder = tmp_path_factory.mktemp("untouched")
    assert finished(folder, "--workers", "2")[0] == 0
    return files_in(folder / "out")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_run_that_was_killed_goes_on(tmp_path: Path, untouched: dict[str, bytes], workers: str) -> None:
    """After kill -9 the next run does what was not done, and the files are as if nothing had happened."""
    process = started(tmp_path, "--workers", workers)
    log_of(tmp_path, 30)
    process.kill()
    process.communicate(timeout=60)
    assert not (tmp_path / "out" / "result.json").exists()
    gone(log_of(tmp_path, 30))
    kept = (tmp_path / "out" / "cells.jsonl").read_bytes().count(b"\n") - 1
    before = len(log_of(tmp_path, 30))
    assert kept >= 20
    assert finished(tmp_path, "--workers", workers)[0] == 0
    assert len(log_of(tmp_path, 30)) - before == 100 - kept
    assert same_but_for_the_log(files_in(tmp_path / "out"), untouched)
    again = files_in(tmp_path / "out")
    assert finished(tmp_path, "--fresh")[0] == 0
    assert files_in(tmp_path / "out") == again


def test_a_worker_that_was_killed_costs_one_cell(tmp_path: Path, untouched: dict[str, bytes]) -> None:
    """The run ends with 5 and says which cell it could not measure; the next run does that one, and no other."""
    process = started(tmp_path, "--workers", "2")
    pid, _task = log_of(tmp_path, 30)[-1]
    os.kill(int(pid), signal.SIGKILL)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 5
    assert "WorkerDied: its process was ended by SIGKILL" in said
    assert "99 cells measured, 1 cell could not be measured" in said
    begun = len(log_of(tmp_path, 99))  # the one that was lost may not have come to its first line
    assert begun in (99, 100)
    assert finished(tmp_path)[0] == 0
    assert len(log_of(tmp_path, 99)) == begun + 1
    assert same_but_for_the_log(files_in(tmp_path / "out"), untouched)


def test_an_interrupted_run_keeps_what_is_done_and_says_how_it_goes_on(tmp_path: Path) -> None:
    """After Ctrl-C no process and no folder of a cell is left, and the command that was told does the rest."""
    process = started(tmp_path, "--workers", "2", "--fresh")
    log_of(tmp_path, 30)
    os.killpg(process.pid, signal.SIGINT)
    said, told = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "")
    kept = (tmp_path / "out" / "cells.jsonl").read_bytes().count(b"\n") - 1
    before = log_of(tmp_path, 30)
    assert not any(Path(f"/proc/{pid}").exists() for pid, _ in before)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "out", "slow"]
    first, second, *rest = told.splitlines()
    assert (first, rest) == (f"interrupted after {kept} of 100 cells", [])
    options = shlex.split(second.removeprefix("    go on  harness bench run slow"))
    assert options == ["--out", str(tmp_path / "out"), "--workers", "2"]
    assert finished(tmp_path, *options)[0] == 0
    assert len(log_of(tmp_path, 30)) - len(before) == 100 - kept


def test_nothing_that_a_killed_run_has_started_is_left(tmp_path: Path) -> None:
    """Workers, and what their cells have started, are gone at once, though nobody told them to end."""
    process = started(tmp_path, "--workers", "2", sleeper="task 3")
    log = log_of(tmp_path, 20)
    (sleeper,) = (pid for pid, task in log if task == "task 3")
    (child,) = Path(f"/proc/{sleeper}/task/{sleeper}/children").read_text().split()
    assert str(process.pid) not in {pid for pid, _ in log}
    process.kill()
    process.communicate(timeout=60)
    gone([*log, [child, ""]])
