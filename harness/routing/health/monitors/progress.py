"""Notice runs that do not get on (2603.18096, F1: the potential never falls in a window, and the run goes on).

The potential Φ is what is still to be done: steps of routes under way that have not served, approvals and answers
that are pending, retries that have not served. A state is taken after each call that came to an end; a window of w
transitions has w + 1 states.
"""

from __future__ import annotations

from typing import Any, Final

from harness.determinism import canonical
from harness.routing.health.monitors.calls import Calls
from harness.routing.health.monitors.signal import Signal
from harness.trace.event import Event

STALLED: Final = 0.50

_MOST_KNOWN: Final = 4096


class Falls:
    """Count the transitions since the potential last fell. At a potential of 0 nothing is owed."""

    def __init__(self) -> None:
        self.still = 0
        self._before: int | None = None

    def state(self, potential: int) -> int:
        """Take in the next state; give how many transitions in a row, this one included, did not fall."""
        goes_on = self._before is not None and potential >= self._before > 0
        self.still = self.still + 1 if goes_on else 0
        self._before = potential
        return self.still

    def fell(self, potential: int) -> bool:
        """Tell whether the potential has fallen since the last state."""
        return self._before is not None and potential < self._before


class _Goal:
    """What is left of a route to one goal."""

    def __init__(self) -> None:
        self.left: set[str] = set()
        self.retried: set[str] = set()
        self.asked = 0


class Progress:
    """Signal a run whose potential has not fallen in ``window`` transitions, at each that makes it longer.

    Only what routes and approvals owe is seen; of an agent without either the potential is 0, see ``Loops``.
    """

    def __init__(self, window: int = 8) -> None:
        self.window = window
        self._calls = Calls()
        self._falls = Falls()
        self._goals: dict[Any, _Goal] = {}
        self._approvals: set[int] = set()

    @property
    def potential(self) -> int:
        """What is still to be done."""
        routes = sum(len(goal.left) + len(goal.retried) + goal.asked for goal in self._goals.values())
        return routes + len(self._approvals)

    @property
    def stands(self) -> Signal | None:
        """Whether the run stands still now; a route that has ended since the last call is no longer in its way."""
        still = self._falls.still
        if still < self.window or self._falls.fell(self.potential):
            return None
        says = f"nothing that is to be done got less in {still} calls: {self.potential} things are left"
        return Signal("progress", STALLED, "potential", says)

    def step(self, event: Event) -> Signal | None:
        if event.kind == "route":
            self._route(event)
        elif event.kind == "decision":
            if event.body["decision"] == "escalate":
                self._approvals.add(event.body["action"])
            else:
                self._approvals.discard(event.body["action"])
        action = self._calls.ended(event)
        if action is None:
            return None
        if "ok" in event.body:
            self._served(action.body["tool"])
        self._falls.state(self.potential)
        return self.stands

    def _served(self, tool: str) -> None:
        for goal in self._goals.values():
            goal.left.discard(tool)
            goal.retried.discard(tool)

    def _route(self, event: Event) -> None:
        body = event.body
        does, key = body["does"], body.get("action", body["goal"])
        if does == "end":
            self._goals.pop(key, None)
            return
        goal = self._goals.setdefault(key, _Goal())
        if does in ("plan", "reroute"):
            goal.left = set(body.get("path", ()))
        if does == "reroute":
            goal.retried.discard(body.get("tool", ""))
        elif does == "retry":
            goal.retried.add(body.get("tool", ""))
        elif does == "escalate":
            goal.asked += 1
        elif does == "answer":
            goal.asked = max(goal.asked - 1, 0)


class Loops:
    """Signal a run that learns nothing: ``window`` calls in a row that were made before and came back alike.

    Calls are alike where tool, arguments and outcome are, so a loop of any length shows. A call that answers with
    something new each time, such as the time of day, is never alike. The last 4096 different calls are remembered.
    """

    def __init__(self, window: int = 5) -> None:
        self.window = window
        self._calls = Calls()
        self._known: dict[str, None] = {}
        self._still = 0
        self._tool = ""

    @property
    def stands(self) -> Signal | None:
        """Whether the latest calls were a loop."""
        if self._still < self.window:
            return None
        says = f"the last {self._still} calls were made before and came back alike"
        return Signal("progress", STALLED, self._tool, says)

    def step(self, event: Event) -> Signal | None:
        action = self._calls.ended(event)
        if action is None or action.body["surface"] != "tool":
            return None
        outcome = {key: said for key, said in event.body.items() if key != "action"}
        alike = canonical.digest_of({"args": action.body["args"], "outcome": outcome, "tool": action.body["tool"]})
        self._still = self._still + 1 if alike in self._known else 0
        self._known[alike] = self._known.pop(alike, None)
        if len(self._known) > _MOST_KNOWN:
            del self._known[next(iter(self._known))]
        self._tool = action.body["tool"]
        return self.stands
