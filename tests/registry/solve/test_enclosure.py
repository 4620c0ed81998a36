"""Whatever a random term is at a point lies in what checker and search say of its box; contractors lose no solution."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from random import Random
from typing import Any

import flint
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.fuzz.solve import enclosed
from benchmarks.fuzz.solve.enclosed import case_of, condition_faults, value_faults
from benchmarks.fuzz.solve.enclosure import faults_of
from benchmarks.fuzz.solve.spans import Spans
from benchmarks.fuzz.solve.terms import a_box, a_point, a_term
from harness.registry.solve import ball, tape
from harness.registry.solve.problem import Apply, Below, Number, Power, Unknown
from tests.registry.solve.test_ball import plain

NUMBERS = st.integers(0, 2**40)
X = Unknown(0)
EXACT = Spans(60)


@settings(max_examples=100, deadline=None)
@given(NUMBERS)
def test_every_value_is_enclosed(number: int) -> None:
    """Values, slopes and what is left by contractors, of a term and two conditions at thirty points."""
    assert faults_of(number, 6, 30, Counter()) == []


@settings(max_examples=300, deadline=None)
@given(NUMBERS)
def test_the_values_are_those_of_arb(number: int) -> None:
    """Fractions and decimals give the same value at a point as Arb's own operators, or neither gives one."""
    random = Random(number)
    term, box = a_term(random, random.randint(1, 4)), a_box(random)
    for point in [a_point(random, box) for _ in range(5)]:
        value = EXACT.value(term, [(at, at) for at in point])
        with flint.ctx.workprec(300):
            try:
                other = plain(term, point)
            except ArithmeticError:
                continue  # too wide to tell whether it is defined
            if value is None or other is None:
                assert other is None or not other.is_finite() or (value is not None and value.partial)
                assert value is None or value.partial
                continue
            if isinstance(value.low, Fraction) and other.is_finite():
                assert not other < flint.fmpq(value.low.numerator, value.low.denominator)
            if isinstance(value.high, Fraction) and other.is_finite():
                assert not other > flint.fmpq(value.high.numerator, value.high.denominator)


@pytest.mark.parametrize(
    ("term", "low", "high", "expected"),
    [
        (Apply("/", (Number(Fraction(1)), X)), 0, 4, (Fraction(1, 4), float("inf"), True)),
        (Apply("/", (Number(Fraction(1)), X)), -4, 2, (float("-inf"), float("inf"), True)),
        (Power(X, 2), -3, 2, (0, 9, False)),
        (Power(X, -2), -1, 2, (Fraction(1, 4), float("inf"), True)),
        (Power(X, 0), -1, 2, (1, 1, False)),
        (Apply("abs", (X,)), -3, 2, (0, 3, False)),
        (Apply("sqrt", (X,)), -4, 4, (0, 2, True)),
        (Apply("log", (X,)), -4, 1, (float("-inf"), 0, True)),
        (Apply("log", (X,)), -4, 0, None),
        (Apply("exp", (X,)), -(10**9), 0, (0, 1, False)),
        (Apply("*", (Number(Fraction(0)), Apply("/", (X, X)))), 0, 0, None),
        (Apply("max", (X, Number(Fraction(1)))), -2, 3, (1, 3, False)),
    ],
)
def test_intervals_by_hand(term: Any, low: int, high: int, expected: Any) -> None:
    """The oracle's own intervals are as they have to be."""
    found = EXACT.value(term, [(Fraction(low), Fraction(high))])
    assert (found if found is None else tuple(found)) == expected


def test_a_wrong_interval_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums without their upper end, a logarithm called defined, a contractor that cuts too much: all are told."""
    box = ((Fraction(0), Fraction(1)),) * 3
    points = [(Fraction(at, 10),) * 3 for at in range(11)]
    total = case_of(Apply("+", (X, Unknown(1))), box, points)
    narrow = Below(Apply("-", (X, Number(Fraction(1, 2)))))
    assert list(value_faults(total, Counter())) == []
    assert list(condition_faults([total], narrow, Counter())) == []
    monkeypatch.setattr(ball.Balls, "add", lambda _, one, two: ball.Span(one.low, two.low, one.partial or two.partial))
    assert {fault.kind for fault in value_faults(total, Counter())} == {"balls_outside"}
    monkeypatch.undo()
    monkeypatch.setattr(tape.Tape, "range", lambda *_: (0.0, 1.0))
    assert {fault.kind for fault in value_faults(total, Counter())} == {"floats_outside"}
    monkeypatch.undo()
    logarithm = case_of(Apply("log", (X,)), box, points)
    monkeypatch.setattr(enclosed, "_bounded", lambda *_: EXACT.value(total.term, box))
    assert {fault.kind for fault in value_faults(logarithm, Counter())} == {"called_defined", "balls_outside"}
    monkeypatch.undo()
    monkeypatch.setattr(tape.Tape, "narrow", lambda *_: {0: (0.0, 0.25)})
    assert {fault.kind for fault in condition_faults([total], narrow, Counter())} == {"contractor_lost"}
    monkeypatch.undo()
    monkeypatch.setattr(enclosed, "check_certificate", lambda *_: "")
    assert {fault.kind for fault in condition_faults([total], narrow, Counter())} == {"refuted_met"}
