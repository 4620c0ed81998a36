"""What a JSON Schema lets a value be."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.registry.domain import ANYTHING, Range, domain, domains, either, exactly
from harness.registry.interval import Interval
from tests.strategies import json_values

bounds = st.integers(-4, 4) | st.sampled_from([-2.5, 0.1, 1e300, 1 << 60])
atoms: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, False, 0, 1, 1.0, -2, 0.1, "", "a", [], [1, "a"], {"a": 1}]
)
instances = atoms | bounds | st.floats(allow_nan=False, allow_infinity=False) | json_values
keywords = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["number", "integer", "string", "boolean", "null", "array", "object"])
        | st.lists(st.sampled_from(["integer", "string", "null"]), min_size=1, unique=True),
        "minimum": bounds,
        "maximum": bounds,
        "exclusiveMinimum": bounds,
        "exclusiveMaximum": bounds,
        "multipleOf": st.integers(1, 3),
        "enum": st.lists(atoms, min_size=1, max_size=3),
        "const": atoms,
        "maxLength": st.integers(0, 2),
    },
)
schemas = st.recursive(
    keywords | st.booleans(),
    lambda inner: st.fixed_dictionaries(
        {}, optional={"anyOf": st.lists(inner, min_size=1, max_size=2), "not": inner, "type": st.just("number")}
    ),
    max_leaves=4,
)


@given(schemas, instances)
def test_what_fits_a_schema_is_in_its_domain(schema: Any, value: Any) -> None:
    """Against an independent validator: a domain leaves out nothing that fits."""
    if jsonschema_rs.Draft202012Validator(schema).is_valid(value):
        assert value in domain(schema)


@pytest.mark.parametrize(
    ("schema", "found"),
    [
        ({"type": "integer", "minimum": 0.5, "exclusiveMaximum": 10}, Range(Interval(1, 9, True))),
        ({"type": "number", "minimum": 0, "maximum": 1.5}, Range(Interval(0, 1.5))),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, Range(Interval(5e-324, 1))),
        ({"enum": ["a", "b", None]}, Range(words=frozenset({"a", "b", None}))),
        ({"enum": [3, 7, True]}, Range(Interval(3, 7, True), frozenset({True}))),
        ({"const": "a", "type": "string"}, Range(words=frozenset({"a"}))),
        ({"type": ["boolean", "null"]}, Range(truths=frozenset({True, False}), words=frozenset({None}))),
        ({"anyOf": [{"const": 1}, {"type": "string"}]}, Range(Interval(1, 1, True), others=True)),
        ({"type": "integer", "minimum": 2, "maximum": 1}, Range()),
        (False, Range()),
        ({"type": "string"}, Range(others=True)),
    ],
)
def test_domains_by_hand(schema: Any, found: Range) -> None:
    """Bounds, lists of values and types are read; nothing is undefined where the value is required."""
    assert domain(schema) == found


def test_fields_have_domains_of_their_own() -> None:
    """By dotted name at any depth; a field that need not be there may be undefined, and so what is in it."""
    schema = {
        "type": "object",
        "required": ["cents"],
        "properties": {
            "cents": {"type": "integer", "minimum": 1, "maximum": 5},
            "to": {"type": "object", "required": ["iban"], "properties": {"iban": {"type": "string"}}},
        },
    }
    found = dict(domains(schema, "call.args"))
    assert found["call.args.cents"] == Range(Interval(1, 5, True))
    assert found["call.args.to.iban"] == Range(others=True, undefined=True)
    assert list(found) == ["call.args", "call.args.cents", "call.args.to", "call.args.to.iban"]


@given(json_values, json_values)
def test_either_holds_both(one: Any, other: Any) -> None:
    """A known value is in its range, and in the range of it or another."""
    both = either(exactly(one), exactly(other))
    assert one in exactly(one)
    assert one in both
    assert other in both
    assert one in ANYTHING
