"""Random terms and boxes, and an oracle for their values that shares nothing with the interval arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from operator import add, mul, sub, truediv
from random import Random
from typing import Any

from harness.registry.solve.problem import ARITY, Apply, Number, Power, Term, Unknown

VARIABLES = 3
_SMOOTH = ("+", "*", "-")
_PARTS = tuple(Fraction(part, 97) for part in range(98))
_EXACTLY: dict[str, Callable[..., Any]] = {
    "+": add,
    "-": sub,
    "*": mul,
    "/": truediv,
    "abs": abs,
    "min": min,
    "max": max,
}


class NoValue(Exception):
    """Say that a term is undefined."""


class TooWild(Exception):
    """Say that a value is too large or too small for the oracle to be sure of it."""


def a_number(random: Random) -> Fraction:
    """Give a whole number, a short decimal or any fraction."""
    kind = random.randrange(4)
    if kind == 0:
        return Fraction(random.randint(-5, 5))
    if kind == 1:
        return Fraction(random.randint(-50, 50), 10)
    if kind == 2:
        return Fraction(random.randint(-300, 300), random.randint(1, 300))
    return Fraction(random.choice((0, 1, -1, 10**9, Fraction(1, 10**12))))


def a_term(random: Random, depth: int, operations: Sequence[str] = tuple(ARITY)) -> Term:
    """Give a term of some depth, with shared parts now and then."""
    if depth == 0 or random.random() < 0.1:
        return Unknown(random.randrange(VARIABLES)) if random.random() < 0.7 else Number(a_number(random))
    if random.random() < 0.2:
        return Power(a_term(random, depth - 1, operations), random.choice((-3, -2, -1, 0, 1, 2, 3, 4)))
    operation = random.choice(operations if random.random() < 0.6 else _SMOOTH)
    one = a_term(random, depth - 1, operations)
    two = one if random.random() < 0.1 else a_term(random, depth - 1, operations)
    return Apply(operation, (one, two)[: ARITY[operation]])


def a_box(random: Random) -> tuple[tuple[Fraction, Fraction], ...]:
    """Give a box, wide or narrow, some sides a single number."""
    box = []
    for _ in range(VARIABLES):
        low = a_number(random)
        width = random.choice((Fraction(0), Fraction(1, 10**6), Fraction(1, 3), Fraction(2), abs(a_number(random))))
        box.append((low, low + width))
    return tuple(box)


def a_point(random: Random, box: Sequence[tuple[Fraction, Fraction]]) -> tuple[Fraction, ...]:
    """Give a point of a box, corners and sides often."""
    ways = [random.choice((0, 97, random.randint(0, 97))) for _ in box]
    return tuple(
        low if way == 0 else high if way == 97 else low + (high - low) * _PARTS[way]
        for way, (low, high) in zip(ways, box, strict=True)
    )


def exact(term: Term, point: Sequence[Any]) -> Fraction:
    """Give the value of a term of rational operations; NoValue where it has none."""
    match term:
        case Number(value):
            return value
        case Unknown(index):
            return Fraction(point[index])
        case Power(base, exponent):
            below = exact(base, point)
            if not below and exponent < 0:
                raise NoValue
            return Fraction(below**exponent)
        case Apply(operation, terms):
            values = [exact(part, point) for part in terms]
            if operation == "/" and not values[1]:
                raise NoValue
            return _EXACTLY[operation](*values)
    raise AssertionError(term)


def near(term: Term, point: Sequence[Fraction]) -> Decimal:
    """Give the value of a term to about 60 digits, by ``decimal``; NoValue, or TooWild where digits may be lost."""
    with localcontext() as context:
        context.prec = 120
        return _near(term, point)


def _near(term: Term, point: Sequence[Fraction]) -> Decimal:
    match term:
        case Number(value):
            return Decimal(value.numerator) / value.denominator
        case Unknown(index):
            return Decimal(point[index].numerator) / point[index].denominator
        case Power(base, exponent):
            return _tame(_raised(_near(base, point), exponent))
        case Apply(operation, terms):
            return _tame(_applied(operation, [_near(part, point) for part in terms]))
    raise AssertionError(term)


def _tame(value: Decimal) -> Decimal:
    if value and not Decimal("1e-15") < abs(value) < Decimal("1e15"):
        raise TooWild
    return value


def _raised(base: Decimal, exponent: int) -> Decimal:
    if not base:
        if exponent < 0:
            raise NoValue
        return Decimal(0**exponent)
    return base**exponent


def _applied(operation: str, values: list[Decimal]) -> Decimal:
    one, two = values[0], values[-1]
    if (operation == "/" and not two) or (operation == "log" and one <= 0) or (operation == "sqrt" and one < 0):
        raise NoValue
    if operation == "exp" and abs(one) > 40:
        raise TooWild
    if operation in ("exp", "log", "sqrt"):
        return one.exp() if operation == "exp" else one.ln() if operation == "log" else one.sqrt()
    return _EXACTLY[operation](*values)
