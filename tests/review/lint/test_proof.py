"""Proofs over boxes: never of what is possible, and of what lint needs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.registry.domain import Range, domains
from harness.registry.explain import Explanation
from harness.registry.interval import Interval
from harness.registry.parse import parse
from harness.registry.values import Undefined, truth
from harness.review.lint.proof import (
    FALSE,
    NOT_FALSE,
    NOT_TRUE,
    TRUE,
    Goal,
    Truths,
    both,
    certain,
    impossible,
    variables,
)
from tests.registry.expressions import truths

SCHEMA = {
    "type": "object",
    "required": ["a", "b"],
    "properties": {
        "a": {"type": "integer", "minimum": -3, "maximum": 3},
        "b": {"enum": ["", "a", "Yes!", "1"]},
        "c": {"type": "array"},
        "x": {"type": "number", "minimum": 0},
    },
}
BOX = {**dict(domains(SCHEMA, "call.args")), "params.p": Range(Interval(2, 2, whole=True))}

points = st.fixed_dictionaries(
    {"a": st.integers(-3, 3), "b": st.sampled_from(["", "a", "Yes!", "1"])},
    optional={
        "c": st.lists(st.integers(-3, 3) | st.sampled_from(["a", "1"]), max_size=3),
        "x": st.floats(0, 10) | st.integers(0, 9),
    },
)
wants = st.sampled_from([TRUE, FALSE, NOT_TRUE, NOT_FALSE, frozenset({None})])


def proven(*conditions: str, box: dict[str, Range] | None = None) -> bool:
    """Tell whether it is proven that conditions cannot be true together."""
    return impossible([Goal(parse(text), TRUE) for text in conditions], BOX if box is None else box)


def answer(text: str, args: dict[str, Any]) -> bool | None:
    """Give the exact answer at a point, None where there is none."""
    names = {"call": {"args": args, "tool": "pay"}, "params": {"p": 2}, "step": 1, "agent": "main", "run": {}}
    try:
        return truth(Explanation(text, names).value(parse(text)))
    except Undefined:
        return None


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(truths(2), wants), min_size=1, max_size=3), points)
def test_what_is_possible_is_never_ruled_out(goals: list[tuple[str, Truths]], args: dict[str, Any]) -> None:
    """The law, against the exact meaning: goals that a point of the box meets are not proven impossible."""
    if all(answer(text, args) in wanted for text, wanted in goals):
        assert not impossible([Goal(parse(text), wanted) for text, wanted in goals], BOX)


@settings(max_examples=200, deadline=None)
@given(truths(2), points)
def test_what_is_certain_is_true(text: str, args: dict[str, Any]) -> None:
    """The law: what is certain in the whole box is true at each of its points."""
    if certain(parse(text), BOX):
        assert answer(text, args) is True


@pytest.mark.parametrize(
    "conditions",
    [
        ["call.args.a > 3"],
        ["call.args.a > 1", "call.args.a < 2"],
        ["call.args.a != 3", "call.args.a >= 3"],
        ['call.args.b == "no"'],
        ['call.args.b != "a"', 'call.args.b in ["a"]'],
        ['call.args.b not in ["", "a", "1"]', 'call.args.b != "Yes!"'],
        ["call.args.x < 1", "not call.args.x < 2"],
        ["call.args.x + call.args.a > 5 and call.args.x < 1"],
        ["call.args.a * 2 == 5"],
        ["call.args.a < call.args.x", "call.args.x < call.args.a"],
        ["call.args.y > 5 or call.args.y < 0", "0 <= call.args.y <= 5"],
        ["call.args.y == 1", "call.args.y == 2"],
        ["call.args.y and call.args.z", "not call.args.z"],
        ["happened(action, call.args.a == 1)", "not happened(action, (call.args.a) == 1)"],
        ["count(action) >= 3", "count(action) < 2"],
        ["len(call.args.c) < 0"],
        ["(call.args.a if call.args.y else call.args.a + 1) > 4"],
        ["call.args.y == params.p", "call.args.y > 2"],
    ],
)
def test_what_is_impossible_is_proven(conditions: list[str]) -> None:
    """Bounds, words, whole numbers, several variables, questions by their text, cases."""
    assert proven(*conditions)


@pytest.mark.parametrize(
    "conditions",
    [
        ["call.args.a > 2", "call.args.a < 4"],
        ["call.args.y < 1", "call.args.y > 0"],
        ["count(action) >= 3", "count(result) < 2"],
        ['call.args.y < "b"', 'call.args.y > "a"'],
        ["call.args.x < 1 or call.args.x > 5", "call.args.x > 4"],
        ["len(call.args.c) < 1"],
    ],
)
def test_what_is_possible_is_not_proven(conditions: list[str]) -> None:
    """The near misses of the cases above."""
    assert not proven(*conditions)


def test_undefined_is_an_answer_of_its_own() -> None:
    """A field that may be missing is neither proven true nor false; one that is required is."""
    assert not impossible([Goal(parse("call.args.x >= 0"), NOT_TRUE)], BOX)
    assert impossible([Goal(parse("call.args.a >= -3"), NOT_TRUE)], BOX)
    assert impossible([Goal(parse("exists(call.args.a)"), NOT_TRUE)], BOX)


def test_the_search_is_bounded() -> None:
    """Many cases at once are given up, and said to be not proven."""
    hard = " and ".join(
        f"(call.args.a{n} + call.args.b{n} > 1 or call.args.a{n} * call.args.b{n} < 5)" for n in range(12)
    )
    assert not proven(hard, "call.args.a0 + call.args.b0 > 1 and call.args.a0 + call.args.b0 < 1", box={})


def test_variables_are_names_and_questions() -> None:
    """What a condition depends on; questions and calls count as a whole, by their text."""
    assert variables(parse("call.args.a + len(call.args.c) < count(action)")) >= {
        "call.args.a",
        "«len(call.args.c)»",
        "«count(action)»",
    }


def test_both_is_what_two_ranges_share() -> None:
    """Numbers, words and truth values each by themselves; any text takes in every word."""
    some = Range(Interval(0, 5), words=frozenset({"a", None}))
    assert both(some, Range(Interval(3, 9), others=True)) == Range(Interval(3, 5), words=frozenset({"a", None}))
    assert both(some, Range(truths=frozenset({True}))) == Range()
