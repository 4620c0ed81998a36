"""The interval meaning of expressions, against their exact meaning."""

from __future__ import annotations

from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.registry.domain import Range, either, exactly
from harness.registry.enclose import enclose
from harness.registry.explain import Explanation
from harness.registry.interval import Interval
from harness.registry.parse import parse
from harness.registry.values import Undefined
from tests.registry.expressions import arguments, lists, numbers, texts, truths

FIXED = {"params": {"p": 1}, "step": 2, "run": {"seed": 3}, "agent": "a"}
KNOWN = {
    "params.p": exactly(1),
    "step": exactly(2),
    "run.seed": exactly(3),
    "agent": exactly("a"),
    "call.tool": exactly("pay"),
}


def undefined_or_in(text: str, args: dict[str, Any], found: Range) -> bool:
    """Tell whether the exact value of an expression is in a range."""
    try:
        value = Explanation(text, {**FIXED, "call": {"tool": "pay", "args": args}}).value(parse(text))
    except Undefined:
        return found.undefined
    return value in found


def box_of(samples: list[dict[str, Any]]) -> dict[str, Range]:
    """Give the least box that holds some arguments."""
    missing = Range(undefined=True)
    fields = {
        f"call.args.{key}": reduce(either, (exactly(one[key]) if key in one else missing for one in samples))
        for key in ("a", "b", "c", "x")
    }
    return KNOWN | fields


@given(truths(2) | numbers(2) | texts(2) | lists(2), st.lists(arguments, min_size=1, max_size=3))
def test_no_value_lies_outside(text: str, samples: list[dict[str, Any]]) -> None:
    """Whatever the arguments in a box are, the exact answer, or that there is none, is in what it encloses to."""
    found = enclose(parse(text), box_of(samples))
    for args in samples:
        assert undefined_or_in(text, args, found)


@given(numbers(2), st.integers(-4, 4), st.integers(-4, 4), st.floats(0, 1))
def test_no_number_between_the_ends_is_lost(text: str, one: int, other: int, share: float) -> None:
    """Not only the corners of a box: a point somewhere inside it too."""
    box = {**KNOWN, "call.args.a": Range(Interval(min(one, other), max(one, other))), "call.args.b": exactly("1")}
    args = {"a": min(one, other) + share * abs(one - other), "b": "1"}
    assert undefined_or_in(text, args, enclose(parse(text), box))


@pytest.mark.parametrize(
    ("text", "truths"),
    [
        ("x <= 10", {True}),
        ("x > 10", {False}),
        ("x < 5", {True, False}),
        ("0 < x <= 10 and x != 11", {True}),
        ("x * 2 + 1 > 2 and x ** 2 <= 100", {True}),
        ("x == 2.5", {False}),
        ("x / 2 == 2.5", {True, False}),
        ("word == 'first'", {False}),
        ("word in ['eco', 'business']", {True}),
        ("word.upper() in ['ECO', 'BUSINESS']", {True}),
        ("word in allowed", {True, False}),
        ("x in [11, 12] or x in {0, 's'}", {False}),
        ("not flag or flag", {True, False}),
        ("all(one > 0 for one in limits)", {True}),
        ("any(one > x + 90 for one in limits)", {True, False}),
        ("sum(limits) + len(limits) == 112", {True}),
        ("max(limits) == 100 and min(x, 3) <= 3", {True}),
        ("limits[1] == 100", {True}),
        ("(x if x > 10 else 5) == 5", {True}),
        ("default(x, 'none') != 'none'", {True}),
        ("exists(x)", {True}),
        ("abs(-x) >= 1 and sqrt(x) < 4 and exp(x) > 2 and log(x) < 3", {True}),
        ("round(x / 3, 1) <= 3.4 and x % 4 < 4 and x // 4 <= 2", {True}),
        ("len(word) > 2 and len(word) < 9", {True}),
    ],
)
def test_what_is_certain(text: str, truths: set[bool]) -> None:
    """With x a whole number of 1 to 10, two words, a flag and known lists nothing here is undefined."""
    box = {
        "x": Range(Interval(1, 10, whole=True)),
        "word": Range(words=frozenset({"eco", "business"})),
        "flag": Range(truths=frozenset({True, False})),
        "limits": exactly([10, 100]),
        "allowed": exactly(["eco", "premium"]),
    }
    assert enclose(parse(text), box) == Range(truths=frozenset(truths))


@pytest.mark.parametrize("text", ["happened(action)", "count(action) >= 0", "unknown.field > 1", "x / 0 > 1"])
def test_what_is_not_known_may_be_anything(text: str) -> None:
    """The past, names without bounds and division by zero are no errors."""
    assert enclose(parse(text), {"x": exactly(1)}).undefined


def test_the_answer_of_a_count_is_no_negative_number() -> None:
    """What is known without any past: a count is 0 or more."""
    assert enclose(parse("count(action) < 0"), {}).truths == {False}


@pytest.mark.parametrize(
    ("rule", "held"),
    [
        ("(v / 3.6) ** 2 / (2 * 0.4 * 9.8) < 30", {False}),
        ("(120 - v) / (5 * 3.6) <= 2.0", {True}),
        ("(v / 3.6) ** 2 / (2 * 0.4 * 9.8) < 90", {True}),
        ("1 - exp(-2.5e8 * exp(-72000 / (8.314 * (t + 273.15))) * tau) >= 0.95", {False}),
    ],
)
def test_rules_of_the_reference_problems_are_decided_on_boxes(rule: str, held: set[bool]) -> None:
    """The two of 2604.17025: v in [84.5, 95.6] km/h, and a reactor too cold to convert, t to 80 °C, tau to 120 s."""
    box = {"v": Range(Interval(84.5, 95.6)), "t": Range(Interval(0, 80)), "tau": Range(Interval(1, 120))}
    assert enclose(parse(rule), box).truths == held


def test_nested_comprehensions_are_enclosed_in_bounded_time() -> None:
    """Beyond a bound the parts are not gone through one by one, and the answer stays sound."""
    text = "all(all(all(one + two + three > 0 for three in c) for two in c) for one in c)"
    assert enclose(parse(text), {"c": exactly([1] * 60)}).truths >= {True}
