"""Conditions as contractors: what a constraint leaves of a box, and which atoms are still in play there.

Every cut that comes of it can be told as a split whose thrown-away part the one constraint refutes; so parts of an
``Every`` are revised one by one, and those inside a ``Some`` all on the same box.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from harness.registry.solve.floats import INFINITE, Empty
from harness.registry.solve.problem import Below, Condition, Equal, Every, Problem, Some
from harness.registry.solve.tape import Narrowed, Tape


class Live(NamedTuple):
    """An atom that every solution in a box has to meet: the path to it, and its term."""

    path: tuple[int, ...]
    tape: Tape
    strict: bool
    equal: bool


class Atom:
    """One comparison of a term with 0."""

    def __init__(self, atom: Below | Equal) -> None:
        self.tape = Tape(atom.term)
        self.variables: frozenset[int] = self.tape.variables
        self.equal = isinstance(atom, Equal)
        self.differs = isinstance(atom, Equal) and atom.differs
        self.strict = isinstance(atom, Below) and atom.strict
        self.cost: int = 1

    def narrow(self, lows: list[float], highs: list[float], whole: frozenset[int]) -> Narrowed | None:
        """Give what the atom leaves of the variables that it narrows; ``None`` where it is false on all of the box."""
        if self.differs:
            return self._apart(lows, highs, whole)
        return self.tape.narrow(lows, highs, 0.0 if self.equal else -INFINITE, self.strict)

    def _apart(self, lows: list[float], highs: list[float], whole: frozenset[int]) -> Narrowed | None:
        """Cut an end of the one whole number that is free, where the term is 0 there."""
        if self._zero(lows, highs):
            return None
        free = [one for one in self.variables if lows[one] != highs[one]]
        if len(free) != 1 or free[0] not in whole:
            return {}
        index, low, high = free[0], lows[free[0]], highs[free[0]]
        found = low, high
        for end, left in ((low, (low + 1, high)), (high, (low, high - 1))):
            at_low, at_high = lows[:], highs[:]
            at_low[index] = at_high[index] = end
            if self._zero(at_low, at_high):
                found = max(found[0], left[0]), min(found[1], left[1])
        return {} if found == (low, high) else {index: found}

    def _zero(self, lows: list[float], highs: list[float]) -> bool:
        try:
            return self.tape.range(lows, highs) == (0, 0)
        except Empty:
            return True

    def settled(self, lows: list[float], highs: list[float]) -> bool:
        """Say whether floats take the atom for true on all of the box."""
        try:
            low, high = self.tape.range(lows, highs)
        except Empty:
            return False
        if self.differs:
            return low > 0 or high < 0
        return low == high == 0 if self.equal else high < 0 or (high == 0 and not self.strict)

    def live(
        self, lows: list[float], highs: list[float], whole: frozenset[int], path: tuple[int, ...]
    ) -> Iterator[Live]:
        """Give the atoms that must hold on the box."""
        if not self.differs:
            yield Live(path, self.tape, self.strict, self.equal)

    def choices(self, lows: list[float], highs: list[float], whole: frozenset[int]) -> Iterator[Narrowed]:
        """Give what each open alternative leaves of the box."""
        return iter(())


class Both:
    """Several conditions at once."""

    def __init__(self, parts: tuple[Clause, ...]) -> None:
        self.parts = parts
        self.variables: frozenset[int] = frozenset().union(*(part.variables for part in parts))
        self.cost: int = sum(part.cost for part in parts)

    def narrow(self, lows: list[float], highs: list[float], whole: frozenset[int]) -> Narrowed | None:
        """Give what all parts leave, each revised on the same box; ``None`` where one of them is false on it."""
        found: Narrowed = {}
        for part in self.parts:
            left = part.narrow(lows, highs, whole)
            if left is None:
                return None
            for index, (low, high) in left.items():
                had = found.get(index)
                found[index] = (low, high) if had is None else (max(low, had[0]), min(high, had[1]))
        return found

    def settled(self, lows: list[float], highs: list[float]) -> bool:
        """Say whether floats take the condition for true on all of the box."""
        return all(part.settled(lows, highs) for part in self.parts)

    def live(
        self, lows: list[float], highs: list[float], whole: frozenset[int], path: tuple[int, ...]
    ) -> Iterator[Live]:
        """Give the atoms that must hold on the box."""
        for place, part in enumerate(self.parts):
            yield from part.live(lows, highs, whole, (*path, place))

    def choices(self, lows: list[float], highs: list[float], whole: frozenset[int]) -> Iterator[Narrowed]:
        """Give what each open alternative leaves of the box."""
        for part in self.parts:
            yield from part.choices(lows, highs, whole)


class Either:
    """Alternatives."""

    def __init__(self, parts: tuple[Clause, ...]) -> None:
        self.parts = parts
        self.variables: frozenset[int] = frozenset().union(*(part.variables for part in parts))
        self.cost: int = sum(part.cost for part in parts)

    def narrow(self, lows: list[float], highs: list[float], whole: frozenset[int]) -> Narrowed | None:
        """Give the hull of what the alternatives leave; ``None`` where each of them is false on the box."""
        found: Narrowed | None = None
        for part in self.parts:
            left = part.narrow(lows, highs, whole)
            if left is None:
                continue
            if not left:
                return {}
            if found is None:
                found = left
                continue
            found = {
                index: (min(found[index][0], left[index][0]), max(found[index][1], left[index][1]))
                for index in found
                if index in left
            }
        return found

    def _open(self, lows: list[float], highs: list[float], whole: frozenset[int]) -> list[tuple[int, Clause, Narrowed]]:
        left = [(place, part, part.narrow(lows, highs, whole)) for place, part in enumerate(self.parts)]
        return [(place, part, narrowed) for place, part, narrowed in left if narrowed is not None]

    def settled(self, lows: list[float], highs: list[float]) -> bool:
        """Say whether floats take the condition for true on all of the box."""
        return any(part.settled(lows, highs) for part in self.parts)

    def live(
        self, lows: list[float], highs: list[float], whole: frozenset[int], path: tuple[int, ...]
    ) -> Iterator[Live]:
        """Give the atoms that must hold on the box: those of an alternative that is the only one left."""
        still = self._open(lows, highs, whole)
        if len(still) == 1:
            place, part, _ = still[0]
            yield from part.live(lows, highs, whole, (*path, place))

    def choices(self, lows: list[float], highs: list[float], whole: frozenset[int]) -> Iterator[Narrowed]:
        """Give what each open alternative leaves of the box."""
        still = self._open(lows, highs, whole)
        if len(still) == 1:
            yield from still[0][1].choices(lows, highs, whole)
        elif all(narrowed for _, _, narrowed in still):
            yield from (narrowed for _, _, narrowed in still)


Clause = Atom | Both | Either


@lru_cache(maxsize=4096)
def clause_of(condition: Condition) -> Clause:
    """Compile a condition. O(size)."""
    match condition:
        case Below() | Equal():
            return Atom(condition)
        case Every(parts):
            return Both(tuple(map(clause_of, parts)))
        case Some(parts):
            return Either(tuple(map(clause_of, parts)))


class Contractor(NamedTuple):
    """A clause of a problem that is revised by itself: a constraint, or a part of one that is an ``Every``."""

    constraint: int
    path: tuple[int, ...]
    clause: Clause


def contractors_of(problem: Problem) -> tuple[Contractor, ...]:
    """Give the clauses of all constraints, the parts of an ``Every`` apart. O(size)."""
    found: list[Contractor] = []
    waiting: list[tuple[int, tuple[int, ...], Clause]] = []
    for place, one in reversed(list(enumerate(problem.constraints))):
        waiting.append((place, (), clause_of(one.condition)))
    while waiting:
        constraint, path, clause = waiting.pop()
        if isinstance(clause, Both) and clause.parts:
            waiting += [(constraint, (*path, at), part) for at, part in enumerate(clause.parts)][::-1]
        elif not isinstance(clause, Both):
            found.append(Contractor(constraint, path, clause))
    return tuple(found)
