"""Threads of an agent take turns: what starts them, and asks whether they have ended, goes through its schedule.

While a session is open, a thread or a pool's job that its code starts becomes a member of its schedule, and an event
loop that its code makes is a ``SessionLoop``. What members wait for is in ``waits``. Threads that are no members start
and end as ever.

A pool that was made outside the session is stood in for by one of the session's own, with as many workers, because a
worker that other sessions use as well can have no turn here.
"""

from __future__ import annotations

import asyncio
import concurrent.futures.thread
import queue
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context, copy_context
from functools import partial
from types import FrameType
from typing import Any, Final, TypeVar

from harness.adapters.interpreter.scope import Scope, of_the_session, reading
from harness.adapters.interpreter.scope import here as scope_here
from harness.adapters.interpreter.slots import AttributeSlot, CodeSlot, Slot
from harness.adapters.interpreter.waits import WAITS, WORKER, deadline_of, let_others
from harness.determinism.address import as_job, in_effect
from harness.determinism.loop import SessionLoop
from harness.determinism.member import Member, current, member_here
from harness.determinism.schedule import Timeline
from harness.errors import Halt
from harness.run.site import rank_of

T = TypeVar("T")
_OF_PROCESSES: Final = ("multiprocessing", "concurrent.futures.process")
"""What looks after other processes waits in ways that nobody sees."""
_MEMBER: Final = "_harness_member"


def replacements() -> Iterator[tuple[Slot, Any]]:
    """Yield each slot of what starts threads and loops with what is to stand in it while a session is open."""
    for name, around in (("start", _starting), ("join", _joining), ("is_alive", _living)):
        slot = AttributeSlot(threading.Thread, name)
        yield slot, around(slot.original)
    for kind, name in ((threading.Event, "is_set"), (concurrent.futures.Future, "done"), (queue.Queue, "empty")):
        slot = AttributeSlot(kind, name)
        yield slot, _polling(slot.original, waited_for=name != "empty")
    submit = AttributeSlot(concurrent.futures.ThreadPoolExecutor, "submit")
    yield submit, _submitting(submit.original)
    as_completed = CodeSlot(asyncio.as_completed)
    yield as_completed, _as_completed(as_completed.original)
    maker = CodeSlot(asyncio.new_event_loop)
    yield maker, _looping(maker.original)
    getter = AttributeSlot(asyncio.events.BaseDefaultEventLoopPolicy, "get_event_loop")
    yield getter, _present_loop(getter.original)


def uvloop_replacements(uvloop: Any) -> Iterator[tuple[Slot, Any]]:
    """Yield the slots of uvloop, whose loops give way to the session's own."""
    maker, run = CodeSlot(uvloop.new_event_loop), CodeSlot(uvloop.run)
    yield maker, _looping(maker.original)

    def captured_run(main: Any, *, debug: bool | None = None, **options: Any) -> Any:
        if _turn_taker() is None:
            return run.original(main, debug=debug, **options)
        return asyncio.run(main, debug=debug)

    yield run, captured_run


def _turn_taker() -> Member | None:
    """Give the member that the calling thread is, making it the first one; None where it takes no part."""
    timeline = current.get()
    if timeline is None or timeline.dissolved or in_effect():
        return None
    member = member_here()
    if member is None and not timeline.active:
        scope = scope_here()
        return timeline.begin(0 if scope is None else of_the_session(scope, "schedule", _now(scope)))
    return member if member is not None and member.timeline is timeline else None


def _now(scope: Scope) -> Callable[[], int]:
    run = scope.run
    assert run is not None
    return lambda: run.world.now(run.machine.seq)


def _starting(original: Callable[..., None]) -> Callable[..., None]:
    def start(thread: threading.Thread) -> None:
        here = None if type(thread).__module__.startswith(_OF_PROCESSES) else _turn_taker()
        if here is None:
            return original(thread)
        WAITS.hold(here.timeline)
        member = here.timeline.add()
        before: dict[str, Any] = {name: vars(thread)[name] for name in ("run", _MEMBER) if name in vars(thread)}
        thread.run = _in_turn(member, _context_of(thread), thread, named(thread.run))  # type: ignore[method-assign]
        setattr(thread, _MEMBER, member)
        try:
            with _for_real(here):
                original(thread)
        except BaseException:  # it was started before, or there are too many
            here.timeline.leave(member)
            del thread.run
            delattr(thread, _MEMBER)
            vars(thread).update(before)
            raise

    return start


def _context_of(thread: threading.Thread) -> Context:
    """Give the context that a thread runs in: a copy of its maker's, but a pool's worker may outlive the session.

    Each of its jobs brings the context of whoever gave it; what prepares the worker belongs to the session.
    """
    if getattr(thread, "_target", None) is not WORKER:
        return copy_context()
    pool, jobs, prepare, arguments = thread._args  # type: ignore[attr-defined]
    prepare = None if prepare is None else partial(copy_context().run, prepare)
    thread._args = pool, jobs, prepare, arguments  # type: ignore[attr-defined]
    return Context()


def _in_turn(member: Member, context: Context, thread: threading.Thread, run: Callable[[], None]) -> Callable[[], None]:
    def in_turn() -> None:
        vars(thread).pop("run", None)
        try:
            member.timeline.join(member)
            context.run(run)
        except Halt:
            pass  # it is told at the rim
        finally:
            member.timeline.leave(member)

    return in_turn


@contextmanager
def _for_real(member: Member) -> Iterator[None]:
    """Let a member wait for what happens at once, the baton in its hand."""
    member.aside = True
    try:
        yield
    finally:
        member.aside = False


def _joining(original: Callable[..., None]) -> Callable[..., None]:
    def join(thread: threading.Thread, timeout: float | None = None) -> None:
        here, other = member_here(), getattr(thread, _MEMBER, None)
        if here is None or other is None or other.timeline is not here.timeline or other is here or in_effect():
            return original(thread, timeout)
        if here.timeline.pause(here, lambda: other.finished, deadline_of(here, timeout)) and not other.finished:
            return None
        with _for_real(here):
            return original(thread, None if other.finished else timeout)

    return join


def _living(original: Callable[..., bool]) -> Callable[..., bool]:
    def is_alive(thread: threading.Thread) -> bool:
        here, other = member_here(), getattr(thread, _MEMBER, None)
        if here is None or other is None:
            return original(thread)
        if not other.finished and reading() is not None:
            let_others(here)
        return not other.finished

    return is_alive


def _polling(original: Callable[..., bool], waited_for: bool) -> Callable[..., bool]:
    """Let whoever looks in vain whether something has happened, perhaps again and again, give the others time."""

    def poll(self: Any) -> bool:
        seen = original(self)
        if seen is waited_for or (here := member_here()) is None or reading() is None:
            return seen
        let_others(here)
        return original(self)

    return poll


def _submitting(original: Callable[..., Any]) -> Callable[..., Any]:
    pools: weakref.WeakKeyDictionary[Timeline, weakref.WeakKeyDictionary[Any, Any]] = weakref.WeakKeyDictionary()

    def submit(pool: Any, function: Callable[..., Any], /, *args: Any, **options: Any) -> Any:
        here = _turn_taker()
        if here is None:
            return original(pool, named(function), *args, **options)
        mine = own(pool, here.timeline) or pool
        if not mine._threads:
            mine._threads = _InOrder()
        return original(mine, copy_context().run, named(function), *args, **options)

    def own(pool: Any, timeline: Timeline) -> Any:
        """Give a pool whose workers are members of this session; None for the pool itself, where it had none yet."""
        known = pools.setdefault(timeline, weakref.WeakKeyDictionary())
        if pool not in known:
            known[pool] = _stand_in(pool, timeline) if pool._threads else None
        return known[pool]

    return submit


class _InOrder(dict[threading.Thread, None]):
    """Keep the workers of a pool in the order in which they began: a set is joined in the order of addresses."""

    def add(self, worker: threading.Thread) -> None:
        self[worker] = None


def _stand_in(pool: Any, timeline: Timeline) -> Any:
    """Give a pool like another one that lasts as long as a session."""
    made = concurrent.futures.ThreadPoolExecutor(
        pool._max_workers, pool._thread_name_prefix, pool._initializer, pool._initargs
    )
    timeline.afterwards.append(lambda _: made.shutdown(wait=False))
    return made


def named(function: Callable[..., T]) -> Callable[..., T]:
    """Give a job its address when it is given, where the order in which jobs begin cannot be kept.

    That is in somebody else's loop, and on replay of what was recorded there.
    """
    timeline = current.get()
    if scope_here() is None or (timeline is not None and timeline.exact):
        return function
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and rank_of(frame.f_code.co_filename) == 0:
        frame = frame.f_back
    return as_job(function, "job" if frame is None else frame.f_code.co_name)


def _looping(original: Callable[[], Any]) -> Callable[[], Any]:
    def new_event_loop() -> Any:
        here = _turn_taker()
        return original() if here is None else SessionLoop(here.timeline)

    return new_event_loop


def _present_loop(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Let code that drives the present loop by itself drive one of its session, and not one from before.

    Threads that such a loop waits for would wait for their turn meanwhile.
    """
    loops: dict[Member, SessionLoop] = {}

    def get_event_loop(policy: Any) -> Any:
        here = _turn_taker()
        present = getattr(getattr(policy, "_local", None), "_loop", None)  # to ask for it would make one
        mine = threading.current_thread() is threading.main_thread() or present is not None
        if here is None or not mine or _belongs(present, here.timeline):
            return original(policy)
        if here not in loops:
            loops[here] = SessionLoop(here.timeline)
            here.timeline.afterwards.append(lambda _: end(here))
        return loops[here]

    def end(member: Member) -> None:
        loop = loops.pop(member)
        if not loop.is_running():
            loop.close()

    return get_event_loop


def _belongs(loop: Any, timeline: Timeline) -> bool:
    """Tell whether a loop is one of this session: one that another session has left as the present one is not."""
    return isinstance(loop, SessionLoop) and loop.timeline is timeline and not loop.is_closed()


def _as_completed(original: Callable[..., Any]) -> Callable[..., Any]:
    def as_completed(fs: Any, *, timeout: float | None = None) -> Any:
        if isinstance(asyncio._get_running_loop(), SessionLoop):
            fs = [asyncio.ensure_future(awaitable) for awaitable in fs]  # in the order given: asyncio makes a set first
        return original(fs, timeout=timeout)

    return as_completed
