"""Legal histories that lead to an illegal action: an adversary that keeps to the rules (arXiv 2602.05903).

Whoever is tested makes every second move; the adversary makes the others, and only legal ones, so that whatever the
subject does wrong is its own. It looks for the shortest way to where least is allowed: the fewer actions are legal, the
likelier one that only seems so is taken. That measure comes from the protocol alone and costs no question to the
subject. A random adversary, legal as well, is the baseline.

What it does not establish: that a subject which was not led astray within the budget cannot be.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from random import Random
from typing import Any, Final, Generic, Literal, NamedTuple, TypeVar

from harness.determinism.streams import stream

P = TypeVar("P")
Way = Literal["guided", "random"]

_LONGEST: Final = 200  # moves of one random walk


class Further(NamedTuple, Generic[P]):
    """A legal history one answer longer, and how many actions would be legal after it."""

    history: P
    freedom: float


class Asked(NamedTuple, Generic[P]):
    """What came of asking the subject: why its action is illegal (empty: it is legal), and how to go on."""

    illegal: str
    further: Iterable[Further[P]]


class Driven(NamedTuple, Generic[P]):
    """The history that led to an illegal action, None where none was found, why it is one, and the questions asked."""

    history: P | None
    illegal: str
    asked: int


def drive(begin: P, ask: Callable[[P], Asked[P]], *, budget: int, seed: int = 0, way: Way = "guided") -> Driven[P]:
    """Look for a legal history after which the subject's next action is illegal, with ``budget`` questions at most.

    ``ask`` puts one question: what does the subject do after this history? Equal arguments give the same result.
    O(budget · answers · log) beside the questions.
    """
    chance = stream(seed, "adversary", way)
    return _guided(begin, ask, budget, chance) if way == "guided" else _random(begin, ask, budget, chance)


def _guided(begin: P, ask: Callable[[P], Asked[P]], budget: int, chance: Random) -> Driven[P]:
    frontier: list[tuple[float, float, int, Any]] = [(0.0, 0.0, 0, begin)]
    put = 1
    for asked in range(1, budget + 1):
        if not frontier:
            return Driven(None, "", asked - 1)
        *_, history = heapq.heappop(frontier)
        said = ask(history)
        if said.illegal:
            return Driven(history, said.illegal, asked)
        for one in said.further:
            heapq.heappush(frontier, (one.freedom, chance.random(), put, one.history))
            put += 1
    return Driven(None, "", budget)


def _random(begin: P, ask: Callable[[P], Asked[P]], budget: int, chance: Random) -> Driven[P]:
    history, moves = begin, 0
    for asked in range(1, budget + 1):
        said = ask(history)
        if said.illegal:
            return Driven(history, said.illegal, asked)
        further = list(said.further)
        moves += 1
        if further and moves < _LONGEST:
            history = chance.choice(further).history
        else:
            history, moves = begin, 0
    return Driven(None, "", budget)
