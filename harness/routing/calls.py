"""The calls of a route while they are under way, and those that were given up."""

from __future__ import annotations

from typing import Any, NamedTuple

from harness.routing.holdings import Write


class Call(NamedTuple):
    """A call under way or waiting to be made again: of an arc, or, with ``undoes``, one that takes a write back.

    ``bit`` stands for what it writes, 0 where it reads. ``doubt`` says why an attempt of it may have happened. It is
    not made again before ``until``; ``seq`` is the event that told of its last end. ``cost`` is what making it takes.
    ``number`` is that of its last attempt, ``used`` are the facts it was made with.
    """

    arc: int
    tool: str
    args: dict[str, Any]
    bit: int
    attempt: int = 1
    undoes: Write | None = None
    until: int = 0
    seq: int = -1
    cost: int = 0
    number: int = -1
    used: tuple[str, ...] = ()
    doubt: str = ""

    @property
    def pinned(self) -> bool:
        """Whether an attempt of it may have happened, so that no route may go past it."""
        return bool(self.doubt)


class Failure(NamedTuple):
    """A call that was given up; ``seq`` is the event that says so, -1 where it was never made."""

    seq: int
    tool: str
    why: str

    @property
    def told(self) -> dict[str, Any]:
        """Give what a route event says of it."""
        after = {"after": self.seq} if self.seq >= 0 else {}
        return after | ({"tool": self.tool} if self.tool else {}) | ({"why": self.why} if self.why else {})
