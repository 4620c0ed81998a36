"""What an expression can speak of: the names of each occasion, and the past.

``call`` speaks of the call in question, ``tool`` of its declaration, ``result`` and ``failed`` of its outcome,
``message`` of a chat message, ``route`` of what a route does, ``surface`` of one that is used, and whether it passes
the door; ``trust`` of how far the acting agent is trusted; ``seq`` is the number of the outcome's or the route's event.
In a question about the past the names speak of the past event, and ``now`` of the present one. ``action`` in the past
means calls that were not blocked, ``result`` those whose outcome was ok, ``refusal`` those that were blocked, or whose
result was withheld. All three mean what an agent does itself (``ACTS``); model calls are among them only where the
condition mentions ``call.surface``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from harness.registry.values import Undefined
from harness.tool import ToolSpec
from harness.trace.covered import Covered

if TYPE_CHECKING:
    from harness.registry.plan import Plan

CALL_FIELDS: Final = ("tool", "args", "id", "surface", "serves")
MESSAGE_FIELDS: Final = ("role", "text", "tool_calls")
REFUSAL_FIELDS: Final = ("rule", "reason", "severity", "retryable", "times")
SURFACE_FIELDS: Final = Covered._fields
RUN_FIELDS: Final = ("seed", "tenant", "subject", "conversation", "input")
TOOL_FIELDS: Final = tuple(
    name for name in ToolSpec.__dataclass_fields__ if name not in ("arguments", "result", "result_format")
)

_EVERYWHERE: Final = ("params", "run", "step", "elapsed_s")
NAMES: Final[dict[str, tuple[str, ...]]] = {
    "action": ("call", "tool", "agent", "trust", *_EVERYWHERE),
    "result": ("call", "tool", "agent", "trust", "result", "failed", "seq", *_EVERYWHERE),
    "message": ("message", "agent", "trust", *_EVERYWHERE),
    "artifact": ("artifact", *_EVERYWHERE),
    "route": ("route", "tool", "agent", "trust", "seq", *_EVERYWHERE),
    "surface": ("surface", "agent", "trust", *_EVERYWHERE),
    "end": _EVERYWHERE,
}
PAST_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "action": ("call", "tool", "agent", "result", "failed", "step"),
    "result": ("call", "tool", "agent", "result", "failed", "seq", "step"),
    "message": ("message", "role", "text", "tool_calls", "agent"),
    "route": ("route", "tool", "agent", "seq"),
    "refusal": ("refusal", "call", "tool", "agent", "seq"),
}
# the names that speak of the present step, or in a question about the past of the past event
STEP_NAMES: Final = frozenset(name for names in PAST_NAMES.values() for name in names)


# what joins a past event to the present step: None where nothing does, the frozen value of one join, a tuple of several
Key = Any


@dataclass(frozen=True, slots=True, eq=False)
class Missing:
    """Stand in a key for a value that is undefined; all are alike, so that their events share a place."""

    reason: Undefined

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Missing)

    def __hash__(self) -> int:
        return 1


class Asked(NamedTuple):
    """What the present step has to say to a question about the past.

    ``gate`` is what it says on its own: False where no event can fit. ``fits`` tells the rest of a past event's names,
    and may raise Undefined. ``since`` is the same for the event at which the window begins.
    """

    key: Key = None
    gate: bool | Undefined = True
    fits: Callable[[dict[str, Any]], bool] | None = None
    since: Asked | None = None


class Answer(NamedTuple):
    """The value of a question about the past, or why it has none, and the numbers of the events it rests on."""

    value: Any
    evidence: tuple[int, ...]


class Asker(Protocol):
    """One question about the past, kept up to date."""

    @property
    def plan(self) -> Plan:
        """What of a question the present step has to say."""

    def answer(self, asked: Asked) -> Answer:
        """Give the exact answer."""


class Present(Protocol):
    """What the present step knows besides its own event."""

    def origins(self, value: Any) -> list[dict[str, Any]]:
        """Tell where a value came from, best known origin first; empty where nothing but the model knew it."""

    @property
    def run(self) -> dict[str, Any]:
        """The facts of the run."""

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start of the run."""

    def trust_of(self, agent: str) -> float:
        """Tell how far an agent is trusted, from 0 to 1; 1 where nothing is stated of that."""


def tool_names(spec: ToolSpec) -> dict[str, Any]:
    """Give a tool's declaration as expressions see it."""
    values = {name: getattr(spec, name) for name in TOOL_FIELDS}
    return {name: list(value) if type(value) is tuple else value for name, value in values.items()}
