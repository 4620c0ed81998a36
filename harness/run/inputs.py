"""What goes into a session's machine, and what comes out of it, as frozen values."""

from __future__ import annotations

from typing import Any, NamedTuple

from harness.errors import Refused
from harness.ports import Approval, Question
from harness.routing.health.monitors import Signal
from harness.tool import ToolSpec
from harness.trace.event import Kind, Surface
from harness.trace.outcome import Outcome

# --- inputs: each begins with its time, in nanoseconds since the start ------------------------------------------------


class Call(NamedTuple):
    """What an agent wants: a surface, the tool's name, its declaration, and JSON arguments.

    The arguments of a model call are the whole request; ``id`` is the model's own id of a tool call, ``serves`` the
    action that asked for the goal on whose route the call is made.
    """

    surface: Surface
    tool: str
    args: dict[str, Any]
    spec: ToolSpec
    id: str | None = None
    serves: int | None = None


class Propose(NamedTuple):
    """The task ``task`` of an agent wants something to happen; it follows from the events ``parents``.

    ``agent`` is who acts, here and below, where that is not the agent of the run. ``killed`` says that the kill switch
    is thrown.
    """

    at: int
    call: Call
    task: str = "0"
    parents: tuple[int, ...] = ()
    agent: str = ""
    killed: bool = False


class Answer(NamedTuple):
    """Somebody has answered the question about an action; ``killed`` as for Propose."""

    at: int
    action: int
    approval: Approval
    killed: bool = False


class Complete(NamedTuple):
    """The effect of an action has ended."""

    at: int
    action: int
    outcome: Outcome


class Say(NamedTuple):
    """Something to keep that is no action: a chat message, a note, or what a machine came to."""

    at: int
    kind: Kind
    body: dict[str, Any]
    task: str = "0"
    parents: tuple[int, ...] = ()
    agent: str = ""


class Read(NamedTuple):
    """What a task took from clocks, chance and its environment since it last spoke, in order."""

    at: int
    reads: list[tuple[str, Any]]
    task: str = "0"
    parents: tuple[int, ...] = ()
    agent: str = ""


class Close(NamedTuple):
    """The run has ended."""

    at: int


Input = Propose | Answer | Complete | Say | Read | Close

# --- effects ---------------------------------------------------------------------------------------------------------


class Effects(NamedTuple):
    """What a driver has to do next, in this order.

    Keep ``lines``, with ``barrier`` safe from a crash of the process and with ``disk`` of the machine; then ask the
    ``question``, or raise ``refused``, or, if neither is there, go on: perform the ``action``, or deliver its outcome.
    ``args`` are the arguments to perform it with, where rules have rewritten those that were proposed, or somebody was
    asked about them: those that were judged, whatever became of the agent's own since. ``seq`` and ``at`` are those of
    the observation or, where the call was refused before it happened, of the decision. ``against`` is what monitors say
    now against further calls of a route.
    """

    action: int
    lines: bytes
    barrier: bool = False
    disk: bool = False
    refused: Refused | None = None
    question: Question | None = None
    args: dict[str, Any] | None = None
    seq: int = -1
    at: int = -1
    against: tuple[Signal, ...] = ()
