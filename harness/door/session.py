"""One run of one agent, found by the agent's code through a context variable."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import Token
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, Self

from harness.adapters.interpreter import scope
from harness.adapters.interpreter.scope import Scope
from harness.determinism import address
from harness.determinism.loop import run as run_in_loop
from harness.determinism.member import Mutex, current, take_part
from harness.determinism.schedule import Timeline
from harness.door.bus import Bus
from harness.door.current import session_var
from harness.door.machines import Machines
from harness.door.surfaces import Surfaces, Told
from harness.errors import Halt, NotRecordable, UsageError, Waiting
from harness.ports import World
from harness.run import drive
from harness.run.drive import Run
from harness.run.faulty import faults_of
from harness.run.session import SessionMachine
from harness.run.stop import Stop
from harness.trace.codec import Header
from harness.trace.error import describe_end
from harness.trace.value import encode_value, module_of
from harness.trace.verdict import Truth

if TYPE_CHECKING:
    from harness.door.app import Harness


def _leave_in_child() -> None:
    """Let a process that was forked inside a session be outside of it: the trace is its parent's."""
    session_var.set(None)
    current.set(None)
    scope.enter(None)
    take_part(None)


os.register_at_fork(after_in_child=_leave_in_child)


_numbers: Final = itertools.count()


class TraceInfo(NamedTuple):
    """Where a trace is (empty while replaying) and its digest so far."""

    path: str
    digest: str


class Entry(NamedTuple):
    """The function a run began with, by name, its JSON input, and the folder its module is imported from."""

    name: str
    input: dict[str, Any]
    folder: str = ""


class Session(Machines, Bus, Surfaces):
    """Record, check and seal one run; a context manager, synchronous or asynchronous.

    Nothing is written before the first call, so a session without one leaves no file. ``verdict`` is the verdict of
    the run so far: ``violated`` also where the violating call was blocked. ``live`` is the run behind it, None before
    the first call; ``number`` tells the sessions of a process apart.
    """

    replays: ClassVar[bool] = False
    """Whether outcomes come from a trace; what an agent needs only for real need not be there then."""

    def __init__(
        self,
        app: Harness,
        header: Callable[[Entry | None], Header],
        world: Callable[[], tuple[World, str]],
        timeline: Callable[[], Timeline],
        machine: Callable[..., SessionMachine] = SessionMachine,
    ) -> None:
        self.app = app
        self._machine = machine
        self._header, self._world, self._timeline = header, world, timeline
        self._entry: Entry | None = None
        self.timeline: Timeline | None = None
        self.live: Run | None = None
        self._scope = Scope(refuse=app.uncaptured == "refuse")
        self._path = ""
        self._tokens: tuple[Token[Session | None], Token[address.Node | None], Token[Timeline | None]] | None = None
        self._uncapture: Callable[[], None] | None = None
        self._depth = 0
        self.ended = False
        self.number = str(next(_numbers))
        self._told: set[Told] = set()
        self._lock = Mutex()

    @property
    def verdict(self) -> Truth:
        """What the rules say of the run so far: holds, violated or unknown."""
        return "holds" if self.live is None else self.live.machine.verdict

    @property
    def trace(self) -> TraceInfo:
        """The trace of this run."""
        return TraceInfo(self._path, "" if self.live is None else self.live.machine.digest)

    @property
    def uncaptured(self) -> tuple[str, ...]:
        """The doors past which the agent reached out, once each: door, function, file and line."""
        return tuple(self._scope.uncaptured)

    @property
    def steps(self) -> int:
        """The number of actions so far."""
        return 0 if self.live is None else self.live.machine.steps

    def message(self, role: str, content: str) -> None:
        """Record a chat message that passes no model call, such as what a user said."""
        drive.say(self.started(), "message", {"message": {"content": content, "role": role}})

    def note(self, text: str, **data: Any) -> None:
        """Record something worth keeping."""
        drive.say(self.started(), "note", {"data": encode_value(data), "text": text} if data else {"text": text})

    def artifact(self, name: str, value: Any) -> None:
        """Record something the run made, such as a plan or a report; Refused where a rule on it blocks it."""
        drive.say(self.started(), "note", {"artifact": name, "data": encode_value(value)})

    def state(self, machine: str, name: str, data: dict[str, Any]) -> None:
        """Record what a machine has come to, such as the tally of a vote; on replay it has to come to the same."""
        drive.say(self.started(), "state", {"machine": machine, "name": name, "data": encode_value(data)})

    @contextmanager
    def acting(self, name: str) -> Iterator[None]:
        """Let the code inside, and the tasks it creates, act under another name than that of the run's agent.

        The events of the trace carry it, and rules see it as ``agent``.
        """
        token = address.acting.set(name)
        try:
            yield
        finally:
            address.acting.reset(token)

    def run(self, agent: Callable[..., Any], **json_input: Any) -> Any:
        """Run an agent, synchronous or not, as the entry of this session and give its result.

        A coroutine function gets an event loop of its own whose order is recorded exactly; inside a running loop,
        await the agent instead.
        """
        entry = self.app.agent(agent)
        with self:
            if not inspect.iscoroutinefunction(entry):
                return entry(**json_input)
            if asyncio._get_running_loop() is not None:
                raise UsageError(
                    "session.run cannot start an event loop inside another", cure="await the agent inside the session"
                )
            assert self.timeline is not None
            if not self.timeline.active:
                self.timeline.begin()  # so that it goes on after the loop has ended, up to the end of the session
            return run_in_loop(self.timeline, self._main(entry, json_input))

    @staticmethod
    async def _main(entry: Callable[..., Any], json_input: dict[str, Any]) -> Any:
        address.enter()  # the loop's main task is the first speaker, not a child of the thread that started the loop
        return await entry(**json_input)

    def started(self) -> Run:
        """Give this session's run, begun with the first call."""
        with self._lock:
            if self.live is None:
                self.app = self.app.pinned()
                header = self._header(self._entry)
                world, self._path = self._world()
                machine = self._machine(
                    header,
                    self.app.registry,
                    mode=self.app.mode,
                    redactor=self.app.redactor(),
                    fsync_writes=self.app.durability != "none",
                )
                run = Run(machine, world, Mutex(), {}, Stop(), faults_of(header.run), {})
                try:
                    world.begin(machine.header_line)
                finally:
                    self.live = run  # only now: whoever sees it writes at once, in a thread of somebody else's loop
                self._scope.run = run  # what is read from here on is the agent's
            return self.live

    @property
    def begun(self) -> bool:
        """Whether anything has been recorded yet."""
        return self.live is not None

    def enter_agent(self, entry: Entry) -> None:
        """Begin the run with a function as its entry."""
        self._entry = entry
        self.started()

    def returned(self, value: Any) -> None:
        """Record what the entry returned; of a value that a trace cannot hold, its type."""
        self._scope.run = None  # what is read from here on is no longer the agent's
        try:
            written = encode_value(value)
        except NotRecordable:
            written = {"$type": "opaque", "value": f"{module_of(type(value).__module__)}.{type(value).__qualname__}"}
        drive.say(self.started(), "note", {"returned": written})

    def raised(self, error: Exception | SystemExit) -> None:
        """Record what the entry raised."""
        self._scope.run = None
        drive.say(self.started(), "note", {"raised": describe_end(error)})

    def __enter__(self) -> Self:
        if self.ended:
            raise UsageError("this session has ended", cure="a session is one run: open a new one with app.session()")
        if self._tokens is None:
            from harness.adapters.interpreter.capture import enter, leave  # brings ctypes, which only sessions need

            # in a loop that somebody else runs the session cannot choose whose turn it is
            self.timeline = None if asyncio._get_running_loop() is not None else self._timeline()
            self._uncapture = partial(leave, enter(self._scope))
            self._tokens = session_var.set(self), address.enter(), current.set(self.timeline)
        self._depth += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if self._tokens is not None and self._depth == 0:  # an inner ``with`` had only joined this session
            token, node, before = self._tokens
            self._tokens = None
            self.ended = True
            self._release()
            with suppress(ValueError):  # a generator that holds the session was closed in another context
                session_var.reset(token)
                address.leave(node)
                current.reset(before)
            try:
                self._end(error if isinstance(error, Halt | KeyboardInterrupt) else None)
            finally:
                if self.timeline is not None:  # only now: threads that are left over must not speak before the end
                    self.timeline.dissolve("the session has ended")

    def seal(self) -> None:
        """End a session that was never entered, because whoever it is of runs elsewhere; UsageError for another one."""
        if self.ended or self._tokens is not None:
            raise UsageError("this session has ended, or ends by itself", cure="seal what was only started()")
        self.ended = True
        self._end(None)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def _release(self) -> None:
        """Let the code that the session belongs to read the real clocks again."""
        self._scope.run = None
        assert self._uncapture is not None
        with suppress(ValueError):  # a generator that holds the session was closed in another context
            self._uncapture()

    def _end(self, ended_by: Halt | KeyboardInterrupt | None) -> None:
        """Seal the trace, unless the run was halted or interrupted; what halted it is raised as the error it is."""
        try:
            if self.live is not None:
                try:
                    if ended_by is None:
                        drive.close(self.live)
                finally:
                    self.live.world.end()
        except Halt as found:
            ended_by = found
        if isinstance(ended_by, Halt):
            if isinstance(ended_by.error, Waiting):
                ended_by.error.trace = self._path
            raise ended_by.error from None
