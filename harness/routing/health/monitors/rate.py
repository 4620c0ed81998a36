"""Notice tools that come near the end of their quota."""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping
from typing import Final

from harness.routing.health.monitors.calls import Calls, is_tool_call
from harness.routing.health.monitors.signal import Signal
from harness.routing.health.vitals import Quota, near, within
from harness.trace.event import Event

NEAR: Final = 0.70  # ours
FULL: Final = 0.99  # ours: a tool that may not be called is as good as down


class Rate:
    """Signal a tool of whose quota 95 % are used, and one whose quota is used up, by the times in the trace.

    Not seen: what other runs take from the same quota.
    """

    def __init__(self, quotas: Mapping[str, Quota]) -> None:
        self._quotas = dict(quotas)
        self._begun: dict[str, list[int]] = {tool: [] for tool in quotas}
        self._calls = Calls()

    def step(self, event: Event) -> Signal | None:
        withdrawn = self._calls.withdrawn(event)
        self._calls.ended(event)
        if withdrawn is not None and withdrawn.at in self._begun.get(withdrawn.body["tool"], ()):
            self._begun[withdrawn.body["tool"]].remove(withdrawn.at)
        if not is_tool_call(event) or event.body["tool"] not in self._quotas:
            return None
        tool = event.body["tool"]
        quota, begun = self._quotas[tool], self._begun[tool]
        insort(begun, event.at)
        del begun[: len(begun) - within(begun, quota, event.at)]
        if not near(len(begun), quota):
            return None
        full = len(begun) >= quota.calls
        says = f"{tool} has made {len(begun)} of the {quota.calls} calls of its quota"
        return Signal("rate", FULL if full else NEAR, tool, says)
