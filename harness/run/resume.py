"""The world of a run that goes on: the record first, as in a replay, and from its end on the real world.

It goes live with the line that uses the record up. Only then is the new trace begun, with the lines of the record, so
that a run which cannot be followed leaves nothing behind, and no effect is performed that is not announced there.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Generator
from datetime import datetime
from typing import Any, NamedTuple

from harness.determinism import canonical
from harness.determinism.address import effects_around, enclosing, inside
from harness.determinism.member import member_here
from harness.determinism.schedule import Timeline
from harness.errors import Halt, HarnessError, UsageError
from harness.mediation.approval import expiry, read_back
from harness.ports import Approval, Clock, Pending, Question, Recorded, World
from harness.run.doubt import Doubt, Probing, Settled, settle
from harness.run.drive import Run, aask, ask, say
from harness.run.reads import is_placed
from harness.run.replay import RecordedWorld
from harness.run.stop import BEGINS, MACHINE, resolve
from harness.tool import ToolSpec
from harness.trace.again import NOTE
from harness.trace.event import Event
from harness.trace.reader import Reader


class Rim(NamedTuple):
    """What a resumed world needs of the world outside.

    ``begin`` opens the real world, at the time of the last recorded event; ``take_over`` makes the lines written so far
    safe, and the new trace the one that goes on; ``probe`` calls a tool by name and gives its result as JSON data, or
    an awaitable of it; ``spec`` gives the declaration of a tool by its name. ``today`` is the time by the wall
    clock, which approvals expire by.
    """

    begin: Callable[[int], World]
    take_over: Callable[[], None]
    clock: Clock
    probe: Callable[[str, dict[str, Any]], Any]
    spec: Callable[[str], ToolSpec]
    today: Callable[[], datetime]


class ResumedWorld(RecordedWorld):
    """Serve a run that was cut off, then let it go on; ``settled`` are the doubts it left, by action.

    ``went_on`` says whether anything has happened or was written that is not in the record.
    ``run`` has to be set before the first call: it gives the run that lives in this world.
    """

    offline = False
    run: Callable[[], Run]

    def __init__(self, reader: Reader, rim: Rim) -> None:
        super().__init__(reader)
        events = [entry.event for entry in self.entries]
        self.settled: dict[int, Settled] = {}
        self.went_on = False
        self._rim = rim
        self._live: World | None = None
        self._timelines: list[Timeline] = []
        self._awaiting: list[asyncio.Future[None]] = []
        self._header = b""
        self._last_own = max((event.seq for event in events if enclosing(event.task) is None), default=-1)
        self._with_outcome = {event.body["action"] for event in events if event.kind == "observation"}
        self._with_answer = {event.body["action"] for event in events if "answer" in event.body}
        self._held_back = _held_back(events)
        self._not_begun = set(self._held_back)

    @property
    def live(self) -> bool:
        """Whether the record is used up."""
        return self._live is not None

    def timeline(self) -> Timeline:
        timeline = super().timeline()
        self._timelines.append(timeline)
        if self._live is not None:
            timeline.go_live(self._rim.clock, timeline.now)
        return timeline

    def begin(self, header: bytes) -> None:
        self._header = header
        if self._last_own < 0:
            self._go_live()

    def end(self) -> None:
        if self._live is None:
            super().end()
        else:
            self._live.end()

    def now(self, seq: int) -> int:
        return super().now(seq) if self._live is None or seq < len(self.entries) else self._live.now(seq)

    def killed(self, action: int, answered: bool = False) -> bool:
        known = action in self._with_answer if answered else action < len(self.entries)
        if known or self._live is None:
            return super().killed(action, answered=answered)
        return self._live.killed(action, answered=answered)

    def write(self, lines: bytes, barrier: bool, disk: bool) -> None:
        if self._live is not None and self.replayed == len(self.entries):
            self.went_on = self.went_on or bool(lines)
            self._live.write(lines, barrier, disk)
            return
        before = self.replayed
        said = lines.splitlines(keepends=True)
        known, new = said[: len(self.entries) - before], said[len(self.entries) - before :]
        super().write(b"".join(known), barrier, disk)
        if self.replayed > self._last_own:
            self._go_live()
        if new:  # the killed run did not come to the end of this step: nothing was performed after it
            self._not_begun.update(range(before, before + len(said)))
            assert self._live is not None
            self.went_on = True
            self._live.write(b"".join(new), barrier, disk)

    def read(self, task: str, source: str, real: Callable[[], Any]) -> Any:
        if self._live is not None and not is_placed(source) and not self.reads.own(task):
            return self._live.read(task, source, real)
        return super().read(task, source, real)

    def secret(self, task: str, source: str, drawn: bytes) -> tuple[str, bytes]:
        if is_placed(source) and not self.reads.placed(task, source):
            if self._live is not None:
                return self._live.secret(task, source, drawn)
            self.unrecorded.append(source)  # a package has drawn where it did not: nothing of the record hangs on it
            return f"⟦secret:{source}⟧", drawn
        if self._live is not None and not is_placed(source) and not self.reads.own(task):
            return self._live.secret(task, source, drawn)
        return super().secret(task, source, drawn)

    def recorded(self, action: int, *, waits: bool) -> Recorded | None:  # type: ignore[override]
        if action in self._with_outcome:
            return super().recorded(action, waits=waits)
        self._wait_until_live()
        if not self._in_doubt(action):
            self._begins(action)
            return None
        with inside(action):
            steps = settle(self._doubt(action))
            settled = _decided(steps, None)
            while not isinstance(settled, Settled):
                settled = _decided(steps, self._told(action, settled))
            self._keep(action, settled)
        return None if settled.outcome is None else Recorded(settled.outcome, None)

    async def arecorded(self, action: int) -> Recorded | None:
        if action in self._with_outcome:
            return super().recorded(action, waits=True)
        await self._await_live()
        if not self._in_doubt(action):
            self._begins(action)
            return None
        with inside(action):
            steps = settle(self._doubt(action))
            settled = _decided(steps, None)
            while not isinstance(settled, Settled):
                settled = _decided(steps, await self._atold(action, settled))
            self._keep(action, settled)
        return None if settled.outcome is None else Recorded(settled.outcome, None)

    def aside(self) -> None:
        assert self._live is not None
        self._live.aside()

    def wait(self, duration_ns: int) -> None:
        if self._live is None:
            super().wait(duration_ns)
        else:
            self._live.wait(duration_ns)

    def moment(self, at: int | None) -> int:
        return super().moment(at) if at is not None or self._live is None else self._live.moment(None)

    async def arrived(self, at: int | None) -> int:
        return await (super().arrived(at) if at is not None or self._live is None else self._live.arrived(None))

    async def turn_to_call(self, tool: str, args: dict[str, Any]) -> None:
        if self._live is None:
            await super().turn_to_call(tool, args)

    async def turn_to_end(self, action: int, at: int | None) -> None:
        if action in self._with_outcome or self._live is None:
            await super().turn_to_end(action, at)
        else:
            await self._live.arrived(None)

    def ask(self, action: int, question: Question) -> Approval | Pending:
        if action in self._with_answer:
            return super().ask(action, question)
        self._wait_until_live()
        self._not_begun.add(action)
        assert self._live is not None
        return self._live.ask(action, question)

    async def aask(self, action: int, question: Question) -> Approval | Pending:
        if action in self._with_answer:
            return await super().aask(action, question)
        await self._await_live()
        self._not_begun.add(action)
        assert self._live is not None
        return await self._live.aask(action, question)

    # --- going live --------------------------------------------------------------------------------------------------

    def _go_live(self) -> None:
        if self.substituted:
            self.fail(
                UsageError(
                    f"the run has drawn secret bytes that are not there: {', '.join(self.substituted)}",
                    cure="put the file TRACE.secrets beside the trace; without it a run can be replayed only",
                )
            )
        at = self.entries[-1].event.at if self.entries else 0
        self._live = self._taken_over(at)
        for timeline in self._timelines:
            timeline.go_live(self._rim.clock, at)
        self.wake()
        awaiting, self._awaiting = self._awaiting, []
        for future in awaiting:
            resolve(future)

    def _taken_over(self, at: int) -> World:
        """Begin the new trace, and claim the old one; where either fails nothing is live, nor will be."""
        try:
            live = self._rim.begin(at)
            live.begin(self._header)
            live.write(b"".join(entry.line for entry in self.entries), True, True)
            self._rim.take_over()
        except Halt as halt:
            self.fail(halt.error)
        except HarnessError as error:
            self.fail(error)  # not as the agent's own error, over which it could go on: what it did would be done twice
        return live

    def _wait_until_live(self) -> None:
        if self._live is None and (member := member_here()) is not None:
            member.timeline.pause(member, lambda: self.live)
        if self._live is None:
            self.stalled()

    async def _await_live(self) -> None:
        if self._live is None:
            # not the loop's create_future: what is created here would shift the numbers of the agent's own futures
            future: asyncio.Future[None] = asyncio.Future(loop=asyncio.get_running_loop())
            self._awaiting.append(future)
            await future

    # --- doubts ------------------------------------------------------------------------------------------------------

    def _in_doubt(self, action: int) -> bool:
        return action < len(self.entries) and (action not in self._not_begun or bool(self._void(action)))

    def _begins(self, action: int) -> None:
        """Say that an action begins which the record says had not; else the next resumption would believe that."""
        self.went_on = True
        if action in self._held_back:
            with inside(action):
                say(self.run(), "state", {"machine": MACHINE, "name": BEGINS, "data": {"action": action}})
            self._safe()

    def _safe(self) -> None:
        assert self._live is not None
        self._live.write(b"", True, True)

    def _doubt(self, action: int) -> Doubt:
        event, spec = self.run().machine.under_way(action)
        within = [entry.event for entry in self.entries if action in effects_around(entry.event.task)]
        open_ = {one.body["action"] for one in within if one.body.get("decision") == "escalate"} - self._with_answer
        began = [one for one in within if one.kind == "action" and one.seq not in open_]
        calls = [one.body for one in began if one.body["surface"] == "tool"]
        doubted = sum(one.body.get("text") == NOTE for one in within)
        return Doubt(
            action,
            event.body["surface"] == "model",
            self.entries[action].event.body["args"],
            spec,
            all(self._rim.spec(one["tool"]).repeatable(one["args"]) for one in calls),
            canonical.digest_of([self.entries[action].digest, doubted]),
            self._void(action),
        )

    def _void(self, action: int) -> str:
        """Say why the approval that an action was begun under does not count any more; empty where it does."""
        decision = self._answers.get(action)
        return "" if decision is None else expiry(read_back(decision)._replace(answered=self._rim.today()))

    def _probe(self, action: int, wanted: Probing) -> Any:
        """Call a probe with the arguments of the call in doubt, secrets and all."""
        return self._rim.probe(wanted.tool, self.run().machine.under_way(action)[0].body["args"])

    def _told(self, action: int, wanted: Probing | Question) -> Any:
        assert self._live is not None
        if isinstance(wanted, Question):
            return ask(self.run(), self._live, action, wanted)
        try:
            return self._probe(action, wanted)
        except Exception as error:  # noqa: BLE001 - whatever keeps a probe from telling
            return error

    async def _atold(self, action: int, wanted: Probing | Question) -> Any:
        assert self._live is not None
        if isinstance(wanted, Question):
            return await aask(self.run(), self._live, action, wanted)
        try:
            said = self._probe(action, wanted)
            return await said if inspect.isawaitable(said) else said
        except Exception as error:  # noqa: BLE001 - whatever keeps a probe from telling
            return error

    def _keep(self, action: int, settled: Settled) -> None:
        self.settled[action] = settled
        say(self.run(), "note", settled.note)
        self._safe()  # or an answer could be found again that was given to this doubt


def _decided(steps: Generator[Probing | Question, Any, Settled], answer: Any) -> Probing | Question | Settled:
    try:
        return steps.send(answer)
    except StopIteration as done:
        settled: Settled = done.value
        return settled


def _held_back(events: list[Event]) -> set[int]:
    """Give the actions that a stop has kept from beginning, and that did not begin later."""
    found: set[int] = set()
    for event in events:
        if event.kind == "state" and event.body["machine"] == MACHINE and enclosing(event.task) is not None:
            found |= set(event.body["data"].get("not_begun", ()))
            found.discard(event.body["data"].get("action"))
    return found
