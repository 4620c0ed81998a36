"""What a user may implement, as small protocols; the rim implements them for disks, clocks and people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol

from harness.trace.event import Event
from harness.trace.outcome import Outcome
from harness.trace.reader import Entry

Durability = Literal["none", "batch", "step", "sync"]


class Clock(Protocol):
    """Give nanoseconds since some fixed moment; never backwards."""

    def __call__(self) -> int: ...


class TraceStore(Protocol):
    """Keep the lines of one trace, in order."""

    path: str

    def append(self, line: bytes) -> None:
        """Take a line into the process's buffer."""

    def flush(self, *, disk: bool = False) -> None:
        """Hand everything appended to the operating system, or with ``disk`` to the disk itself."""

    def close(self) -> None:
        """Flush and let go; further calls do nothing."""


class Question(NamedTuple):
    """What a person or program is asked before a call is made; ``digest`` binds the answer to exactly this call.

    It is taken of the line that announces the call in the trace, which holds tool, arguments and place in the run, and
    of the registry in force: no two calls share one, and a run that is resumed asks the same question by the same
    digest. ``args`` are the very arguments, but for secrets, in whose place stand the trace's placeholders. ``who`` is
    to be asked, where the rule names somebody.
    """

    rule: str
    reason: str
    tool: str
    args: dict[str, Any]
    digest: str
    who: str = ""


class Approval(NamedTuple):
    """The answer to a question, and who gave it.

    ``digest`` is that of the question it was given to; an approver that answers at once, from its own knowledge, may
    leave it out. A yes whose ``digest`` is another one, or that came after ``expires`` (with its time zone), allows
    nothing. ``answered`` is when it came, and is set by whoever asks. A no that says ``later`` is none: the run goes on
    without the call, and the same call, made again, is the same question.
    """

    allowed: bool
    by: str
    reason: str = ""
    digest: str = ""
    expires: datetime | None = None
    answered: datetime | None = None
    later: bool = False


class Pending(NamedTuple):
    """There is no answer yet: the run stops before the call, and asks again when it is resumed.

    ``where`` is the place an answer is awaited at, ``why`` what kept it from coming, if that is known, and ``until``
    the time before which asking again is no use.
    """

    where: str = ""
    why: str = ""
    until: datetime | None = None


class Approver(Protocol):
    """Answer questions; may be a coroutine function where the agent is asynchronous.

    One that blocks says so by an attribute ``blocking = True``: for an asynchronous agent it is called in a thread.
    """

    def __call__(self, question: Question) -> Approval | Pending | Awaitable[Approval | Pending]: ...


class Escalate(Protocol):
    """Answer, once, what a route is to do where there is none, or what became of a call in doubt.

    It is asked through the door like a tool: its answer is recorded, and a replay takes it from there.
    A deadlock (``goal``, ``why``, ``blocked``, ``unreachable``, ``goals`` …) is answered by ``{"goal": NAME}``,
    ``{"wait": True}`` or ``{"stop": True}``, one with ``signals`` also by ``{"go_on": True}``, in spite of them;
    ``{"in_doubt": …}`` by ``{"happened": True, "result": …}``, ``{"happened": False}`` or ``{"again": True}``. None
    leaves things as they are. May be a coroutine function where the agent is asynchronous.
    """

    def __call__(self, question: dict[str, Any]) -> dict[str, Any] | Awaitable[dict[str, Any] | None] | None: ...


class Recorded(NamedTuple):
    """What the trace says of an action: its outcome and when it came. None stands for never.

    Where faults strike what is recorded, ``struck`` is to be called when it is the outcome's turn: it tells of them,
    and gives the outcome in its place. ``did`` are the events inside the effect, where nobody else tells of them.
    """

    outcome: Outcome | None
    at: int | None
    struck: Callable[[], Outcome] | None = None
    did: tuple[Event, ...] = ()


class World(Protocol):
    """Everything outside a session's machine: performed for real while recording, taken from the trace on replay.

    ``offline`` tells that nothing is ever performed, so that no server need be there.
    """

    offline: bool

    def begin(self, header: bytes) -> None:
        """Take the first line of the trace."""

    def end(self) -> None:
        """Let go: the run is over, sealed or not."""

    def now(self, seq: int) -> int:
        """Give the time of the event ``seq`` that is about to be written, in nanoseconds since the start."""

    def killed(self, action: int, answered: bool = False) -> bool:
        """Tell whether the kill switch is thrown as an action is proposed, or as a question about it ``answered``."""

    def write(self, lines: bytes, barrier: bool, disk: bool) -> None:
        """Keep lines; with ``barrier`` return only when they survive this process (``disk``: this machine)."""

    def carried(self) -> Iterable[Entry]:
        """Give the recorded events that stand next because the effects that said them are not performed again."""

    def read(self, task: str, source: str, real: Callable[[], Any]) -> Any:
        """Give what a task reads from a clock, from chance or from the environment, as JSON data."""

    def secret(self, task: str, source: str, drawn: bytes) -> tuple[str, bytes]:
        """Give what a trace may say of bytes that were drawn to be secret, and the bytes the agent is given."""

    def retold(self, task: str, reads: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
        """Give what has to be written of what a task has read since it last spoke."""

    def silent(self, reads: Iterable[str]) -> Iterable[str]:
        """Give, at the end of a run, the tasks that have read and not spoken since, of which ``reads`` are known."""

    def recorded(self, action: int, *, waits: bool) -> Recorded | None:
        """Give what the trace says of an action, or None where its effect has to be performed.

        A caller that ``waits`` can be told of an outcome that never came; another one is stopped.
        """

    async def arecorded(self, action: int) -> Recorded | None:
        """Do what ``recorded`` does for a coroutine, which may wait until it is known what became of the action."""

    def aside(self) -> None:
        """Let other threads of the agent have their turns while this one performs an effect."""

    def wait(self, duration_ns: int) -> None:
        """Let a time pass in a thread; a replay waits for nothing."""

    def moment(self, at: int | None) -> int:
        """Wait in a thread for the turn of an outcome or a stream's piece (recorded at ``at``), and give its time."""

    async def arrived(self, at: int | None) -> int:
        """Do what ``moment`` does in a coroutine."""

    async def turn_to_call(self, tool: str, args: dict[str, Any]) -> None:
        """Wait until the record goes on with this call (of a model: the whole request); a recording never waits."""

    def wait_to_call(self, tool: str, args: dict[str, Any]) -> None:
        """Do what ``turn_to_call`` does in a thread."""

    async def turn_to_end(self, action: int, at: int | None) -> None:
        """Wait until the recorded outcome of this action, which came at ``at`` (None: never), comes again."""

    def ask(self, action: int, question: Question) -> Approval | Pending:
        """Give the answer to a question."""

    async def aask(self, action: int, question: Question) -> Approval | Pending:
        """Give the answer to a question where the approver may be asynchronous."""
