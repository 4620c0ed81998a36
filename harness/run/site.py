"""Which frame of a stack is the agent's own."""

from __future__ import annotations

import asyncio
import functools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

_PLUMBING: Final = (f"{Path(__file__).parents[1]}{os.sep}", f"{Path(os.__file__).parent}{os.sep}", "<frozen ")
_SHIPPED: Final = f"{_PLUMBING[0]}_shipped{os.sep}"  # suites that travel in the wheel: their agents are agents
_INSTALLED: Final = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_CASCADE: Final = asyncio.Handle._run.__code__  # what lies above belongs to the loop
_RIM: Final = ("harness.door.session", "run")  # what lies above is whoever started the session

INSTALLED: Final = 1


@functools.cache
def rank_of(file: str) -> int:
    """Tell whose code a file holds: 0 harness's or Python's own, 1 (``INSTALLED``) a package's, 2 the agent's."""
    if file.startswith(_SHIPPED):
        return 2
    if file.startswith(_PLUMBING[0]):
        return 0
    if any(part in file for part in _INSTALLED):
        return INSTALLED
    return 0 if file.startswith(_PLUMBING) else 2


def is_installed(file: str) -> bool:
    """Tell whether code belongs to harness, to Python itself or to an installed package."""
    return rank_of(file) < 2


class Home:
    """Tell an agent's own code from that of the packages it uses.

    ``file`` is where the entry is defined and ``folder`` where its module is imported from. Code in that folder comes
    first, then any code that is neither harness nor the standard library nor an installed package.
    """

    def __init__(self, file: str = "", folder: str = "") -> None:
        self._file, self._folder = file, f"{folder}{os.sep}" if folder else ""
        self._ranks: dict[str, int] = {}

    def frame(self) -> FrameType | None:
        """Give the innermost frame of the agent's own code; None where there is none. O(depth).

        Where a task begins inside a package (``gather(tool(1), tool(2))``) it is the frame that made the task, if it
        still waits somewhere; in a thread of a pool, that of another thread.
        """
        frames = self._frames(sys._getframe(1))
        if frames:
            return frames[0]
        origin = self._origin()
        if origin is not None:
            return _suspended(origin)
        elsewhere = [frame for top in sys._current_frames().values() for frame in self._frames(top)]
        return max(elsewhere, key=self._rank_of, default=None)

    def sites(self) -> tuple[str, ...]:
        """Give the lines of the agent on the stack as ``file:line``, the one that made the call first."""
        frames = self._frames(sys._getframe(1))
        if frames:
            return tuple(f"{frame.f_code.co_filename}:{frame.f_lineno}" for frame in frames)
        origin = self._origin()
        return () if origin is None else (f"{origin[0]}:{origin[1]}",)

    def owns(self, frame: FrameType) -> bool:
        """Tell whether a frame is the agent's own code, or at least of no package."""
        return self._rank_of(frame) > 0

    def _frames(self, top: FrameType) -> list[FrameType]:
        """Give the agent's frames, innermost first; where some lie in its own folder, from the first of these on."""
        own = [frame for frame in _stack(top) if self._rank_of(frame)]
        first = max(own, key=self._rank_of, default=None)
        return own if first is None else own[own.index(first) :]

    def _origin(self) -> tuple[str, int, str] | None:
        """Give the place where the coroutine of the present task was called, as far as Python was told to keep it."""
        task = asyncio.current_task() if asyncio._get_running_loop() is not None else None
        origin = getattr(task.get_coro(), "cr_origin", None) if task is not None else None
        return next((place for place in origin or () if self._rank(place[0])), None)

    def _rank_of(self, frame: FrameType) -> int:
        return self._rank(frame.f_code.co_filename)

    def _rank(self, file: str) -> int:
        rank = self._ranks.get(file)
        if rank is None:
            rank = self._ranks[file] = self._ranked(file)
        return rank

    def _ranked(self, file: str) -> int:
        if file == self._file:
            return 2
        if is_installed(file):
            return 0
        return 2 if self._folder and file.startswith(self._folder) else 1


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    """Yield the frames of a session, innermost first."""
    while frame is not None and frame.f_code is not _CASCADE:
        if (frame.f_globals.get("__name__"), frame.f_code.co_name) == _RIM:
            return
        yield frame
        frame = frame.f_back


def _suspended(origin: tuple[str, int, str]) -> FrameType | None:
    """Find the frame of a function that waits in some task of the running loop."""
    for task in asyncio.all_tasks():
        waiting: Any = task.get_coro()
        while waiting is not None:
            frame = getattr(waiting, "cr_frame", None)
            if frame is not None and _is(frame.f_code, origin):
                return frame  # type: ignore[no-any-return]
            waiting = getattr(waiting, "cr_await", None)
    return None


def _is(code: CodeType, origin: tuple[str, int, str]) -> bool:
    return code.co_filename == origin[0] and code.co_name == origin[2]
