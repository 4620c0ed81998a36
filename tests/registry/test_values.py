"""Operators on JSON values, exactly."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.registry import values
from harness.registry.values import Undefined
from tests.strategies import json_values

numbers = st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9)


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (1, 1.0, True),
        (True, 1, False),
        ([True], [1], False),
        ({"a": [1]}, {"a": [1.0]}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ("1", 1, False),
        (None, False, False),
        (None, None, True),
    ],
)
def test_equality_is_strict_about_types_and_deep(left: Any, right: Any, equal: bool) -> None:
    """1 equals 1.0; a truth value equals no number, at any depth."""
    assert values.same(left, right) is equal
    assert values.same(right, left) is equal


@given(json_values)
def test_every_value_equals_itself(value: Any) -> None:
    """Equality is reflexive on JSON data."""
    assert values.same(value, value)


@pytest.mark.parametrize("operation", [values.less, values.add, values.subtract, values.multiply, values.remainder])
@pytest.mark.parametrize(("left", "right"), [(1, "1"), (True, 1), (None, 1), ([1], 1), ({}, {})])
def test_mixed_types_have_no_answer(operation: Any, left: Any, right: Any) -> None:
    """Text, truth values, null and containers are neither ordered among numbers nor added to them."""
    with pytest.raises(Undefined):
        operation(left, right)


@given(numbers, numbers)
def test_order_is_total_on_numbers(left: float, right: float) -> None:
    """Exactly one of less, equal and greater is true of two numbers."""
    assert [values.less(left, right), values.same(left, right), values.less(right, left)].count(True) == 1


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: values.divide(1, 0),
        lambda: values.remainder(1.5, 0),
        lambda: values.power(0, -1),
        lambda: values.power(-8, 0.5),
        lambda: values.power(1 << 250, 64),
        lambda: values.multiply(1 << 200, 1 << 200),
        lambda: values.multiply(1e308, 10),
        lambda: values.divide(1 << 255, 1e-300),
        lambda: values.add("a" * values.MAX_TEXT, "b"),
        lambda: values.add([0] * values.MAX_LIST, [0]),
    ],
)
def test_what_has_no_answer_or_would_be_too_big_is_undefined(attempt: Any) -> None:
    """Division by zero, roots of negative numbers and results beyond the limits have no value."""
    with pytest.raises(Undefined):
        attempt()


@pytest.mark.parametrize(("whole", "index", "found"), [([1, 2], -1, 2), ({"a": 5}, "a", 5), ("abc", 1, "b")])
def test_items_are_taken_from_lists_objects_and_text(whole: Any, index: Any, found: Any) -> None:
    """Positions count from 0, and from the end when negative."""
    assert values.item(whole, index) == found


@pytest.mark.parametrize(("whole", "index"), [([1], 1), ([1], True), ([1], "0"), ({"a": 1}, "b"), (5, 0), ("a", 1.0)])
def test_items_that_are_not_there_are_undefined(whole: Any, index: Any) -> None:
    """A missing key, a position out of range and an index of the wrong type have no value."""
    with pytest.raises(Undefined):
        values.item(whole, index)


def test_what_is_looked_for_in_text_must_be_text() -> None:
    """``in`` on text takes text, on a list anything."""
    assert values.contains("b", "abc")
    assert values.contains([1.0], [[1]])
    assert not values.contains(True, [1])
    with pytest.raises(Undefined):
        values.contains(1, "1")


@given(st.lists(json_values, max_size=8))
def test_unique_keeps_the_first_of_each(items: list[Any]) -> None:
    """No two kept values are equal, and each value has an equal one among them."""
    kept = values.unique(items)
    assert all(not values.same(one, other) for at, one in enumerate(kept) for other in kept[:at])
    assert all(values.contains(item, kept) for item in items)


def test_a_budget_ends_a_long_walk() -> None:
    """After the allowed iterations a comprehension is undefined, however many lists it went through."""
    budget = values.Budget()
    assert len(list(budget.each([0] * values.MAX_ITERATIONS))) == values.MAX_ITERATIONS
    with pytest.raises(Undefined, match="iterations"):
        next(budget.each([0]))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_stay_finite(value: float) -> None:
    """No operation gives an infinity or NaN, which JSON cannot hold."""
    try:
        assert math.isfinite(values.multiply(value, value))
    except Undefined as error:
        assert "too big" in str(error)


def test_what_is_nested_too_deeply_has_no_answer() -> None:
    """Equality, keys and repetitions of data deeper than the stack are undefined, not a crash."""
    deep: Any = []
    other: Any = []
    for _ in range(5_000):
        deep, other = [deep], [other]
    for ask in (lambda: values.same(deep, other), lambda: values.frozen(deep), lambda: values.unique([deep, other])):
        with pytest.raises(Undefined, match="nested too deeply"):
            ask()


@given(json_values)
def test_a_value_is_named_by_the_beginning_of_its_text(value: Any) -> None:
    """As Python spells it, cut to 60 characters; the kind of quotes may depend on what was cut off."""
    said = values.named(value).removeprefix(f"{values.kind_of(value)} ")
    whole = repr(value)
    assert len(said) <= 60
    if len(whole) <= 60:
        assert said == whole
    else:
        assert said.endswith("…")
        assert said[:-1].replace('"', "'").replace("\\'", "'")[:30] == whole.replace('"', "'").replace("\\'", "'")[:30]


def test_naming_a_value_costs_no_more_where_it_is_big() -> None:
    """A megabyte of text or a list in lists is not spelt out for a message of a line."""
    big = ["x" * 1_000_000] * 1_000
    assert values.named({"a": [big] * 1_000}) == "object {'a': [['" + "x" * 50 + "…"


def test_many_different_lists_are_told_apart() -> None:
    """In time in proportion to their size."""
    lists = [[number, {"a": number}] for number in range(5_000)]
    assert values.unique(lists + lists) == lists
