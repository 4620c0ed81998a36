"""The world of a fork: the record up to one call, and from there on the record where it fits, else the real world.

A call is known by its whole request and how often it was made before; one that the record knows takes the recorded
outcome, wherever it is made. What happened inside the effect of such a call stands in the record only. Nothing waits
until the first call goes live; from then on time is real.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, NoReturn

from harness.determinism.address import enclosing, inside
from harness.determinism.loop import SessionLoop
from harness.determinism.member import member_here
from harness.determinism.schedule import Timeline
from harness.determinism.turns import Chooser, Order
from harness.errors import Divergence, Halt, HarnessError
from harness.faults.plan import Strike
from harness.faults.service import effect_of
from harness.mediation.approval import read_back
from harness.ports import Approval, Clock, Pending, Question, Recorded, World
from harness.run.changes import changed_part
from harness.run.drive import Run, say
from harness.run.known import Known, KnownCall, known_calls
from harness.run.reads import Reads, RecordedReads, is_placed, seeded
from harness.trace.codec import Header
from harness.trace.event import Event
from harness.trace.history import Histories
from harness.trace.outcome import Failed, Ok, Outcome, from_body, is_cancelled
from harness.trace.reader import Entry, Reader

Request = tuple[str, dict[str, Any]]

_SAYS: Final = "the connection is refused: the fork takes the tool for down"
_REFUSED: Final = Failed(
    {"args": [_SAYS], "happened": False, "message": _SAYS, "type": "builtins:ConnectionRefusedError"}, retryable=True
)


class Where(NamedTuple):
    """Where a fork leaves its record and what it changes there.

    ``step`` counts the calls of ``known_calls``; None where the change is in force from the beginning. ``changed`` is
    what ``run.changes`` speaks of. ``offline``: no call may go live. ``given`` are outcomes in the place of recorded
    ones, by the number of the recorded call; ``more`` are calls that another record knows.
    """

    step: int | None
    changed: dict[str, Any]
    offline: bool
    given: Mapping[int, Outcome] = {}
    more: Sequence[KnownCall] = ()


class ForkedWorld:
    """Serve a run that leaves its record.

    ``taken`` are the calls whose outcome came from the record, ``went_live`` those that it did not know, by number and
    tool. ``secrets`` are the secret bytes that the recorded run drew, by their placeholders. ``header`` is that of the
    record, whose order is kept; where ``choose`` is given the order is chosen, ``virtual`` as in ``Turns``. Where
    ``run`` gives the run that lives here, its faults strike what the effects gave; else outcomes are what the recorded
    agent saw.
    """

    def __init__(
        self,
        events: list[Event],
        where: Where,
        live: World,
        clock: Clock,
        *,
        header: Header | None = None,
        choose: Chooser | None = None,
        virtual: bool = False,
    ) -> None:
        self.failed: HarnessError | None = None
        self.went_live: list[tuple[int, str]] = []
        self.taken: set[int] = set()
        self.secrets: Mapping[str, bytes] = {}
        self.offline = where.offline
        self._where, self._live, self._clock = where, live, clock
        self._header, self._choose, self._virtual = header, choose, virtual
        self.run: Callable[[], Run] | None = None
        self._calls = known_calls(events, None if header is None else header.run)
        self._known = Known([*self._calls, *where.more])
        self._reads = RecordedReads(events)
        self._met: dict[int, KnownCall] = {}
        self._wanted: dict[int, tuple[Event, Request]] = {}
        self._found: dict[int, Recorded] = {}
        self._left = False  # whether anything has come otherwise than recorded
        self._steps: dict[int, int] = {}
        self._tools: dict[int, str] = {}
        self._down = ""
        self._histories = Histories()
        self._lines: deque[bytes] = deque()
        self._said: Iterator[Entry] = iter(())
        self._timelines: list[Timeline] = []
        self._at = 0
        self._ahead: int | None = None  # how far the session's time is ahead of the live world's, once that is asked

    def timeline(self) -> Timeline:
        """Give the timeline that the agent's threads and event loop follow."""
        run, order = ({}, "exact") if self._header is None else (self._header.run, self._header.host.get("order"))
        options: dict[str, Any] = {"stalled": self._stalled, "exact": order != "completions"}
        if self._choose is None:
            options |= {"choose": Order(map(tuple, run.get("schedule", {}).get("turns", ()))).choose, "retold": True}
        else:
            options |= {"choose": self._choose, "virtual": self._virtual}
        self._timelines.append(timeline := Timeline(**options))
        if self._virtual or order == "virtual":
            timeline.begin()
        return timeline

    @property
    def reached(self) -> bool:
        """Whether the agent came to the call to change."""
        return self._where.step is None or len(self._steps) > self._where.step

    # --- what is written ---------------------------------------------------------------------------------------------

    def begin(self, header: bytes) -> None:
        self._lines.append(header)
        self._said = Reader(iter(self._lines.popleft, None), "fork").entries()
        self._live.begin(header)

    def end(self) -> None:
        self._live.end()

    def now(self, seq: int) -> int:
        member = member_here()
        if member is not None:
            return member.timeline.now
        self._at = self._at + 1 if self._ahead is None else max(self._live.now(seq) + self._ahead, self._at + 1)
        return self._at

    def killed(self, action: int, answered: bool = False) -> bool:
        return self._live.killed(action, answered=answered)

    def write(self, lines: bytes, barrier: bool, disk: bool) -> None:
        if self.failed is not None:
            raise Halt(self.failed)
        self._live.write(lines, barrier, disk)
        for line in lines.splitlines(keepends=True):
            if not line.startswith(b'{"footer":'):
                self._lines.append(line)
                event = next(self._said).event
                if event.kind == "action":
                    self._meet(event)

    def carried(self) -> tuple[Entry, ...]:
        return ()

    def read(self, task: str, source: str, real: Callable[[], Any]) -> Any:
        known = None if seeded(source, self._where.changed.get("seed")) else self._known_read(task, source)
        return self._live.read(task, source, real) if known is None else known[1]

    def retold(self, task: str, reads: Reads) -> Reads:
        return reads

    def silent(self, reads: Iterable[str]) -> Iterable[str]:
        return sorted(reads)

    def secret(self, task: str, source: str, drawn: bytes) -> tuple[str, bytes]:
        known = self._known_read(task, source)
        return self._live.secret(task, source, drawn if known is None else self.secrets.get(known[1], drawn))

    # --- calls -------------------------------------------------------------------------------------------------------

    def recorded(self, action: int, *, waits: bool) -> Recorded | None:
        if action in self._found:
            return self._found[action]  # whoever reads a stream asks again when it ends
        event, request = self._wanted.pop(action, (None, None))
        met = self._met.get(action)
        found = self._changed(action, met)
        if found is None and event is not None and request is not None:
            found = self._served(event, request, met)
        if found is None:
            self._go_live(action)
            return None
        self._found[action] = found
        self._left = self._left or not self._struck_alike(action, met)
        self.taken.add(action)
        if found.at is not None:
            self._at = max(self._at, found.at - 1)
        return found

    def _changed(self, action: int, met: KnownCall | None) -> Recorded | None:
        """Give the outcome of a call that the fork changes; None where it leaves it alone."""
        observation = None if met is None else met.observation
        if self._tools.get(action) == self._down and not self._is_before(action):
            outcome: Outcome = _REFUSED
        elif met is not None and met.event.seq in self._where.given:
            outcome = self._where.given[met.event.seq]
        elif self._steps.get(action, -1) == self._where.step and any(map(_sets_outcome, self._where.changed)):
            recorded = None if observation is None else observation.body.get("ok")
            outcome = Ok(changed_part(recorded, "outcome", self._where.changed))
        else:
            return None
        self._left = True
        return Recorded(outcome, self._at + 1 if observation is None else self._moment(met))

    def _served(self, action: Event, request: Request, met: KnownCall | None) -> Recorded | None:
        """Give what the record knows of a call, struck by the faults of this run; None where it is to go live."""
        run = None if self.run is None else self.run()
        strikes = () if run is None or run.faults is None else run.faults.shown(action.seq)
        model = action.body["surface"] == "model"
        if run is None or (model and ("faults" not in self._where.changed or self._struck_alike(action.seq, met))):
            outcome = None if met is None or met.observation is None else from_body(met.observation.body)
            if run is not None and met is not None:
                _retell(run, action.seq, met.faults)
            return self._came(action.seq, outcome, self._moment(met), met)
        made = effect_of(strikes)
        if made.instead is not None:
            if met is not None and not met.performed:
                return self._struck(run, action, None, self._moment(met))
            if met is not None:
                self._known.give_back(met)  # the next call of the same request finds what this one does not need
            return self._struck(run, action, None, self.now(0) + 1)
        call = met if met is not None and met.performed else self._known.performance(action, request)
        if call is None or (call.mixed and "faults" in self._where.changed) or any(map(_asks, strikes)):
            return None
        if run.faults is not None:
            run.faults.pass_by(call.did)
        outcome, at = call.gave, self._moment(call)
        if not self._struck_alike(action.seq, call):
            at += int(made.delay_ms * 1e6) - call.delayed_ns
        if run.faults is None or outcome is None or is_cancelled(outcome) or (model and not strikes):
            return self._came(action.seq, outcome, at, call)
        if model and "chunks" in getattr(outcome, "value", ()):
            return None  # a stream is struck where it comes from
        return self._struck(run, action, outcome, at)._replace(did=call.did)

    def _struck_alike(self, action: int, met: KnownCall | None) -> bool:
        """Tell whether a call is known and struck by the very faults by which it was struck in the record."""
        before = [] if met is None else [(one.body["fault"], one.body["kind"]) for one in met.faults]
        faults = None if self.run is None else self.run().faults
        now = () if faults is None else faults.shown(action)
        return met is not None and before == [(one.fault.name, one.fault.kind) for one in now]

    def _moment(self, call: KnownCall | None) -> int:
        """Give when the outcome of a call comes: as recorded, and once the run has left its record as long after it."""
        if call is None or call.observation is None:
            return 0
        member = member_here()
        if not self._left or member is None:
            return call.observation.at
        return member.timeline.now + call.observation.at - call.event.at

    def _came(self, action: int, outcome: Outcome | None, at: int, call: KnownCall | None) -> Recorded | None:
        """Give an outcome as it was recorded; what the agent had cancelled never comes, or is asked for again."""
        if outcome is None:
            return None
        did = () if call is None else call.did
        if not is_cancelled(outcome):
            return Recorded(outcome, at, did=did)
        return Recorded(outcome, None, did=did) if self._is_before(action) or self._where.offline else None

    @staticmethod
    def _struck(run: Run, action: Event, clean: Outcome | None, at: int) -> Recorded:
        assert run.faults is not None
        return Recorded(clean, at, partial(run.faults.on_record, run, action.seq, action.body["tool"], clean))

    async def arecorded(self, action: int) -> Recorded | None:
        return self.recorded(action, waits=True)

    def aside(self) -> None:
        self._live.aside()

    def wait(self, duration_ns: int) -> None:
        member = member_here()
        if self._ahead is not None:
            self._live.wait(duration_ns)
        elif member is not None and duration_ns > 0:
            member.timeline.sleep(member, duration_ns)

    def moment(self, at: int | None) -> int:
        member = member_here()
        if at is None or self._ahead is not None:
            return self.now(0) if member is None else self._live.moment(None)
        if member is not None:
            return member.timeline.come_back(member, at)
        return self.now(0)

    async def arrived(self, at: int | None) -> int:
        loop = asyncio.get_running_loop()
        if isinstance(loop, SessionLoop) and member_here() is not None:
            await loop.timeline.arrive(at if self._ahead is None else None)
            return loop.timeline.now
        return self.now(0)

    async def turn_to_call(self, tool: str, args: dict[str, Any]) -> None:
        pass

    def wait_to_call(self, tool: str, args: dict[str, Any]) -> None:
        pass

    async def turn_to_end(self, action: int, at: int | None) -> None:
        if at is None:
            await asyncio.get_running_loop().create_future()  # only a timer of the agent's own ended this
        await self.arrived(at)

    def ask(self, action: int, question: Question) -> Approval | Pending:
        return self._answer(action) or self._live.ask(action, question)

    async def aask(self, action: int, question: Question) -> Approval | Pending:
        known = self._answer(action)
        if known is None:
            return await self._live.aask(action, question)
        answer = self._met[action].answer
        await self.arrived(answer.at if answer is not None else None)
        return known

    # --- how far the record fits -------------------------------------------------------------------------------------

    def _meet(self, event: Event) -> None:
        """Find what the record knows of a call that has just been written."""
        tool, args = event.body["tool"], event.body["args"]
        whole = self._histories.restore(tool, args, event.seq) if event.body["surface"] == "model" else args
        if enclosing(event.task) is not None:
            return
        step = self._steps[event.seq] = len(self._steps)
        self._tools[event.seq] = tool
        if step == self._where.step and self._where.changed.get("down"):
            self._down = tool
        self._wanted[event.seq] = event, (tool, whole)
        met = self._known.meet(event, (tool, whole))
        if met is not None:
            self._met[event.seq] = met
        if self._where.step is not None and step < self._where.step:
            expected = self._calls[step]
            if self._met.get(event.seq) is not expected:
                known = expected.event.body["tool"]
                self._fail(event.seq, f"another call of {tool}" if tool == known else f"{tool} instead of {known}")

    def _is_before(self, action: int) -> bool:
        return self._where.step is not None and self._steps.get(action, self._where.step) < self._where.step

    def _answer(self, action: int) -> Approval | None:
        call = self._met.get(action)
        if call is None or call.answer is None:
            self._go_live(action)
            return None
        # the same call stands in another trace here, so its question has another digest
        return read_back(call.answer)._replace(digest="")

    def _known_read(self, task: str, source: str) -> tuple[str, Any] | None:
        if is_placed(source):
            left = self._reads.placed(task, source)
            return (source, left.popleft()) if left else None
        own = self._reads.own(task)
        if own and own[0][0] != source:
            self._reads.forget(task)  # this task goes another way from here on
            return None
        return own.popleft() if own else None

    def _go_live(self, action: int) -> None:
        tool = self._tools.get(action)
        if self._where.offline:
            self._fail(action, f"the record does not know this call of {tool}, and nothing may go live")
        if tool is not None and (action, tool) not in self.went_live:
            self.went_live.append((action, tool))
        if self._ahead is None:
            self._ahead = self._at - self._live.now(0)
            for timeline in self._timelines:
                timeline.go_live(self._clock, self._at)

    def _stalled(self) -> None:
        self._fail(-1, "the agent waits for something that the record does not know")

    def _fail(self, seq: int, what: str) -> NoReturn:
        step = self._steps.get(seq, len(self._steps) - 1)
        before = self._where.step is not None and step < self._where.step
        cause = "the agent is not the recorded one, or depends on something that is not captured" if before else ""
        self.failed = self.failed or Divergence(what, seq=seq, step=step, cause=cause)
        raise Halt(self.failed)


def _retell(run: Run, action: int, faults: Iterable[Event]) -> None:
    """Tell of faults that have struck in the record, and whose work is in the recorded outcome."""
    with inside(action):
        for fault in faults:
            say(run, "fault", {**fault.body, "action": action})


def _asks(strike: Strike) -> bool:
    """Tell whether a fault changes what is asked, so that no recorded answer is one to that."""
    return strike.fault.family == "request"


def _sets_outcome(name: str) -> bool:
    return name.partition(".")[0] == "outcome"
