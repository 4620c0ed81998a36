"""What goes into a route's machine, and what it orders, as frozen values."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from harness.routing.failure import How
from harness.trace.outcome import Outcome

Health = dict[str, Any]
"""A snapshot of the tools' health as JSON data, by tool; only those that are not as by default."""

# --- inputs: each begins with its time, in nanoseconds on the session's clock -----------------------------------------


class Begin(NamedTuple):
    """The route is to begin."""

    at: int
    health: Health


class Came(NamedTuple):
    """A call has ended: its outcome, or why it was refused before or after it happened.

    ``seq`` is the event that says so. ``args`` are the arguments that it was made with, where a rule has put these in
    the place of those ordered: by them it is undone, asked about and tried again.
    """

    at: int
    call: int
    seq: int
    outcome: Outcome | None
    refused: str = ""
    args: dict[str, Any] | None = None


class Settled(NamedTuple):
    """Somebody has looked into a call in doubt.

    It was ``found`` (with its outcome), is ``absent`` (it did not happen), may be made ``again`` for all that, or is
    ``left``, because nobody can tell. ``probe`` is the event that says that the probe failed, if it did; ``choice``
    what a person answered.
    """

    at: int
    call: int
    decided: Literal["found", "absent", "again", "left"]
    why: str
    outcome: Outcome | None = None
    probe: int = -1
    choice: dict[str, Any] | None = None


class Woke(NamedTuple):
    """A wait is over."""

    at: int


class Looked(NamedTuple):
    """Somebody has looked how the tools stand."""

    at: int
    health: Health


class Chosen(NamedTuple):
    """Whoever was asked has answered; None where there was nobody to ask."""

    at: int
    choice: dict[str, Any] | None


class Gone(NamedTuple):
    """Whoever asked for the goal does not wait for it any more; calls under way were cancelled."""

    at: int


Input = Begin | Came | Settled | Woke | Looked | Chosen | Gone

# --- orders, to be carried out in their order -------------------------------------------------------------------------


class Invoke(NamedTuple):
    """Call a tool through the door; ``undoes`` names the tool whose work it takes back."""

    call: int
    tool: str
    args: dict[str, Any]
    undoes: str = ""


class Settle(NamedTuple):
    """Find out whether a call in doubt happened: by its probe, or by asking a person."""

    call: int
    tool: str
    args: dict[str, Any]
    why: str


class Wait(NamedTuple):
    """Wait until a time, unless a call that is under way ends before."""

    until: int


class Look(NamedTuple):
    """Look how the tools stand: a plan is to be made."""


class Ask(NamedTuple):
    """Ask, once, what to do: there is no route."""

    deadlock: dict[str, Any]


class Tell(NamedTuple):
    """Write a route event."""

    body: dict[str, Any]


class Seen(NamedTuple):
    """Tell the health store how a call went; ``down`` where the route has given the tool up."""

    tool: str
    how: How | Literal["down"]


class End(NamedTuple):
    """The route has ended, ``served`` or not.

    ``left`` are the tools whose writes stand though it was not served, ``in_doubt`` those whose calls may have
    happened.
    """

    served: bool
    why: str
    facts: dict[str, Any]
    path: tuple[str, ...]
    cost: int
    goal: str
    left: tuple[str, ...] = ()
    in_doubt: tuple[str, ...] = ()


Order = Invoke | Settle | Wait | Look | Ask | Tell | Seen | End
