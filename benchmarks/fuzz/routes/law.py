"""The law of a served route, judged on what really happened: the writes that stand are those that the goal rests on."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations, product

from benchmarks.fuzz.routes.case import Case, Need
from benchmarks.fuzz.routes.world import UNDOES

_Rests = set[frozenset[str]]
"""The sets of writes on which a fact may rest, one for each way in which it can have come about."""


def orphans(case: Case, goal: str, served: Iterable[str]) -> list[str]:
    """Give the writes that stand after these calls served, and on which the goal cannot rest all at once.

    ``served`` are the calls in the order in which they served, undoing ones included. Empty where the law holds; all
    writes where the goal does not hold at all. Does not say which of several ways to a fact a router had in mind: the
    law holds if any of them uses every write.
    """
    held: dict[str, _Rests] = {fact: {frozenset()} for fact in case.start}
    standing: list[str] = []
    _conclude(case, held)
    for name in served:
        if name.startswith(UNDOES):
            standing = [tool for tool in standing if tool != name.removeprefix(UNDOES)]
            held = _without(held, name.removeprefix(UNDOES))
        elif name in case.tools:
            write = case.tools[name].effect == "write"
            standing += [name] * (write and name not in standing)
            _give(case, held, name, {name} if write else set())
        _conclude(case, held)
    reached = _rests(case.goals[goal], held)
    best = max(reached, key=len, default=frozenset())
    return [tool for tool in standing if tool not in best]


def _give(case: Case, held: dict[str, _Rests], tool: str, own: set[str]) -> None:
    for way in case.ways:
        if way.tool == tool:
            rests = {one | own for one in _rests(way.needs, held)}
            for fact in way.gives if rests else ():
                held.setdefault(fact, set()).update(rests)


def _conclude(case: Case, held: dict[str, _Rests]) -> None:
    before = -1
    while before != (before := sum(map(len, held.values()))):
        for way in case.ways:
            if way.tool is None and (rests := _rests(way.needs, held)):
                for fact in way.gives:
                    held.setdefault(fact, set()).update(rests)


def _without(held: dict[str, _Rests], tool: str) -> dict[str, _Rests]:
    left = {fact: {one for one in rests if tool not in one} for fact, rests in held.items()}
    return {fact: rests for fact, rests in left.items() if rests}


def _rests(needs: tuple[Need, ...], held: dict[str, _Rests]) -> _Rests:
    reached: _Rests = {frozenset()}
    for of, least in needs:
        picks: _Rests = set()
        for facts in combinations([fact for fact in of if fact in held], least):
            picks.update(frozenset().union(*chosen) for chosen in product(*(held[fact] for fact in facts)))
        reached = {one | other for one, other in product(reached, picks)}
    return reached
