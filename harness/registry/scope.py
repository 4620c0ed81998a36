"""What an expression can speak of: the names of each occasion, and the past.

``call`` speaks of the call in question, ``tool`` of its declaration, ``result`` and ``failed`` of its outcome,
``message`` of a chat message. In a question about the past the names speak of the past event, and ``now`` of the
present one. ``action`` in the past means calls that were not blocked, ``result`` those whose outcome was ok. Both mean
tool calls; model calls are among them only where the condition mentions ``call.surface``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from harness.registry.tree import Fold, mentions
from harness.tool import ToolSpec

CALL_FIELDS: Final = ("tool", "args", "id", "surface")
MESSAGE_FIELDS: Final = ("role", "text", "tool_calls")
RUN_FIELDS: Final = ("seed", "tenant", "subject", "conversation", "input")
TOOL_FIELDS: Final = tuple(
    name for name in ToolSpec.__dataclass_fields__ if name not in ("arguments", "result", "result_format", "unordered")
)

_EVERYWHERE: Final = ("params", "run", "step")
NAMES: Final[dict[str, tuple[str, ...]]] = {
    "action": ("call", "tool", "agent", *_EVERYWHERE),
    "result": ("call", "tool", "agent", "result", "failed", *_EVERYWHERE),
    "message": ("message", "agent", *_EVERYWHERE),
    "end": _EVERYWHERE,
}
PAST_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "action": ("call", "tool", "agent", "result", "failed", "step"),
    "result": ("call", "tool", "agent", "result", "failed", "step"),
    "message": ("message", "role", "text", "tool_calls", "agent"),
}
# the names that speak of the present step, or in a question about the past of the past event
STEP_NAMES: Final = frozenset((*PAST_NAMES["action"], *PAST_NAMES["message"]))


class Remembered(NamedTuple):
    """A past event: its number in the trace, and its names."""

    seq: int
    names: dict[str, Any]


@dataclass(slots=True)
class Past:
    """The events before the present one, oldest first; only what the registry asks for is kept in it."""

    action: list[Remembered] = field(default_factory=list)
    result: list[Remembered] = field(default_factory=list)
    any_action: list[Remembered] = field(default_factory=list)
    any_result: list[Remembered] = field(default_factory=list)
    message: list[Remembered] = field(default_factory=list)


def events_of(fold: Fold) -> str:
    """Name the list of the past that a question is about."""
    if fold.past != "message" and mentions(fold.condition, "call.surface"):
        return f"any_{fold.past}"
    return fold.past


def tool_names(spec: ToolSpec) -> dict[str, Any]:
    """Give a tool's declaration as expressions see it."""
    values = {name: getattr(spec, name) for name in TOOL_FIELDS}
    return {name: list(value) if type(value) is tuple else value for name, value in values.items()}
