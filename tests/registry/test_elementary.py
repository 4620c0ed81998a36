"""Powers and functions on intervals, against the same on numbers."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.registry import elementary, values
from harness.registry.interval import Interval, Partial
from harness.registry.library import LIBRARY
from tests.registry.test_interval import enclosed, lies_in


@given(enclosed(), st.sampled_from([-3, -2, -1, 0, 1, 2, 3, 64, 0.5, -0.5, 1.5, 2.0, -3.0]))
def test_powers_hold_what_they_can_give(one: Any, exponent: float) -> None:
    """So for powers: roots of negative numbers and 0 to a negative exponent are undefined."""
    assert lies_in(elementary.power(one[0], exponent), lambda: values.power(one[1], exponent))


@given(enclosed(), st.sampled_from(["exp", "log", "sqrt"]))
def test_functions_hold_what_they_can_give(one: Any, function: str) -> None:
    """So for exp, log and sqrt."""
    meaning = {"exp": elementary.exponential, "log": elementary.logarithm, "sqrt": elementary.root}[function]
    assert lies_in(meaning(one[0]), lambda: LIBRARY[function].call(one[1]))


@pytest.mark.parametrize(
    ("found", "low", "high", "undefined"),
    [
        (elementary.power(Interval(-3, 2, True), 2), 0, 9, False),
        (elementary.power(Interval(-3, 2, True), 3), -27, 8, False),
        (elementary.power(Interval(0, 4), -1), 0.25, math.inf, True),
        (elementary.power(Interval(-2, 4), 0.5), 0, 2, True),
        (elementary.exponential(Interval(-math.inf, 0)), 0, 1, False),
        (elementary.logarithm(Interval(0, 1)), -math.inf, 0, True),
    ],
)
def test_results_by_hand(found: Partial, low: float, high: float, undefined: bool) -> None:
    """Ends are reached but for a few floats, and what is never negative never is."""
    assert found.numbers is not None
    assert found.numbers.low <= low
    assert found.numbers.low == pytest.approx(low, abs=1e-14)
    assert found.numbers.high >= high
    assert found.numbers.high == pytest.approx(high, abs=1e-14)
    assert found.undefined is undefined
    assert (found.numbers.low >= 0) is (low >= 0)


@pytest.mark.parametrize("found", [elementary.root(Interval(-2, -1)), elementary.logarithm(Interval(-1, 0))])
def test_what_never_has_an_answer_has_no_numbers(found: Partial) -> None:
    """Roots of negative numbers, and the logarithm at and below 0."""
    assert found == Partial(None, undefined=True)
