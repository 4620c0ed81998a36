"""Notice calls that put much at risk."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from harness.routing.health.monitors.calls import is_tool_call, number_at, value_at
from harness.routing.health.monitors.signal import Signal
from harness.trace.event import Event

HIGH: Final = 0.95
FLAGGED: Final = 0.85
LOW: Final = 0.20
THRESHOLD: Final = 10_000


class Risk:
    """Signal every call that has an argument which is watched, before it is made.

    ``amount`` is the dotted path of the argument that says how much is at stake; high is whatever is more than
    ``above``. ``flags`` are paths of further arguments with the values that flag a call. ``tools`` are the tools looked
    at, None for all. A call that has none of these arguments says nothing.
    """

    def __init__(
        self,
        amount: str = "amount",
        above: int | Decimal = THRESHOLD,
        flags: Mapping[str, Collection[Any]] = MappingProxyType({}),
        tools: Collection[str] | None = None,
    ) -> None:
        self.amount, self.above = amount, above
        self.flags, self.tools = flags, tools

    def step(self, event: Event) -> Signal | None:
        if not is_tool_call(event) or (self.tools is not None and event.body["tool"] not in self.tools):
            return None
        tool, args = event.body["tool"], event.body["args"]
        at_stake = number_at(args, self.amount)
        if at_stake is not None and at_stake > self.above:
            return Signal("risk", HIGH, tool, f"{tool}: {self.amount} is {at_stake}, more than {self.above}")
        watched = {path: value for path in self.flags if (value := value_at(args, path)) is not None}
        for path, value in watched.items():
            if any(type(value) is type(flag) and value == flag for flag in self.flags[path]):
                return Signal("risk", FLAGGED, tool, f"{tool}: {path} is {value!r}, which is flagged")
        if at_stake is None and not watched:
            return None
        return Signal("risk", LOW, tool, f"{tool}: nothing that is watched stands out")
