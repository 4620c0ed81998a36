"""Whether code runs because Python frees something, at a moment that is not the agent's choice.

What nobody holds any more is freed at once, which is the same in every run. What holds itself in a circle waits for the
collector, and the rest of an asynchronous generator for the event loop: both come when they come.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import threading
from typing import Any


class _Collector(threading.local):
    """Whether the collector is at work in the calling thread."""

    at_work = False


_collector = _Collector()


def _noted(phase: str, _: dict[str, int]) -> None:
    _collector.at_work = phase == "start"


@functools.cache
def watch() -> None:
    """Take note from now on of when the collector is at work: to be called before what it may end is made."""
    gc.callbacks.append(_noted)


def is_freeing() -> bool:
    """Tell whether the code here runs because the collector or an event loop ends what was left behind."""
    if _collector.at_work:
        return True
    task = None if asyncio._get_running_loop() is None else asyncio.current_task()
    return task is not None and ends_generator(task.get_coro())


def ends_generator(coro: Any) -> bool:
    """Tell whether a task's coroutine is ``aclose`` of an asynchronous generator, as loops call it for what is left."""
    return type(coro).__name__ == "async_generator_athrow"
