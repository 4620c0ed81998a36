"""What a monitor says, and the panel on which many of them run side by side.

A monitor sees the events of one run in their order and nothing else, so that it says the same of a run that is replayed
or read from a file. Priorities are those of 2603.01548 where it has one; the others are ours and say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol, runtime_checkable

from harness.trace.event import Event

STOPS: Final[Mapping[str, float]] = MappingProxyType({"budget": 1.0, "progress": 0.50})
"""Which signals keep a route from calling anything further, by their monitor: those of this priority or more.

Only a monitor that is Lasting can be named. Tools that are down, and quotas that are used up, are gone around by what
the store says of them. What is risky or unstable is for rules to judge. For an unknown goal no route is begun.
"""


class Signal(NamedTuple):
    """Something noticed: by which monitor, how much it matters from 0 to 1, about what, and in words."""

    monitor: str
    priority: float
    subject: str
    says: str

    @property
    def about(self) -> tuple[str, str]:
        """What the signal is about, whatever its priority: signals that are about the same replace each other."""
        return self.monitor, self.subject


class Monitor(Protocol):
    """Follow one run."""

    def step(self, event: Event) -> Signal | None:
        """Take in the next event; give what it shows, None where that is nothing."""


@runtime_checkable
class Lasting(Monitor, Protocol):
    """A monitor of a state that lasts."""

    @property
    def stands(self) -> Signal | None:
        """What holds now, whether or not the latest event has shown it; None where nothing does."""


class Panel:
    """Run monitors side by side. Where priorities are equal the monitor named first wins."""

    def __init__(self, monitors: Sequence[Monitor]) -> None:
        self._monitors = tuple(monitors)
        self._lasting = [monitor for monitor in self._monitors if isinstance(monitor, Lasting)]
        self._told: dict[tuple[str, str], int] = {}

    @property
    def against(self) -> tuple[Signal, ...]:
        """The signals that hold now and stop a route, the highest priority first."""
        standing = [signal for monitor in self._lasting if (signal := monitor.stands) is not None]
        stopping = [signal for signal in standing if signal.priority >= STOPS.get(signal.monitor, inf)]
        return tuple(sorted(stopping, key=lambda signal: -signal.priority))

    def news(self, event: Event) -> Signal | None:
        """Take in the next event; give the signal that matters most if it is news, else None.

        It is news where the last one about the same, if there was any, was of a lower tenth of priority. What stays
        below a tenth, such as the first calls of a large budget, is none.
        """
        signal = self.step(event)
        if signal is None:
            return None
        tenth = int(signal.priority * 10)
        before = self._told.get(signal.about, 0)
        self._told[signal.about] = tenth
        return signal if tenth > before else None

    def step(self, event: Event) -> Signal | None:
        """Take in the next event; give the signal that matters most, None where no monitor says anything."""
        return max(self.signals(event), key=lambda signal: signal.priority, default=None)

    def signals(self, event: Event) -> tuple[Signal, ...]:
        """Take in the next event; give all that the monitors say of it, in their order."""
        said = [monitor.step(event) for monitor in self._monitors]
        return tuple(signal for signal in said if signal is not None)
