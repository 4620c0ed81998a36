"""Which trace goes on with which: a killed run is resumed once, by one process.

A run that is resumed twice would act twice. So whoever resumes holds the lock of the old trace, which its writer held
while it lived, and writes beside it which trace has taken over: ``TRACE.resumed``. The old trace itself is not touched.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Final

from harness.adapters.files import SUFFIX, sync_folder
from harness.errors import StoreError, UsageError

_NUMBERED: Final = re.compile(r"\.(resumed|fork|shrunk)-\d+$")


@contextmanager
def held(trace: str | Path) -> Iterator[None]:
    """Hold the lock of a trace; UsageError where its run, or somebody who resumes it, is still alive."""
    try:
        file = os.open(trace, os.O_RDONLY)
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(trace)) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise UsageError(
            "the run is still alive, or is being resumed",
            where=str(trace),
            cure="wait for its end; a process that it has started may hold the trace too",
        ) from None
    finally:
        os.close(file)


def taken_over_by(trace: str | Path) -> Path | None:
    """Give the trace that goes on with this one, if there is one."""
    try:
        return Path(_claim(trace).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def take_over(trace: str | Path, successor: str | Path) -> None:
    """Write, for good, which trace goes on with this one; StoreError where that cannot be written."""
    claim, draft = _claim(trace), _claim(trace).with_suffix(".draft")
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(str(Path(successor).resolve()))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(claim)
        sync_folder(claim)
    except OSError as error:
        why = f"{claim}: it cannot be written which trace goes on ({error.strerror}); nothing was done"
        raise StoreError(why) from None


def give_back(trace: str | Path, successor: str | Path) -> None:
    """Take back that a trace goes on with this one, where it has not gone on, and remove it."""
    _claim(trace).unlink()
    sync_folder(_claim(trace))  # first: a trace that is left over without its claim is not resumed
    Path(successor).unlink()
    Path(f"{successor}.secrets").unlink(missing_ok=True)


def next_name(trace: str | Path, what: str = "resumed") -> Path:
    """Name a trace that comes from this one: ``NAME.resumed-1.mat.jsonl``, or the next that is free."""
    stem = _NUMBERED.sub("", Path(trace).name.removesuffix(SUFFIX))
    names = (Path(trace).with_name(f"{stem}.{what}-{number}{SUFFIX}") for number in count(1))
    return next(name for name in names if not name.exists())


def _claim(trace: str | Path) -> Path:
    return Path(f"{trace}.resumed")
