"""How a run stops for an answer that is not there yet, so that it can go on in another process.

The agent does what it would have done while somebody thinks: outcomes come, rules judge, other questions are asked.
Only an action that is allowed from then on is not begun; whoever wants it waits. When nothing is under way any more but
what waits, the trace is told which actions have not begun, everybody who waits is halted, and nothing more is written:
what an agent does while it unwinds is no part of the run.
"""

from __future__ import annotations

import _thread
import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NoReturn

from harness.determinism.address import effects_around, here
from harness.determinism.member import Mutex, acquire
from harness.errors import Halt, Waiting
from harness.ports import Pending, Question, World

MACHINE: Final = "stop"
"""The machine whose states tell which actions a stop has held back, and which of them began later."""
WAITS: Final = "waits"
BEGINS: Final = "begins"

_lock: Final = _thread.allocate_lock


class Stop:
    """Whether a run stops, and what is under way in it.

    ``waiting`` is what it stops for, ``over`` says that nothing more is written. An action inside of whose effect
    somebody waits for the stop is not waited for.
    """

    def __init__(self) -> None:
        self.waiting: Waiting | None = None
        self.over = False
        self._tell: Callable[[list[int]], None] | None = None
        self._under_way: set[int] = set()
        self._around: list[int] = []
        self._not_begun: set[int] = set()
        self._wake: list[Callable[[], None]] = []
        self._mutex = Mutex()

    def begin(self, action: int) -> None:
        """Take note that an effect is performed, or a question asked."""
        self._under_way.add(action)

    def end(self, action: int) -> None:
        """Take note that its outcome is written, or never will be."""
        self._under_way.discard(action)
        if self.waiting is not None:
            self._look()

    def check(self) -> None:
        """Halt whoever wants to go on, where the run is over."""
        if self.over:
            raise self._halt()

    def hold(self, action: int, world: World) -> None:
        """Keep a thread from beginning an action, where the run stops."""
        if self.waiting is not None:
            self._not_begun.add(action)
            self.here(here().address, world)

    async def ahold(self, action: int) -> None:
        """Keep a task from beginning an action, where the run stops."""
        if self.waiting is not None:
            self._not_begun.add(action)
            try:
                await self.ahere(here().address)
            finally:
                self._not_begun.discard(action)  # where it was cancelled, its outcome says so

    def want(self, question: Question, pending: Pending, tell: Callable[[list[int]], None]) -> None:
        """Let the run stop because a question has no answer; ``tell`` writes which actions have not begun then."""
        said: dict[str, Any] = question._asdict()
        said |= {name: value for name, value in (("where", pending.where), ("why", pending.why)) if value}
        if pending.until is not None:
            said["until"] = pending.until.isoformat()
        if self.waiting is None:
            self.waiting, self._tell = Waiting([said]), tell
        else:
            self.waiting.questions.append(said)

    def here(self, address: str, world: World) -> NoReturn:
        """Keep a thread waiting until the run is over, and halt it."""
        if asyncio._get_running_loop() is not None:
            self._end()  # what is under way in this loop cannot come to its end while its thread waits here
        with self._waiting(effects_around(address)):
            gate = _lock()
            acquire(gate)
            if self._will_wake(gate.release):
                world.aside()
                acquire(gate)
                world.moment(None)
        raise self._halt()

    async def ahere(self, address: str) -> NoReturn:
        """Do what ``here`` does for a task."""
        with self._waiting(effects_around(address)):
            # not the loop's create_future, which would shift the numbers of the agent's own futures
            over: asyncio.Future[None] = asyncio.Future(loop=asyncio.get_running_loop())
            if self._will_wake(lambda: resolve(over)):
                await over
        raise self._halt()

    def _halt(self) -> Halt:
        assert self.waiting is not None
        return Halt(self.waiting)

    def _will_wake(self, wake: Callable[[], None]) -> bool:
        """Have somebody woken when the run is over; False where it is."""
        with self._mutex:
            if not self.over:
                self._wake.append(wake)
            return not self.over

    @contextmanager
    def _waiting(self, around: Sequence[int]) -> Iterator[None]:
        self._around += around
        self._look()
        try:
            yield
        finally:
            for action in around:
                self._around.remove(action)

    def _look(self) -> None:
        if self._under_way <= set(self._around):
            self._end()

    def _end(self) -> None:
        with self._mutex:
            if self.over:
                return
            assert self._tell is not None
            if self._not_begun:
                self._tell(sorted(self._not_begun))
            self.over = True
        for wake in self._wake:
            wake()


def resolve(future: asyncio.Future[None]) -> None:
    """Resolve a future from any thread."""
    loop = future.get_loop()
    if asyncio._get_running_loop() is loop:
        if not future.done():
            future.set_result(None)
    else:
        loop.call_soon_threadsafe(resolve, future)
