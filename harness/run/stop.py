"""How a run stops for an answer that is not there yet, so that it can go on in another process.

From then on no action begins: tasks that want one wait, threads are halted. What is under way comes to its end, and
its outcome into the trace. Then whoever asked raises the Halt, and nothing more is written; what the agent does while it
unwinds is no part of the run.
"""

from __future__ import annotations

import _thread
import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from harness.determinism.address import effects_around
from harness.determinism.member import acquire
from harness.errors import Halt, Waiting
from harness.ports import Pending, Question, World

_lock: Final = _thread.allocate_lock


class Stop:
    """Whether a run stops, and what is under way in it.

    ``over`` says that nothing more is written. An action that has begun is waited for, but not one inside of which
    somebody waits for the stop.
    """

    __slots__ = ("_held", "_told", "_under_way", "over", "waiting")

    def __init__(self) -> None:
        self.waiting: Waiting | None = None
        self.over = False
        self._under_way: set[int] = set()
        self._held: list[int] = []
        self._told: list[Callable[[], None]] = []

    def begin(self, action: int) -> None:
        """Take note that an effect is performed."""
        self._under_way.add(action)

    def end(self, action: int) -> None:
        """Take note that its outcome is written, or never will be."""
        self._under_way.discard(action)
        if self.waiting is not None:
            self._tell()

    def check(self) -> None:
        """Halt whoever wants to go on, where the run is over."""
        if self.over:
            assert self.waiting is not None
            raise Halt(self.waiting)

    def stand(self) -> None:
        """Halt a thread that wants to begin an action, where the run stops."""
        if self.waiting is not None:
            # in an event loop what is under way cannot end while this raises through its tasks
            self.over = self.over or asyncio._get_running_loop() is not None
            raise Halt(self.waiting)

    async def astand(self, address: str) -> None:
        """Keep a task that wants to begin an action waiting, where the run stops, until it is cancelled."""
        if self.waiting is None:
            return
        self.check()
        with self._holding(address):
            try:
                await asyncio.Future(loop=asyncio.get_running_loop())
            finally:
                self.over = True  # whatever ended that wait, the agent does not do what it would have done

    def here(self, address: str, question: Question, pending: Pending, world: World) -> Halt:
        """Stop the run at a question, from a thread, when what is under way has ended; give what is to be raised."""
        self._add(question, pending)
        if asyncio._get_running_loop() is None:
            with self._holding(address):
                if not self._drained():
                    gate = _lock()
                    acquire(gate)
                    self._told.append(gate.release)
                    world.aside()
                    acquire(gate)
                    world.moment(None)
        self.over = True
        assert self.waiting is not None
        return Halt(self.waiting)

    async def ahere(self, address: str, question: Question, pending: Pending) -> Halt:
        """Do what ``here`` does in a task."""
        self._add(question, pending)
        try:
            with self._holding(address):
                if not self._drained():
                    # not the loop's create_future, which would shift the numbers of the agent's own futures
                    ended: asyncio.Future[None] = asyncio.Future(loop=asyncio.get_running_loop())
                    self._told.append(lambda: resolve(ended))
                    await ended
        finally:
            self.over = True
        assert self.waiting is not None
        return Halt(self.waiting)

    def _add(self, question: Question, pending: Pending) -> None:
        said: dict[str, Any] = question._asdict()
        if pending.where:
            said["where"] = pending.where
        if pending.why:
            said["why"] = pending.why
        if pending.until is not None:
            said["until"] = pending.until.isoformat()
        if self.waiting is None:
            self.waiting = Waiting([said])
        else:
            self.waiting.questions.append(said)

    def _drained(self) -> bool:
        return self._under_way <= set(self._held)

    @contextmanager
    def _holding(self, address: str) -> Iterator[None]:
        around = effects_around(address)
        self._held += around
        self._tell()
        try:
            yield
        finally:
            for action in around:
                self._held.remove(action)

    def _tell(self) -> None:
        if self._drained():
            told, self._told = self._told, []
            for tell in told:
                tell()


def resolve(future: asyncio.Future[None]) -> None:
    """Resolve a future from any thread."""
    loop = future.get_loop()
    if asyncio._get_running_loop() is loop:
        if not future.done():
            future.set_result(None)
    else:
        loop.call_soon_threadsafe(resolve, future)
