"""An asyncio event loop whose order can be recorded and enforced.

What an agent can observe of concurrency is the order in which the outside world wakes it: timers that fire and
outcomes that arrive. Between two such wake-ups its tasks run a cascade that only its own code decides. So the loop

* takes its time from the session's schedule, which stands still during a cascade;
* waits as a member of that schedule (``determinism.schedule``), which lets one outcome *arrive* at a time;
* gives tasks and futures a hash that is their creation number, because ``asyncio.wait`` and ``as_completed`` iterate
  over sets;
* lets timers that are due at one moment fire in the order in which they were set. asyncio's heap orders equals by
  whatever else has been in it, and the timers inside effects are not there on replay.

It uses public seams of asyncio: a selector handed to the constructor, ``time()``, ``call_at``,
``create_future``, ``call_soon_threadsafe`` and the task factory.

What it does not control: processes, and callbacks that real sockets of the agent itself trigger. Threads need
``adapters.interpreter.threads``.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar, cast

from harness.determinism.address import in_effect
from harness.determinism.freed import ends_generator
from harness.determinism.member import Member, current, member_here
from harness.determinism.schedule import Timeline
from harness.errors import Halt

T = TypeVar("T")
_UNWINDING_S: Final = 2.0


def run(timeline: Timeline, main: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end in a loop of its own that follows the timeline."""
    token = current.set(timeline)
    begun = timeline.active
    try:
        with asyncio.Runner(loop_factory=lambda: SessionLoop(timeline)) as runner:
            return runner.run(main)
    finally:
        current.reset(token)
        if not begun:
            timeline.dissolve("the run has ended")


async def beside(effect: Coroutine[Any, Any, T]) -> T:
    """Perform an effect in a task of its own, and give its outcome when it is its turn.

    Whoever is cancelled while waiting goes on at once, as it will on replay; the effect is cancelled too, and unwinds
    by itself. In somebody else's loop it is simply awaited.
    """
    loop = asyncio.get_running_loop()
    if not isinstance(loop, SessionLoop) or member_here() is None:
        return await effect
    arrival = loop.timeline.expected()
    task = loop.create_task(effect)
    task.add_done_callback(lambda _: loop.timeline.came(arrival))
    try:
        await arrival
    except asyncio.CancelledError:
        task.cancel()
        loop.let_go(task)
        raise
    return task.result()


async def let_go(effect: Coroutine[Any, Any, None]) -> None:
    """Perform an effect that gives nothing, without waiting for it; in somebody else's loop it is awaited."""
    if isinstance(loop := asyncio.get_running_loop(), SessionLoop) and member_here() is not None:
        loop.let_go(loop.create_task(effect))
    else:
        await effect


class _Selector(selectors.DefaultSelector):
    """Ask the timeline instead of the operating system whenever the loop would wait."""

    def __init__(self, timeline: Timeline, member: Callable[[], Member]) -> None:
        super().__init__()
        self._timeline, self._member = timeline, member

    def select(self, timeout: float | None = None) -> Any:
        if timeout is not None and timeout <= 0:
            return super().select(0)  # a cascade is running, or a timer is due: time stands still
        timeline, member = self._timeline, member_here()
        if timeline.dissolved:
            return timeline.rest_alone(self._member(), timeout, super().select)
        if member is None:
            return super().select(timeout)
        deadline = None if timeout is None else timeline.now + int(timeout * 1e9)
        return timeline.rest(member, deadline, super().select)


class _Moment(float):
    """A moment of a timer: of equal ones the one that was set first comes first."""

    number = 0

    def __lt__(self, other: float) -> bool:
        if isinstance(other, _Moment) and float(self) == float(other):
            return self.number < other.number
        return float(self) < float(other)


class _Task(asyncio.Task[Any]):
    def __init__(self, coro: Coroutine[Any, Any, Any], loop: SessionLoop, **options: Any) -> None:
        # before asyncio keeps the task in a set, by what it hashes to then
        self.number = loop.next_number(aside=ends_generator(coro))
        super().__init__(coro, loop=loop, **options)

    def __hash__(self) -> int:
        return self.number


class _Future(asyncio.Future[Any]):
    number = 0

    def __hash__(self) -> int:
        return self.number


class SessionLoop(asyncio.SelectorEventLoop):
    """Run one session's agent so that its order is recorded, or enforced."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self._numbers = {False: 0, True: 1 << 40}
        self._timers = 0
        self._unwinding: set[asyncio.Task[Any]] = set()
        self._member = member_here() or timeline.begin()
        super().__init__(_Selector(timeline, lambda: self._member))
        self.set_task_factory(cast("Any", _numbered_task))

    def time(self) -> float:
        return self.timeline.now / 1e9

    def call_at(self, when: float, *args: Any, **options: Any) -> asyncio.TimerHandle:  # type: ignore[override]
        moment = _Moment(when)
        self._timers = moment.number = self._timers + 1
        return super().call_at(moment, *args, **options)

    def create_future(self) -> asyncio.Future[Any]:
        future = _Future(loop=self)
        future.number = self.next_number()
        return future

    def next_number(self, *, aside: bool = False) -> int:
        """Count what the agent creates apart from what its effects, or the freeing of what it left, create."""
        inside = aside or in_effect()
        self._numbers[inside] += 1
        return self._numbers[inside]

    def call_soon_threadsafe(self, *args: Any, **options: Any) -> asyncio.Handle:  # type: ignore[override]
        if member_here() is not None and not in_effect():
            self._member.called = True
        return super().call_soon_threadsafe(*args, **options)

    def let_go(self, effect: asyncio.Task[Any]) -> None:
        """Let an effect that nobody waits for unwind by itself; it is no task of the agent's any more."""
        asyncio.tasks._unregister_task(effect)
        self._unwinding.add(effect)
        effect.add_done_callback(self._unwound)

    def _unwound(self, effect: asyncio.Task[Any]) -> None:
        self._unwinding.discard(effect)
        if not effect.cancelled():
            effect.exception()  # looked at, or asyncio would tell that nobody did

    async def shutdown_asyncgens(self) -> None:
        await super().shutdown_asyncgens()
        if self._unwinding:  # connections that are being closed; the agent's tasks have ended before
            await asyncio.wait(self._unwinding, timeout=_UNWINDING_S)

    def _interrupt(self) -> None:
        super().call_soon_threadsafe(_wake_up)

    def run_forever(self) -> None:
        """Run in the thread that calls, which may be another one than made the loop."""
        self._member = member_here() or self._member
        self._member.wake = self._interrupt
        try:
            super().run_forever()
        finally:
            self._member.wake = None

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not isinstance(context.get("exception"), Halt):  # a Halt is told once, at the rim
            super().call_exception_handler(context)


def _wake_up() -> None:
    """Do nothing: the loop only has to look again."""


def _numbered_task(
    loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any], **options: Any
) -> asyncio.Task[Any]:
    assert isinstance(loop, SessionLoop)
    return _Task(coro, loop, **options)
