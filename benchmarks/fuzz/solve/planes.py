"""How low a weighted sum can be where planes stand in for curves and products, worked out in exact fractions.

A term is written as a sum of parts, a product of two sums or a function of one, so that equal parts of the weighted sum
are one. On a box a function is bounded by its tangent and by its chord, a product by McCormick's planes (1976); they
take the places of the parts from the outermost to the innermost, until fields are left. Slow, and no line shared with
the solver.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final, NamedTuple

from benchmarks.fuzz.solve.spans import Box, End, Span, Spans
from harness.registry.solve.problem import Apply, Number, Power, Term, Unknown


class Nowhere(Exception):
    """Say that a term has no value on the box."""


class Untouched(Exception):
    """Say that a term has no value at the point where planes should touch."""


class Part(NamedTuple):
    """A field, a product of two sums, a function of one, or the number 1; parts of a part are of less height."""

    height: int
    operation: str
    detail: int = 0
    sums: frozenset[frozenset[tuple[Part, Fraction]]] = frozenset()


Sum = dict[Part, Fraction]
Plane = dict[Part, Span]

_ONE: Final = Part(0, "one")


class _Form(NamedTuple):
    """A term as a sum, all that it can be on the box, and what it is at the point."""

    sum: Sum
    range: Span
    at: Span


class _Bounds(NamedTuple):
    """All that a part can be, what it is at the point, and planes in its own parts that it is nowhere below, or above.

    Without a plane the ends of the range are the bounds.
    """

    range: Span
    at: Span
    below: Plane | None = None
    above: Plane | None = None


def least_by_planes(
    spans: Spans, weighted: Sequence[tuple[Term, Fraction]], box: Box, point: Sequence[Fraction]
) -> Any:
    """Give a low end of a weighted sum wherever all its terms are defined; Nowhere, Untouched. O(size x parts)."""
    planes, total = _Planes(spans, box, point), Sum()
    if any(spans.value(term, box) is None for term, _ in weighted):
        raise Nowhere
    for term, weight in weighted:
        total = _plus(total, planes.form(term).sum, weight)
    return planes.least(total)


def _at(value: Any) -> Span:
    return Span(value, value)


def _plus(one: Sum, two: Sum, factor: Fraction) -> Sum:
    """Give a sum and so many times another, without what cancels."""
    found = {part: one.get(part, Fraction(0)) + factor * two.get(part, Fraction(0)) for part in {**one, **two}}
    return {part: times for part, times in found.items() if times}


def _constant(total: Sum) -> Fraction | None:
    return total.get(_ONE, Fraction(0)) if total.keys() <= {_ONE} else None


class _Planes:
    """The parts of terms on one box, each with the planes that bound it."""

    def __init__(self, spans: Spans, box: Box, point: Sequence[Fraction]) -> None:
        self._spans, self._box, self._point = spans, box, point
        self._bounds: dict[Part, _Bounds] = {_ONE: _Bounds(_at(Fraction(1)), _at(Fraction(1)))}

    def least(self, total: Sum) -> Any:
        """Give a low end of a sum: planes in the place of parts, the highest first."""
        plane = self._plane(total)
        while highest := max((part for part in plane if part.height), key=lambda part: part.height, default=None):
            factor, bounds = plane.pop(highest), self._bounds[highest]
            instead = bounds.below if factor.low >= 0 else bounds.above if factor.high <= 0 else None
            instead = {_ONE: bounds.range} if instead is None else instead
            plane = self._joined(plane, self._scaled(instead, factor))
        return plane.get(_ONE, _at(Fraction(0))).low

    # --- terms as sums ---

    def form(self, term: Term) -> _Form:
        """Give a term as a sum; Nowhere, or Untouched."""
        match term:
            case Number(value):
                return _Form({_ONE: value} if value else {}, _at(value), _at(value))
            case Unknown(index):
                found = _Bounds(Span(*self._box[index]), _at(self._point[index]))
                return _Form(self._part(Part(1, "unknown", index), found), found.range, found.at)
            case Power(base, exponent):
                inner = [self.form(base)]
                return self._tight(self._powered(inner[0], exponent), *self._values("power", exponent, inner))
            case Apply(operation, terms):
                inner = [self.form(one) for one in terms]
                values = self._values(operation, 0, inner)
                return self._tight(self._applied(operation, inner, values), *values)
        raise AssertionError(term)

    def _tight(self, total: Sum, whole: Span, at: Span) -> _Form:
        """Take of two true ranges, that of the term and that of the sum, what both of them allow."""
        reach = _at(Fraction(0))
        for part, times in total.items():
            reach = self._of("+", reach, self._of("*", _at(times), self._bounds[part].range))
        low, high = max(whole.low, reach.low), min(whole.high, reach.high)
        if low > high:
            raise Nowhere
        return _Form(total, Span(low, high), at)

    def _values(self, operation: str, exponent: int, inner: list[_Form]) -> tuple[Span, Span]:
        """Give all that an operation can give on the box, and what it gives at the point."""
        whole = self._given(operation, exponent, [one.range for one in inner])
        at = self._given(operation, exponent, [one.at for one in inner])
        if whole is None:
            raise Nowhere
        if at is None or at.partial:
            raise Untouched
        return whole, at

    def _given(self, operation: str, exponent: int, values: list[Span]) -> Span | None:
        power = operation == "power"
        return self._spans.power(values[0], exponent) if power else self._spans.apply(operation, values)

    def _of(self, operation: str, *values: Span) -> Span:
        """Give what an operation gives that is defined everywhere."""
        found = self._spans.apply(operation, values)
        assert found is not None
        return found

    def _applied(self, operation: str, inner: list[_Form], values: tuple[Span, Span]) -> Sum:
        one, two = inner[0], inner[-1]
        match operation:
            case "+" | "-":
                return _plus(one.sum, two.sum, Fraction(1 if operation == "+" else -1))
            case "*":
                return self._product(one, two)
            case "/" if divisor := _constant(two.sum):
                return _plus({}, one.sum, 1 / divisor)
            case "/":
                inverse = self._powered(two, -1)
                return self._product(one, self._tight(inverse, *self._values("power", -1, [two])))
            case "min" | "max":
                return self._choice(operation, inner, values)
        return self._curve(operation, 0, one)

    def _powered(self, one: _Form, exponent: int) -> Sum:
        if exponent in (0, 1):
            return one.sum if exponent else {_ONE: Fraction(1)}
        return self._product(one, one) if exponent == 2 else self._curve("power", exponent, one)

    def _product(self, one: _Form, two: _Form) -> Sum:
        for side, other in ((one, two), (two, one)):
            if (factor := _constant(side.sum)) is not None:
                return _plus({}, other.sum, factor)
        own = (one.sum.keys() | two.sum.keys()) - {_ONE}
        if len(own) == 1:
            return self._multiplied_out(*own, one.sum, two.sum)
        if one.sum == two.sum:
            return self._curve("power", 2, one)
        (one, a), (two, b) = self._bare(one), self._bare(two)
        whole, at = self._of("*", one.range, two.range), self._of("*", one.at, two.at)
        found = _Bounds(whole, at, *self._corners(one, two))
        return _plus({}, self._part(_made("*", 0, [one, two]), found), a * b)

    def _bare(self, form: _Form) -> tuple[_Form, Fraction]:
        """Give a multiple of one part as the part and the factor."""
        if len(form.sum) != 1:
            return form, Fraction(1)
        ((part, factor),) = form.sum.items()
        return _Form({part: Fraction(1)}, *self._bounds[part][:2]), factor

    def _multiplied_out(self, part: Part, one: Sum, two: Sum) -> Sum:
        """Give the product of ``a p + b`` and ``c p + d`` as a sum of the square of p, p and a number."""
        (a, b), (c, d) = ((side[part], side.get(_ONE, Fraction(0))) for side in (one, two))
        square = self._curve("power", 2, _Form({part: Fraction(1)}, *self._bounds[part][:2]))
        return _plus(_plus(_plus({}, square, a * c), {part: Fraction(1)}, a * d + b * c), {_ONE: Fraction(1)}, b * d)

    def _part(self, part: Part, bounds: _Bounds) -> Sum:
        self._bounds.setdefault(part, bounds)
        return {part: Fraction(1)}

    # --- planes ---

    def _plane(self, total: Sum) -> Plane:
        return {part: _at(times) for part, times in total.items()}

    def _scaled(self, plane: Plane, factor: Span) -> Plane:
        return {part: self._of("*", times, factor) for part, times in plane.items()}

    def _joined(self, one: Plane, two: Plane) -> Plane:
        none = _at(Fraction(0))
        return {part: self._of("+", one.get(part, none), two.get(part, none)) for part in {**one, **two}}

    def _line(self, total: Sum, slope: Span, offset: Span) -> Plane | None:
        """Give a slope times a sum, and an offset; None where one is infinite."""
        return _finite(self._joined(self._scaled(self._plane(total), slope), {_ONE: offset}))

    def _curve(self, operation: str, exponent: int, inner: _Form) -> Sum:
        """Give a function of a sum, bounded by its tangent on the side that it bends to, on the other by a chord."""
        whole, at = self._values(operation, exponent, [inner])
        below = above = None
        bend = _bend(operation, exponent, inner.range)
        if bend and inner.range.low != inner.range.high:
            below, above = self._tangent(operation, exponent, inner), self._chord(operation, exponent, inner, bend)
        if bend < 0:
            below, above = above, below
        return self._part(_made(operation, exponent, [inner]), _Bounds(whole, at, below, above))

    def _tangent(self, operation: str, exponent: int, inner: _Form) -> Plane | None:
        """Give the tangent at the point, moved into the range; None where there is none."""
        touch = _at(min(max(inner.at.low, inner.range.low), inner.range.high))
        value = self._given(operation, exponent, [touch])
        if isinstance(touch.low, float) or value is None or value.partial:
            return None
        slope = self._slope(operation, exponent, touch, value)
        if slope is None or slope.partial:
            return None
        return self._line(inner.sum, slope, self._of("-", value, self._of("*", slope, touch)))

    def _slope(self, operation: str, exponent: int, at: Span, value: Span) -> Span | None:
        """Give the derivative of a function; None where there is none, or not one."""
        match operation:
            case "exp":
                return value
            case "log":
                return self._spans.apply("/", [_at(Fraction(1)), at])
            case "sqrt":
                return self._spans.apply("/", [_at(Fraction(1, 2)), value])
            case "abs":
                return _at(Fraction(1 if at.low > 0 else -1)) if at.low else None
        steep = self._spans.power(at, exponent - 1)
        return None if steep is None else self._of("*", _at(Fraction(exponent)), steep)

    def _chord(self, operation: str, exponent: int, inner: _Form, bend: int) -> Plane | None:
        """Give a line beyond both ends: less any line, a convex function is greatest at an end, a concave one least."""
        low, high = inner.range[:2]
        low = max(low, Fraction(0)) if operation == "sqrt" else low
        if isinstance(low, float) or isinstance(high, float) or low == high:
            return None
        values = [(end, self._given(operation, exponent, [_at(end)])) for end in (low, high)]
        ends = [(end, *value[:2]) for end, value in values if value is not None and not value.partial]
        if len(ends) < 2 or any(isinstance(one, float) for end in ends for one in end):
            return None
        slope = _at((ends[1][1] - ends[0][1]) / (high - low))
        offsets = [self._of("-", Span(*value), self._of("*", slope, _at(end))) for end, *value in ends]
        return self._line(inner.sum, slope, self._of("max" if bend > 0 else "min", *offsets))

    def _corners(self, one: _Form, two: _Form) -> tuple[Plane | None, Plane | None]:
        """Give of McCormick's two planes on each side of a product the one that is nearer at the point."""
        (a, b), (c, d) = one.range[:2], two.range[:2]
        below = [corner for at in ((a, c), (b, d)) if (corner := self._corner(one, two, *at))]
        above = [corner for at in ((a, d), (b, c)) if (corner := self._corner(one, two, *at))]
        below.sort(key=lambda corner: corner[0].low, reverse=True)
        above.sort(key=lambda corner: corner[0].high)
        return below[0][1] if below else None, above[0][1] if above else None

    def _corner(self, one: _Form, two: _Form, x: End, y: End) -> tuple[Span, Plane] | None:
        """Give ``y`` times one and ``x`` times the other, less ``x y``: what it is at the point, and as a plane."""
        if isinstance(x, float) or isinstance(y, float):
            return None
        off = _at(-x * y)
        here = self._of("+", self._of("*", one.at, _at(y)), self._of("*", two.at, _at(x)))
        sides = self._scaled(self._plane(one.sum), _at(y)), self._scaled(self._plane(two.sum), _at(x))
        return self._of("+", here, off), self._joined(self._joined(*sides), {_ONE: off})

    def _choice(self, operation: str, inner: list[_Form], values: tuple[Span, Span]) -> Sum:
        """Give the lesser or the greater of two: the one that it always is, or a part bounded by the nearer one."""
        lesser = operation == "min"
        for one, two in (inner, inner[::-1]):
            if one.range.high <= two.range.low if lesser else one.range.low >= two.range.high:
                return one.sum
        near = self._plane((min if lesser else max)(inner, key=lambda one: one.at.low).sum)
        bounds = _Bounds(*values, above=near) if lesser else _Bounds(*values, below=near)
        return self._part(_made(operation, 0, inner), bounds)


def _made(operation: str, detail: int, inner: list[_Form]) -> Part:
    height = 1 + max((part.height for one in inner for part in one.sum), default=0)
    return Part(height, operation, detail, frozenset(frozenset(one.sum.items()) for one in inner))


def _finite(plane: Plane) -> Plane | None:
    return None if any(isinstance(end, float) for times in plane.values() for end in times[:2]) else plane


def _bend(operation: str, exponent: int, whole: Span) -> int:
    """Say whether a function is convex wherever it is defined on a range (1), concave (-1), or neither."""
    if operation != "power":
        return -1 if operation in ("log", "sqrt") else 1
    if whole.low >= 0 or (exponent > 0 and exponent % 2 == 0):
        return 1
    if whole.high > 0:
        return 0
    return -1 if exponent % 2 else 1
