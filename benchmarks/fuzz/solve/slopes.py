"""All that the derivatives of a term can be on a box, in exact fractions: for proofs by the mean value theorem."""

from __future__ import annotations

from fractions import Fraction

from benchmarks.fuzz.solve.spans import Box, Span, Spans
from harness.registry.solve.problem import Apply, Number, Power, Term, Unknown

Slopes = dict[int, Span]

_ONE = Span(Fraction(1), Fraction(1))
_NONE = Span(Fraction(0), Fraction(0))


class Steep(Exception):
    """Say that a term is not certainly defined and Lipschitz on the box."""


def slopes_of(spans: Spans, term: Term, box: Box) -> tuple[Span, Slopes]:
    """Give all values of a term and all slopes by each variable; Steep where there is no bound. O(size)."""
    match term:
        case Number(value):
            return Span(value, value), {}
        case Unknown(index):
            return Span(*box[index]), {index: _ONE}
        case Power(base, exponent):
            below, slopes = slopes_of(spans, base, box)
            value = _sure(spans.power(below, exponent))
            if exponent == 0:
                return value, {}
            steep = _sure(spans.power(below, exponent - 1))
            return value, _scaled(spans, slopes, _sure(spans.apply("*", [_whole(exponent), steep])))
        case Apply(operation, terms):
            inner = [slopes_of(spans, one, box) for one in terms]
            value = _sure(spans.apply(operation, [one[0] for one in inner]))
            return value, _chained(spans, operation, value, inner)
    raise AssertionError(term)


def _chained(spans: Spans, operation: str, value: Span, inner: list[tuple[Span, Slopes]]) -> Slopes:
    (one, slopes), (two, others) = inner[0], inner[-1]
    half = Span(Fraction(1, 2), Fraction(1, 2))
    match operation:
        case "+":
            return _joined(spans, slopes, others)
        case "-":
            return _joined(spans, slopes, _scaled(spans, others, _whole(-1)))
        case "*":
            return _joined(spans, _scaled(spans, slopes, two), _scaled(spans, others, one))
        case "/":
            turned = _scaled(spans, others, _sure(spans.apply("*", [_whole(-1), value])))
            return _scaled(spans, _joined(spans, slopes, turned), _sure(spans.apply("/", [_ONE, two])))
        case "exp":
            return _scaled(spans, slopes, value)
        case "log":
            return _scaled(spans, slopes, _sure(spans.apply("/", [_ONE, one])))
        case "sqrt":
            return _scaled(spans, slopes, _sure(spans.apply("/", [half, value])))
        case "abs":
            low, high = (-1 if one.low < 0 else 1), (1 if one.high > 0 else -1)
            return _scaled(spans, slopes, Span(Fraction(min(low, high)), Fraction(max(low, high))))
    smaller = (one, two) if operation == "min" else (two, one)
    if smaller[0].high <= smaller[1].low:
        return slopes
    if smaller[1].high <= smaller[0].low:
        return others
    pairs = {at: (slopes.get(at, _NONE), others.get(at, _NONE)) for at in {**slopes, **others}}
    return {at: Span(min(a.low, b.low), max(a.high, b.high)) for at, (a, b) in pairs.items()}


def _whole(value: int) -> Span:
    return Span(Fraction(value), Fraction(value))


def _sure(value: Span | None) -> Span:
    if value is None or value.partial:
        raise Steep
    return value


def _scaled(spans: Spans, slopes: Slopes, factor: Span) -> Slopes:
    return {at: _sure(spans.apply("*", [slope, factor])) for at, slope in slopes.items()}


def _joined(spans: Spans, one: Slopes, two: Slopes) -> Slopes:
    return {at: _sure(spans.apply("+", [one.get(at, _NONE), two.get(at, _NONE)])) for at in {**one, **two}}
