"""What the monitors that a registry declares say of a session, as the bodies of route events.

They see what is written, without its secrets, and nothing else: a replay, or who reads the trace, comes to the same.
"""

from __future__ import annotations

from typing import Any

from harness.registry.registry import Registry
from harness.routing.health.declared import panel_of
from harness.routing.health.monitors import Panel, Signal
from harness.routing.health.monitors.calls import Calls
from harness.trace.event import Event
from harness.trace.redaction import Redactor


def signals_of(registry: Registry, redactor: Redactor | None) -> Signals | None:
    """Make the monitors of one session; None where the registry declares none."""
    panel = panel_of(registry.graph)
    return None if panel is None else Signals(panel, registry, redactor)


class Signals:
    """Follow the events of one session, in their order."""

    def __init__(self, panel: Panel, registry: Registry, redactor: Redactor | None) -> None:
        goals = registry.graph.goals if registry.graph is not None else {}
        self._panel, self._redactor = panel, redactor
        self._tools = registry.tools.keys() - goals.keys()
        self._calls = Calls()

    @property
    def against(self) -> tuple[Signal, ...]:
        """What is to be said now against further calls of a route."""
        return self._panel.against

    def heard(self, event: Event) -> dict[str, Any] | None:
        """Take in the next event; give the body of what is to be written of it, None where that is nothing."""
        if event.kind == "route" and event.body["does"] == "signal":
            return None
        if self._redactor is not None:
            event = event._replace(body=self._redactor.redact(event.body))
        about = self._about(event)
        self._calls.ended(event)
        signal = self._panel.news(event)
        if signal is None:
            return None
        data = {"monitor": signal.monitor, "priority": signal.priority, "subject": signal.subject}
        tool = {"tool": signal.subject} if signal.subject in self._tools else {}
        return {"does": "signal", **about, **tool, "why": signal.says, "data": data}

    def _about(self, event: Event) -> dict[str, Any]:
        """Give the goal on whose way an event came, and the call that asked for it; no name where there was none."""
        body = event.body
        if event.kind == "route":
            return {key: body[key] for key in ("goal", "action") if key in body}
        call = event if event.kind == "action" else self._calls.under_way(body.get("action", -1))
        serves = -1 if call is None else call.body.get("serves", -1)
        asked = self._calls.under_way(serves)
        return {"goal": ""} if asked is None else {"goal": asked.body["tool"], "action": serves}
