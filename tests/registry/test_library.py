"""The functions that expressions may call."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.registry.library import FUNCTIONS, LIBRARY, METHODS, PatternError, searcher
from harness.registry.values import Undefined
from tests.strategies import json_values

SPECIAL = {"any", "all", "exists", "default"}


def call(function: str, *arguments: Any) -> Any:
    """Call a function of the library."""
    return LIBRARY[function].call(*arguments)


@pytest.mark.parametrize(
    ("function", "arguments", "value"),
    [
        ("len", ("añb",), 3),
        ("len", ({"a": 1},), 1),
        ("abs", (-2.5,), 2.5),
        ("min", ([3, 1, 2],), 1),
        ("max", ("a", "b"), "b"),
        ("sum", ([1, 2.5],), 3.5),
        ("sum", ([],), 0),
        ("round", (2.5,), 2),
        ("round", (2.345, 2), 2.35),
        ("sorted", ([3, 1.5, 2],), [1.5, 2, 3]),
        ("unique", ([1, 1.0, True],), [1, True]),
        ("str", (True,), "true"),
        ("str", (1.0,), "1.0"),
        ("int", (" -12 ",), -12),
        ("int", (2.9,), 2),
        ("float", ("1e3",), 1000.0),
        ("bool", ([],), False),
        ("json", ('{"a": [1]}',), {"a": [1]}),
        ("exp", (0,), 1.0),
        ("sqrt", (9,), 3.0),
        ("parse_time", ("1970-01-02",), 86400.0),
        ("parse_time", ("1970-01-01T02:00:00+02:00",), 0.0),
        ("seconds_between", ("2024-05-15T15:00:00", "2024-05-16T15:00:00Z"), 86400.0),
        ("matches", ("well, YES.", r"(?i)\byes\b"), True),
        ("matches", ("yesterday", r"(?i)\byes\b"), False),
        ("lower", ("ABC",), "abc"),
        ("strip", (" a ",), "a"),
        ("contains", ("abc", "b"), True),
        ("split", ("a,b", ","), ["a", "b"]),
        ("clamp", (5, 1, 3), 3),
        ("clamp", (0.5, 1, 3), 1),
        ("clamp", (2, 1, 3), 2),
        ("clip", ("añbc", 3), "añb"),
        ("clip", ("a", 3), "a"),
        ("mask", ("4111 1111",), "*****1111"),
        ("mask", ("abc", 0), "***"),
        ("mask", ("abc",), "abc"),
        ("replace", ("a-b-c", "-", ""), "abc"),
        ("sub", ("call 030-12 now", "[0-9-]+", r"\\0"), r"call \\0 now"),
        ("reserves", ({"max_tokens": 5, "n": 3},), 15),
        ("reserves", ({"messages": [], "options": {"max_output_tokens": 7}},), 7),
    ],
)
def test_functions_give_what_their_names_say(function: str, arguments: tuple[Any, ...], value: Any) -> None:
    """One ordinary use of each function."""
    found = call(function, *arguments)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("len", (5,)),
        ("min", ([],)),
        ("max", ([1, "a"],)),
        ("sum", (["a"],)),
        ("round", (1.5, 10**9)),
        ("round", (True,)),
        ("sorted", (["a", 1],)),
        ("int", ("1_000",)),
        ("int", ("9" * 90,)),
        ("float", ("nan",)),
        ("float", ("1e999",)),
        ("json", ("{",)),
        ("log", (0,)),
        ("sqrt", (-1,)),
        ("exp", (1e9,)),
        ("parse_time", ("yesterday",)),
        ("split", ("a", "")),
        ("matches", (5, "5")),
        ("clamp", (5, 3, 2)),
        ("clamp", ("5", 1, 2)),
        ("clip", ("abc", -1)),
        ("clip", ("abc", 1.5)),
        ("mask", (5,)),
        ("mask", ("abc", True)),
        ("replace", ("abc", "", "x")),
        ("sub", ("abc", "b", 5)),
        ("reserves", ({"messages": []},)),
        ("reserves", ("max_tokens",)),
    ],
)
def test_what_has_no_answer_is_undefined(function: str, arguments: tuple[Any, ...]) -> None:
    """Wrong types, empty lists, unreadable text and impossible mathematics have no value."""
    with pytest.raises(Undefined):
        call(function, *arguments)


@given(st.sampled_from(sorted(LIBRARY.keys() - SPECIAL - {"matches"})), st.lists(json_values, min_size=1, max_size=3))
def test_any_data_gives_a_value_or_an_exception(function: str, arguments: list[Any]) -> None:
    """No JSON data hangs a function or makes it give something that is not JSON."""
    declared = LIBRARY[function]
    arguments = (arguments * 3)[: declared.most or 3]
    try:
        value = declared.call(*arguments)
    except Exception:
        return
    assert type(value) in (bool, int, float, str, list, dict) or value is None


def test_patterns_are_matched_in_linear_time() -> None:
    """A pattern that ruins a backtracking engine is harmless."""
    began = time.perf_counter()
    assert not call("matches", "a" * 50_000 + "!", "^(a|a|aa)+$")
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize("pattern", ["(", "(?=a)", r"(a)\1", "a{1001}"])
def test_patterns_beyond_the_linear_engine_are_refused(pattern: str) -> None:
    """Unbalanced brackets, look-around, back-references and huge repetitions are errors with a reason."""
    with pytest.raises(PatternError, match=r"\w"):
        searcher(pattern)


def test_functions_and_methods_share_no_name() -> None:
    """One table holds both, so no name may mean two things."""
    assert FUNCTIONS.keys().isdisjoint(METHODS)
