"""Where code speaks from: the address of its task or thread, the same in every run.

The first task of a session is ``0``. A task or thread that speaks for the first time is given its parent's address
and the next number: ``0.0``, ``0.1``, ``0.1.0``. Code inside the effect of action N speaks from ``ADDRESS/N``. The
parent is known because asyncio copies the context of whoever creates a task; numbers follow the order of first
speaking, which a trace records and a replay enforces, so no task factory has to be installed in a loop that belongs to
somebody else.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Node:
    """One speaker: its address, and the number of the last event it knows of (-1: none).

    The address is empty before the node is named: a task that has given a job and has not spoken, and that job.
    """

    __slots__ = ("above", "address", "children", "in_effect", "jobs", "label", "last", "owner")

    def __init__(self, address: str, owner: object, last: int = -1, *, in_effect: bool = False) -> None:
        self.address, self.last, self.in_effect = address, last, in_effect
        self.children = 0
        self.owner = owner
        self.above: Node | None = None
        self.label = ""
        self.jobs: dict[str, int] | None = None

    def known(self) -> tuple[int, ...]:
        """Give the events that the next one follows from."""
        return (self.last,) if self.last >= 0 else ()

    def child(self, owner: object) -> Node:
        """Give a child, still without a name; it knows what its parent knew."""
        node = Node("", owner, self.last, in_effect=self.in_effect)
        node.above = self
        return node

    def job(self, place: str) -> Node:
        """Give the next job that is given at a place, still without a name; whoever speaks first from there owns it."""
        self.jobs = self.jobs or {}
        number = self.jobs[place] = self.jobs.get(place, -1) + 1
        node = self.child(None)
        node.label = f"{place}-{number}"
        return node

    def speaks(self) -> Node:
        """Name the node, and what lies above it, where that has no name yet."""
        if not self.address and self.above is not None:
            above = self.above.speaks()
            if self.label:
                self.address = f"{above.address}.{self.label}"
            else:
                self.address, above.children = f"{above.address}.{above.children}", above.children + 1
            self.last = above.last
        return self


class _Thread(threading.local):
    """What the calling thread is known by, never to be given to a later one, and the job it has under way."""

    job: tuple[Node, Node] | None = None

    def __init__(self) -> None:
        self.identity = object()


_thread: Final = _Thread()
_node: ContextVar[Node | None] = ContextVar("harness_node", default=None)
acting: Final[ContextVar[str]] = ContextVar("harness_acting", default="")
"""Who the code here acts as, where that is not the agent of the run; tasks and threads inherit it."""


def enter(last: int = -1) -> Token[Node | None]:
    """Start a session here, or go on with one after the event ``last``; give the token for ``leave``."""
    return _node.set(Node("0", _owner(), last))


def leave(token: Token[Node | None]) -> None:
    """End the session that ``enter`` started."""
    _node.reset(token)


def here() -> Node:
    """Give the node of the present task or thread, naming it if it speaks for the first time."""
    node = _present()
    return node if node.address else node.speaks()


def _present() -> Node:
    """Give the node of the present task or thread, which may have no name yet."""
    loop = asyncio._get_running_loop()
    owner = _thread.identity if loop is None else _owner()
    node = _node.get()
    if node is None:
        node = Node("0", owner)
        _node.set(node)
    elif node.owner != owner:
        node = _announced(node, owner) or node.child(owner)
        _node.set(node)
    return node


def nearest() -> str:
    """Give the address of the calling code, or of the nearest above it that has spoken; this is no speaking."""
    node = _node.get()
    while node is not None and not node.address:
        node = node.above
    return "0" if node is None else node.address


def as_job(function: Callable[P, R], place: str) -> Callable[P, R]:
    """Give a function that speaks, in whatever thread it is called, from an address of its own.

    Its name says the place in the code that gave the job and how many were given there before, so jobs have the
    addresses of the order they were given in, and one that is given elsewhere only once per process moves no other. To
    give a job is no speaking: a client that looks up its platform in a thread, once, does not name the task it serves.
    """
    parent = _present()
    child = parent.job(place)

    def job(*args: P.args, **options: P.kwargs) -> R:
        before, _thread.job = _thread.job, (parent, child)
        try:
            return function(*args, **options)
        finally:
            _thread.job = before

    return job


def _announced(node: Node, owner: object) -> Node | None:
    """Give the node that was made for the job of this thread, if its context is that of whoever gave the job.

    The context may have been copied before the giver had an address of its own.
    """
    if _thread.job is None:
        return None
    parent, child = _thread.job
    if child.owner not in (None, owner) or node not in (parent, parent.above):
        return None
    child.owner = owner
    return child


class inside:  # noqa: N801 — used as ``with inside(action)``; a class because a generator costs a microsecond
    """Speak from inside the effect of an action."""

    __slots__ = ("_action", "_token")

    def __init__(self, action: int) -> None:
        self._action = action

    def __enter__(self) -> None:
        node = here()
        inner = Node(f"{node.address}/{self._action}", node.owner, self._action, in_effect=True)
        self._token = _node.set(inner)

    def __exit__(self, *error: object) -> None:
        _node.reset(self._token)


def in_effect() -> bool:
    """Tell whether this code belongs to an effect, which does not run on replay."""
    node = _node.get()
    return node is not None and node.in_effect


def enclosing(address: str) -> int | None:
    """Give the action whose effect an address lies in, the innermost one; None for an agent's own code."""
    _, slash, rest = address.rpartition("/")
    return int(rest.partition(".")[0]) if slash else None


def effects_around(address: str) -> list[int]:
    """Give the actions whose effects an address lies in, the outermost first."""
    return [int(part.partition(".")[0]) for part in address.split("/")[1:]]


def _owner() -> object:
    loop = asyncio._get_running_loop()
    task = asyncio.current_task(loop) if loop is not None else None
    return _thread.identity if task is None else task
