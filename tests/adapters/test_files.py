"""Traces on a disk."""

from __future__ import annotations

import multiprocessing
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.adapters.files import FileStore, new_store, open_trace, trace_files
from harness.adapters.private import PrivateFile, read_private
from harness.door.app import Harness
from harness.errors import StoreError, TraceError, UsageError


def test_lines_reach_the_operating_system_when_flushed(tmp_path: Path) -> None:
    """What was appended is in the file after a flush, in order, and not necessarily before."""
    store = FileStore(tmp_path / "t.mat.jsonl")
    store.append(b"one\n")
    assert (tmp_path / "t.mat.jsonl").read_bytes() == b""
    store.flush(disk=True)
    store.append(b"two\n")
    store.close()
    store.close()
    assert (tmp_path / "t.mat.jsonl").read_bytes() == b"one\ntwo\n"


def test_a_long_run_does_not_wait_for_a_flush_in_memory(tmp_path: Path) -> None:
    """The buffer is bounded: a long run without flushes is on its way to the disk."""
    store = FileStore(tmp_path / "t.mat.jsonl")
    for _ in range(1000):
        store.append(b"x" * 200)
    assert (tmp_path / "t.mat.jsonl").stat().st_size > 100_000
    store.close()


def test_an_existing_trace_is_never_written_over(tmp_path: Path) -> None:
    """A second writer of the same file is refused with the cure, and the file stays as it was."""
    (tmp_path / "t.mat.jsonl").write_bytes(b"precious\n")
    with pytest.raises(UsageError, match="never written over"):
        FileStore(tmp_path / "t.mat.jsonl")
    assert (tmp_path / "t.mat.jsonl").read_bytes() == b"precious\n"


def _create(folder: Path, count: int) -> list[str]:
    stores = [new_store(folder, "run") for _ in range(count)]
    for store in stores:
        store.close()
    return [store.path for store in stores]


def test_numbers_go_on_and_begin_anew(tmp_path: Path) -> None:
    """Traces are numbered on, past those of others, and from 1 again in a folder that was emptied."""
    assert [Path(path).name[4:10] for path in _create(tmp_path, 2)] == ["000001", "000002"]
    (tmp_path / "run-000003.mat.jsonl").touch()
    (fourth,) = _create(tmp_path, 1)
    assert Path(fourth).name[4:10] == "000004"
    for path in list(tmp_path.iterdir()):
        path.unlink()
    (first,) = _create(tmp_path, 1)
    assert Path(first).name[4:10] == "000001"


def test_processes_that_start_at_once_never_share_a_file(tmp_path: Path) -> None:
    """Four processes that create traces in one folder at the same moment get a file each, every time."""
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        paths = [path for created in pool.starmap(_create, [(tmp_path, 25)] * 4) for path in created]
    assert len(set(paths)) == 100 == len(list(tmp_path.iterdir()))


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A trace below a file, where no folder can be, is an error of the disk with its reason."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be created"):
        FileStore(tmp_path / "file" / "t.mat.jsonl")


def test_a_trace_stays_where_it_was_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that goes to another folder goes on with the same file, and keeps its secrets beside it."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    store, private = FileStore("runs/t.mat.jsonl"), PrivateFile("runs/t.mat.jsonl")
    monkeypatch.chdir(tmp_path / "elsewhere")
    store.append(b"one\n")
    store.flush(disk=True)
    private.keep("one", b"1")
    store.close()
    private.close()
    assert (tmp_path / "runs" / "t.mat.jsonl").read_bytes() == b"one\n"
    assert read_private(tmp_path / "runs" / "t.mat.jsonl") == {"⟦secret:one:1⟧": b"1"}


@contextmanager
def files_up_to(size_bytes: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size, as if the disk were full there."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_nothing_is_written_behind_a_torn_line(tmp_path: Path) -> None:
    """Once the disk has refused, a trace takes no more, also when there is room again: the torn line stays the last."""
    path, private = tmp_path / "t.mat.jsonl", PrivateFile(str(tmp_path / "t"))
    store = FileStore(path)
    store.append(b"one\n")
    store.flush()
    private.keep("one", b"1")
    with files_up_to(30):
        store.append(b"two" * 20 + b"\n")
        with pytest.raises(StoreError, match="every line before this one is safe"):
            store.flush()
        with pytest.raises(StoreError, match="cannot be kept"):
            private.keep("two", b"2")
    with pytest.raises(StoreError):
        store.append(b"three\n")
    with pytest.raises(StoreError):
        private.keep("three", b"3")
    store.close()
    private.close()
    assert path.read_bytes() == b"one\n" + (b"two" * 20)[:26]
    assert read_private(tmp_path / "t") == {"⟦secret:one:1⟧": b"1"}


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A missing trace and a folder in place of one are clear errors."""
    for path in (tmp_path / "missing.mat.jsonl", tmp_path):
        with pytest.raises(TraceError, match="cannot be read"), open_trace(path):
            pass
    with pytest.raises(UsageError):
        trace_files([tmp_path])


def test_a_hundred_megabytes_in_one_argument_are_recorded_and_read_back(tmp_path: Path) -> None:
    """Size is no reason to lose anything: a huge argument is one long line, read back whole."""
    app = Harness(traces=tmp_path, durability="none")

    @app.tool(effect="read")
    def measure(text: str) -> int:
        return len(text)

    huge = "ab" * 50_000_000
    with app.session() as session:
        assert measure(huge) == len(huge)
    with open_trace(session.trace.path) as reader:
        lengths = [len(event.body["args"]["text"]) for event in reader if event.kind == "action"]
    assert lengths == [len(huge)]
