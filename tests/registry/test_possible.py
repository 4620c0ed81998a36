"""Truth over ranges, against the comparisons of values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.registry import values
from harness.registry.domain import Range, either, exactly
from harness.registry.interval import Interval
from harness.registry.possible import compared, joined
from harness.registry.values import Undefined
from tests.strategies import json_values

plain: st.SearchStrategy[Any] = st.sampled_from([None, True, False, 0, 1, 1.0, 0.1, -2, "", "a", "ab", [], [1, "a"]])
things = plain | json_values


@given(things, things, things, things, st.sampled_from(sorted(values.COMPARISONS)))
def test_no_answer_of_a_comparison_is_lost(one: Any, two: Any, other: Any, fourth: Any, operator: str) -> None:
    """Each side may be either of two values: every pair's answer is possible."""
    found = compared(operator, either(exactly(one), exactly(two)), either(exactly(other), exactly(fourth)))
    for left in (one, two):
        for right in (other, fourth):
            try:
                answer: bool | None = values.COMPARISONS[operator](left, right)
            except Undefined:
                answer = None
            assert answer in found


@pytest.mark.parametrize(
    ("operator", "left", "right", "answers"),
    [
        ("<", Range(Interval(0, 1)), Range(Interval(1, 2)), {True, False}),
        ("<=", Range(Interval(0, 1)), Range(Interval(1, 2)), {True}),
        (">", Range(Interval(0, 1)), Range(Interval(1, 2)), {False}),
        ("==", Range(Interval(1, 3, True)), exactly(2.5), {False}),
        ("==", exactly("a"), exactly("a"), {True}),
        ("!=", Range(words=frozenset("ab")), exactly("c"), {True}),
        ("<", exactly("a"), exactly(1), {None}),
        ("<", Range(words=frozenset("ab")), exactly("c"), {True}),
        ("in", Range(words=frozenset("ab")), exactly(["b", "a"]), {True}),
        ("not in", Range(Interval(1, 2)), exactly(["b", 3]), {True}),
        ("in", exactly(1), exactly(5), {None}),
        ("==", Range(undefined=True), exactly(5), {None}),
    ],
)
def test_comparisons_by_hand(operator: str, left: Range, right: Range, answers: set[bool | None]) -> None:
    """What is certain is said to be certain."""
    assert compared(operator, left, right) == answers


@given(st.lists(st.sets(st.sampled_from([True, False, None]), min_size=1), max_size=4), st.sampled_from(["and", "or"]))
def test_joining_is_kleenes(parts: list[set[bool | None]], operator: str) -> None:
    """Against an independent account of ``and`` and ``or`` on every combination, as least and greatest."""
    rank, pick = {False: 0, None: 1, True: 2}, min if operator == "and" else max
    expected: set[bool | None] = {operator == "and"}
    for part in parts:
        expected = {pick(one, other, key=rank.__getitem__) for one in expected for other in part}
    assert joined(operator, map(frozenset, parts)) == expected
