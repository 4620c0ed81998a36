"""Powers, exponentials, logarithms and roots on intervals, rounded outwards.

Python leaves these to the mathematical library of the platform, which is right to one or two of the last digits of a
float; results are widened by ``SLACK`` floats for that. Sound as ``interval`` is.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Final

from harness.registry.interval import (
    ALL,
    ONE,
    End,
    Interval,
    Partial,
    absolute,
    divide,
    floating,
    largest,
    meet,
    outward,
)
from harness.registry.values import Number

SLACK: Final = 4


def power(base: Interval, exponent: Number) -> Partial:
    """Raise to a fixed exponent; no answer for the root of a negative number, and for 0 to a negative exponent."""
    base = floating(base)
    if exponent == 0:
        return Partial(ONE)
    if exponent < 0:
        below = power(base, -exponent)
        found = divide(ONE, below.numbers) if below.numbers else below
        widened = outward([found.numbers.low, found.numbers.high], False, SLACK) if found.numbers else found
        return Partial(widened.numbers, below.undefined or found.undefined or widened.undefined)
    if exponent != int(exponent):
        inside = meet(base, Interval(0, math.inf))
        found = _powers(inside, exponent) if inside else Partial(None)
        return Partial(found.numbers, found.undefined or base.low < 0)
    if int(exponent) % 2 == 0 and base.low < 0:
        base = absolute(base)
    return _powers(base, exponent)


def exponential(one: Interval) -> Partial:
    """Raise e to a power."""
    found = _rising(one, math.exp, inside=ALL)
    return Partial(found.numbers and largest(found.numbers, Interval(0, 0)), found.undefined)


def logarithm(one: Interval) -> Partial:
    """Take the natural logarithm; no answer at and below 0."""
    found = _rising(one, lambda end: math.log(end) if end > 0 else -math.inf, Interval(0, math.inf))
    if one.high <= 0:
        return Partial(None, undefined=True)
    return Partial(found.numbers, found.undefined or one.low <= 0)


def root(one: Interval) -> Partial:
    """Take the square root; no answer below 0."""
    found = _rising(one, math.sqrt, inside=Interval(0, math.inf))
    return Partial(found.numbers and largest(found.numbers, Interval(0, 0)), found.undefined or one.low < 0)


def _powers(base: Interval, exponent: Number) -> Partial:
    """Raise where that is rising: a positive exponent, and an odd one where the base may be negative."""
    if base.whole and type(exponent) is int:
        ends = [int(end) ** exponent if not math.isinf(end) else end for end in (base.low, base.high)]
        return outward(ends, whole=True, slack=SLACK)
    found = outward([_float_power(base.low, exponent), _float_power(base.high, exponent)], False, SLACK)
    assert found.numbers is not None
    return Partial(largest(found.numbers, Interval(0, 0)) if base.low >= 0 else found.numbers, found.undefined)


def _float_power(base: End, exponent: Number) -> float:
    try:
        return math.pow(float(base), exponent)
    except OverflowError:
        return math.inf if base > 0 else -math.inf


def _rising(one: Interval, function: Callable[[float], float], inside: Interval) -> Partial:
    within = meet(floating(one), inside)
    if within is None:
        return Partial(None, undefined=True)
    ends = []
    for end in (within.low, within.high):
        try:
            ends.append(function(float(end)))
        except OverflowError:
            ends.append(math.inf)
    low, high = ends
    return outward([min(low, sys.float_info.max), high], False, SLACK)
