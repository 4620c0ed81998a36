"""Conditions and terms put together with what is certain left out; of terms, only powers are written as such.

``log(x) - log(x)`` is not 0, as it is undefined where x is negative, so terms are worked out only where they are
written-out numbers. Parameters are never worked out: each stays where whoever looks for another value finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Final

from harness.registry.solve.problem import (
    Apply,
    Below,
    Condition,
    Equal,
    Every,
    Number,
    Operation,
    Power,
    Some,
    Term,
    Unknown,
    Variable,
)

ALWAYS: Final = Every(())
NEVER: Final = Some(())
_RATIONAL: Final = frozenset({"+", "-", "*", "/", "abs", "min", "max"})


def every(parts: Iterable[Condition]) -> Condition:
    """Give the condition that all of these hold. O(parts)."""
    kept = _flat(parts, Every)
    if NEVER in kept or _contradict(kept):
        return NEVER
    return kept[0] if len(kept) == 1 else Every(tuple(kept))


def some(parts: Iterable[Condition], variables: Sequence[Variable] = ()) -> Condition:
    """Give the condition that one of these holds; places of a choice among ``variables`` are joined. O(parts)."""
    kept = _flat(parts, Some)
    if ALWAYS in kept:
        return ALWAYS
    kept = _places_joined(kept, variables)
    return kept[0] if len(kept) == 1 else ALWAYS if ALWAYS in kept else Some(tuple(kept))


def is_at(index: int, place: int, *, differs: bool = False) -> Equal:
    """Give the condition that a choice has the value of a place."""
    return Equal(Apply("-", (Unknown(index), Number(Fraction(place)))), differs)


def applied(operation: Operation, *terms: Term) -> Term:
    """Apply an operation; worked out where the terms are numbers written out and the answer is one too."""
    if operation in _RATIONAL and all(isinstance(term, Number) and not term.parameter for term in terms):
        numbers = [term.value for term in terms if isinstance(term, Number)]
        if operation != "/" or numbers[1]:
            return Number(_ANSWERS[operation](*numbers))
    if operation == "*" and (power := _power_of(*terms)):
        return power
    return Apply(operation, terms)


def _power_of(one: Term, other: Term) -> Power | None:
    """Give the product of powers of one term as a power, whose range is narrower; None for any other product."""
    (base, exponent), (same, more) = (
        (term.term, term.exponent) if isinstance(term, Power) and term.exponent > 0 else (term, 1)
        for term in (one, other)
    )
    return Power(base, exponent + more) if base == same else None


def is_total(term: Term) -> bool:
    """Tell whether a term has a value at every point, as far as its form shows."""
    match term:
        case Number() | Unknown():
            return True
        case Power(base, exponent):
            return exponent > 0 and is_total(base)
        case Apply("/", (over, Number(value, ""))):
            return value != 0 and is_total(over)
        case Apply(operation, terms):
            return operation in {*_RATIONAL - {"/"}, "exp"} and all(map(is_total, terms))


def is_discrete(term: Term, variables: Sequence[Variable]) -> bool:
    """Tell whether a term has finitely many values, each an exact fraction, so that two can be equal for certain."""
    match term:
        case Number():
            return True
        case Unknown(index):
            return variables[index].kind != "real"
        case Power(base, _):
            return is_discrete(base, variables)
        case Apply(operation, terms):
            return operation in _RATIONAL and all(is_discrete(one, variables) for one in terms)


def _flat(parts: Iterable[Condition], kind: type[Every | Some]) -> list[Condition]:
    """Give the parts, and those of parts of the same kind, once each; what never decides has no parts."""
    kept: dict[Condition, None] = {}
    for part in parts:
        kept |= dict.fromkeys(part.parts if isinstance(part, kind) else (part,))
    return list(kept)


def is_place(condition: Condition) -> tuple[int, int] | None:
    """Give the unknown and the whole number that a condition compares, as ``is_at`` writes it; None for any other."""
    match condition:
        case Equal(Apply("-", (Unknown(index), Number(place, "")))) if place.denominator == 1:
            return index, int(place)
    return None


def _place(condition: Condition) -> tuple[int, int] | None:
    return None if isinstance(condition, Equal) and condition.differs else is_place(condition)


def _contradict(parts: Iterable[Condition]) -> bool:
    """Tell whether one unknown is said to have two values."""
    said: dict[int, int] = {}
    return any(said.setdefault(at[0], at[1]) != at[1] for at in map(_place, parts) if at)


def _places_joined(parts: list[Condition], variables: Sequence[Variable]) -> list[Condition]:
    """Say of a choice that it is not the one value left out, or nothing where none is, instead of listing the rest."""
    said: dict[int, set[int]] = {}
    for at in map(_place, parts):
        if at and at[0] < len(variables) and variables[at[0]].kind == "choice":
            said.setdefault(at[0], set()).add(at[1])
    for index, places in said.items():
        left = set(range(len(variables[index].values))) - places
        if len(left) > 1 or (len(left) == 1 and len(places) == 1):
            continue
        others = (part for part in parts if (at := _place(part)) is None or at[0] != index)
        parts = [*others, is_at(index, left.pop(), differs=True) if left else ALWAYS]
    return parts


def unknowns_in(node: Term | Condition) -> Iterator[int]:
    """Yield the place of each variable that a term or a condition speaks of, as often as it does."""
    match node:
        case Unknown(index):
            yield index
        case Apply(_, below) | Every(below) | Some(below):
            for one in below:
                yield from unknowns_in(one)
        case Power(term, _) | Below(term) | Equal(term):
            yield from unknowns_in(term)


_ANSWERS: Final[dict[str, Callable[..., Fraction]]] = {
    "+": lambda one, other: one + other,
    "-": lambda one, other: one - other,
    "*": lambda one, other: one * other,
    "/": lambda one, other: one / other,
    "abs": abs,
    "min": min,
    "max": max,
}
