"""Other problems made from one: leaves put in place of others, bounds drawn closer, a condition turned round."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import TypeVar

from harness.registry.solve.problem import (
    Apply,
    Below,
    Condition,
    Constraint,
    Equal,
    Every,
    Number,
    Power,
    Problem,
    Some,
    Term,
    Unknown,
)

Leaf = Callable[[Number | Unknown], Term]
Node = TypeVar("Node", bound=Term | Condition)

ZERO = Number(Fraction(0))


def with_leaves(problem: Problem, leaf: Leaf) -> Problem:
    """Put what ``leaf`` gives in the place of every number and every unknown. O(size)."""
    constraints = (replace(one, condition=condition_with(one.condition, leaf)) for one in problem.constraints)
    return Problem(problem.variables, tuple(constraints))


def condition_with(condition: Condition, leaf: Leaf) -> Condition:
    """Do so in one condition."""
    match condition:
        case Below(term, strict):
            return Below(term_with(term, leaf), strict)
        case Equal(term, differs):
            return Equal(term_with(term, leaf), differs)
        case Every(parts):
            return Every(tuple(condition_with(part, leaf) for part in parts))
        case Some(parts):
            return Some(tuple(condition_with(part, leaf) for part in parts))


def term_with(term: Term, leaf: Leaf) -> Term:
    """Do so in one term."""
    match term:
        case Number() | Unknown():
            return leaf(term)
        case Apply(operation, terms):
            return Apply(operation, tuple(term_with(one, leaf) for one in terms))
        case Power(base, exponent):
            return Power(term_with(base, leaf), exponent)


def numbers_in(problem: Problem) -> Iterator[tuple[str, Number]]:
    """Yield every number with the constraint that it stands in."""
    for one in problem.constraints:
        found: list[Number] = []

        def keep(leaf: Number | Unknown, found: list[Number] = found) -> Term:
            if isinstance(leaf, Number):
                found.append(leaf)
            return leaf

        condition_with(one.condition, keep)
        yield from ((one.name, number) for number in found)


def within(problem: Problem, index: int, low: Fraction, high: Fraction) -> Problem:
    """Draw the bounds of one variable closer."""
    changed = replace(problem.variables[index], low=low, high=high)
    return Problem((*problem.variables[:index], changed, *problem.variables[index + 1 :]), problem.constraints)


def violated(problem: Problem) -> Constraint:
    """Give the condition that some constraint of a problem is false."""
    return Constraint("violated", Some(tuple(negated(one.condition) for one in problem.constraints)))


def negated(condition: Condition) -> Condition:
    """Give the condition that is true exactly where this one is false; that is also where an atom is undefined."""
    match condition:
        case Below(term, strict):
            return Some((Below(Apply("-", (ZERO, term)), not strict), *undefined(term)))
        case Equal(term, differs):
            return Some((Equal(term, not differs), *undefined(term)))
        case Every(parts):
            return Some(tuple(map(negated, parts)))
        case Some(parts):
            return Every(tuple(map(negated, parts)))


def undefined(term: Term) -> Iterator[Condition]:
    """Yield conditions of which one is true exactly where a term has no value."""
    match term:
        case Apply(operation, terms):
            for one in terms:
                yield from undefined(one)
            if operation == "log":
                yield Below(terms[0])
            elif operation == "sqrt":
                yield Below(terms[0], strict=True)
            elif operation == "/":
                yield Equal(terms[1])
        case Power(base, exponent):
            yield from undefined(base)
            if exponent < 0:
                yield Equal(base)
