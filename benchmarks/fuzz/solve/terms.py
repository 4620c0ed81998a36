"""Random terms, boxes, points of boxes, and conditions that some of the points meet."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from random import Random
from typing import Final

from benchmarks.fuzz.solve.spans import Box, End, Span
from harness.registry.solve.problem import (
    ARITY,
    Apply,
    Below,
    Condition,
    Equal,
    Every,
    Number,
    Power,
    Some,
    Term,
    Unknown,
)

VARIABLES: Final = 3
WHOLE: Final = frozenset({2})
"""The last variable has whole numbers only."""

_SMOOTH: Final = ("+", "-", "*", "/")
_EXPONENTS: Final = (-3, -2, -1, 0, 1, 2, 2, 3, 4, 5, 7)
_EXTREME: Final = tuple(Fraction(10) ** exponent for exponent in (-320, -200, -30, -12, 9, 30, 150, 300))
_LONGEST: Final = 4_000  # bits

Point = tuple[Fraction, ...]


def a_number(random: Random) -> Fraction:
    """Give a whole number, a short decimal, any fraction, or now and then a huge or a tiny one."""
    kind = random.randrange(8)
    if kind < 3:
        return Fraction(random.randint(-9, 9))
    if kind < 5:
        return Fraction(random.randint(-999, 999), 100)
    if kind < 7:
        return Fraction(random.randint(-300, 300), random.randint(1, 300))
    return random.choice(_EXTREME) * random.choice((-1, 1))


def a_term(random: Random, depth: int) -> Term:
    """Give a term of some depth; now and then a part stands in it twice."""
    if depth == 0 or random.random() < 0.08:
        return Unknown(random.randrange(VARIABLES)) if random.random() < 0.75 else Number(a_number(random))
    if random.random() < 0.2:
        return Power(a_term(random, depth - 1), random.choice(_EXPONENTS))
    operation = random.choice([*ARITY] if random.random() < 0.7 else _SMOOTH)
    one = a_term(random, depth - 1)
    two = one if random.random() < 0.1 else a_term(random, depth - 1)
    return Apply(operation, (one, two)[: ARITY[operation]])  # type: ignore[arg-type]


def a_box(random: Random) -> tuple[tuple[Fraction, Fraction], ...]:
    """Give a box, wide or narrow, some sides a single number; whole numbers lie between whole ends."""
    box = []
    for at in range(VARIABLES):
        low = a_number(random)
        width = random.choice((Fraction(0), Fraction(1, 10**9), Fraction(1, 3), Fraction(5), abs(a_number(random))))
        if at in WHOLE:
            low, width = Fraction(random.randint(-9, 9)), Fraction(random.choice((0, 1, 2, 7)))
        box.append((low, low + width))
    return tuple(box)


def a_point(random: Random, box: Box) -> Point:
    """Give a point of a box, ends often."""
    point = []
    for at, (low, high) in enumerate(box):
        if at in WHOLE:
            point.append(Fraction(random.randint(int(low), int(high))))
            continue
        part = random.choice((0, 1, Fraction(random.randint(0, 997), 997), Fraction(random.randint(0, 997), 997)))
        point.append(low + (high - low) * part)
    return tuple(point)


def a_condition(random: Random, terms: Sequence[tuple[Term, Sequence[Span | None]]], depth: int) -> Condition:
    """Give a condition on some terms whose boundary runs through, or close by, one of their known values."""
    if depth and random.random() < 0.7:
        kind = random.choice((Every, Some))
        return kind(tuple(a_condition(random, terms, depth - 1) for _ in range(random.randint(1, 3))))
    term, values = random.choice(terms)
    known = [value for value in values if value is not None and _is_written(value.low)]
    if not known:
        return Below(term, random.random() < 0.3)
    value = random.choice(known)
    at = Fraction(value.low)
    if value.low == value.high and random.random() < 0.25:
        return Equal(Apply("-", (term, Number(at))), random.random() < 0.3)
    at += random.choice((Fraction(0), abs(at) / 10**6, -abs(at) / 10**6, Fraction(1, 10**3)))
    sides = (term, Number(at)) if random.random() < 0.5 else (Number(at), term)
    return Below(Apply("-", sides), random.random() < 0.3)


def _is_written(end: End) -> bool:
    """Tell whether an end is a number that can stand in a problem: no more digits than a reader allows."""
    return isinstance(end, Fraction) and max(abs(end.numerator), end.denominator).bit_length() < _LONGEST
