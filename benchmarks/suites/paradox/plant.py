"""What every family of contradictions is made with."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction

from .instance import Case, Core, FieldOf, Rule, Values

Family = Callable[[random.Random, str, Fraction], Core]


def core_of(
    gap: Fraction,
    fields: Iterable[FieldOf],
    rules: Mapping[str, str | tuple[str, str]],
    cases: Iterable[Case],
    without: Mapping[str, Values],
    witness: Values,
) -> Core:
    """Give a core of one contradiction of all its rules; of these, ``without`` gives a point that meets the others."""
    listed = tuple(
        Rule(name, one) if isinstance(one, str) else Rule(name, one[1], when=one[0]) for name, one in rules.items()
    )
    if gap < 0:
        return Core(tuple(fields), listed, witness=witness)
    if gap == 0:
        return Core(tuple(fields), listed, witness=witness, alone=tuple(cases))
    left_out = {frozenset({name}): point for name, point in without.items()}
    return Core(tuple(fields), listed, {frozenset(rules): tuple(cases)}, left_out)


def place(draw: random.Random, low: int, high: int, digits: int = 2) -> Fraction:
    """Draw a decimal."""
    return Fraction(draw.randint(low * 10**digits, high * 10**digits), 10**digits)


def field_of(name: str, low: int, high: int) -> FieldOf:
    """Give a real field."""
    return FieldOf(name, Fraction(low), Fraction(high))
