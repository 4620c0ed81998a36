"""Traces and registries on a disk."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Final, cast

from harness.errors import StoreError, TraceError, UsageError
from harness.trace.reader import Reader

SUFFIX: Final = ".mat.jsonl"
_BUFFER_BYTES: Final = 1 << 16


class FileStore:
    """Append the lines of one trace to a file of its own.

    The file must not exist yet, and is locked: two processes never write one trace. Lines wait in a buffer of 64 KiB
    until ``flush``. StoreError says what is safe when the disk refuses; from then on nothing more is taken, because a
    line after one that is torn, or missing, could not be read.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self._place = Path(path).absolute()  # wherever the process goes later
        try:
            self._file = _created(self.path)
        except FileExistsError as error:
            if error.filename == self.path:
                raise _exists(path) from None
            raise _uncreated(path, error) from None
        except OSError as error:
            raise _uncreated(path, error) from None
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._buffer = bytearray()
        self._open = True
        self._named = False  # whether the folder, on the disk, has the file's name
        self._refused: StoreError | None = None

    def append(self, line: bytes) -> None:
        if self._refused is not None:
            raise self._refused
        self._buffer += line
        if len(self._buffer) >= _BUFFER_BYTES:
            self.flush()

    def flush(self, *, disk: bool = False) -> None:
        if self._refused is not None:
            raise self._refused
        if self._buffer and self._open:
            data = bytes(self._buffer)
            self._buffer.clear()
            try:
                write_all(self._file, data)
            except OSError as error:
                raise self._failed(error) from None
        if disk and self._open:
            try:
                os.fsync(self._file)
                if not self._named:
                    sync_folder(self._place)
                    self._named = True
            except OSError as error:
                raise self._failed(error) from None

    def _failed(self, error: OSError) -> StoreError:
        what = f"{self.path}: writing failed ({error.strerror}); every line before this one is safe"
        self._refused = StoreError(what)
        return self._refused

    def close(self) -> None:
        if self._open:
            try:
                if self._refused is None:
                    self.flush()
            finally:
                self._open = False
                os.close(self._file)


def write_all(file: int, data: bytes) -> None:
    """Hand all of some bytes to the operating system, which takes a part where the disk is nearly full."""
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]


def sync_folder(path: str | Path) -> None:
    """Wait until the disk has the names in a file's folder."""
    folder = os.open(Path(path).parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _created(path: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
    try:
        return os.open(path, flags, 0o644)
    except FileNotFoundError:  # the first trace of a folder
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, flags, 0o644)


def _uncreated(path: str | Path, error: OSError) -> StoreError:
    return StoreError(f"{path}: the trace cannot be created: {error.strerror}")


def _exists(path: str | Path) -> UsageError:
    what = "the trace exists already and is never written over"
    return UsageError(what, where=str(path), cure="name another file, or move it")


_last_made: Final[dict[tuple[str, str], int]] = {}
"""The number of the last trace that this process began in a folder under a name."""


def new_store(folder: str | Path, stem: str) -> FileStore:
    """Begin a ``STEM-N.mat.jsonl`` of its own in a folder, whoever else begins one there at the same moment.

    O(traces in the folder) for the first one of a process, then O(1) however many there are.
    """
    folder = Path(folder)
    made = (str(folder.absolute()), stem)
    number = _last_made.get(made, 0)
    if not (number and (folder / f"{stem}-{number:06d}{SUFFIX}").exists()):  # else somebody has tidied up
        number = sum(1 for _ in folder.glob(f"{stem}-*{SUFFIX}")) if folder.is_dir() else 0
    while True:
        number += 1
        try:
            store = FileStore(folder / f"{stem}-{number:06d}{SUFFIX}")
        except UsageError:  # taken, perhaps just now by another thread or process
            continue
        _last_made[made] = number
        return store


@contextlib.contextmanager
def open_trace(path: str | Path) -> Iterator[Reader]:
    """Open a trace file for one pass in constant memory."""
    try:
        with Path(path).open("rb") as file:
            yield Reader(file, str(path))
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        cure = "name a trace file: harness run says which one it has written"
        raise TraceError(str(path), 0, f"cannot be read: {error.strerror}", cure=cure) from None


def trace_files(paths: list[Path]) -> list[Path]:
    """Give the trace files that paths name, folders searched, in the order of their names."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(path.rglob(f"*{SUFFIX}"))
        elif path.exists():
            found.append(path)
        else:
            raise UsageError("no such file or folder", where=str(path))
    if not found:
        raise UsageError(f"no *{SUFFIX} here", where=", ".join(map(str, paths)), cure="was the run recorded elsewhere?")
    return found


def read_text(path: str | Path) -> str:
    """Read a UTF-8 text file; UsageError names what stands in the way."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UsageError("not a text file (UTF-8)", where=str(path)) from None
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(path)) from None


def found_in(path: str | Path, places: Iterable[Path]) -> Path:
    """Give the first file of that name, in the working directory or one of these folders; the name where none is."""
    named = Path(path)
    return next((place / named for place in (Path(), *places) if (place / named).is_file()), named)


def shipped_registries() -> Path:
    """Give the folder of the registries that come with harness, installed or in a checkout."""
    package = Path(cast("os.PathLike[str]", files("harness")))
    shipped = package / "_shipped" / "registries"
    return shipped if shipped.is_dir() else package.parent / "registries"
