"""Arithmetic on intervals, rounded outwards: what a calculation can give where its numbers lie between bounds.

Sound in two ways: for numbers of the operands' intervals the result holds both the exact answer and the rounded one
that ``values`` works out. Ends are whole numbers up to 2**53, exact fractions where the caller gives them, else floats.
Not given: the narrowest interval, as each operand is taken to vary by itself (``x - x`` is not 0).
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, NamedTuple

from harness.registry.values import MAX_INTEGER, Number

End = int | float | Fraction

_EXACT: Final = 1 << 53  # up to here a float tells whole numbers apart


@dataclass(frozen=True, slots=True)
class Interval:
    """The numbers from ``low`` to ``high``, both included; an infinite end means no bound there.

    ``whole`` says that they have no fraction, whether written 2 or 2.0.
    """

    low: End
    high: End
    whole: bool = False

    def __contains__(self, number: End) -> bool:
        return self.low <= number <= self.high and (not self.whole or number == math.floor(number))

    @property
    def single(self) -> bool:
        """Whether it is one number."""
        return self.low == self.high


class Partial(NamedTuple):
    """The numbers an operation can give, None where it never gives one, and whether it may have no answer."""

    numbers: Interval | None
    undefined: bool = False


ALL: Final = Interval(-math.inf, math.inf)
COUNT: Final = Interval(0, math.inf, whole=True)
ONE: Final = Interval(1, 1, whole=True)


def around(number: Number) -> Interval:
    """Enclose a number as written: the float and, of a float that is no short fraction, its decimals. 0.1 is both."""
    if type(number) is int:
        return Interval(number, number, whole=True)
    decimals = Fraction(repr(number))
    # as the float, where they are equal: that is cheaper to calculate with
    low, high = (number if decimals >= number else decimals), (number if decimals <= number else decimals)
    return Interval(low, high, whole=float(number).is_integer())


def hull(one: Interval | None, other: Interval | None) -> Interval | None:
    """Give the smallest interval around two."""
    if one is None or other is None:
        return one or other
    return Interval(min(one.low, other.low), max(one.high, other.high), one.whole and other.whole)


def meet(one: Interval, other: Interval) -> Interval | None:
    """Give the numbers of both; None if there are none."""
    low, high, whole = max(one.low, other.low), min(one.high, other.high), one.whole or other.whole
    if whole:
        low, high = _to_whole(low, math.ceil), _to_whole(high, math.floor)
    return Interval(low, high, whole) if low <= high else None


def add(left: Interval, right: Interval) -> Partial:
    """Add."""
    left, right = floating(left), floating(right)
    return outward([_sum(left.low, right.low), _sum(left.high, right.high)], left.whole and right.whole)


def subtract(left: Interval, right: Interval) -> Partial:
    """Subtract."""
    return add(left, negate(right))


def multiply(left: Interval, right: Interval) -> Partial:
    """Multiply."""
    left, right = floating(left), floating(right)
    corners = [_product(one, other) for one in (left.low, left.high) for other in (right.low, right.high)]
    return outward(corners, left.whole and right.whole)


def divide(left: Interval, right: Interval) -> Partial:
    """Divide; no answer where the divisor may be 0."""
    quotients = _quotients(floating(left), floating(right))
    if not quotients:
        return Partial(None, undefined=True)
    found = outward(quotients, whole=False)
    return Partial(found.numbers, found.undefined or 0 in right)


def divide_down(left: Interval, right: Interval) -> Partial:
    """Divide and round down."""
    quotients = [_to_whole(end, math.floor) for end in _quotients(floating(left), floating(right))]
    if not quotients:
        return Partial(None, undefined=True)
    low, high = min(quotients), max(quotients)
    if max(-low, high) > _EXACT // 4:  # a float quotient of this size may miss the whole number beside it
        low, high = low - 1, high + 1
    found = outward([low, high], whole=True, slack=1)
    return Partial(found.numbers, found.undefined or 0 in right)


def remainder(left: Interval, right: Interval) -> Partial:
    """Give what ``divide_down`` leaves: of the divisor's sign, and at most as large, for a float may round up to it."""
    if right.low == right.high == 0:
        return Partial(None, undefined=True)
    left, right = floating(left), floating(right)
    whole = left.whole and right.whole
    step = 1 if whole and max(-right.low, right.high) <= _EXACT else 0
    low: End = right.low + step if right.low < 0 else 0
    high: End = right.high - step if right.high > 0 else 0
    if left.low >= 0 and right.low >= 0:
        high = min(high, left.high)
    return Partial(Interval(low, high, whole), 0 in right)


def negate(one: Interval) -> Interval:
    """Change the sign."""
    return Interval(-one.high, -one.low, one.whole)


def absolute(one: Interval) -> Interval:
    """Drop the sign."""
    return Interval(max(0, one.low, -one.high), max(-one.low, one.high), one.whole)


def smallest(one: Interval, other: Interval) -> Interval:
    """Give what the smaller of two numbers can be."""
    return Interval(min(one.low, other.low), min(one.high, other.high), one.whole and other.whole)


def largest(one: Interval, other: Interval) -> Interval:
    """Give what the larger of two numbers can be."""
    return Interval(max(one.low, other.low), max(one.high, other.high), one.whole and other.whole)


def rounded(one: Interval, digits: int = 0) -> Interval:
    """Round to 0 to 15 decimals, halves to the even neighbour."""
    one = floating(one)
    if digits == 0:
        return Interval(_to_whole(one.low, round), _to_whole(one.high, round), whole=True)
    if one.whole:
        return one
    low, high = (end if _infinite(end) else round(float(end), digits) for end in (one.low, one.high))
    return Interval(math.nextafter(low, -math.inf), math.nextafter(high, math.inf))


def cut(one: Interval) -> Interval:
    """Cut off the decimals."""
    return Interval(_to_whole(one.low, math.trunc), _to_whole(one.high, math.trunc), whole=True)


def floating(one: Interval) -> Interval:
    """Widen to ends that a float can be: an int beside a float is rounded to one before anything is calculated."""
    return Interval(_down(one.low), _up(one.high), one.whole)


def outward(ends: Iterable[End], whole: bool, slack: int = 0) -> Partial:
    """Enclose exact results, and what their rounding and ``slack`` floats more of error can make of them."""
    ends = list(ends)
    low, high = min(ends), max(ends)
    undefined = low < -MAX_INTEGER or high > MAX_INTEGER  # ints beyond 256 bits and infinite floats have no value
    low, high = _down(low), _up(high)
    if slack and not (whole and max(-low, high) <= _EXACT):
        for _ in range(slack):
            low, high = math.nextafter(low, -math.inf), math.nextafter(high, math.inf)
    return Partial(Interval(low, high, whole), undefined)


def _down(end: End) -> int | float:
    return -_up(-end)


def _up(end: End) -> int | float:
    """Give the least float from ``end`` on; whole numbers that a float can be stay as they are."""
    if type(end) is float or (type(end) is int and -_EXACT <= end <= _EXACT):
        return end
    if isinstance(end, Fraction) and end.denominator == 1 and abs(end) <= _EXACT:
        return end.numerator
    try:
        near = float(end)
    except OverflowError:
        return math.inf if end > 0 else -sys.float_info.max
    return near if near >= end else math.nextafter(near, math.inf)


def _infinite(end: End) -> bool:
    return type(end) is float and math.isinf(end)


def _to_whole(end: End, rounding: Callable[[End], int]) -> End:
    return end if _infinite(end) else rounding(end)


def _sum(one: End, other: End) -> End:
    if _infinite(one) or _infinite(other):
        return one if _infinite(one) else other
    return _exactly(operator.add, one, other)


def _product(one: End, other: End) -> End:
    if one == 0 or other == 0:
        return 0
    if _infinite(one) or _infinite(other):
        return math.inf if (one > 0) == (other > 0) else -math.inf
    return _exactly(operator.mul, one, other)


def _quotients(left: Interval, right: Interval) -> list[End]:
    """Give the ends between which the exact quotients lie; none where the divisor is 0."""
    if right.low < 0 < right.high:
        return [-math.inf, math.inf]
    side = 1 if right.high > 0 else -1  # the divisor's sign
    if right.low == right.high == 0:
        return []
    return [_quotient(one, other, side) for one in (left.low, left.high) for other in (right.low, right.high)]


def _quotient(one: End, other: End, side: int) -> End:
    if one == 0 or _infinite(other):
        return 0
    if other == 0 or _infinite(one):
        return math.inf if (one > 0) == (side > 0) else -math.inf
    return Fraction(one) / Fraction(other)


def _exactly(operation: Callable[[End, End], End], one: End, other: End) -> End:
    if type(one) is int and type(other) is int:
        return operation(one, other)
    return operation(Fraction(one), Fraction(other))


ARITHMETIC: Final[dict[str, Callable[[Interval, Interval], Partial]]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "//": divide_down,
    "%": remainder,
}
