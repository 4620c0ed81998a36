"""Parameters that move: up or down by an amount, and which way is one more variable of the problem.

So no direction is assumed, and a certificate speaks of all directions at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from harness.errors import UsageError
from harness.registry.solve.problem import Apply, Below, Constraint, Number, Problem, Term, Unknown, Variable
from harness.registry.solve.relax import Limits, parameters_of, reach
from harness.registry.solve.rewrite import with_leaves

Bounds = Mapping[str, Limits]
Ends = dict[str, tuple[Fraction, Fraction]]

_ONE: Final = Number(Fraction(1))
_TWO: Final = Number(Fraction(2))


@dataclass(frozen=True, slots=True)
class Move:
    """One parameter taken from the value that is stated to another."""

    parameter: str
    stated: Fraction
    value: Fraction


def stated_of(problem: Problem, parameters: Sequence[str]) -> dict[str, Fraction]:
    """Give the values of parameters; UsageError for one that no constraint speaks of."""
    known = parameters_of(problem)
    if missing := [name for name in parameters if name not in known]:
        raise UsageError(f"no constraint speaks of the parameter {missing[0]!r}", cure=f"known: {', '.join(known)}")
    return {name: known[name] for name in parameters}


def ends_of(stated: dict[str, Fraction], bounds: Bounds | None, whole: Collection[str] = ()) -> Ends:
    """Give how far down and up each parameter may go, on its side of 0 where no bound is stated."""
    limits = {name: (bounds or {}).get(name, (None, None)) for name in stated}
    return {name: reach(value, limits[name], whole=name in whole) for name, value in stated.items()}


def longest(stated: Fraction, ends: tuple[Fraction, Fraction]) -> Fraction:
    """Give the longest move that the ends leave, whichever way."""
    return max(stated - ends[0], ends[1] - stated)


def moving(problem: Problem, stated: dict[str, Fraction], amounts: dict[str, Term], ends: Ends) -> Problem:
    """Give the problem in which each parameter is its value and an amount more or less, within its ends.

    ``way.NAME``, new variables in the order of ``amounts``, are 1 for up and 0 for down. O(size).
    """
    first = len(problem.variables)
    values: dict[str, Term] = {}
    for at, (name, amount) in enumerate(amounts.items(), first):
        way = Apply("-", (Apply("*", (_TWO, Unknown(at))), _ONE))
        values[name] = Apply("+", (Number(stated[name], name), Apply("*", (way, amount))))

    def leaf(one: Number | Unknown) -> Term:
        return values.get(one.parameter, one) if isinstance(one, Number) else one

    kept = (
        Constraint(f"range:{name}", Below(Apply("-", sides)))
        for name, (low, high) in ends.items()
        for sides in ((Number(low), values[name]), (values[name], Number(high)))
    )
    ways = (Variable(f"way.{name}", "integer", Fraction(0), Fraction(1)) for name in amounts)
    return Problem((*problem.variables, *ways), (*with_leaves(problem, leaf).constraints, *kept))
