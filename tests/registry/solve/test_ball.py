"""Intervals hold all that terms can be: against exact fractions, 120 decimals, and plain Arb balls at points."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from operator import add, mul, sub
from random import Random
from typing import Any

import flint
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.registry.solve.ball import Balls, Inexact, Span
from harness.registry.solve.bound import slopes_of, steps_of, values_of
from harness.registry.solve.problem import ARITY, Apply, Number, Power, Term, Unknown
from tests.registry.solve.terms import NoValue, TooWild, a_box, a_point, a_term, exact, near

RATIONAL = tuple(operation for operation in ARITY if operation not in ("exp", "log", "sqrt"))
PRECISE = 400  # bits of the oracle

randoms = st.integers(0, 2**63).map(Random)


def bounded(term: Term, box: Any, bits: int = 64) -> Span | None:
    """Give all that a term can be on a box."""
    balls = Balls(bits)
    with balls.precision():
        values = values_of(balls, steps_of(term), box)
    return None if values is None else values[-1]


def number(end: Any) -> Fraction | Decimal:
    """Give an end as an exact number."""
    if isinstance(end, Fraction):
        return end
    if not end.is_finite():
        return Decimal("inf") if end > 0 else Decimal("-inf")
    mantissa, exponent = end.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def plain(term: Term, point: Any) -> flint.arb | None:
    """Give a ball around the value of a term at a point by Arb's own operators; None where it is undefined.

    ArithmeticError where the ball is too wide to tell whether it is defined.
    """
    match term:
        case Number(value):
            return flint.arb(flint.fmpq(value.numerator, value.denominator))
        case Unknown(index):
            return flint.arb(flint.fmpq(point[index].numerator, point[index].denominator))
        case Power(base, exponent):
            below = plain(base, point)
            if below is None or exponent >= 0:
                return None if below is None else below**exponent
            return None if touches(below, 0) else 1 / below**-exponent
        case Apply(operation, terms):
            values = [plain(part, point) for part in terms]
            if any(value is None for value in values):
                return None
            return applied(operation, values)
    raise AssertionError(term)


def touches(value: flint.arb, at: int) -> bool:
    """Tell whether a ball is exactly a number; ArithmeticError where that is open."""
    if value == at:
        return True
    if value.contains(at):
        raise ArithmeticError
    return False


def applied(operation: str, values: list[Any]) -> flint.arb | None:
    """Give a ball around an operation on balls; None where it is undefined."""
    one, two = values[0], values[-1]
    if operation == "/":
        return None if touches(two, 0) else one / two
    if operation == "log":
        return None if touches(one, 0) or one < 0 else one.log()
    if operation == "sqrt":
        return one if touches(one, 0) else None if one < 0 else one.sqrt()
    if operation in ("min", "max"):
        return getattr(one, operation)(two)
    if operation in ("exp", "abs"):
        return one.exp() if operation == "exp" else abs(one)
    return {"+": add, "-": sub, "*": mul}[operation](one, two)


@pytest.mark.parametrize("start", range(10))
def test_every_value_is_enclosed(start: int) -> None:
    """Of 10,000 terms on boxes, 10 points each: no value is outside, and none undefined that was called defined."""
    random, points, undefined = Random(start), 0, 0
    with flint.ctx.workprec(PRECISE):
        for _ in range(1000):
            term, box = a_term(random, random.randint(1, 5)), a_box(random)
            found = bounded(term, box)
            for _ in range(10):
                try:
                    value = plain(term, a_point(random, box))
                except ArithmeticError:
                    continue
                points += 1
                if value is None:
                    undefined += 1
                    assert found is None or found.partial, (term, box)
                else:
                    assert found is not None, (term, box)
                    assert not value < found.low, (term, box)
                    assert not value > found.high, (term, box)
    assert points > 8_000
    assert undefined > 300


@settings(max_examples=500, deadline=None)
@given(randoms)
def test_rational_terms_against_fractions(random: Random) -> None:
    """Without exp, log and sqrt the value is a fraction: it lies in the interval, and in the exact one."""
    term, box = a_term(random, random.randint(1, 4), RATIONAL), a_box(random)
    founds = [bounded(term, box)]
    try:
        founds.append(bounded(term, box, bits=0))
    except Inexact:
        pass
    for _ in range(20):
        point = a_point(random, box)
        for found in founds:
            try:
                value = exact(term, point)
            except NoValue:
                assert found is None or found.partial
            else:
                assert found is not None
                assert number(found.low) <= value <= number(found.high)


@settings(max_examples=500, deadline=None)
@given(randoms)
def test_all_terms_against_decimals(random: Random) -> None:
    """The standard library's exp, ln and sqrt agree, to all digits that they are sure of."""
    term, box = a_term(random, random.randint(1, 4)), a_box(random)
    found = bounded(term, box, bits=128)
    for _ in range(5):
        try:
            value = Fraction(near(term, a_point(random, box)))
        except (NoValue, TooWild):
            continue  # what is undefined to 120 decimals may be defined: 10/3 - 3.3333... is not quite 0
        if found is None:
            continue  # and the reverse
        with flint.ctx.workprec(PRECISE):  # an end may be 2**(10**9), which no fraction holds in time
            around = flint.arb(flint.fmpq(value.numerator, value.denominator), "1e-25")
            assert not found.low > around
            assert not found.high < around


@settings(max_examples=500, deadline=None)
@given(randoms)
def test_slopes_say_how_far_a_term_can_go(random: Random) -> None:
    """Between any two points of a box a term differs by slopes in the bounds times the way between them."""
    term, box = a_term(random, random.randint(1, 4)), a_box(random)
    balls = Balls(64)
    try:
        with balls.precision():
            slopes = slopes_of(balls, steps_of(term), box)
    except Inexact:
        return
    with flint.ctx.workprec(PRECISE):
        for _ in range(20):
            one, two = a_point(random, box), a_point(random, box)
            try:
                gone = plain(term, two) - plain(term, one)
            except ArithmeticError:
                continue
            can = Span(balls.zero, balls.zero)
            for index, slope in slopes.items():
                way = balls.span(two[index] - one[index], two[index] - one[index])
                can = balls.add(can, balls.multiply(slope, way))
            assert not gone < can.low, (term, box)
            assert not gone > can.high, (term, box)


@pytest.mark.parametrize(
    "term",
    [
        Apply("sqrt", (Unknown(0),)),
        Apply("log", (Unknown(0),)),
        Power(Unknown(0), -1),
        Apply("*", (Number(Fraction(0)), Apply("sqrt", (Unknown(0),)))),
    ],
)
def test_no_slopes_where_a_term_is_too_steep_or_undefined(term: Term) -> None:
    """On [0, 1] a root, a logarithm and a reciprocal are not Lipschitz, and 0 times one is not taken for flat."""
    for bits in (0, 64):
        balls = Balls(bits)
        with balls.precision(), pytest.raises(Inexact):
            slopes_of(balls, steps_of(term), ((Fraction(0), Fraction(1)),))


def interval(low: Any, high: Any) -> tuple[tuple[Fraction, Fraction]]:
    """Give a box of one side."""
    return ((Fraction(low), Fraction(high)),)


X = Unknown(0)
INFINITE = Decimal("inf")


@pytest.mark.parametrize(
    ("term", "low", "high", "expected"),
    [
        (Apply("/", (Number(Fraction(1)), X)), 0, 4, (Fraction(1, 4), INFINITE, True)),
        (Apply("/", (Number(Fraction(1)), X)), -4, 0, (-INFINITE, Fraction(-1, 4), True)),
        (Apply("/", (Number(Fraction(1)), X)), -4, 4, (-INFINITE, INFINITE, True)),
        (Apply("/", (Number(Fraction(1)), X)), 2, 4, (Fraction(1, 4), Fraction(1, 2), False)),
        (Power(X, 2), -3, 2, (0, 9, False)),
        (Power(X, 3), -3, 2, (-27, 8, False)),
        (Power(X, -2), -1, 2, (Fraction(1, 4), INFINITE, True)),
        (Power(X, 0), -1, 2, (1, 1, False)),
        (Apply("abs", (X,)), -3, 2, (0, 3, False)),
        (Apply("sqrt", (X,)), -4, 4, (0, 2, True)),
        (Apply("log", (X,)), -4, 1, (-INFINITE, 0, True)),
        (Apply("*", (X, X)), -2, 3, (-6, 9, False)),
        (Apply("max", (X, Number(Fraction(1)))), -2, 3, (1, 3, False)),
        (Apply("min", (X, Number(Fraction(1)))), -2, 3, (-2, 1, False)),
        (Apply("exp", (Apply("log", (X,)),)), 0, 0, None),
        (Apply("*", (Number(Fraction(0)), Apply("/", (X, X)))), 0, 0, None),
        (Apply("log", (X,)), -4, 0, None),
        (Apply("sqrt", (X,)), -4, -1, None),
    ],
)
def test_intervals_by_hand(term: Term, low: int, high: int, expected: Any) -> None:
    """Bounds are reached where nothing has to be rounded, and the undefined is told from the rest."""
    found = bounded(term, interval(low, high))
    assert expected == (None if found is None else (number(found.low), number(found.high), found.partial))


def test_a_tenth_is_exact_at_no_bits_only() -> None:
    """x - 1/10 at 1/10 is 0 in rationals, and never by rounding."""
    term, box = Apply("-", (X, Number(Fraction(1, 10)))), interval("1/10", "1/10")
    assert bounded(term, box, bits=0) == Span(0, 0)
    rounded = bounded(term, box, bits=1024)
    assert rounded is not None
    assert rounded.low < 0 < rounded.high


@pytest.mark.parametrize(("name", "at", "expected"), [("exp", 0, 1), ("log", 1, 0), ("sqrt", "9/25", Fraction(3, 5))])
def test_functions_with_rational_values_are_exact(name: Any, at: Any, expected: Fraction) -> None:
    """exp 0, log 1 and roots of squares stay rational; elsewhere rationals do not do."""
    found = bounded(Apply(name, (X,)), interval(at, at), bits=0)
    assert found is not None
    assert number(found.low) == number(found.high) == expected
    with pytest.raises(Inexact):
        bounded(Apply(name, (X,)), interval(2, 2), bits=0)


@pytest.mark.parametrize("exponent", [10**6, 10**30, -(10**30)])
def test_huge_powers_end(exponent: int) -> None:
    """A power that no rational can hold is refused at 0 bits, and bounded or unknown by rounding."""
    with pytest.raises(Inexact):
        bounded(Power(X, exponent), interval(2, 3), bits=0)
    found = bounded(Power(X, exponent), interval(2, 3))
    assert found is not None
    assert found.low < found.high


def test_what_overflows_says_nothing() -> None:
    """exp of exp of exp has no bound that Arb can write: above it is infinite, below it is not negative."""
    tower: Term = X
    for _ in range(6):
        tower = Apply("exp", (tower,))
    found = bounded(tower, interval(5, 6))
    assert found is not None
    assert number(found.low) >= 0
    assert number(found.high) == INFINITE


def test_deep_terms_are_walked_in_a_loop() -> None:
    """A term 50,000 deep is no matter of the stack, nor one that shares its parts 60 times over."""
    deep: Term = X
    for _ in range(50_000):
        deep = Apply("+", (deep, Number(Fraction(1))))
    found = bounded(deep, interval(0, 1))
    assert found is not None
    assert (number(found.low), number(found.high)) == (50_000, 50_001)
    shared: Term = X
    for _ in range(60):
        shared = Apply("+", (shared, shared))
    assert len(steps_of(shared)) == 61


@pytest.mark.parametrize("bad", [Unknown(-1), Power(X, 1.5), Apply("sin", (X,)), Apply("+", (X,)), "x"])
def test_what_is_no_term_is_refused(bad: Any) -> None:
    """An unknown operation, a wrong number of terms or a power that is no whole number has no meaning."""
    with pytest.raises(ValueError, match="no term"):
        steps_of(bad)
