"""What a term, and each of its slopes, can be on a box: the evaluation that the checker trusts."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

from harness.registry.solve.ball import Balls, Inexact, Span
from harness.registry.solve.certificate import Box
from harness.registry.solve.problem import ARITY, Apply, Number, Power, Term, Unknown

Slopes = dict[int, Span]  # by variable, all that the derivative can be; a variable that is not there has slope 0


class Step(NamedTuple):
    """One node of a term: what it is, its number, variable or exponent, and the steps that it is made of."""

    operation: str
    detail: Any
    parts: tuple[int, ...] = ()


def steps_of(term: Term) -> list[Step]:
    """Give the nodes of a term, parts first, a shared node once; a loop, since terms may be deep. O(size)."""
    steps: list[Step] = []
    done: dict[int, int] = {}  # by identity, which is stable as long as the term lives
    waiting = [(term, False)]
    while waiting:
        node, parts_done = waiting.pop()
        if id(node) in done:
            continue
        parts = node.terms if isinstance(node, Apply) else (node.term,) if isinstance(node, Power) else ()
        if parts and not parts_done:
            waiting += [(node, True), *((part, False) for part in parts)]
            continue
        steps.append(_step(node, tuple(done[id(part)] for part in parts)))
        done[id(node)] = len(steps) - 1
    return steps


def _step(node: Term, parts: tuple[int, ...]) -> Step:
    match node:
        case Number(value):
            return Step("number", Fraction(value))
        case Unknown(index) if index >= 0:
            return Step("unknown", index)
        case Power(_, exponent) if type(exponent) is int:
            return Step("power", exponent, parts)
        case Apply(operation) if ARITY.get(operation) == len(parts):
            return Step(operation, None, parts)
    raise ValueError(f"no term: {node!r:.60}")


def values_of(balls: Balls, steps: list[Step], box: Box) -> list[Span] | None:
    """Give all that each step can be, the term itself last; None where one is undefined everywhere.

    Inexact where rationals do not do. An operation on something undefined is undefined, 0 times it included.
    """
    values: list[Span] = []
    for operation, detail, parts in steps:
        value: Span | None
        if operation == "number":
            value = balls.span(detail, detail)
        elif operation == "unknown":
            value = balls.span(*box[detail])
        elif operation == "power":
            value = balls.power(values[parts[0]], detail)
        else:
            value = balls.operations[operation](*(values[part] for part in parts))
        if value is None:
            return None
        values.append(value)
    return values


def slopes_of(balls: Balls, steps: list[Step], box: Box) -> Slopes:
    """Give all that each derivative of a term can be on a box; at a kink, all between its two sides.

    These are Clarke's generalized gradients, box by box, so Lebourg's mean value theorem holds: between two points of
    the box the term differs by slopes in here times their distance. Inexact unless the term is certainly defined and
    Lipschitz on all of the box.
    """
    values = values_of(balls, steps, box)
    if values is None or any(value.partial for value in values):
        raise Inexact
    slopes: list[Slopes] = []
    for at, (operation, detail, parts) in enumerate(steps):
        if operation == "number":
            slopes.append({})
        elif operation == "unknown":
            slopes.append({detail: Span(balls.one, balls.one)})
        else:
            inner = [values[part] for part in parts]
            chain = _CHAIN[operation](balls, inner, [slopes[part] for part in parts], values[at], detail)
            slopes.append(chain)
    return slopes[-1]


def derivative(balls: Balls, operation: str, detail: Any, at: Span, value: Span) -> Span:
    """Give all that the derivative of a function of one term can be, of which the value is given too."""
    return _CHAIN[operation](balls, [at], [{0: Span(balls.one, balls.one)}], value, detail)[0]


def scaled(balls: Balls, slopes: Slopes, factor: Span) -> Slopes:
    """Give slopes times a factor."""
    return {index: balls.multiply(slope, factor) for index, slope in slopes.items()}


def merged(balls: Balls, one: Slopes, two: Slopes) -> Slopes:
    """Give the slopes of a sum."""
    return one | {index: balls.add(one[index], slope) if index in one else slope for index, slope in two.items()}


def _quotient(balls: Balls, one: Span, two: Span) -> Span:
    quotient = balls.divide(one, two)
    if quotient is None or quotient.partial:
        raise Inexact
    return quotient


_Chain = Callable[[Balls, list[Span], list[Slopes], Span, Any], Slopes]


def _added(balls: Balls, _: list[Span], inner: list[Slopes], __: Span, ___: Any) -> Slopes:
    return merged(balls, *inner)


def _subtracted(balls: Balls, _: list[Span], inner: list[Slopes], __: Span, ___: Any) -> Slopes:
    return merged(balls, inner[0], {index: balls.negate(slope) for index, slope in inner[1].items()})


def _multiplied(balls: Balls, values: list[Span], inner: list[Slopes], _: Span, __: Any) -> Slopes:
    return merged(balls, scaled(balls, inner[0], values[1]), scaled(balls, inner[1], values[0]))


def _divided(balls: Balls, values: list[Span], inner: list[Slopes], value: Span, _: Any) -> Slopes:
    above = merged(balls, inner[0], scaled(balls, inner[1], balls.negate(value)))
    return scaled(balls, above, _quotient(balls, Span(balls.one, balls.one), values[1]))


def _raised(balls: Balls, values: list[Span], inner: list[Slopes], _: Span, exponent: int) -> Slopes:
    if exponent == 0:
        return {}
    power = balls.power(values[0], exponent - 1)
    if power is None or power.partial:
        raise Inexact
    factor = balls.multiply(balls.span(Fraction(exponent), Fraction(exponent)), power)
    return scaled(balls, inner[0], factor)


def _exponential(balls: Balls, _: list[Span], inner: list[Slopes], value: Span, __: Any) -> Slopes:
    return scaled(balls, inner[0], value)


def _logarithm(balls: Balls, values: list[Span], inner: list[Slopes], _: Span, __: Any) -> Slopes:
    return scaled(balls, inner[0], _quotient(balls, Span(balls.one, balls.one), values[0]))


def _root(balls: Balls, _: list[Span], inner: list[Slopes], value: Span, __: Any) -> Slopes:
    # a root that may be 0 is not Lipschitz there; the quotient by it is partial, and raises
    return scaled(balls, inner[0], _quotient(balls, Span(balls.one, balls.one), balls.add(value, value)))


def _distance(balls: Balls, values: list[Span], inner: list[Slopes], _: Span, __: Any) -> Slopes:
    low = -balls.one if values[0].low < balls.zero else balls.one
    high = balls.one if values[0].high > balls.zero else -balls.one
    return scaled(balls, inner[0], Span(min(low, high), max(low, high)))


def _smaller(balls: Balls, values: list[Span], inner: list[Slopes], _: Span, __: Any) -> Slopes:
    return _either(balls, inner, values[0].high <= values[1].low, values[1].high <= values[0].low)


def _larger(balls: Balls, values: list[Span], inner: list[Slopes], _: Span, __: Any) -> Slopes:
    return _either(balls, inner, values[1].high <= values[0].low, values[0].high <= values[1].low)


def _either(balls: Balls, inner: list[Slopes], first: bool, second: bool) -> Slopes:
    """Give the slopes of the one of two terms that it certainly is, or all between those of both."""
    if first or second:
        return inner[0] if first else inner[1]
    flat = Span(balls.zero, balls.zero)
    pairs = {index: [slopes.get(index, flat) for slopes in inner] for index in inner[0] | inner[1]}
    return {index: Span(min(a.low, b.low), max(a.high, b.high)) for index, (a, b) in pairs.items()}


_CHAIN: dict[str, _Chain] = {
    "+": _added,
    "-": _subtracted,
    "*": _multiplied,
    "/": _divided,
    "power": _raised,
    "abs": _distance,
    "min": _smaller,
    "max": _larger,
    "exp": _exponential,
    "log": _logarithm,
    "sqrt": _root,
}
