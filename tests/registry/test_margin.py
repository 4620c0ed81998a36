"""The signed margin: how far an expression is from changing its answer."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.registry.explain import Explanation
from harness.registry.margin import Margin, distance, margin
from harness.registry.parse import parse
from harness.registry.tree import Node
from harness.registry.values import Undefined
from tests.registry.expressions import arguments, truths

numbers = st.integers(-(1 << 80), 1 << 80) | st.floats(allow_nan=False, allow_infinity=False)


def measured(text: str, **names: Any) -> Margin | None:
    """Give the margin of an expression over some names."""

    def value_of(node: Node, bound: Mapping[str, Any]) -> Any:
        return Explanation(text, {**names, **bound}).value(node)

    return margin(parse(text), value_of)


@pytest.mark.parametrize(
    ("text", "value", "decides", "strict"),
    [
        ("a <= 10", 3, "a <= 10", False),
        ("a < 10", 3, "a < 10", True),
        ("10 >= a", 3, "10 >= a", False),
        ("a > 10", -3, "a > 10", True),
        ("a == 10", -3, "a == 10", False),
        ("a == 7", 0, "a == 7", False),
        ("a != 7", 0, "a != 7", True),
        ("a != 10", 3, "a != 10", True),
        ("a <= 10 and a <= 8", 1, "a <= 8", False),
        ("a > 10 or a > 8", -1, "a > 8", True),
        ("not a > 10", 3, "a > 10", False),
        ("not (a <= 10 and a <= 8)", -1, "a <= 8", True),
        ("0 < a <= 8", 1, "0 < a <= 8", False),
        ("a <= 10 if t == 'x' else a <= 8", 3, "a <= 10", False),
        ("t == 'x' and a <= 8", 1, "a <= 8", False),
        ("t == 'y' or a <= 8", 1, "a <= 8", False),
        ("happened(action) or a <= 8", 1, "a <= 8", False),
        ("all([a <= 9, a <= 10])", 2, "a <= 9", False),
        ("all(one <= 4 for one in c)", -1, "one <= 4", False),
        ("any(one > 4 for one in c if one != a)", 1, "one > 4", True),
        ("gone < 1 and a > 8", -1, "a > 8", True),
        ("gone < 1 or a > 6", 1, "a > 6", True),
        ("a < 7 and a <= 7", 0, "a < 7", True),
        ("a <= 7 and a < 7", 0, "a < 7", True),
        ("a < 7 or a <= 7", 0, "a <= 7", False),
    ],
)
def test_the_margin_and_what_decides_it(text: str, value: float, decides: str, strict: bool) -> None:
    """Distances by hand, with a = 7, c = [1, 5], t = "x"; strict means that it does not hold at 0."""
    found = measured(text, a=7, c=[1, 5], t="x")
    assert found is not None
    assert (found.value, found.strict) == (value, strict)
    assert text[found.node.span.start : found.node.span.end] == decides


@pytest.mark.parametrize(
    "text",
    [
        "t == 'x'",
        "t == 'y' and a <= 8",
        "t == 'x' or a <= 8",
        "gone < 1",
        "gone < 1 and a < 8",
        "gone < 1 or a > 8",
        "not gone",
        "a < t",
        "a in [7, 8]",
        "all(one < 9 for one in [])",
        "all(one < 9 for one in gone)",
        "all(one < 9 for one in c if gone)",
        "happened(action)",
        "exists(a)",
        "a",
        "a < 8 if gone else a < 9",
    ],
)
def test_there_is_none_where_nothing_measurable_decides(text: str) -> None:
    """Text, membership, existence and the past have no distance, and what is undefined has none."""
    assert measured(text, a=7, c=[1, 5], t="x") is None


def test_the_deciding_pair_of_a_chain_is_given() -> None:
    """Of ``0 < a <= b`` it is one of the two comparisons."""
    found = measured("0 < a <= 8", a=7)
    assert found is not None
    assert found.node.operators == ("<=",)  # type: ignore[union-attr]


@given(truths(2), arguments)
def test_the_margin_agrees_with_the_exact_meaning(text: str, args: dict[str, Any]) -> None:
    """Positive: it holds; negative: it is violated; 0: as strictness says; and no margin where there is no answer."""
    names = {"call": {"tool": "pay", "args": args}, "params": {"p": 1}, "step": 2, "run": {"seed": 3}, "agent": "a"}
    try:
        truth = Explanation(text, names).value(parse(text))
    except Undefined:
        truth = None
    found = measured(text, **names)
    if found is not None:
        assert truth is found.holds
        assert math.isfinite(found.value)


@given(numbers, numbers)
def test_a_distance_is_zero_only_between_equals(left: float, right: float) -> None:
    """Its sign is that of the exact comparison, however large or close the numbers are."""
    assert (distance(left, right) > 0) is (left < right)
    assert (distance(left, right) == 0) is (left == right)


@pytest.mark.parametrize("n", [10**400, -(10**400)], ids=["above", "below"])
def test_a_distance_beyond_every_float_is_the_greatest_one(n: int) -> None:
    """Between integers too, which have no bound of their own."""
    assert abs(distance(n, 5)) == abs(distance(n, 0.5)) == sys.float_info.max


@given(st.lists(st.integers(-50, 50), max_size=6), st.integers(-50, 50))
def test_all_and_any_are_the_least_and_the_greatest(items: list[int], limit: int) -> None:
    """Against a calculation by hand; an empty list decides without a distance."""
    least, greatest = (
        measured("all(one < p for one in c)", c=items, p=limit),
        measured("any(one < p for one in c)", c=items, p=limit),
    )
    assert (least and least.value) == (min(limit - one for one in items) if items else None)
    assert (greatest and greatest.value) == (max(limit - one for one in items) if items else None)
