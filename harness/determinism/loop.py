"""An asyncio event loop whose order can be recorded and enforced.

What an agent can observe of concurrency is the order in which the outside world wakes it: timers that fire and
outcomes that arrive. Between two such wake-ups its tasks run a cascade that only its own code decides. So the loop

* keeps a clock of its own that stands still during a cascade and never passes a timer that has not fired;
* lets an outcome *arrive* only when the cascade is over, one at a time, each at a time of its own;
* gives tasks and futures a hash that is their creation number, because ``asyncio.wait`` and ``as_completed`` iterate
  over sets.

Recording and replay differ only in the ``Timeline``: the first follows a real clock, the second jumps from one
recorded arrival or timer to the next without waiting. Both use public seams of asyncio: a selector handed to the
constructor, ``time()``, ``create_future`` and the task factory.

What it does not control: threads that are not its own executor's, how long a thread takes, callbacks that real sockets
of the agent itself trigger, and an ``as_completed`` that a module took out of asyncio by name before ``run``.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import heapq
import selectors
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol, cast

from harness.determinism.address import in_effect
from harness.errors import Halt

# asyncio speaks of time in floats: an outcome that arrives less than this before a timer is held until after it, so
# that a rounded nanosecond can never turn their order around on replay
_MARGIN_NS: Final = 1000


class Timeline(Protocol):
    """Decide what happens next when every task of the agent waits. Times are nanoseconds since the start."""

    now: int

    def poll(self, select: Callable[[float | None], Any], wait_ns: int | None, busy: bool) -> Any:
        """Advance ``now``, wake at most one arrival, and give the socket events to process.

        ``wait_ns`` is the time to the next timer (None: no timer); ``busy`` says that a thread of an executor is
        still at work, so that only real time can bring news.
        """


class RealTimeline:
    """Follow a real clock (nanoseconds, monotonic) and let outcomes arrive one by one."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._start = clock()
        self._arrivals: deque[asyncio.Future[None]] = deque()
        self.now = 0

    async def arrive(self) -> None:
        """Wait until the agent has nothing left to do and it is this outcome's turn."""
        arrival = asyncio.get_running_loop().create_future()
        self._arrivals.append(arrival)
        await arrival

    def poll(self, select: Callable[[float | None], Any], wait_ns: int | None, busy: bool) -> Any:
        limit = None if wait_ns is None else self.now + wait_ns - _MARGIN_NS
        events = select(0)
        if events:
            self._advance(limit)
            return events
        if self._arrivals and (limit is None or limit > self.now):
            arrival = self._arrivals.popleft()
            if not arrival.done():
                self.now += 1
                self._advance(limit)
                arrival.set_result(None)
            return events
        if wait_ns is None:
            events = select(None)
            self._advance(None)
            return events
        real = self._clock() - self._start
        events = select(max(self.now + wait_ns - real, 0) / 1e9)
        if events:
            self._advance(limit)
        else:
            self.now += wait_ns + 1
        return events

    def _advance(self, limit: int | None) -> None:
        real = self._clock() - self._start
        self.now = max(self.now, real if limit is None else min(real, limit))


class VirtualTimeline:
    """Jump from one recorded arrival or timer to the next; waiting costs nothing.

    Where the recorded times are not ``exact`` (timers of somebody else's busy loop fire late), arrivals keep their
    order and go before every timer. ``stalled`` is called when every task waits and nothing recorded is left to
    arrive; it should raise.
    """

    def __init__(self, stalled: Callable[[], None], *, exact: bool = True) -> None:
        self._stalled, self._exact = stalled, exact
        self._arrivals: list[tuple[int, int, asyncio.Future[None]]] = []
        self._count = 0
        self.now = 0

    async def arrive(self, at: int) -> None:
        """Wait until the recorded time ``at``; earlier arrivals and timers go first."""
        arrival = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._arrivals, (at, self._count, arrival))
        await arrival

    def poll(self, select: Callable[[float | None], Any], wait_ns: int | None, busy: bool) -> Any:
        events = select(None if busy else 0)
        if events:
            return events
        while self._arrivals and self._arrivals[0][2].done():
            heapq.heappop(self._arrivals)
        if self._arrivals and not self._exact:
            heapq.heappop(self._arrivals)[2].set_result(None)
        elif self._arrivals and (wait_ns is None or self._arrivals[0][0] < self.now + wait_ns - _MARGIN_NS // 2):
            at, _, arrival = heapq.heappop(self._arrivals)
            self.now = max(self.now, at)
            arrival.set_result(None)
        elif wait_ns is not None:
            self.now += wait_ns + 1
        else:
            self._stalled()
        return events


def run(timeline: Timeline, main: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end in a loop of its own that follows the timeline."""
    with _ordered_as_completed(), asyncio.Runner(loop_factory=lambda: SessionLoop(timeline)) as runner:
        return runner.run(main)


class _Selector(selectors.DefaultSelector):
    """Ask the timeline instead of the operating system whenever the loop would wait.

    Jobs that the agent gave to threads are handed back in the order they were given, each when the cascade is over.
    """

    def __init__(self, timeline: Timeline) -> None:
        super().__init__()
        self.jobs: deque[tuple[concurrent.futures.Future[Any], asyncio.Future[Any]]] = deque()
        self.joining = False
        self._timeline = timeline

    def select(self, timeout: float | None = None) -> Any:
        if timeout is not None and timeout <= 0:
            return super().select(0)  # a cascade is running, or a timer is due: time stands still
        if self.jobs and self.jobs[0][0].done():
            _hand_over(*self.jobs.popleft())
            return super().select(0)
        wait_ns = None if timeout is None else int(timeout * 1e9)
        return self._timeline.poll(super().select, wait_ns, bool(self.jobs) or self.joining)


def _hand_over(job: concurrent.futures.Future[Any], waiting: asyncio.Future[Any]) -> None:
    if waiting.done():
        return
    error = job.exception()
    if error is not None:
        waiting.set_exception(error)
    else:
        waiting.set_result(job.result())


class _Task(asyncio.Task[Any]):
    number = 0

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
        self._session_selector = _Selector(timeline)
        self._pool: concurrent.futures.ThreadPoolExecutor | None = None
        super().__init__(self._session_selector)
        self.set_task_factory(cast("Any", _numbered_task))

    def time(self) -> float:
        return self.timeline.now / 1e9

    def create_future(self) -> asyncio.Future[Any]:
        future = _Future(loop=self)
        future.number = self.next_number()
        return future

    def next_number(self) -> int:
        """Count what the agent creates apart from what its effects create."""
        inside = in_effect()
        self._numbers[inside] += 1
        return self._numbers[inside]

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:  # type: ignore[override]
        if in_effect():
            return super().run_in_executor(executor, func, *args)
        job = (executor or self._threads()).submit(func, *args)
        waiting = self.create_future()
        self._session_selector.jobs.append((job, waiting))
        job.add_done_callback(lambda _: self.call_soon_threadsafe(_wake_up))
        return waiting

    def _threads(self) -> concurrent.futures.ThreadPoolExecutor:
        if self._pool is None:
            self._pool = concurrent.futures.ThreadPoolExecutor(thread_name_prefix="session")
            self.set_default_executor(self._pool)
        return self._pool

    async def shutdown_default_executor(self, *args: Any) -> None:
        self._session_selector.joining = True  # a thread of asyncio's own joins the executor's threads
        try:
            await super().shutdown_default_executor(*args)
        finally:
            self._session_selector.joining = False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not isinstance(context.get("exception"), Halt):  # a Halt is told once, at the rim
            super().call_exception_handler(context)


def _wake_up() -> None:
    """Do nothing: the loop only has to look again."""


@contextmanager
def _ordered_as_completed() -> Iterator[None]:
    """Let ``asyncio.as_completed`` start coroutines in the order given; by itself it puts them into a set first."""
    original = asyncio.as_completed

    @functools.wraps(original)
    def as_completed(fs: Iterable[Any], *, timeout: float | None = None) -> Any:
        if isinstance(asyncio._get_running_loop(), SessionLoop):
            fs = [asyncio.ensure_future(awaitable) for awaitable in fs]
        return original(fs, timeout=timeout)

    asyncio.as_completed = as_completed
    try:
        yield
    finally:
        asyncio.as_completed = original


def _numbered_task(
    loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any], **options: Any
) -> asyncio.Task[Any]:
    assert isinstance(loop, SessionLoop)
    task = _Task(coro, loop=loop, **options)
    task.number = loop.next_number()
    return task
