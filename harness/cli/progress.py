"""How far long work is, shown on stderr where that is a terminal, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_LOOKED_BACK_S: Final = 3600.0  # the pace is that of so long a time, as one thing may take minutes


@contextmanager
def progress(text: str, total: int, done: int = 0) -> Iterator[Callable[[int, str], None]]:
    """Give a function that is told how much of the total is done, and in words what; ``done`` was so before."""
    stderr = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    hidden = not stderr.is_terminal
    with Progress(
        *columns, console=stderr, transient=True, disable=hidden, speed_estimate_period=_LOOKED_BACK_S
    ) as shown:
        bar = shown.add_task(text, total=total, completed=done)
        yield lambda done, now: shown.update(bar, completed=done, description=now)
