"""What may move in a negotiation: the parameters of a problem, within what a caller may bind."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

from harness.converge.negotiation.report import Change
from harness.registry.parameter import Parameter, span
from harness.registry.registry import Registry
from harness.registry.solve.moving import Move
from harness.registry.solve.problem import Problem
from harness.registry.solve.relax import Limits, parameters_of, reach, with_parameter, with_variable
from harness.registry.solve.unknowns import exact

_LESS: Final = Fraction(999_999, 1_000_000)  # of a move, which is less of it


class Scope:
    """The parameters that the rules on an artifact speak of: what they are, and how far each may move.

    ``bounds`` are what a caller may bind, and grow where a parameter has to cross 0; ``whole`` are those without
    fractions. ``room`` is added to each move, a part of it.
    """

    def __init__(self, registry: Registry, problem: Problem, room: Fraction) -> None:
        self._registry, self._problem, self._room = registry, problem, room
        self.stated = parameters_of(problem)
        self.whole = frozenset(name for name in self.stated if self.about(name).whole)
        self.bounds = {name: self._limits(name) for name in self.stated}

    def about(self, name: str) -> Parameter:
        """Give what the registry states of a parameter besides its value."""
        return self._registry.about.get(name, Parameter())

    def reach(self, name: str, *, across: bool = False) -> tuple[Fraction, Fraction]:
        """Give how far down and up a parameter may go."""
        return reach(self.stated[name], self.bounds[name], whole=name in self.whole, across=across)

    # --- problems ---

    def at(self, values: Mapping[str, Fraction]) -> Problem:
        """Give the problem with other values of parameters."""
        at = self._problem
        for name, value in values.items():
            at = with_parameter(at, name, value)
        return at

    def freed(self, names: Sequence[str]) -> Problem:
        """Give the problem in which parameters, its last variables, are anything that may be bound."""
        freed = self._problem
        for name in names:
            freed = with_variable(freed, name, *self.reach(name), whole=name in self.whole)
        return freed

    def short_of(self, moves: Sequence[Move], shorter: Move) -> Problem:
        """Give the problem in which no parameter moves further than these moves, and one of them not as far."""
        freed = self._problem
        for one in moves:
            end, whole = one.value, one.parameter in self.whole
            if one is shorter:
                end = end + (1 if end < one.stated else -1) if whole else one.stated + (end - one.stated) * _LESS
            freed = with_variable(freed, one.parameter, *sorted((one.stated, end)), whole=whole)
        return freed

    # --- values ---

    def value(self, move: Move, digits: int) -> Fraction:
        """Give the value of a move with its room, rounded away from the stated one, within what may be bound."""
        value = away(move.stated, move.value + self._room * (move.value - move.stated), digits)
        if move.parameter in self.whole:
            value = Fraction(math.ceil(value) if value > move.stated else math.floor(value))
        low, high = self.bounds[move.parameter]
        value = value if low is None else max(value, low)
        return value if high is None else min(value, high)

    def change(self, move: Move, value: Fraction) -> Change:
        """Give a move as the change of the registry that it is, and what it costs."""
        about, name = self.about(move.parameter), move.parameter
        before = self._registry.parameters[name]
        scale: Any = abs(move.stated) or (
            None if about.low is None or about.high is None else exact(about.high) - exact(about.low)
        )
        share = float(abs(value - move.stated) / scale) if scale else None
        counts = type(before) is int or name in self.whole
        after = int(value) if counts and value.denominator == 1 else float(value)
        cost = None if share is None else share * about.weight
        return Change(name, before, after, about.unit.text if about.unit else "", share, cost)

    def _limits(self, name: str) -> Limits:
        low, high = span(self.about(name), self._registry.parameters[name])
        return None if low is None else exact(low), None if high is None else exact(high)


def away(stated: Fraction, value: Fraction, digits: int) -> Fraction:
    """Round a value to so many significant digits, away from what is stated. O(digits)."""
    if not value or value == stated:
        return value
    step = Fraction(10) ** (math.floor(math.log10(abs(value))) + 1 - digits)
    steps = value / step
    return step * (math.ceil(steps) if value > stated else math.floor(steps))
