"""The world of a replay: outcomes, answers and times come from the trace, everything else must come out equal.

What is written is held against the record line by line. The first line that differs stops the agent with a Halt that
carries the Divergence; from then on every call does, so an agent cannot go on over it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import shake_256
from typing import Any, Final, NoReturn

from harness.determinism.loop import SessionLoop
from harness.determinism.member import member_here
from harness.determinism.schedule import Timeline
from harness.determinism.turns import Order
from harness.errors import Divergence, Halt, HarnessError
from harness.mediation.approval import read_back
from harness.ports import Approval, Pending, Question, Recorded
from harness.run.reads import Reads, RecordedReads, is_placed, retold, seeded
from harness.run.site import Home
from harness.run.tolerance import Tolerance
from harness.run.watch import Watch
from harness.trace.codec import Header
from harness.trace.diff import explain
from harness.trace.event import Event
from harness.trace.history import restored
from harness.trace.outcome import from_body, is_cancelled
from harness.trace.reader import Entry, Reader, read_after
from harness.trace.verdict import KILL_SWITCH

_PATIENCE_S: Final = 1.0
_ALONG: Final = ("read", "verdict")  # written in one go with what comes before or after them


class EndOfRecord(HarnessError):
    """Say that the recorded run was cut off here: so far everything was equal."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        counted = f"{steps} step{'s' * (steps != 1)}"
        super().__init__(f"the recorded run was cut off after {counted}; up to there all is equal")


class RecordedWorld:
    """Serve one recorded run; ``failed`` is the first difference, ``replayed`` the number of equal events.

    ``home`` tells the agent's own frames, ``tolerance`` what may differ; ``watch`` looks on. ``secrets`` are the bytes
    that were drawn to be secret, by their placeholders; of those it does not have, substitutes are derived and listed
    in ``substituted``.
    """

    offline = True

    def __init__(self, reader: Reader) -> None:
        self.entries: list[Entry] = list(reader.entries())
        self.header: Header = reader.header
        self.digest = reader.digest
        self.failed: HarnessError | None = None
        self.home = Home()
        self.tolerance: Tolerance | None = None
        self.watch: Watch | None = None
        self.secrets: Mapping[str, bytes] = {}
        self.substituted: list[str] = []
        self.replayed = 0
        self._sealed = reader.footer is not None
        self._exact = self.header.host.get("order") != "completions"
        self._waiting: list[tuple[Callable[[Event], bool], asyncio.Future[None]]] = []
        self._watched = -1
        self._let_go = False
        events = [entry.event for entry in self.entries]
        self._observations = {event.body["action"]: event for event in events if event.kind == "observation"}
        self._requests = restored(events)  # one at a time: each may hold a whole conversation
        self._request: tuple[int, tuple[str, dict[str, Any]]] = (-1, ("", {}))
        self._inner = any(map(_lies_in_effect, events))
        self.reads = RecordedReads(events)
        self.unrecorded: list[str] = []
        self._answers = {event.body["action"]: event for event in events if "answer" in event.body}
        self._killed = {
            (event.body["action"], "answer" in event.body)
            for event in events
            if event.kind == "decision" and event.body["rule"] == KILL_SWITCH
        }

    def timeline(self) -> Timeline:
        """Give the timeline that a replayed agent's event loop has to follow."""
        turns = self.header.run.get("schedule", {}).get("turns", ())
        choose = Order(map(tuple, turns)).choose if turns else None  # which looks at all who could go on, each time
        timeline = Timeline(stalled=self._stalled_in_loop, exact=self._exact, choose=choose, retold=True)
        if self.header.host.get("order") == "virtual":
            timeline.begin()
        return timeline

    def begin(self, header: bytes) -> None:
        pass  # the run part of the header was compared before the replay began

    def end(self) -> None:
        """Check that the agent did not end before its record."""
        if self.failed is None and self.replayed < len(self.entries):
            self.fail(explain(self.entries[self.replayed].event, None, self._before()))

    def now(self, seq: int) -> int:
        return self.entries[seq].event.at if seq < len(self.entries) else 0

    def killed(self, action: int, answered: bool = False) -> bool:
        return (action, answered) in self._killed

    def write(self, lines: bytes, barrier: bool, disk: bool) -> None:
        if self.failed is not None:
            raise Halt(self.failed)
        if self.replayed < len(self.entries) and self.entries[self.replayed].line == lines:
            self.replayed += 1  # nearly every input writes one line
        else:
            self._compare(lines)
        if self._waiting:
            self.wake()
        if self.watch is not None and (ended := self.watch.passed(self.entries, self.replayed)) is not None:
            self.fail(ended)

    def carried(self) -> Sequence[Entry]:
        if not self._inner:
            return ()
        first = self.replayed
        while self.replayed < len(self.entries) and _lies_in_effect(self.entries[self.replayed].event):
            self.replayed += 1
        return self.entries[first : self.replayed]

    def read(self, task: str, source: str, real: Callable[[], Any]) -> Any:
        if is_placed(source):
            left = self.reads.placed(task, source)
            if left:
                return left.popleft()
            self.unrecorded.append(source)
            # whoever drew it had not spoken since when the run was cut off; what follows from the run's seed is known
            return seeded(source, self.header.run.get("seed") or None) or real()
        own = self.reads.own(task)
        if own and own[0][0] == source:
            return own.popleft()[1]
        if own or self._sealed:
            self._misread(task, source, own)
        return real()  # the run was cut off before it wrote down what it read

    def _misread(self, task: str, source: str, own: Sequence[tuple[str, Any]]) -> NoReturn:
        there = f"where the record has {own[0][0]}" if own else "which the record does not have here"
        self.fail(
            Divergence(
                f"{source} is read{' ' if own else ', '}{there}",
                seq=self.replayed,
                step=self.steps(),
                agent=self.header.run.get("agent", "main"),
                task=task,
                pointer="/reads",
                recorded=own[0][0] if own else None,
                now=source,
                cause=f"{'another' if own else 'an extra'} read: the agent's code changed, or what it remembers",
            )
        )

    def retold(self, task: str, reads: Reads) -> Reads:
        event = self._next()
        if event is None and not self._sealed:
            return reads
        if not reads and (event is None or event.kind != "read"):
            return reads  # as before nearly every call
        return retold(reads, event, task)

    def silent(self, reads: Iterable[str]) -> Iterable[str]:
        rest = (entry.event for entry in self.entries[self.replayed :])
        return sorted({*reads, *(event.task for event in rest if event.kind == "read")})

    def secret(self, task: str, source: str, drawn: bytes) -> tuple[str, bytes]:
        said: str = self.read(task, source, lambda: f"⟦secret:{source}⟧")
        kept = self.secrets.get(said)
        if kept is None:
            self.substituted.append(said)
            kept = shake_256(said.encode()).digest(len(drawn))
        return said, kept

    def recorded(self, action: int, *, waits: bool) -> Recorded:
        observation = self._observations.get(action)
        if observation is None:
            if not waits:
                self._wait_for_the_end()
            return Recorded(None, None)
        outcome = from_body(observation.body)
        return Recorded(outcome, None if is_cancelled(outcome) else observation.at)

    async def arecorded(self, action: int) -> Recorded | None:
        return self.recorded(action, waits=True)

    def aside(self) -> None:
        raise HarnessError("an effect is performed while a run is replayed")

    def wait(self, duration_ns: int) -> None:
        member = member_here()
        if member is not None and duration_ns > 0:
            member.timeline.sleep(member, duration_ns)

    def _wait(self, fits: Callable[[Event], bool]) -> None:
        """Wait in a thread for the recorded order; one that runs an event loop cannot."""
        member = member_here()
        if member is not None and member.wake is None:
            member.timeline.pause(member, lambda: self._let_go or (event := self._goes_on()) is None or fits(event))

    def moment(self, at: int | None) -> int:
        member = member_here()
        if member is not None and at is not None:
            member.timeline.come_back(member, at)
        return at or 0

    async def arrived(self, at: int | None) -> int:
        loop = asyncio.get_running_loop()
        assert at is not None
        if isinstance(loop, SessionLoop):
            await loop.timeline.arrive(at)
        return at

    async def turn_to_call(self, tool: str, args: dict[str, Any]) -> None:
        if not self._exact:
            await self._turn(lambda event: event.kind == "action" and self._is_call(event, tool, args))

    def wait_to_call(self, tool: str, args: dict[str, Any]) -> None:
        if not self._exact:
            self._wait(lambda event: event.kind == "action" and self._is_call(event, tool, args))

    async def turn_to_end(self, action: int, at: int | None) -> None:
        if at is None:
            await asyncio.get_running_loop().create_future()  # only a timer of the agent's own can end this
        elif self._exact:
            await self.arrived(at)
        else:
            await self._turn(lambda event: event.kind == "observation" and event.body["action"] == action)

    def _is_call(self, event: Event, tool: str, args: dict[str, Any]) -> bool:
        name, recorded = self._requested(event)
        if name != tool or recorded == args:
            return name == tool
        model = event.body["surface"] == "model"
        return self.tolerance is not None and self.tolerance.agree(tool, recorded, args, model=model)

    def _requested(self, action: Event) -> tuple[str, dict[str, Any]]:
        """Give the tool and the whole arguments of an action; no earlier one may be asked for again."""
        while self._request[0] < action.seq:
            event, request = next(self._requests)
            self._request = event.seq, request
        return self._request[1]

    async def _turn(self, fits: Callable[[Event], bool]) -> None:
        """Wait for the recorded order. A loop of our own finds it by its times; somebody else's timers are not ours."""
        while not self._let_go and (event := self._goes_on()) is not None and not fits(event):
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.append((fits, waiting))
            self._watch_for_stall(event)
            await waiting

    def _watch_for_stall(self, event: Event) -> None:
        loop = self._waiting[-1][1].get_loop()
        if self._watched < self.replayed and not isinstance(loop, SessionLoop):
            self._watched = self.replayed
            loop.call_later(self._patience_s(event), self._stalled_since, self.replayed)

    def _patience_s(self, event: Event) -> float:
        """Give the time in which the next event has surely come: somebody else's loop does not say when it is idle."""
        before = self.entries[self.replayed - 1].event.at if self.replayed else 0
        return _PATIENCE_S + 2 * max(event.at - before, 0) / 1e9

    def _stalled_since(self, replayed: int) -> None:
        if self._waiting and self.replayed == replayed and self.failed is None:
            self._stalled_in_loop()

    def ask(self, action: int, question: Question) -> Approval | Pending:
        decision = self._answers.get(action)
        if decision is None:
            self._wait_for_the_end()
        self.moment(decision.at)
        return read_back(decision)

    async def aask(self, action: int, question: Question) -> Approval | Pending:
        decision = self._answers.get(action)
        if decision is None:
            # only a timer of the agent's own can end this; it is no future of the agent's, whose numbers count
            await asyncio.Future(loop=asyncio.get_running_loop())
        assert decision is not None
        if self._exact:
            await self.arrived(decision.at)
        else:
            await self._turn(lambda event: event is decision)
        return read_back(decision)

    def steps(self) -> int:
        """Count the actions that were equal."""
        return sum(entry.event.kind == "action" for entry in self.entries[: self.replayed])

    def _before(self) -> list[Event]:
        return [entry.event for entry in self.entries[: self.replayed]]

    def _compare(self, lines: bytes) -> None:
        for line in lines.splitlines(keepends=True):
            if line.startswith(b'{"footer":'):
                return
            if self.replayed == len(self.entries) and not self._sealed:
                self.fail(EndOfRecord(self.steps()))
            if self.replayed >= len(self.entries) or self.entries[self.replayed].line != line:
                self._diverge(line)
                return
            self.replayed += 1

    def _diverge(self, line: bytes) -> None:
        """Tell the first difference."""
        now = read_after(line, self._before(), "now")
        rest = [entry.event for entry in self.entries[self.replayed :]]
        self.fail(explain(rest[0] if rest else None, now, self._before(), rest[1:]))

    def _next(self) -> Event | None:
        """Give the event the record goes on with, leaving out what lies inside an effect."""
        if not self._inner:
            return self.entries[self.replayed].event if self.replayed < len(self.entries) else None
        rest = (self.entries[number].event for number in range(self.replayed, len(self.entries)))
        return next((event for event in rest if not _lies_in_effect(event)), None)

    def _goes_on(self) -> Event | None:
        """Give the event whose turn it is: what a task has read, and is said of that, is written with what it does."""
        rest = (self.entries[number].event for number in range(self.replayed, len(self.entries)))
        return next((event for event in rest if event.kind not in _ALONG and not _lies_in_effect(event)), None)

    def wake(self) -> None:
        """Wake those whose turn it is now, or everybody where the record can tell no more."""
        event = None if self._let_go else self._goes_on()
        waiting, self._waiting = self._waiting, []
        for fits, future in waiting:
            if future.done():
                continue
            if event is None or fits(event):
                future.set_result(None)
            else:
                self._waiting.append((fits, future))
        if event is not None and self._waiting:
            self._watch_for_stall(event)

    def _stalled_in_loop(self) -> None:
        if self._waiting and self.failed is None:
            self._let_go = True  # nobody's turn comes: let them go on, and so find the first difference
            self.wake()
        else:
            self.stalled()

    def _wait_for_the_end(self) -> NoReturn:
        """Wait in a thread for what never came, while the record tells of others that went on."""
        if (member := member_here()) is not None and member.wake is None:
            member.timeline.pause(member, lambda: self.replayed == len(self.entries))
        self.stalled()

    def stalled(self) -> NoReturn:
        """End the replay: the agent waits for what does not come."""
        if self.failed is not None:
            raise Halt(self.failed)
        if self.replayed < len(self.entries):
            event = self.entries[self.replayed].event
            self.fail(
                Divergence(
                    f"the agent waits for what is not in the record, which goes on with the {event.kind} {event.seq}",
                    seq=event.seq,
                    step=self.steps(),
                    agent=event.agent,
                    task=event.task,
                    cause="a call is missing, or the agent waits for a thread, a file or a socket of its own",
                )
            )
        self.fail(EndOfRecord(self.steps()))

    def fail(self, error: HarnessError) -> NoReturn:
        """Stop the agent, here and at every later call; the first error is the one that is told."""
        if self.failed is None and isinstance(error, Divergence):
            error.sites = error.sites or self.home.sites()
            if self.watch is not None:
                self.watch.diverged(self.entries, error)
        self.failed = self.failed or error
        raise Halt(self.failed)


def _lies_in_effect(event: Event) -> bool:
    return "/" in event.task
