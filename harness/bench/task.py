"""What is measured, as frozen values: tasks, who does them, and what became of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do, named once in its suite; ``data`` is what the suite wants to know of it, as JSON.

    A ``seeded`` task depends on chance and is done once for each seed, any other one once. Of a task that was done
    before, ``trials`` are the seeds of what was recorded, by condition; there are no other cells of it.
    """

    name: str
    group: str
    data: Mapping[str, Any] = field(default_factory=dict, hash=False)
    seeded: bool = False
    trials: Mapping[str, Sequence[int]] | None = field(default=None, hash=False)


@dataclass(frozen=True, slots=True)
class Condition:
    """Who or what does the tasks of some groups; of all groups where none is named."""

    name: str
    groups: tuple[str, ...] = ()

    def takes(self, task: Task) -> bool:
        """Tell whether a task is done under this condition."""
        return not self.groups or task.group in self.groups


class Cell(NamedTuple):
    """One task done once, under one condition, with one seed."""

    task: Task
    condition: Condition
    seed: int

    @property
    def facts(self) -> dict[str, Any]:
        """Give what names the cell in a row."""
        return {
            "task": self.task.name,
            "group": self.task.group,
            "condition": self.condition.name,
            "seed": self.seed,
        }


class Row(NamedTuple):
    """What a cell found out, as JSON; good and bad news alike."""

    cell: Cell
    found: Mapping[str, Any]


class Broken(NamedTuple):
    """A cell that found out nothing, because something around the task failed; never counted as a failure of it."""

    cell: Cell
    error: str
