"""How low a weighted sum of terms can be on a box, by planes that lie below it: the linear bounds of the checker.

Equal parts of the sum are collected first, so that what cancels is gone and ``c * x ** 2 + d * x`` has one curve. Then,
the outermost first, each curve makes way for a line: a tangent at a given point on the side that it bends to, a chord
on the other; and each product for one of McCormick's planes (1976). In the end there are variables only. Any point
gives a true bound, and the least point of a convex sum the exact one.
"""

from __future__ import annotations

from collections.abc import Hashable
from fractions import Fraction
from typing import Any, Final, NamedTuple

from harness.registry.solve.ball import Balls, Inexact, Span
from harness.registry.solve.bound import Slopes, Step, derivative, merged, scaled, values_of
from harness.registry.solve.certificate import Box, Point
from harness.registry.solve.weighted import Weighted

Sum = dict[int, Fraction]  # by the place of a part, its factor, which is not 0
Line = Slopes  # the same, of factors between two ends

_ONE: Final = 0  # the place of the part that is the number 1


class _Side(NamedTuple):
    """A term as a sum of parts, all that it can be on the box, and what it is at the point."""

    total: Sum
    range: Span
    at: Span


class _Part(NamedTuple):
    """All that a part can be, what it is at the point, and lines in earlier parts that it is not below, or above."""

    range: Span
    at: Span
    below: Line | None = None
    above: Line | None = None


def least_by_planes(balls: Balls, weighted: Weighted, box: Box, point: Point) -> Any:
    """Give a low end of a weighted sum of terms wherever they are defined; None where one is nowhere.

    Inexact where rationals do not do, or where a term may be undefined at the point. O(size x parts).
    """
    parts, total = _Parts(balls), Sum()
    for steps, weight in weighted:
        ranges, at = values_of(balls, steps, box), values_of(balls, steps, tuple((value, value) for value in point))
        if ranges is None:
            return None
        if at is None or any(one.partial for one in at):
            raise Inexact
        total = _plus(total, parts.read(steps, ranges, at), weight)
    return parts.least(total)


def _plus(one: Sum, two: Sum, factor: Fraction) -> Sum:
    """Give a sum and so many times another one."""
    found = dict(one)
    for part, times in two.items():
        found[part] = found.get(part, Fraction(0)) + factor * times
    return {part: times for part, times in found.items() if times}


def _number(total: Sum) -> Fraction | None:
    """Give the number that a sum is, if it is one."""
    return total.get(_ONE, Fraction(0)) if total.keys() <= {_ONE} else None


def _single(total: Sum) -> int | None:
    """Give the only part of a sum besides a number."""
    parts = total.keys() - {_ONE}
    return min(parts) if len(parts) == 1 else None


class _Parts:
    """The parts that terms are sums of, equal ones once, each after those that it is made of."""

    def __init__(self, balls: Balls) -> None:
        one = Span(balls.one, balls.one)
        self._balls, self._parts = balls, [_Part(one, one)]
        self._places: dict[Hashable, int] = {}

    def least(self, total: Sum) -> Any:
        """Give a low end of a sum: lines in the place of parts, the last ones first."""
        balls, line = self._balls, self._line(total)
        for place in range(len(self._parts) - 1, _ONE, -1):
            factor = line.pop(place, None)
            if factor is None:
                continue
            part = self._parts[place]
            bound = part.below if factor.low >= balls.zero else part.above if factor.high <= balls.zero else None
            instead = {_ONE: balls.multiply(factor, part.range)} if bound is None else scaled(balls, bound, factor)
            line = merged(balls, line, instead)
        return line[_ONE].low if line else balls.zero

    # --- terms as sums of parts ---

    def read(self, steps: list[Step], ranges: list[Span], at: list[Span]) -> Sum:
        """Give a term as a sum of parts."""
        sides: list[_Side] = []
        for (operation, detail, parts), whole, here in zip(steps, ranges, at, strict=True):
            total = self._read(operation, detail, [sides[part] for part in parts], _Part(whole, here))
            sides.append(_Side(total, whole, here))
        return sides[-1].total

    def _read(self, operation: str, detail: Any, inner: list[_Side], found: _Part) -> Sum:
        match operation:
            case "number":
                return {_ONE: detail} if detail else {}
            case "unknown":
                return self._part((operation, detail), found)
            case "+" | "-":
                return _plus(inner[0].total, inner[1].total, Fraction(1 if operation == "+" else -1))
            case "*":
                return self._product(inner[0], inner[1])
            case "/":
                return self._quotient(inner[0], inner[1])
            case "min" | "max":
                return self._choice(operation, inner, found)
            case "power" if detail in (0, 1):
                return inner[0].total if detail else {_ONE: Fraction(1)}
            case "power" if detail == 2:
                return self._product(inner[0], inner[0])
        return self._curve(operation, detail, inner[0])

    def _part(self, key: Hashable, part: _Part) -> Sum:
        """Give a part as a sum: the one that is there, where it was met before."""
        if key not in self._places:
            self._places[key] = len(self._parts)
            self._parts.append(part)
        return {self._places[key]: Fraction(1)}

    def _product(self, one: _Side, two: _Side) -> Sum:
        for side, other in ((one, two), (two, one)):
            if (number := _number(side.total)) is not None:
                return _plus({}, other.total, number)
        single = _single(one.total)
        if single is not None and single == _single(two.total):
            return self._squared(single, one.total, two.total)
        if one.total == two.total:
            return self._curve("power", 2, one)
        (one, a), (two, b) = self._bare(one), self._bare(two)
        key = "*", frozenset(frozenset(side.total.items()) for side in (one, two))
        return _plus({}, self._part(key, self._multiplied(one, two)), a * b)

    def _bare(self, side: _Side) -> tuple[_Side, Fraction]:
        """Give a multiple of one part as that part and the factor."""
        if len(side.total) != 1:
            return side, Fraction(1)
        ((place, factor),) = side.total.items()
        part = self._parts[place]
        return _Side({place: Fraction(1)}, part.range, part.at), factor

    def _squared(self, single: int, one: Sum, two: Sum) -> Sum:
        """Multiply out two sums of the same part and a number."""
        (a, b), (c, d) = ((side[single], side.get(_ONE, Fraction(0))) for side in (one, two))
        bare = {single: Fraction(1)}
        square = self._curve("power", 2, _Side(bare, self._parts[single].range, self._parts[single].at))
        return _plus(_plus(_plus({}, square, a * c), bare, a * d + b * c), {_ONE: Fraction(1)}, b * d)

    def _quotient(self, one: _Side, two: _Side) -> Sum:
        if number := _number(two.total):
            return _plus({}, one.total, 1 / number)
        whole, at = self._value("power", -1, two.range), self._value("power", -1, two.at)
        return self._product(one, _Side(self._curve("power", -1, two), whole, at))

    # --- parts and their lines ---

    def _line(self, total: Sum) -> Line:
        return {part: self._balls.span(factor, factor) for part, factor in total.items()}

    def _bounded(self, line: Line) -> Line | None:
        """Give a line, or None for one that has no end somewhere."""
        finite = not self._balls.bits or all(end.is_finite() for span in line.values() for end in span[:2])
        return line if finite else None

    def _value(self, operation: str, detail: Any, at: Span) -> Span:
        found = self._balls.power(at, detail) if operation == "power" else self._balls.operations[operation](at)
        if found is None:
            raise Inexact
        return found

    def _curve(self, operation: str, detail: Any, inner: _Side) -> Sum:
        """Give a function of one term as a part, with a tangent on the side that it bends to, a chord on the other."""
        part = _Part(self._value(operation, detail, inner.range), self._value(operation, detail, inner.at))
        bend = self._bend(operation, detail, inner.range)
        if bend and inner.range.low != inner.range.high:
            lines = self._tangent(operation, detail, inner), self._chord(operation, detail, inner, bend)
            below, above = lines if bend > 0 else lines[::-1]
            part = part._replace(below=below, above=above)
        return self._part((operation, detail, frozenset(inner.total.items())), part)

    def _bend(self, operation: str, exponent: Any, whole: Span) -> int:
        """Say whether a function is convex on a range, where it is defined (1), concave (-1), or neither."""
        if operation != "power":
            return -1 if operation in ("log", "sqrt") else 1
        if whole.low >= self._balls.zero or (exponent > 0 and exponent % 2 == 0):
            return 1
        if whole.high > self._balls.zero:
            return 0
        return -1 if exponent % 2 else 1

    def _smooth(self, operation: str, detail: Any, at: Any) -> bool:
        """Say whether a function has a value and one slope at a number."""
        if operation in ("log", "sqrt"):
            return bool(at > self._balls.zero)
        return operation == "exp" or (operation == "power" and detail > 0) or bool(at != self._balls.zero)

    def _tangent(self, operation: str, detail: Any, inner: _Side) -> Line | None:
        """Give the tangent where the point is, moved into the range; None where there is none."""
        touch = min(max(inner.at.low, inner.range.low), inner.range.high)
        if not self._smooth(operation, detail, touch):
            return None
        at = Span(touch, touch)
        value = self._value(operation, detail, at)
        slope = derivative(self._balls, operation, detail, at, value)
        return self._through(inner.total, slope, self._balls.subtract(value, self._balls.multiply(slope, at)))

    def _chord(self, operation: str, detail: Any, inner: _Side, bend: int) -> Line | None:
        """Give the line through the ends of a curve; None where one has no value.

        It is moved beyond both, for its slope is rounded: less any line, a convex function is greatest at one of the
        ends, and a concave one least.
        """
        balls, (low, high, _) = self._balls, inner.range
        low = max(low, balls.zero) if operation == "sqrt" else low
        if operation != "sqrt" and not (
            operation == "abs" or all(self._smooth(operation, detail, x) for x in (low, high))
        ):
            return None
        ends = [(end, self._value(operation, detail, end)) for end in (Span(low, low), Span(high, high))]
        over = balls.divide(balls.subtract(ends[1][1], ends[0][1]), balls.subtract(ends[1][0], ends[0][0]))
        if over is None or over.partial:
            return None
        slope = Span(over.low, over.low)
        offsets = (balls.subtract(value, balls.multiply(slope, end)) for end, value in ends)
        return self._through(inner.total, slope, (balls.larger if bend > 0 else balls.smaller)(*offsets))

    def _through(self, total: Sum, slope: Span, offset: Span) -> Line | None:
        line = scaled(self._balls, self._line(total), slope)
        return self._bounded(merged(self._balls, line, {_ONE: offset}))

    def _multiplied(self, one: _Side, two: _Side) -> _Part:
        """Give a product with McCormick's planes, of the two on each side the one that is nearer at the point."""
        (a, b, _), (c, d, _) = one.range, two.range
        below = [self._corner(one, two, *corner) for corner in ((a, c), (b, d))]
        above = [self._corner(one, two, *corner) for corner in ((a, d), (b, c))]
        whole, at = (self._balls.multiply(x, y) for x, y in ((one.range, two.range), (one.at, two.at)))
        lowest, highest = max(below, key=lambda pair: pair[0].low), min(above, key=lambda pair: pair[0].high)
        return _Part(whole, at, self._bounded(lowest[1]), self._bounded(highest[1]))

    def _corner(self, one: _Side, two: _Side, x: Any, y: Any) -> tuple[Span, Line]:
        """Give the plane that a product is on along two sides of a box, which meet at a corner, and where it is."""
        balls, at_x, at_y = self._balls, Span(x, x), Span(y, y)
        corner = balls.negate(balls.multiply(at_x, at_y))
        sides = scaled(balls, self._line(one.total), at_y), scaled(balls, self._line(two.total), at_x)
        here = balls.add(balls.multiply(one.at, at_y), balls.multiply(two.at, at_x))
        return balls.add(here, corner), merged(balls, merged(balls, *sides), {_ONE: corner})

    def _choice(self, operation: str, inner: list[_Side], found: _Part) -> Sum:
        """Give the lesser or the greater of two: the one that it certainly is, or a part that either is a line for."""
        greater = operation == "max"
        for one, two in (inner, inner[::-1]):
            if (one.range.low >= two.range.high) if greater else (one.range.high <= two.range.low):
                return one.total
        nearer = (max if greater else min)(inner, key=lambda side: side.at.low)
        line = self._line(nearer.total)
        part = found._replace(below=line) if greater else found._replace(above=line)
        return self._part((operation, frozenset(frozenset(side.total.items()) for side in inner)), part)
