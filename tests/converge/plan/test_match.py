"""Two schemas of one value: where they contradict each other."""

from __future__ import annotations

from typing import Any

import pytest

from harness.converge.plan.match import mismatches


def test_equal_schemas_and_silent_ones_fit() -> None:
    """Where one of them says nothing there is nothing to contradict; a number may be a whole number."""
    price = {"type": "object", "properties": {"price": {"type": "number", "unit": "EUR"}}}
    for one, other in [(price, price), (None, price), (price, None), (True, price), ({}, price), (price, {})]:
        assert list(mismatches(one, other)) == []
    assert list(mismatches({"type": "integer"}, {"type": "number"})) == []
    assert list(mismatches({"type": "number"}, {"type": "integer"})) == []
    assert list(mismatches({"type": ["string", "null"]}, {"type": "string"})) == []


@pytest.mark.parametrize(
    ("promised", "asked", "found"),
    [
        ({"type": "string"}, {"type": "number"}, ("", "string is written, number is read", "")),
        (
            {"properties": {"v": {"unit": "m/s"}}},
            {"properties": {"v": {"unit": "km/h"}}},
            (".v", "m/s and km/h: they differ by a factor of 18/5", "multiply m/s by 18 / 5 to have km/h"),
        ),
        (
            {"items": {"properties": {"v": {"type": "null"}}}},
            {"items": {"properties": {"v": {"type": ["string", "array"]}}}},
            ("[].v", "null is written, array or string is read", ""),
        ),
        (
            {"properties": {"a": {}}, "additionalProperties": False},
            {"required": ["a", "b"]},
            (".b", "it is read, and never written", ""),
        ),
    ],
)
def test_a_contradiction_is_placed(promised: Any, asked: Any, found: tuple[str, str, str]) -> None:
    """The place in the value, what differs, and the cure where there is one."""
    assert list(mismatches(promised, asked)) == [found]
