"""What is known of one surface of a run: whether what happens there passes the door."""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple, get_args

SurfaceKind = Literal[
    "model",  # calls of a model
    "tool",  # functions that a model is offered, or that code calls through the door
    "hosted",  # tools that the provider of the model runs: web search, code interpreter, connectors
    "server",  # servers of tools (MCP), by what a client settles with them
    "handoff",  # from one agent to another
    "message",  # between agents
    "memory",  # that agents share
    "escalation",  # people who are asked
    "process",
    "network",
    "files",
    "library",  # foreign functions
]
Status = Literal["mediated", "observed", "unseen", "unused"]
"""``mediated`` passes the door before it happens, and rules can refuse it; ``observed`` leaves a mark in the trace and
nothing can refuse it; ``unseen`` may happen without a mark; ``unused`` was offered, and nothing came of it."""

SURFACES: Final = "surfaces"
"""The source of the reads that hold what adapters say of surfaces; the adapter's name is their place."""
SURFACE_KINDS: Final[tuple[SurfaceKind, ...]] = get_args(SurfaceKind)
STATUSES: Final[tuple[Status, ...]] = get_args(Status)


class Covered(NamedTuple):
    """One surface: its kind, its name (a tool, a model's path, a function that opened a socket), and its status.

    ``why`` says what the status rests on, or why the surface does not pass the door.
    """

    kind: SurfaceKind
    name: str
    status: Status
    why: str = ""

    def facts(self) -> dict[str, Any]:
        """Give it as JSON data."""
        return {name: value for name, value in self._asdict().items() if value}


def read_facts(said: Any) -> Covered | None:
    """Read what ``facts`` gives; None for what is nothing of the kind."""
    if not isinstance(said, dict) or not said.keys() <= set(Covered._fields):
        return None
    one = Covered(*(said.get(name, "") for name in Covered._fields))
    known = one.kind in SURFACE_KINDS and one.status in STATUSES
    return one if known and type(one.name) is type(one.why) is str else None
