"""Where a requirement made of lines first holds."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import pytest

from harness.assertion.linear import NonlinearError, Reach, chains, nearest
from harness.registry.explain import Explanation
from harness.registry.parse import parse
from harness.registry.tree import Node


def reach(text: str, start: Any, towards: int, *, whole: bool = False, **names: Any) -> Reach | None:
    """Give where an expression first holds as ``x`` moves."""

    def value_of(node: Node, bound: Mapping[str, Any]) -> Any:
        return Explanation(text, {**names, **bound}).value(node)

    return nearest(parse(text), value_of, "x", Fraction(start), towards, whole=whole)


@pytest.mark.parametrize(
    ("text", "up", "down"),
    [
        ("3 * x >= 1", Reach(Fraction(1, 3), closed=True), None),
        ("x > 2 or x < -1", Reach(Fraction(2), closed=False), Reach(Fraction(-1), closed=False)),
        ("x == 7 or 2 * x == -3", Reach(Fraction(7), closed=True), Reach(Fraction(-3, 2), closed=True)),
        ("x < y and x > 1", Reach(Fraction(1), closed=False), None),
        ("x > 1 and x * x > gone and x < 0", None, None),
        ("gone > x or x >= 4", Reach(Fraction(4), closed=True), None),
        ("max(x, 1) - min(x, 1) > abs(y - x)", Reach(Fraction(3), closed=False), None),
    ],
)
def test_the_first_place_on_each_side(text: str, up: Reach | None, down: Reach | None) -> None:
    """From 0, with y = 5: exact fractions, open or closed; what is undefined holds nowhere."""
    assert (reach(text, 0, 1, y=5), reach(text, 0, -1, y=5)) == (up, down)


def test_whole_numbers_are_looked_for_inside_ranges() -> None:
    """A range without one is passed over."""
    assert reach("0.2 < x < 0.8 or x > 2.5", 0, 1, whole=True) == Reach(Fraction(3), closed=True)
    assert reach("0.2 < x < 0.8", 0, 1, whole=True) is None


@pytest.mark.parametrize(
    "text", ["x * x > 4", "1 / x > 4", "x ** 2 > 4", "round(x) > 4", "x % 2 == 0", "sorted([x]) == [1]"]
)
def test_what_is_no_line_is_said_to_be_none(text: str) -> None:
    """Curves, steps and functions that are not taken apart."""
    with pytest.raises(NonlinearError):
        reach(text, 1, 1)


def test_a_comparison_with_too_many_corners_is_refused() -> None:
    """The cost is bounded."""
    with pytest.raises(NonlinearError, match="pieces"):
        reach("any(x == one for one in many) and x > 88.5", 0, 1, many=list(range(1, 90)))


def test_names_inside_questions_about_the_past_are_those_of_now() -> None:
    """``call`` speaks of a past call there."""
    tree = parse("call.args.a < 1 and happened(action, call.args.b == now.call.args.c.d)")
    assert list(chains(tree)) == ["call.args.a", "call.args.c.d"]
