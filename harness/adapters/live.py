"""The world of a recording: real clocks, real effects, a store, and whoever answers questions."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from harness.adapters.private import PrivateFile
from harness.determinism.address import inside
from harness.determinism.loop import SessionLoop, beside
from harness.determinism.member import member_here, member_of_thread
from harness.errors import Halt, StoreError, UsageError
from harness.mediation.approval import missing, taken
from harness.ports import Approval, Approver, Clock, Durability, Pending, Question, Recorded, TraceStore
from harness.run.reads import seeded
from harness.trace.reader import Entry

_BATCH_NS = 10_000_000


def nobody(question: Question) -> Approval:
    """Answer no, because nobody is there to ask."""
    return Approval(False, "nobody", "no approver is set")


class LiveWorld:
    """Perform for real and write what happens, as durably as asked.

    ``none`` leaves lines in the process's buffer, ``batch`` writes them at least every 10 ms of activity, ``step``
    hands each to the operating system before the agent goes on, ``sync`` also waits for the disk. What is marked for
    the disk (a write that is not idempotent) is synced at every level but ``none``. The session's time goes on from
    ``since``, the time of the last event there is. With a ``seed``, the agent's streams of chance follow from it.
    ``thrown`` tells whether the kill switch is.
    """

    offline = False

    def __init__(
        self,
        store: TraceStore,
        durability: Durability = "step",
        approver: Approver = nobody,
        clock: Clock = time.monotonic_ns,
        since: int = -1,
        seed: int | None = None,
        thrown: Callable[[], bool] = bool,
    ) -> None:
        self.store, self._thrown = store, thrown
        self._durability, self._approver, self._clock = durability, approver, clock
        self._start = clock() - max(since, 0)
        self._last = since
        self._written, self._seed = 0, seed
        self._private = PrivateFile(store.path)

    def begin(self, header: bytes) -> None:
        self.write(header, False, False)

    def end(self) -> None:
        self._private.close()
        self.store.close()

    def now(self, seq: int) -> int:
        member = member_here()
        if member is not None:
            return member.timeline.now
        now = self._clock() - self._start
        self._last = last = now if now > self._last else self._last + 1
        return last

    def killed(self, action: int, answered: bool = False) -> bool:
        return self._thrown()

    def write(self, lines: bytes, barrier: bool, disk: bool) -> None:
        try:
            self.store.append(lines)
            durability = self._durability
            if durability == "none":
                return
            if durability == "sync" or disk:
                self.store.flush(disk=True)
            elif durability == "step" or self._clock() - self._written > _BATCH_NS:
                self.store.flush()
                self._written = self._clock()
        except StoreError as error:
            raise Halt(error) from None  # an agent that cannot be recorded must not go on

    def carried(self) -> tuple[Entry, ...]:
        return ()

    def read(self, task: str, source: str, real: Callable[[], Any]) -> Any:
        return seeded(source, self._seed) or real()

    def inherit(self, secrets: Mapping[str, bytes]) -> None:
        """Keep the secret bytes of the run that this one goes on with."""
        self._private.carry(secrets)

    def secret(self, task: str, source: str, drawn: bytes) -> tuple[str, bytes]:
        try:
            return self._private.keep(source, drawn), drawn
        except StoreError as error:
            raise Halt(error) from None

    def retold(self, task: str, reads: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
        return reads

    def silent(self, reads: Iterable[str]) -> Iterable[str]:
        return sorted(reads)

    def recorded(self, action: int, *, waits: bool) -> Recorded | None:
        return None

    async def arecorded(self, action: int) -> Recorded | None:
        return None

    def aside(self) -> None:
        member = member_here()
        if member is not None:
            member.timeline.stand_aside(member)

    def wait(self, duration_ns: int) -> None:
        member = member_of_thread()
        if duration_ns <= 0 or (member is not None and member.timeline.linger(member, duration_ns)):
            return
        member = member_here()
        if member is None or not member.timeline.sleep(member, duration_ns):
            time.sleep(duration_ns / 1e9)

    def moment(self, at: int | None) -> int:
        member = member_of_thread()
        return self.now(0) if member is None else member.timeline.come_back(member)

    async def arrived(self, at: int | None) -> int:
        loop = asyncio.get_running_loop()
        if not isinstance(loop, SessionLoop) or member_here() is None:
            return self.now(0)
        await loop.timeline.arrive()
        return loop.timeline.now

    async def turn_to_call(self, tool: str, args: dict[str, Any]) -> None:
        pass  # what happens now is what will be the record

    def wait_to_call(self, tool: str, args: dict[str, Any]) -> None:
        pass

    async def turn_to_end(self, action: int, at: int | None) -> None:
        pass

    def ask(self, action: int, question: Question) -> Approval | Pending:
        with inside(action):
            self.aside()
            try:
                said = self._approver(question)
                if not inspect.isawaitable(said):
                    return _timed(taken(said))
            except Exception as error:  # noqa: BLE001 - whatever keeps it from answering: nobody has said yes
                return missing(error)
            finally:
                self.moment(None)
        what, cure = "the approver is asynchronous, the call is not", "give the app a plain function as approver"
        raise Halt(UsageError(what, cure=cure))  # an agent that went on would have left a question nobody can replay

    async def aask(self, action: int, question: Question) -> Approval | Pending:
        with inside(action):
            return await beside(self._answered(question))

    async def _answered(self, question: Question) -> Approval | Pending:
        try:
            if getattr(self._approver, "blocking", False):
                said: Any = await asyncio.to_thread(self._approver, question)
            else:
                said = self._approver(question)
            return _timed(taken(await said if inspect.isawaitable(said) else said))
        except Exception as error:  # noqa: BLE001 - as above
            return missing(error)


def _timed(answer: Approval | Pending) -> Approval | Pending:
    """Say when an answer came, where that matters; read inside an effect, this is the real clock."""
    if isinstance(answer, Pending) or answer.expires is None:
        return answer
    return answer._replace(answered=datetime.now(UTC))
