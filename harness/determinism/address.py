"""Where code speaks from: the address of its task or thread, the same in every run.

The first task of a session is ``0``. A task or thread that speaks for the first time is given its parent's address
and the next number: ``0.0``, ``0.1``, ``0.1.0``. Code inside the effect of action N speaks from ``ADDRESS/N``. The parent
is known because asyncio copies the context of whoever creates a task; numbers follow the order of first speaking, which
a trace records and a replay enforces, so no task factory has to be installed in a loop that belongs to somebody else.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token


class Node:
    """One speaker: its address, and the number of the last event it knows of (-1: none)."""

    __slots__ = ("_owner", "address", "children", "in_effect", "last")

    def __init__(self, address: str, owner: object, last: int = -1, *, in_effect: bool = False) -> None:
        self.address, self.last, self.in_effect = address, last, in_effect
        self.children = 0
        self._owner = owner

    def belongs_to(self, owner: object) -> bool:
        """Tell whether this is the node of that task or thread."""
        return self._owner is owner or self._owner == owner

    def child(self, owner: object) -> Node:
        """Give the next child its address; it knows what its parent knew."""
        address = f"{self.address}.{self.children}"
        self.children += 1
        return Node(address, owner, self.last, in_effect=self.in_effect)


_node: ContextVar[Node | None] = ContextVar("harness_node", default=None)


def enter() -> Token[Node | None]:
    """Start a session here; give the token for ``leave``."""
    return _node.set(Node("0", _owner()))


def leave(token: Token[Node | None]) -> None:
    """End the session that ``enter`` started."""
    _node.reset(token)


def here() -> Node:
    """Give the node of the present task or thread, naming it if it speaks for the first time."""
    owner = _owner()
    node = _node.get()
    if node is None:
        node = Node("0", owner)
        _node.set(node)
    elif not node.belongs_to(owner):
        node = node.child(owner)
        _node.set(node)
    return node


@contextmanager
def inside(action: int) -> Iterator[None]:
    """Speak from inside the effect of an action."""
    node = here()
    token = _node.set(Node(f"{node.address}/{action}", _owner(), action, in_effect=True))
    try:
        yield
    finally:
        _node.reset(token)


def in_effect() -> bool:
    """Tell whether this code belongs to an effect, which does not run on replay."""
    node = _node.get()
    return node is not None and node.in_effect


def enclosing(address: str) -> int | None:
    """Give the action whose effect an address lies in, the innermost one; None for an agent's own code."""
    _, slash, rest = address.rpartition("/")
    return int(rest.partition(".")[0]) if slash else None


def _owner() -> object:
    loop = asyncio._get_running_loop()
    task = asyncio.current_task(loop) if loop is not None else None
    return threading.get_ident() if task is None else task
