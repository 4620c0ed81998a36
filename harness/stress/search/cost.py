"""What a schedule costs: the less is done to an agent that fails, the more its failure says (arXiv 2603.18096)."""

from __future__ import annotations

import math
from typing import Any, Final

from harness.determinism import canonical
from harness.faults.plan import Fault
from harness.stress.schedule import Change, Element, Schedule

HOOK: Final = 1.0
"""The cost of one call that is struck, one place that is turned, or one part of the input that is changed."""

MAGNITUDE: Final = 0.1
"""The cost of doubling or halving the strength of a fault."""

TOKEN: Final = 0.01
"""The cost of a token more or less in what an agent or a model is told."""

_LASTING: Final = 1.5  # in hooks: a fault that lasts is said in one element, and strikes more than one call
_CHARACTERS: Final = 4  # of a token, about
_USUAL: Final[dict[str, float]] = {
    "after_ms": 1000,
    "cut": 1000,
    "delay_ms": 1000,
    "keep": 1,
    "pad": 20000,
    "share": 0.5,
    "times": 2,
}


def cost_of(schedule: Schedule) -> float:
    """Give the cost of a schedule, 0 where nothing is done."""
    return sum(map(_cost, schedule.elements))


def _cost(element: Element) -> float:
    if isinstance(element, Change):
        return HOOK + TOKEN * len(canonical.encode(element.value)) / _CHARACTERS
    if not isinstance(element, Fault):
        return HOOK
    hooks = len(element.nth) or _LASTING
    return HOOK * hooks + sum(_strength(name, value) for name, value in element.strength.items())


def _strength(name: str, value: Any) -> float:
    if isinstance(value, str):
        return TOKEN * len(value) / _CHARACTERS
    usual = _USUAL.get(name)
    return MAGNITUDE * abs(math.log2(value / usual)) if usual and value > 0 else MAGNITUDE
