"""A small choice that covers as much as everything does: which of many runs to keep as tests."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from typing import TypeVar

Name = TypeVar("Name", bound=Hashable)


def greedy_cover(covers: Mapping[Name, Collection[Hashable]]) -> tuple[Name, ...]:
    """Give names that together cover all that any name covers, each time the one that covers most that is missing.

    Of equals the first is taken, so the order of ``covers`` matters; whoever covers nothing new is never taken. The
    choice need not be the smallest: it is at most 1 + 1/2 + … + 1/d times as large, where d is the most that one name
    covers (Chvátal, A Greedy Heuristic for the Set-Covering Problem, 1979). O(names² × covered).
    """
    missing = {one for covered in covers.values() for one in covered}
    chosen: list[Name] = []
    while missing:
        best = max(covers, key=lambda name: len(missing.intersection(covers[name])))
        chosen.append(best)
        missing.difference_update(covers[best])
    return tuple(chosen)
