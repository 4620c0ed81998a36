"""Operations on float intervals, their ends rounded outward: for the search, which nobody trusts."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Final

INFINITE: Final = math.inf
TINY: Final = 5e-324  # stands for what is too small for a float and not 0
Interval = tuple[float, float]
Binary = Callable[[float, float, float, float], Interval]
Ends = tuple[float, float, float, float]
Backward = Callable[[float, float, float, float, float, float], Ends]

_next = math.nextafter


class Empty(Exception):
    """The term is undefined everywhere on the box."""


class Steep(Exception):
    """A slope is unbounded on the box."""


def down(x: float) -> float:
    """Give the next float below; 0 is exact, and no number is minus infinity."""
    if x != x:
        return -INFINITE
    return _next(x, -INFINITE) if x else x


def up(x: float) -> float:
    """Give the next float above; 0 is exact, and no number is infinity."""
    if x != x:
        return INFINITE
    return _next(x, INFINITE) if x else x


def enclosed(value: Fraction) -> Interval:
    """Give the narrowest float interval around an exact number."""
    try:
        near = float(value)
    except OverflowError:
        return (1.7976931348623157e308, INFINITE) if value > 0 else (-INFINITE, -1.7976931348623157e308)
    exact = Fraction(near)
    if exact == value:
        return near, near
    return (near, _next(near, INFINITE)) if exact < value else (_next(near, -INFINITE), near)


# --- forward ----------------------------------------------------------------------------------------------------------


def add(a: float, b: float, c: float, d: float) -> Interval:
    """Give the range of a sum."""
    return down(a + c), up(b + d)


def sub(a: float, b: float, c: float, d: float) -> Interval:
    """Give the range of a difference."""
    return down(a - d), up(b - c)


def _times(x: float, y: float) -> float:
    if not (x and y):
        return 0.0
    return x * y or math.copysign(TINY, x) * math.copysign(1.0, y)


def mul(a: float, b: float, c: float, d: float) -> Interval:
    """Give the range of a product; zero times an infinite end is zero."""
    if a >= 0:
        if c >= 0:
            lo, hi = a * c, b * d
        elif d <= 0:
            lo, hi = b * c, a * d
        else:
            lo, hi = b * c, b * d
    elif b <= 0:
        if c >= 0:
            lo, hi = a * d, b * c
        elif d <= 0:
            lo, hi = b * d, a * c
        else:
            lo, hi = a * d, a * c
    elif c >= 0:
        lo, hi = a * d, b * d
    elif d <= 0:
        lo, hi = b * c, a * c
    else:
        lo, hi = min(a * d, b * c), max(a * c, b * d)
    if lo != lo or hi != hi or not (lo and hi):
        ends = [_times(x, y) for x in (a, b) for y in (c, d)]
        lo, hi = min(ends), max(ends)
    return down(lo), up(hi)


def div(a: float, b: float, c: float, d: float) -> Interval:
    """Give the range of a quotient where it is defined."""
    if c > 0:
        if a >= 0:
            lo, hi = a / d, b / c
        elif b <= 0:
            lo, hi = a / c, b / d
        else:
            lo, hi = a / c, b / c
        return down(lo or (-TINY if a < 0 else 0.0)), up(hi or (TINY if b > 0 else 0.0))
    if d < 0:
        return div(-b, -a, -d, -c)
    if c == 0 == d:
        raise Empty
    if c == 0:
        if a >= 0:
            return down(a / d), INFINITE
        return (-INFINITE, up(b / d)) if b <= 0 else (-INFINITE, INFINITE)
    if d == 0:
        return div(-b, -a, 0.0, -c)
    return (0.0, 0.0) if a == 0 == b else (-INFINITE, INFINITE)


def absolute(a: float, b: float, _c: float, _d: float) -> Interval:
    """Give the range of a magnitude."""
    if a >= 0:
        return a, b
    return (-b, -a) if b <= 0 else (0.0, max(-a, b))


def least(a: float, b: float, c: float, d: float) -> Interval:
    """Give the range of the lesser."""
    return min(a, c), min(b, d)


def greatest(a: float, b: float, c: float, d: float) -> Interval:
    """Give the range of the greater."""
    return max(a, c), max(b, d)


def _exp(x: float) -> float:
    try:
        return math.exp(x) or TINY
    except OverflowError:
        return INFINITE


def exponential(a: float, b: float, _c: float = 0, _d: float = 0) -> Interval:
    """Give the range of e to a power."""
    return max(0.0, down(down(_exp(a)))), up(up(_exp(b)))


def logarithm(a: float, b: float, _c: float = 0, _d: float = 0) -> Interval:
    """Give the range of the natural logarithm where it is defined."""
    if b <= 0:
        raise Empty
    return (down(down(math.log(a))) if a > 0 else -INFINITE), (up(up(math.log(b))) if b < INFINITE else INFINITE)


def root(a: float, b: float, _c: float = 0, _d: float = 0) -> Interval:
    """Give the range of the square root where it is defined."""
    if b < 0:
        raise Empty
    return down(math.sqrt(a)) if a > 0 else 0.0, up(math.sqrt(b))


def _pow(x: float, n: int) -> float:
    try:
        return float(x**n) or (math.copysign(TINY, x ** (n % 2)) if x else 0.0)
    except OverflowError:
        return -INFINITE if x < 0 and n % 2 else INFINITE


def power(n: int) -> Binary:
    """Give the range function of a whole power."""

    def raised(a: float, b: float, _c: float, _d: float) -> Interval:
        if n % 2 or a >= 0:
            lo, hi = _pow(a, n), _pow(b, n)
        elif b <= 0:
            lo, hi = _pow(b, n), _pow(a, n)
        else:
            lo, hi = 0.0, max(_pow(a, n), _pow(b, n))
        lo, hi = down(down(lo)), up(up(hi))
        return (max(lo, 0.0), hi) if n % 2 == 0 else (lo, hi)

    if n > 0:
        return raised
    if n == 0:
        return lambda _a, _b, _c, _d: (1.0, 1.0)
    positive = power(-n)
    return lambda a, b, c, d: div(1.0, 1.0, *positive(a, b, c, d))
