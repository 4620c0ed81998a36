"""What the agents of one run share: what they have kept, and the messages that wait for somebody.

It follows from the events of the run. What the agents' own code does is done again on replay; what was done inside the
effect of a tool, which is not performed again, is taken over from the record. Where a run was cut off inside such an
effect and it is performed again after all, the messages of the first time are not delivered a second time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from harness.determinism.address import effects_around
from harness.trace.again import performs_again
from harness.trace.event import Event


class Letter(NamedTuple):
    """A message that waits, as JSON data: who sent it, and the tool's call inside of which that was, -1 for none."""

    sender: str
    content: Any
    within: int


class Shared:
    """Hold it as JSON data: ``memory`` by key, messages by whom they are for. Not thread-safe but for single calls.

    ``agents`` are those of whom the run has heard, as far as anybody asks: where faults strike it.
    """

    def __init__(self) -> None:
        self.memory: dict[str, Any] = {}
        self.agents: set[str] = set()
        self._mail: dict[str, list[Letter]] = {}
        self._open: dict[int, Event] = {}
        self._astray: dict[int, list[str]] = {}
        self._adopted: set[int] = set()
        self._again: set[int] = set()

    def deliver(self, sender: str, args: dict[str, Any], address: str) -> None:
        """Let a message that was sent at an address wait for whoever it is for."""
        within = _within(address)
        if within in self._adopted:
            self._adopted.discard(within)
            self._drop(within)
        self._mail.setdefault(args["to"], []).append(Letter(sender, args["content"], within))

    def take(self, name: str) -> list[Letter]:
        """Take the messages that wait for an agent, oldest first."""
        return self._mail.pop(name, [])

    def adopt(self, event: Event) -> None:
        """Take over what a recorded event of an effect says."""
        if event.kind == "action" and event.body["surface"] in ("memory", "message", "handoff"):
            self._open[event.seq] = event
        elif event.kind == "fault" and "to" in event.body:
            self._astray[event.body["action"]] = event.body["to"]
        elif event.kind == "note" and performs_again(event):
            self._again.add(_within(event.task))
        elif event.kind == "observation":
            self.agents.add(event.agent)
            action = self._open.pop(event.body["action"], None)
            if action is not None and "ok" in event.body:
                self._take_over(action, action.body["args"])

    def recall(self, did: Iterable[Event]) -> None:
        """Take over what the effect of a call has done, by its events; it is another run that they stand in."""
        other = Shared()
        for event in did:
            other.adopt(event)
        self.memory |= other.memory
        self.agents |= other.agents
        for to, letters in other._mail.items():
            self._mail.setdefault(to, []).extend(one._replace(within=-1) for one in letters)

    def _take_over(self, action: Event, args: dict[str, Any]) -> None:
        if "to" in args:
            self.agents.add(args["to"])
        if "content" in args:
            waiting = Letter(action.agent, args["content"], _within(action.task))
            if waiting.within in self._again:
                self._again.discard(waiting.within)
                self._drop(waiting.within)
            for to in self._astray.pop(action.seq, (args["to"],)):
                self._mail.setdefault(to, []).append(waiting)
            self._adopted.add(waiting.within)
        elif "value" in args:
            self.memory[args["key"]] = args["value"]

    def _drop(self, within: int) -> None:
        for name, waiting in self._mail.items():
            self._mail[name] = [one for one in waiting if one.within != within]


def _within(address: str) -> int:
    return next(iter(effects_around(address)), -1)
