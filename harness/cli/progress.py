"""How far long work is, shown on stderr where that is a terminal, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def progress(text: str, total: int) -> Iterator[Callable[[int, str], None]]:
    """Give a function that is told how much of the total is done, and in words what."""
    stderr = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as shown:
        bar = shown.add_task(text, total=total)
        yield lambda done, now: shown.update(bar, completed=done, description=now)
