"""What threads wait for passes the baton on, while a session has two members.

Everything a thread can wait for in Python (locks, and so conditions, events, semaphores, barriers, queues and futures;
simple queues) is then looked at in turn instead of stopping the process. Threads that are no members wait as ever.
"""

from __future__ import annotations

import _queue
import _thread
import concurrent.futures.thread
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any, Final

from harness.adapters.interpreter.scope import reading
from harness.adapters.interpreter.slots import Slot, TypeSlot
from harness.determinism.address import in_effect
from harness.determinism.member import Member, Mutex, member_here, member_of_thread
from harness.determinism.schedule import Timeline
from harness.errors import Halt

WORKER: Final[Any] = concurrent.futures.thread._worker
"""What the threads of a pool run."""
_POLL_NS: Final = 50_000  # what looking in vain costs a thread that has company
_GRACE_S: Final = 0.1  # within which whoever is no member lets go of a lock


def wait_replacements() -> Iterator[tuple[Slot, Any]]:
    """Yield each slot of what threads wait for with what is to stand in it while a session has two members."""
    reentrant = type(threading.RLock())
    for kind, is_taken in ((_thread.LockType, _is_locked), (reentrant, _is_owned)):
        acquire = _acquiring(kind.acquire, is_taken)
        for name in ("acquire", "__enter__"):
            yield TypeSlot(kind, name), acquire
    restore = TypeSlot(reentrant, "_acquire_restore")
    yield restore, _restoring(restore.original)
    get = TypeSlot(_queue.SimpleQueue, "get")
    yield get, _getting(get.original)


class _Waits:
    """The slots of what threads wait for, filled while some session has two members."""

    def __init__(self) -> None:
        self._timelines: weakref.WeakSet[Timeline] = weakref.WeakSet()
        self._filled: list[tuple[Slot, Any]] = []
        self._mutex = Mutex()

    def hold(self, timeline: Timeline) -> None:
        with self._mutex:
            if timeline in self._timelines:
                return
            self._timelines.add(timeline)
            timeline.afterwards.append(self.release)
            if not self._filled:
                self._filled = list(wait_replacements())
                for slot, replacement in self._filled:
                    slot.fill(replacement)
        if timeline.dissolved:  # in between, by another thread
            self.release(timeline)

    def release(self, timeline: Timeline) -> None:
        with self._mutex:
            self._timelines.discard(timeline)
            if not self._timelines:
                for slot, _ in self._filled:
                    slot.empty()
                self._filled = []


WAITS: Final = _Waits()
"""Those of this process, for all of its sessions that have two members."""


def deadline_of(member: Member, timeout: float | None) -> int | None:
    """Give the time by the schedule at which a member's patience ends; None for none. ``timeout`` is in seconds."""
    return None if timeout is None else member.timeline.now + max(int(timeout * 1e9), 0)


def let_others(here: Member) -> None:
    """Give the other members time after a look in vain."""
    if not here.timeline.lonely:
        here.timeline.sleep(here, _POLL_NS)


def _is_locked(lock: Any) -> bool:
    return bool(lock.locked())


def _is_owned(lock: Any) -> bool:
    return not repr(lock).startswith("<unlocked")  # a reentrant lock has no ``locked`` before Python 3.14


def _acquiring(original: Callable[..., bool], is_taken: Callable[[Any], bool]) -> Callable[..., bool]:
    def acquire(lock: Any, blocking: bool = True, timeout: float = -1) -> bool:
        here = member_here()
        if here is None:
            return _acquired_aside(lock, blocking, timeout)
        if original(lock, False):
            return True
        if not blocking or timeout == 0:
            if reading() is not None:
                let_others(here)
            return False
        if in_effect() or (timeout < 0 and timeout != -1):
            return original(lock, blocking, timeout)
        deadline = deadline_of(here, None if timeout < 0 else timeout)
        while here.timeline.pause(here, lambda: not is_taken(lock), deadline):
            if original(lock, False):
                return True
            if deadline is not None and here.timeline.now >= deadline:
                return False
        return original(lock, True, timeout)

    def _acquired_aside(lock: Any, blocking: bool, timeout: float) -> bool:
        """Wait inside an effect, or outside every session. In virtual time an effect has kept its turn until here."""
        member = member_of_thread()
        if member is None or not blocking or timeout != -1:
            return original(lock, blocking, timeout)
        if original(lock, True, _GRACE_S):
            return True
        while member.timeline.pause_aside(member, lambda: not is_taken(lock)):
            if original(lock, False):
                return True
        return original(lock, True)

    return acquire


def _restoring(original: Callable[..., None]) -> Callable[..., None]:
    def acquire_restore(lock: Any, state: Any) -> None:
        here = member_here()
        if here is not None and not in_effect():
            while _is_owned(lock) and here.timeline.pause(here, lambda: not _is_owned(lock)):
                pass
        original(lock, state)

    return acquire_restore


def _getting(original: Callable[..., Any]) -> Callable[..., Any]:
    def get(inbox: Any, block: bool = True, timeout: float | None = None) -> Any:
        here = member_here()
        if here is None or not block or in_effect() or (timeout is not None and timeout < 0):
            return original(inbox, block, timeout)
        deadline = deadline_of(here, timeout)
        while True:
            try:
                return original(inbox, False)
            except _queue.Empty:
                if deadline is not None and here.timeline.now >= deadline:
                    raise
            try:
                paused = here.timeline.pause(here, lambda: not inbox.empty(), deadline)
            except Halt:
                if sys._getframe(1).f_code is not WORKER.__code__:
                    raise
                paused = False  # it is told at the rim; a pool's worker without a job waits for the pool's end
            if not paused:
                return original(inbox, block, timeout)

    return get
