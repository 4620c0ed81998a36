"""Intervals of exact fractions, the irrational functions by ``decimal``: slow, and no line shared with the solver.

The solver works with floats and with Arb; here ends are ``Fraction``, and exp, ln and sqrt are those of the standard
library's ``decimal``, which rounds them correctly, so one step outward encloses the true value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from typing import Any, Final, NamedTuple

from harness.registry.solve.problem import Apply, Number, Power, Term, Unknown

End = Fraction | float  # a float only where it is infinite
Box = Sequence[tuple[Fraction, Fraction]]

INFINITE: Final = math.inf
_FARTHEST: Final = 20_000  # e to this is still written out; beyond, an end is infinite or 0
_HUGE: Final = 100_000  # powers of 2 beyond which a number counts as infinite, or as next to 0
_ZERO: Final = Fraction(0)


class Span(NamedTuple):
    """All numbers between two ends; ``partial`` where the term may be undefined somewhere."""

    low: End
    high: End
    partial: bool = False

    def holds(self, value: Span) -> bool:
        """Tell whether a much narrower span may lie in this one."""
        return not (value.high < self.low or value.low > self.high)


class Spans:
    """The operations on intervals, irrational results to so many ``digits``; None is undefined everywhere."""

    def __init__(self, digits: int) -> None:
        self._bits = digits * 10 // 3
        self._down = Context(digits, ROUND_FLOOR, MIN_EMIN, MAX_EMAX, traps=[])
        self._up = Context(digits, ROUND_CEILING, MIN_EMIN, MAX_EMAX, traps=[])

    def value(self, term: Term, box: Box) -> Span | None:
        """Give all that a term can be on a box, by natural interval evaluation. O(size)."""
        match term:
            case Number(value):
                return Span(value, value)
            case Unknown(index):
                return Span(*box[index])
            case Power(base, exponent):
                below = self.value(base, box)
                return None if below is None else self.power(below, exponent)
            case Apply(operation, terms):
                values = [self.value(one, box) for one in terms]
                return self.apply(operation, values)
        raise AssertionError(term)

    def apply(self, operation: str, values: Sequence[Span | None]) -> Span | None:
        """Give all that an operation can give of operands; an undefined one leaves nothing."""
        given = [value for value in values if value is not None]
        if len(given) < len(values):
            return None
        found = getattr(self, _NAMES[operation])(*given)
        if found is None:
            return None
        partial = found.partial or any(value.partial for value in given)
        return self._shortened(found, partial)

    def power(self, base: Span, exponent: int) -> Span | None:
        """Give all whole powers; to the 0 anything is 1."""
        if exponent < 0:
            below = self.power(base, -exponent)
            return None if below is None else self.apply("/", [Span(Fraction(1), Fraction(1)), below])
        if base.low is base.high:
            return self._shortened(_at(_raised(base.low, exponent)), base.partial)
        ends = [_raised(end, exponent) for end in base[:2]]
        low, high = min(ends), max(ends)
        if exponent and exponent % 2 == 0 and base.low <= 0 <= base.high:
            low = _ZERO
        return self._shortened(Span(low, high), base.partial)

    def add(self, one: Span, two: Span) -> Span:
        if one.low is one.high and two.low is two.high:
            return _at(_added(one.low, two.low))
        return Span(_added(one.low, two.low), _added(one.high, two.high))

    def subtract(self, one: Span, two: Span) -> Span:
        if one.low is one.high and two.low is two.high:
            return _at(_added(one.low, -two.low))
        return Span(_added(one.low, -two.high), _added(one.high, -two.low))

    def multiply(self, one: Span, two: Span) -> Span:
        if one.low is one.high and two.low is two.high:
            return _at(_times(one.low, two.low))
        if one.low >= 0 and two.low >= 0:
            return Span(_times(one.low, two.low), _times(one.high, two.high))
        products = [_times(x, y) for x in one[:2] for y in two[:2]]
        return Span(min(products), max(products))

    def divide(self, one: Span, two: Span) -> Span | None:
        low, high = two[:2]
        if low == 0 == high:
            return None
        if low is high:
            return self.multiply(one, _at(_inverse(low)))
        least = -INFINITE if low < 0 <= high else _inverse(high)
        most = INFINITE if low <= 0 < high else _inverse(low)
        return self.multiply(one, Span(least, most))._replace(partial=low <= 0 <= high)

    def absolute(self, one: Span) -> Span:
        low, high = one[:2]
        return Span(max(low, -high, _ZERO), max(-low, high))

    def least(self, one: Span, two: Span) -> Span:
        return Span(min(one.low, two.low), min(one.high, two.high))

    def most(self, one: Span, two: Span) -> Span:
        return Span(max(one.low, two.low), max(one.high, two.high))

    def exponential(self, one: Span) -> Span:
        low = _ZERO if one.low < -_FARTHEST else self._grown("exp", min(one.low, Fraction(_FARTHEST)), up=False)
        high = INFINITE if one.high > _FARTHEST else self._grown("exp", max(one.high, Fraction(-_FARTHEST)), up=True)
        return Span(low, high)

    def logarithm(self, one: Span) -> Span | None:
        if one.high <= 0:
            return None
        low = -INFINITE if one.low <= 0 else self._grown("ln", one.low, up=False)
        return Span(low, self._grown("ln", one.high, up=True), one.low <= 0)

    def root(self, one: Span) -> Span | None:
        if one.high < 0:
            return None
        low = self._grown("sqrt", max(one.low, _ZERO), up=False)
        return Span(low, self._grown("sqrt", one.high, up=True), one.low < 0)

    def _grown(self, name: str, end: End, *, up: bool) -> End:
        """Give an increasing function of an end, rounded outward; exactly where it is a known fraction."""
        if isinstance(end, float):
            return end
        if (name, end) in _KNOWN:
            return _KNOWN[name, end]
        if name == "sqrt":
            above, below = math.isqrt(end.numerator), math.isqrt(end.denominator)
            if above**2 == end.numerator and below**2 == end.denominator:
                return Fraction(above, below)
        context = self._up if up else self._down
        near = context.divide(Decimal(end.numerator), Decimal(end.denominator))
        if name == "ln" and near == 1:
            return _ZERO  # exact, and one step beside a Decimal of 0 is further down than can be written out
        found = getattr(context, name)(near)
        found = context.next_plus(found) if up else context.next_minus(found)
        if name != "ln" and found < 0:
            return _ZERO
        return Fraction(found)

    def _shortened(self, span: Span, partial: bool) -> Span:
        """Round ends with many digits outward; what has few stays exact, and one number stays one."""
        if self._is_short(span.low) and (span.low is span.high or self._is_short(span.high)):
            return Span(span.low, span.high, partial)
        return Span(self._rounded(span.low, up=False), self._rounded(span.high, up=True), partial)

    def _is_short(self, end: End) -> bool:
        return isinstance(end, float) or end.numerator.bit_length() + end.denominator.bit_length() < 6 * self._bits

    def _rounded(self, end: End, *, up: bool) -> End:
        if isinstance(end, float) or self._is_short(end):
            return end
        size = end.numerator.bit_length() - end.denominator.bit_length()
        if abs(size) > _HUGE:
            return _clipped(end, size > 0, outward=up is (end > 0))
        shift = 2 * self._bits - size
        scale = Fraction(2) ** shift
        return (math.ceil(end * scale) if up else math.floor(end * scale)) / scale


_NAMES: Final = {
    "+": "add",
    "-": "subtract",
    "*": "multiply",
    "/": "divide",
    "abs": "absolute",
    "min": "least",
    "max": "most",
    "exp": "exponential",
    "log": "logarithm",
    "sqrt": "root",
}
_KNOWN: Final[dict[tuple[str, Any], Fraction]] = {
    ("exp", 0): Fraction(1),
    ("ln", 1): Fraction(0),
    ("sqrt", 0): Fraction(0),
}


def _clipped(end: Fraction, huge: bool, *, outward: bool) -> End:
    """Bound what is too large or too small to be written out, away from 0 or towards it."""
    sign = 1 if end > 0 else -1
    if huge:
        return sign * INFINITE if outward else sign * Fraction(2) ** _HUGE
    return sign / Fraction(2) ** _HUGE if outward else _ZERO


def _at(end: End) -> Span:
    return Span(end, end)


def _added(one: End, two: End) -> End:
    if isinstance(one, float):
        return one
    return two if isinstance(two, float) else one + two


def _times(one: End, two: End) -> End:
    """Give a product; an infinite end is never reached, so 0 times it is 0."""
    if not one or not two:
        return _ZERO
    if isinstance(one, float) or isinstance(two, float):
        return INFINITE if (one > 0) is (two > 0) else -INFINITE
    return one * two


def _inverse(end: End) -> End:
    return _ZERO if isinstance(end, float) else 1 / end


def _raised(end: End, exponent: int) -> End:
    if exponent == 0:
        return Fraction(1)
    if isinstance(end, float):
        return INFINITE if end > 0 or exponent % 2 == 0 else -INFINITE
    return end**exponent
