"""Scenarios by the seed: small graphs in which at least one write is committed and then times out."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from typing import Any, Final

import yaml

from harness.determinism.streams import stream
from harness.registry.load import load
from harness.registry.registry import Registry

from .oracle import START, Case, Kind, Mood, Outcome, predict

GOAL: Final = "Done"

_KINDS: Final[tuple[Kind, ...]] = ("read", "undoable", "undoable", "final")
_MOODS: Final[tuple[tuple[Mood, ...], ...]] = (
    ("ok",),
    ("ok",),
    ("refused",),
    ("refused", "ok"),
    ("late",),
    ("late", "ok"),
    ("late", "refused"),
    ("lost",),
    ("lost", "ok"),
)


def generated(seed: int, name: str) -> Case:
    """Draw the scenario of a name under a seed: the first in its stream that has a write which is late."""
    draw = stream(seed, name)
    cases = (_drawn(draw) for _ in itertools.count())
    return next(case for case in cases if late_writes(case, predict(case)))


def late_writes(case: Case, outcome: Outcome) -> int:
    """Count the calls of a run that committed something and then timed out."""
    calls: Counter[str] = Counter()
    late = 0
    for tool in outcome.attempts:
        moods = case.moods[tool]
        late += moods[min(calls[tool], len(moods) - 1)] == "late" and case.kinds[tool] != "read"
        calls[tool] += 1
    return late


def registry_of_case(case: Case) -> Registry:
    """Give the registry in which a case's graph stands."""
    whole: dict[str, Any] = {
        "registry": "router-generated",
        "version": "1.0.0",
        "default": "allow",
        "tools": {tool: {"domain": case.domains[tool]} if tool in case.domains else {} for tool in case.tools},
        "graph": {
            "start": [START],
            "goals": [case.goal],
            "edges": [list(edge) for edge in case.edges],
            "policy": {"retries": case.retries, "wait_ms": 0},
        },
    }
    return load(yaml.safe_dump(whole), "generated")


def _drawn(draw: random.Random) -> Case:
    layers = [[f"{letter}{number}" for number in range(draw.randint(1, 3))] for letter in "abcd"[: draw.randint(1, 4)]]
    tools = [tool for layer in layers for tool in layer]
    kinds = {tool: draw.choice(_KINDS) for tool in tools}
    writes = [tool for tool in tools if kinds[tool] != "read"]
    shared = draw.sample(tools, 2) if len(tools) > 1 and draw.random() < 0.3 else []
    return Case(
        edges=tuple(_edges(draw, layers)),
        goal=GOAL,
        kinds=kinds,
        moods={tool: draw.choice(_MOODS) for tool in tools},
        retries=draw.randint(0, 2),
        keyed=frozenset(tool for tool in writes if draw.random() < 0.5),
        probed=frozenset(tool for tool in writes if draw.random() < 0.7),
        domains=dict.fromkeys(shared, "shared"),
    )


def _edges(draw: random.Random, layers: list[list[str]]) -> list[tuple[str, str, int]]:
    """Join each layer with the next, every node with one before it; not all with all, so that there are dead ends."""
    edges = [(START, tool, draw.randint(1, 9)) for tool in layers[0]]
    for before, after in itertools.pairwise(layers):
        for tool in after:
            sure = draw.choice(before)
            chosen = [one for one in before if one == sure or draw.random() < 0.5]
            edges += [(one, tool, draw.randint(1, 9)) for one in chosen]
    return edges + [(tool, GOAL, draw.randint(1, 3)) for tool in layers[-1]]
