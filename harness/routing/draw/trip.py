"""What routes did, read from the events of a trace: the calls they made, and how each ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from harness.trace.event import Event

How = Literal["served", "failed", "unknown", "refused", "undone", "undoes", "open"]
"""How a call ended; ``undone`` is one that served and was taken back, ``undoes`` one that took another back."""


class Called(NamedTuple):
    """One call on a route, and how it ended."""

    tool: str
    how: How


class Trip(NamedTuple):
    """One route: its goal, its calls in order, and whether it came there; None where it has not ended."""

    goal: str
    calls: tuple[Called, ...]
    served: bool | None = None


@dataclass
class _Route:
    """A route that is being read. ``tools`` are those it has planned to call, ``ids`` what its calls may serve."""

    goal: str
    asked: int | None
    ids: frozenset[int | None]
    tools: set[str] = field(default_factory=set)
    calls: dict[int, Called] = field(default_factory=dict)
    served: bool | None = None

    def makes(self, event: Event) -> bool:
        """Tell whether a call is one of this route: by what it serves, or else by what was planned."""
        if event.body["surface"] != "tool":
            return False
        serves = event.body.get("serves")
        return serves in self.ids and (serves is not None or event.body["tool"] in self.tools)

    def undone(self, seq: int, by: str, tool: str) -> None:
        """Mark the last calls of two tools as one that was taken back, and the one that did it."""
        marks: tuple[tuple[str, How], ...] = ((tool, "undone"), (by, "undoes"))
        for name, how in marks:
            at = next((at for at in reversed(self.calls) if self.calls[at] == Called(name, "served")), seq)
            self.calls[at] = Called(name, how)


def trips(events: Iterable[Event]) -> list[Trip]:
    """Give the routes of a trace in the order in which they began. O(events × routes under way at once)."""
    read: list[_Route] = []
    for event in events:
        going = [route for route in read if route.served is None]
        if event.kind == "route":
            _tell(event, going, read)
        elif event.kind == "action":
            for route in [one for one in going if one.makes(event)][-1:]:
                route.calls[event.seq] = Called(event.body["tool"], "open")
        elif event.kind in ("observation", "decision"):
            for route in going:
                _end(event, route)
    return [Trip(route.goal, tuple(route.calls.values()), route.served) for route in read]


def _tell(event: Event, going: list[_Route], read: list[_Route]) -> None:
    body = event.body
    asked, goal = body.get("action"), body["goal"]
    route = next(
        (one for one in reversed(going) if one.asked == asked and (asked is not None or one.goal == goal)), None
    )
    if route is None:
        route = _Route(goal, asked, frozenset({asked, event.seq} if asked is None else {asked}))
        read.append(route)
    route.goal = goal  # another one may have been chosen
    route.tools.update(body.get("path", ()))
    if body["does"] == "undo":
        route.undone(event.seq, body["tool"], body["undo"][0])
    elif body["does"] == "end":
        route.served = body["served"]


def _end(event: Event, route: _Route) -> None:
    at = event.body["action"]
    if at not in route.calls:
        return
    call = route.calls[at]
    if event.kind == "observation":
        how: How = "served" if "ok" in event.body else "failed" if "failed" in event.body else "unknown"
        route.calls[at] = call._replace(how=how)
    elif event.body["decision"] == "block":
        route.calls[at] = call._replace(how="refused")
