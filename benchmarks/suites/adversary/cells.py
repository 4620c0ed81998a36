"""One cell: one subject, one way of driving it, tried many times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any, Final, cast

from harness.bench.task import Cell
from harness.determinism.streams import seed_for
from harness.door.adversary import lead_astray
from harness.stress.legal.adversary import Way, drive

from . import hotel

BUDGETS: Final = {"agents": 60, "controls": 2000, "chess": 25}
"""How many questions each try may put: runs of an agent, predictions of a move."""


def run(cell: Cell, _: Path) -> Mapping[str, Any]:
    """Try a subject and say how often, and after how many questions, it did something illegal."""
    data, way = cell.task.data, cast("Way", cell.condition.name)
    once = _chess if cell.task.group == "chess" else _agent(cell.task.name)
    tries = [
        once(data["budget"], seed_for(cell.seed, cell.task.name, way, number), way) for number in range(data["tries"])
    ]
    asked = [asked for asked, _why in tries]
    return {
        "tries": len(tries),
        "found": sum(bool(why) for _asked, why in tries),
        "median_asked": median(asked),
        "budget": data["budget"],
        "illegal": next((why for _asked, why in tries if why), ""),
    }


def _agent(name: str) -> Callable[[int, int, Way], tuple[int, str]]:
    agent = getattr(hotel, name)

    def once(budget: int, seed: int, way: Way) -> tuple[int, str]:
        astray = lead_astray(agent, input={"day": "Monday"}, budget=budget, seed=seed, way=way)
        return astray.runs, astray.illegal

    return once


def _chess(budget: int, seed: int, way: Way) -> tuple[int, str]:
    from .moves import asking  # brings python-chess

    driven = drive((), asking(seed), budget=budget, seed=seed, way=way)
    return driven.asked, driven.illegal
