"""Arithmetic on intervals, against the operators on numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.registry import interval, values
from harness.registry.interval import ALL, Interval, Partial, around
from harness.registry.library import LIBRARY
from harness.registry.values import Undefined

small = st.integers(-5, 5) | st.sampled_from([-2.5, -0.1, 0.0, 0.1, 0.5, 3.0])
wild = st.integers(-(1 << 70), 1 << 70) | st.floats(allow_nan=False, allow_infinity=False)
numbers = small | wild


@st.composite
def enclosed(draw: st.DrawFn) -> tuple[Interval, Any]:
    """Give an interval and a number in it."""
    low, point, high = sorted(draw(st.tuples(numbers, numbers, numbers)))
    whole = all(type(end) is int or end.is_integer() for end in (low, point, high)) and draw(st.booleans())
    return Interval(low, high, whole), point


def lies_in(found: Partial, operation: Callable[[], Any]) -> bool:
    """Tell whether what an operation gives, or that it gives nothing, is in a result."""
    try:
        value = operation()
    except Undefined:
        return found.undefined
    return found.numbers is not None and value in found.numbers


@given(enclosed(), enclosed(), st.sampled_from(sorted(interval.ARITHMETIC)))
def test_arithmetic_holds_what_it_can_give(one: Any, other: Any, operator: str) -> None:
    """The answer for a number of each operand is in the result, at any size, rounding and 256-bit limit included."""
    (left, x), (right, y) = one, other
    assert lies_in(interval.ARITHMETIC[operator](left, right), lambda: values.ARITHMETIC[operator](x, y))


@given(enclosed(), st.integers(0, 4))
def test_rounding_holds_what_it_can_give(one: Any, digits: int) -> None:
    """So for rounding to decimals and to whole numbers, cutting, the sign and the absolute value."""
    among, x = one
    assert LIBRARY["round"].call(x, digits) in interval.rounded(among, digits)
    assert int(x) in interval.cut(among)
    assert abs(x) in interval.absolute(among)
    assert -x in interval.negate(among)


@given(enclosed(), enclosed())
def test_sets_of_numbers(one: Any, other: Any) -> None:
    """A hull holds both; a meet holds what is in both; the smaller and the larger are where they can be."""
    (left, x), (right, y) = one, other
    around_both, both = interval.hull(left, right), interval.meet(left, right)
    assert around_both is not None
    assert x in around_both
    assert y in around_both
    assert (x in right) == (both is not None and x in both)
    assert min(x, y) in interval.smallest(left, right)
    assert max(x, y) in interval.largest(left, right)


@given(st.tuples(*[st.integers(-6, 6)] * 4))
def test_whole_numbers_stay_exact(ends: tuple[int, int, int, int]) -> None:
    """Where nothing is rounded the ends are reached: no float's width is lost on whole numbers."""
    (one, two), (three, four) = sorted(ends[:2]), sorted(ends[2:])
    products = [x * y for x in range(one, two + 1) for y in range(three, four + 1)]
    found = interval.multiply(Interval(one, two, True), Interval(three, four, True))
    assert found == Partial(Interval(min(products), max(products), True))


@pytest.mark.parametrize(
    ("found", "low", "high", "undefined"),
    [
        (interval.divide(Interval(1, 2), Interval(0, 4)), 0.25, math.inf, True),
        (interval.divide(Interval(1, 2), Interval(-4, 0)), -math.inf, -0.25, True),
        (interval.divide(Interval(1, 2), Interval(-1, 1)), -math.inf, math.inf, True),
        (interval.divide(Interval(1, 2), Interval(2, 4)), 0.25, 1, False),
        (interval.divide(Interval(1, 2), Interval(2, math.inf)), 0, 1, False),
        (interval.remainder(Interval(-9, 9, True), Interval(4, 4, True)), 0, 3, False),
        (interval.multiply(Interval(0, 3), ALL), -math.inf, math.inf, True),
    ],
)
def test_results_by_hand(found: Partial, low: float, high: float, undefined: bool) -> None:
    """Bounds that a sound but careless rule would miss."""
    assert found.numbers is not None
    assert (found.numbers.low, found.numbers.high, found.undefined) == (low, high, undefined)


@pytest.mark.parametrize("found", [interval.divide(ALL, Interval(0, 0)), interval.remainder(ALL, Interval(0, 0))])
def test_what_never_has_an_answer_has_no_numbers(found: Partial) -> None:
    """Division by exactly 0."""
    assert found == Partial(None, undefined=True)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_literal_is_its_float_and_its_decimals(number: float) -> None:
    """0.1 stands for the float and for one tenth; 0.5 is both at once."""
    assert number in around(number)
    assert Fraction(repr(number)) in around(number)
    assert around(0.5).single
    assert not around(0.1).single


def test_outward_rounding_encloses_fractions() -> None:
    """A third is no float: the ends are its two neighbours, next to each other."""
    found = interval.divide(Interval(1, 1), Interval(3, 3)).numbers
    assert found is not None
    assert found.low < Fraction(1, 3) < found.high
    assert math.nextafter(float(found.low), 1) == found.high
