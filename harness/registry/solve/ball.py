"""Interval arithmetic for proofs: ends rounded outward by Arb at a given precision, or kept as exact rationals.

An interval is a pair of ends, never a wide ball: products of wide balls lose too much. It encloses every value that a
term takes where the term is defined, and ``partial`` says that it may be undefined somewhere; ``None`` stands for a
term that is undefined everywhere. At 0 bits every end is an exact rational, which settles what rounding never could
(x - 1/10 at 1/10), and whatever has no rational end raises ``Inexact``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from math import isqrt
from threading import RLock
from typing import Any, Final, NamedTuple

MAX_BITS: Final = 20_000  # of an exact numerator or denominator; beyond that rounding has to do
_ONE_PRECISION: Final = RLock()  # python-flint has one precision for all threads


class Inexact(Exception):
    """Say that a result has no rational end, or none of reasonable size."""


class Span(NamedTuple):
    """All numbers between two ends, both included; an end may be infinite, then nothing is known on that side."""

    low: Any
    high: Any
    partial: bool = False


class Balls:
    """The operations of terms on intervals, each result holding all that its operands allow.

    ``bits`` is the precision of rounded ends; 0 keeps exact rationals. Rounding is outward at any precision, so the
    precision decides how much is proved and never whether it is true.
    """

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self._end: Callable[[Fraction], Any] = _arb_of if bits else Fraction
        if bits:
            from flint import arb

            self._infinity, self._minus_infinity = arb.pos_inf(), arb.neg_inf()
        self.zero, self.one = self._end(Fraction(0)), self._end(Fraction(1))
        self.operations: dict[str, Callable[..., Span | None]] = {
            "+": self.add,
            "-": self.subtract,
            "*": self.multiply,
            "/": self.divide,
            "abs": self.absolute,
            "min": self.smaller,
            "max": self.larger,
            "exp": self.exp,
            "log": self.log,
            "sqrt": self.sqrt,
        }

    @contextmanager
    def precision(self) -> Iterator[None]:
        """Round at this precision within, in this thread alone: other threads that want another one wait."""
        if not self.bits:
            yield
            return
        from flint import ctx

        with _ONE_PRECISION, ctx.workprec(self.bits):
            yield

    def span(self, low: Fraction, high: Fraction) -> Span:
        """Give the interval of two exact numbers."""
        return Span(self._down(self._end(low)), self._up(self._end(high)))

    def _down(self, end: Any) -> Any:
        """Give the largest end below a rounded result; what has no meaning (infinity less infinity) says nothing."""
        if not self.bits:
            return self._small(end)
        lower = end.lower()
        return self._minus_infinity if lower.is_nan() else lower

    def _up(self, end: Any) -> Any:
        if not self.bits:
            return self._small(end)
        upper = end.upper()
        return self._infinity if upper.is_nan() else upper

    def _small(self, end: Any) -> Any:
        if max(end.numerator.bit_length(), end.denominator.bit_length()) > MAX_BITS:
            raise Inexact
        return end

    def _unbounded(self, *, above: bool) -> Any:
        if not self.bits:
            raise Inexact  # rationals have no infinity
        return self._infinity if above else self._minus_infinity

    def add(self, one: Span, two: Span) -> Span:
        """Give all sums."""
        return Span(self._down(one.low + two.low), self._up(one.high + two.high), one.partial or two.partial)

    def negate(self, one: Span) -> Span:
        """Give all opposites."""
        return Span(-one.high, -one.low, one.partial)

    def subtract(self, one: Span, two: Span) -> Span:
        """Give all differences."""
        return Span(self._down(one.low - two.high), self._up(one.high - two.low), one.partial or two.partial)

    def multiply(self, one: Span, two: Span) -> Span:
        """Give all products. An infinite end is never reached, so 0 times it is 0."""
        zero, partial = self.zero, one.partial or two.partial
        products = [zero if x == zero or y == zero else x * y for x in one[:2] for y in two[:2]]
        return Span(min(map(self._down, products)), max(map(self._up, products)), partial)

    def divide(self, one: Span, two: Span) -> Span | None:
        """Give all quotients; division by 0 is undefined."""
        low, high, zero = two.low, two.high, self.zero
        if low == zero and high == zero:
            return None
        touches = low <= zero <= high
        least = self._unbounded(above=False) if low < zero <= high else self._down(self.one / high)
        most = self._unbounded(above=True) if low <= zero < high else self._up(self.one / low)
        return self.multiply(one, Span(least, most, two.partial or touches))

    def power(self, one: Span, exponent: int) -> Span | None:
        """Give all powers to a whole exponent; anything to the 0 is 1, and 0 to a negative one is undefined."""
        if exponent == 0:
            return Span(self.one, self.one, one.partial)
        if exponent < 0:
            return self.divide(Span(self.one, self.one), self._positive_power(one, -exponent))
        return self._positive_power(one, exponent)

    def _positive_power(self, one: Span, exponent: int) -> Span:
        if not self.bits:
            size = max(part.bit_length() for end in one[:2] for part in (end.numerator, end.denominator))
            if size > 1 and size * exponent > MAX_BITS:
                raise Inexact
        low, high = one.low**exponent, one.high**exponent
        if exponent % 2 or one.low >= self.zero:
            return Span(self._down(low), self._up(high), one.partial)
        if one.high <= self.zero:
            return Span(self._down(high), self._up(low), one.partial)
        return Span(self.zero, max(self._up(low), self._up(high)), one.partial)

    def absolute(self, one: Span) -> Span:
        """Give all distances from 0."""
        if one.low >= self.zero:
            return one
        if one.high <= self.zero:
            return self.negate(one)
        return Span(self.zero, max(-one.low, one.high), one.partial)

    def smaller(self, one: Span, two: Span) -> Span:
        """Give the smaller of each pair."""
        return Span(min(one.low, two.low), min(one.high, two.high), one.partial or two.partial)

    def larger(self, one: Span, two: Span) -> Span:
        """Give the larger of each pair."""
        return Span(max(one.low, two.low), max(one.high, two.high), one.partial or two.partial)

    def exp(self, one: Span) -> Span:
        """Give all exponentials."""
        low, high = self._down(self._grown("exp", one.low)), self._up(self._grown("exp", one.high))
        return Span(max(self.zero, low), high, one.partial)

    def log(self, one: Span) -> Span | None:
        """Give all natural logarithms; that of 0 or less is undefined."""
        if one.high <= self.zero:
            return None
        partial = one.low <= self.zero
        low = self._unbounded(above=False) if partial else self._down(self._grown("log", one.low))
        return Span(low, self._up(self._grown("log", one.high)), one.partial or partial)

    def sqrt(self, one: Span) -> Span | None:
        """Give all square roots; that of less than 0 is undefined."""
        if one.high < self.zero:
            return None
        low = self._down(self._grown("sqrt", max(self.zero, one.low)))
        return Span(max(self.zero, low), self._up(self._grown("sqrt", one.high)), one.partial or one.low < self.zero)

    def _grown(self, name: str, end: Any) -> Any:
        """Give an increasing function of an end."""
        if self.bits:
            return getattr(end, name)()
        if (name, end) == ("exp", 0):
            return self.one
        if (name, end) == ("log", 1):
            return self.zero
        if name == "sqrt":
            above, below = end.numerator, end.denominator
            if isqrt(above) ** 2 == above and isqrt(below) ** 2 == below:
                return Fraction(isqrt(above), isqrt(below))
        raise Inexact


def _arb_of(value: Fraction) -> Any:
    from flint import arb, fmpq

    return arb(fmpq(value.numerator, value.denominator))
