"""The threads of an agent as members of its session's schedule, and the news that reaches them."""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from harness.determinism.schedule import Timeline

# the schedule has to wait for real, also while waiting itself is captured
_lock: Final = _thread.allocate_lock
acquire: Final = _thread.LockType.acquire
_Reentrant: Final = type(threading.RLock())

Peek = Callable[[], bool]


class Mutex(_Reentrant):  # type: ignore[misc, valid-type]
    """A reentrant lock that is never captured: to wait for it is no turn of the agent's."""

    __slots__ = ()
    __enter__ = _Reentrant.__enter__  # found here before what may stand in its place later, and as quick


class Member:
    """One thread of an agent: what it waits for, and the gate behind which it waits."""

    __slots__ = (
        "aside",
        "called",
        "deadline",
        "finished",
        "fire",
        "gate",
        "late",
        "number",
        "peek",
        "rests",
        "timeline",
        "waiting",
        "wake",
    )

    def __init__(self, timeline: Timeline, number: int) -> None:
        self.timeline, self.number = timeline, number
        self.gate = _lock()
        acquire(self.gate)
        self.peek: Peek | None = None
        self.deadline: int | None = None
        self.fire: Callable[[], None] | None = None
        self.wake: Callable[[], None] | None = None
        self.late = 0
        self.waiting = self.rests = self.called = self.aside = self.finished = False


class Arrival(NamedTuple):
    """News from outside for a member: it is given the baton and does ``fire``, if there is anything to do."""

    at: int
    number: int
    member: Member
    fire: Callable[[], None] | None
    gone: Peek


class _Thread(threading.local):
    member: Member | None = None


_this: Final = _Thread()

current: ContextVar[Timeline | None] = ContextVar("harness_timeline", default=None)
"""The timeline of the session that the calling code belongs to."""


def take_part(member: Member | None) -> None:
    """Let the calling thread be a member, or with None no longer be one."""
    _this.member = member


def member_of_thread() -> Member | None:
    """Give the member that the calling thread is, also while it performs an effect; None outside."""
    member = _this.member
    return None if member is None or member.timeline.dissolved else member


def member_here() -> Member | None:
    """Give the member that the calling thread is; None outside, and while it performs an effect."""
    member = _this.member
    return None if member is None or member.aside or member.timeline.dissolved else member
