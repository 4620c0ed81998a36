"""The world of a replay: outcomes, answers and times come from the trace, everything else must come out equal.

What is written is held against the record line by line. The first line that differs stops the agent with a Halt that
carries the Divergence; from then on every call does, so an agent cannot go on over it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from harness.determinism.address import enclosing
from harness.determinism.loop import SessionLoop, VirtualTimeline
from harness.errors import Divergence, Halt, HarnessError
from harness.ports import Approval, Question, Recorded
from harness.trace.codec import Footer, Header, read_line
from harness.trace.diff import explain
from harness.trace.event import Event
from harness.trace.history import restored
from harness.trace.outcome import Unknown, from_body
from harness.trace.reader import Entry, Reader


class EndOfRecord(HarnessError):
    """Say that the recorded run was cut off here: so far everything was equal."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        super().__init__(f"the recorded run ends after step {steps} without an outcome; up to there all is equal")


class RecordedWorld:
    """Serve one recorded run; ``failed`` is the first difference, ``replayed`` the number of equal events."""

    def __init__(self, reader: Reader) -> None:
        self.entries: list[Entry] = list(reader.entries())
        self.header: Header = reader.header
        self.digest = reader.digest
        self.failed: HarnessError | None = None
        self.replayed = 0
        self._exact = self.header.host.get("order") != "completions"
        self._waiting: list[asyncio.Future[None]] = []
        self._let_go = False
        events = [entry.event for entry in self.entries]
        self._observations = {event.body["action"]: event for event in events if event.kind == "observation"}
        self._requests = {event.seq: request for event, request in restored(events)}
        self._reads: dict[str, deque[list[Any]]] = {}
        for event in events:
            if event.kind == "read":
                self._reads.setdefault(event.task, deque()).extend(event.body["reads"])
        self._answers = {event.body["action"]: event for event in events if "answer" in event.body}

    def timeline(self) -> VirtualTimeline:
        """Give the timeline that a replayed agent's event loop has to follow."""
        return VirtualTimeline(self._stalled_in_loop, exact=self._exact)

    def begin(self, header: bytes) -> None:
        pass  # the run part of the header was compared before the replay began

    def end(self) -> None:
        """Check that the agent did not end before its record."""
        if self.failed is None and self.replayed < len(self.entries):
            self._fail(explain(self.entries[self.replayed].event, None, self._before()))

    def now(self, seq: int) -> int:
        return self.entries[seq].event.at if seq < len(self.entries) else 0

    def write(self, lines: bytes, barrier: bool, disk: bool) -> None:
        if self.failed is not None:
            raise Halt(self.failed)
        for line in lines.splitlines(keepends=True):
            if line.startswith(b'{"footer":'):
                return
            if self.replayed >= len(self.entries) or self.entries[self.replayed].line != line:
                self._diverge(line)
            self.replayed += 1
        self._wake()

    def carried(self) -> Iterator[Entry]:
        while self.replayed < len(self.entries):
            entry = self.entries[self.replayed]
            if enclosing(entry.event.task) is None:
                return
            self.replayed += 1
            yield entry

    def read(self, task: str, source: str, real: Callable[[], Any]) -> Any:
        left = self._reads.get(task)
        if not left:
            return real()  # the record has none: where the run was not cut off, the line that is written differs
        recorded, value = left.popleft()
        if recorded != source:
            self._fail(
                Divergence(
                    f"{source} is read where the record has {recorded}",
                    step=self.steps(),
                    task=task,
                    recorded=recorded,
                    now=source,
                    cause="the agent's code, or that of a package it uses, changed",
                )
            )
        return value

    def recorded(self, action: int, *, waits: bool) -> Recorded:
        observation = self._observations.get(action)
        if observation is None:
            if not waits:
                self._stalled()
            return Recorded(None, None)
        outcome = from_body(observation.body)
        came = None if outcome == Unknown("cancelled") else observation.at
        return Recorded(outcome, came)

    def moment(self, at: int | None) -> int:
        return at or 0

    async def arrived(self, at: int | None) -> int:
        loop = asyncio.get_running_loop()
        assert at is not None
        if isinstance(loop, SessionLoop) and isinstance(loop.timeline, VirtualTimeline):
            await loop.timeline.arrive(at)
        return at

    async def turn_to_call(self, tool: str, args: dict[str, Any]) -> None:
        if not self._exact:
            await self._turn(lambda event: event.kind == "action" and self._requests[event.seq] == (tool, args))

    async def turn_to_end(self, action: int, at: int | None) -> None:
        if at is None:
            await asyncio.get_running_loop().create_future()  # only a timer of the agent's own can end this
        elif self._exact:
            await self.arrived(at)
        else:
            await self._turn(lambda event: event.kind == "observation" and event.body["action"] == action)

    async def _turn(self, fits: Callable[[Event], bool]) -> None:
        """Wait for the recorded order. A loop of our own finds it by its times; somebody else's timers are not ours."""
        while not self._let_go and (event := self._next()) is not None and not fits(event):
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            await waiting

    def ask(self, action: int, question: Question) -> Approval:
        decision = self._answers.get(action)
        if decision is None:
            self._stalled()
        answer = decision.body["answer"]
        return Approval(answer["allowed"], answer["by"], decision.body["reason"])

    async def aask(self, action: int, question: Question) -> Approval:
        approval = self.ask(action, question)
        if self._exact:
            await self.arrived(self._answers[action].at)
        else:
            await self._turn(lambda event: event is self._answers[action])
        return approval

    def steps(self) -> int:
        """Count the actions that were equal."""
        return sum(entry.event.kind == "action" for entry in self.entries[: self.replayed])

    def _before(self) -> list[Event]:
        return [entry.event for entry in self.entries[: self.replayed]]

    def _diverge(self, line: bytes) -> NoReturn:
        said = read_line(line, "now", self.replayed + 2)
        assert not isinstance(said, Footer)
        recorded = self.entries[self.replayed].event if self.replayed < len(self.entries) else None
        later = [entry.event for entry in self.entries[self.replayed + 1 :]]
        self._fail(explain(recorded, said.event, self._before(), later))

    def _next(self) -> Event | None:
        """Give the event the record goes on with, leaving out what lies inside an effect."""
        rest = (self.entries[number].event for number in range(self.replayed, len(self.entries)))
        return next((event for event in rest if enclosing(event.task) is None), None)

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def _stalled_in_loop(self) -> None:
        if self._waiting and self.failed is None:
            self._let_go = True  # nobody's turn comes: let them go on, and so find the first difference
            self._wake()
        else:
            self._stalled()

    def _stalled(self) -> NoReturn:
        if self.failed is not None:
            raise Halt(self.failed)
        if self.replayed < len(self.entries):
            event = self.entries[self.replayed].event
            self._fail(
                Divergence(
                    f"the agent waits for something that is not in the record, which goes on with a {event.kind}",
                    seq=event.seq,
                    step=self.steps(),
                    agent=event.agent,
                    task=event.task,
                    cause="a call is missing, or the agent waits for a thread, a file or a socket of its own",
                )
            )
        self._fail(EndOfRecord(self.steps()))

    def _fail(self, error: HarnessError) -> NoReturn:
        self.failed = self.failed or error
        raise Halt(self.failed)
