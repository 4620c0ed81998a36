"""The calls of a run as monitors see them: which end, which are never made, and the numbers in their arguments."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from harness.trace.event import Event
from harness.trace.value import decode_value

_NOT_MADE: Final = frozenset({"block", "rewrite"})


class Calls:
    """Remember the calls that are under way. Memory: as many as there are at once."""

    def __init__(self) -> None:
        self._open: dict[int, Event] = {}

    def ended(self, event: Event) -> Event | None:
        """Take in the next event; give the action that it ends, by an outcome, None where it ends none."""
        if event.kind == "action":
            self._open[event.seq] = event
        elif event.kind == "observation":
            return self._open.pop(event.body["action"], None)
        else:
            self.withdrawn(event)
        return None

    def withdrawn(self, event: Event) -> Event | None:
        """Give the action that an event says is not made after all; it has to be asked before ``ended``."""
        if event.kind == "decision" and event.body["decision"] in _NOT_MADE:
            return self._open.pop(event.body["action"], None)
        return None

    def under_way(self, action: int) -> Event | None:
        """Give the action of a number, None where none of that number is under way."""
        return self._open.get(action)


def is_tool_call(event: Event) -> bool:
    """Tell whether an event proposes the call of a tool."""
    return event.kind == "action" and event.body["surface"] == "tool"


def value_at(args: Any, path: str) -> Any:
    """Give the value at a dotted path into arguments, None where there is none."""
    for name in path.split("."):
        if not isinstance(args, dict) or name not in args:
            return None
        args = args[name]
    return args


def number_at(args: Any, path: str) -> Decimal | None:
    """Give the number at a dotted path into arguments exactly as it is written; None where there is no number."""
    value = value_at(args, path)
    if isinstance(value, dict) and value.get("$type") == "decimal":
        value = decode_value(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    number = Decimal(repr(value) if isinstance(value, float) else value)
    return number if number.is_finite() else None
