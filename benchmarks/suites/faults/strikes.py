"""Where each fault strikes each team: an agent, and which of its answers or messages, or all that it is asked.

Where several places are named, the tasks take turns. The place is that of the role which the fault is about: plans are
struck where they are made, calls where tools are called, messages where work is passed on. The agent alone is struck
where the maker of the loop is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from harness.determinism.streams import stream

CLEAN: Final = "none"
"""What the tasks are called in which nothing is struck."""

TEAMS: Final = ("linear", "iterative", "pair")
SINGLE: Final = "single"
"""The agent that does alone what teams do."""

FAMILIES: Final[Mapping[str, tuple[str, ...]]] = {
    "planning": ("IP", "CIL"),
    "memory": ("ML", "CLV"),
    "reasoning": ("H",),
    "action": ("TSE", "PFE", "TFE"),
    "configuration": ("RA", "BT"),
    "instruction": ("ILC", "IA"),
    "communication": ("MC", "MS", "MBA"),
}
"""The fifteen by what they are about."""

ALONE: Final = ("planning", "memory", "reasoning", "action", "instruction")
"""The families that one agent alone can be given: the others are about its peers."""

SHARED: Final = tuple(kind for family in ALONE for kind in FAMILIES[family])
"""The faults that all teams and the agent alone are given."""

BUDGETS: Final = (1, 2, 3)
"""How many faults strike one run at once."""

STRIKES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "linear": {
        "IP": ("planner 1",),
        "CIL": ("planner 1", "worker 2"),
        "ML": ("worker 2",),
        "CLV": ("planner", "worker"),
        "H": ("planner 1", "worker 2"),
        "TSE": ("worker 1", "writer 1"),
        "PFE": ("worker 1", "writer 1"),
        "TFE": ("worker 1", "writer 1"),
        "RA": ("planner", "worker", "writer"),
        "BT": ("writer",),
        "ILC": ("planner",),
        "IA": ("planner",),
        "MC": ("planner 1", "worker 1"),
        "MS": ("planner 1", "worker 1"),
        "MBA": ("planner 1", "worker 1"),
    },
    "iterative": {
        "IP": ("maker 1",),
        "CIL": ("maker 2", "maker 3"),
        "ML": ("maker 2",),
        "CLV": ("maker", "critic"),
        "H": ("maker 2", "maker 3"),
        "TSE": ("maker 1", "maker 2"),
        "PFE": ("maker 1", "maker 2"),
        "TFE": ("maker 1", "maker 2"),
        "RA": ("maker", "critic"),
        "BT": ("critic",),
        "ILC": ("maker",),
        "IA": ("maker",),
        "MC": ("maker 1",),
        "MS": ("maker 1",),
        "MBA": ("maker 1",),
    },
    "pair": {
        "IP": ("seller 1",),
        "CIL": ("seller 1", "keeper 2"),
        "ML": ("seller 2", "keeper 2"),
        "CLV": ("seller", "keeper"),
        "H": ("seller 1", "keeper 2"),
        "TSE": ("keeper 1", "seller 2"),
        "PFE": ("keeper 1", "seller 2"),
        "TFE": ("keeper 1", "seller 2"),
        "RA": ("seller", "keeper"),
        "BT": ("seller",),
        "ILC": ("seller",),
        "IA": ("seller",),
        "MC": ("seller 1", "keeper 1"),
        "MS": ("seller 1", "keeper 1"),
        "MBA": ("seller 1", "keeper 1"),
    },
    SINGLE: {
        "IP": ("clerk 1",),
        "CIL": ("clerk 2", "clerk 3"),
        "ML": ("clerk 2",),
        "CLV": ("clerk",),
        "H": ("clerk 2", "clerk 3"),
        "TSE": ("clerk 1", "clerk 2"),
        "PFE": ("clerk 1", "clerk 2"),
        "TFE": ("clerk 1", "clerk 2"),
        "ILC": ("clerk",),
        "IA": ("clerk",),
    },
}

WRONG_PEER: Final = {"linear": "worker 2", "iterative": "maker 2", "pair": "keeper 2"}
"""Beside blind trust somebody has to be wrong, or there is nothing to trust blindly: an answer that is hallucinated."""


def injected(team: str, kind: str, number: int) -> list[dict[str, Any]]:
    """Give what strikes the ``number``-th task, as a plan of faults says it."""
    places = STRIKES[team][kind]
    beside = [_fault("H", WRONG_PEER[team])] if kind == "BT" else []
    return [_fault(kind, places[number % len(places)]), *beside]


def at_once(budget: int) -> str:
    """Name a budget as a row does."""
    return "1 fault" if budget == 1 else f"{budget} faults"


def drawn(seed: int, number: int, budget: int) -> tuple[str, ...]:
    """Draw the faults that strike the ``number``-th task within a budget: for all teams the same, the less in the more.

    Each is drawn at most once.
    """
    return tuple(stream(seed, "budget", str(number)).sample(SHARED, max(BUDGETS))[:budget])


def _fault(kind: str, place: str) -> dict[str, Any]:
    agent, _, nth = place.partition(" ")
    return {"fault": kind, "agent": agent} | ({"nth": int(nth)} if nth else {})
