"""What is done to one run: faults, turns of its order, and changes of its input. A value that can be made smaller."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from harness.faults.file import plan_of
from harness.faults.plan import Fault, Plan


class Turn(NamedTuple):
    """Where several could go on for the ``place``-th time in a run (from 0), another one does: the ``choice``-th.

    Choice 0 is who would have gone on anyhow; numbers beyond the last one go round.
    """

    place: int
    choice: int


class Change(NamedTuple):
    """Another value in the input of a run, at a JSON pointer; the empty pointer is the whole input."""

    pointer: str
    value: Any

    @property
    def place(self) -> str:
        """Where it is, in the words of ``run.changes``."""
        return f"input.{self.pointer}" if self.pointer else "input"


Element = Fault | Turn | Change
"""One thing that can be left out of a schedule."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Faults in the order in which they strike, turns, changes, and the seed of the chance in all of it."""

    faults: tuple[Fault, ...] = ()
    turns: tuple[Turn, ...] = ()
    changes: tuple[Change, ...] = ()
    seed: int = 0

    @property
    def elements(self) -> tuple[Element, ...]:
        """Everything that could be left out."""
        return (*self.faults, *self.turns, *self.changes)

    def __len__(self) -> int:
        return len(self.faults) + len(self.turns) + len(self.changes)

    def of(self, elements: Iterator[Element] | tuple[Element, ...]) -> Schedule:
        """Give the schedule of some elements, under the same seed; each kind keeps the order it is given in."""
        kept = tuple(elements)
        return replace(
            self,
            faults=tuple(one for one in kept if isinstance(one, Fault)),
            turns=tuple(one for one in kept if isinstance(one, Turn)),
            changes=tuple(one for one in kept if isinstance(one, Change)),
        )

    def without(self, number: int) -> Schedule:
        """Leave out one of ``elements``; the others do what they did."""
        return self.of(tuple(one for place, one in enumerate(self.elements) if place != number))

    @property
    def plan(self) -> Plan | None:
        """The faults as a plan, None where there are none."""
        return Plan("schedule", self.faults, self.seed) if self.faults else None

    def stated(self) -> dict[str, Any]:
        """Give it as JSON data, without what is empty."""
        said: dict[str, Any] = {"seed": self.seed} if self.seed else {}
        said |= {"inject": [fault.stated() for fault in self.faults]} if self.faults else {}
        said |= {"turns": [list(turn) for turn in self.turns]} if self.turns else {}
        return said | ({"changes": [list(change) for change in self.changes]} if self.changes else {})


def schedule_of(said: Mapping[str, Any]) -> Schedule:
    """Give the schedule that JSON data of ``stated`` means; names of faults may be left out."""
    return Schedule(
        plan_of({"faults": "schedule", "seed": 0, "inject": said.get("inject", [])}).faults,
        tuple(Turn(*turn) for turn in said.get("turns", ())),
        tuple(Change(*change) for change in said.get("changes", ())),
        said.get("seed", 0),
    )
