"""The faults that are put into expressions and schemas."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from harness.registry.complaint import ExpressionError
from harness.registry.parse import parse
from harness.registry.program import validator
from harness.registry.tree import outline
from harness.registry.write import write
from harness.review.loosen import loosen, same_words
from harness.review.weaken import negations, weaken
from tests.registry.expressions import truths


@pytest.mark.parametrize(
    ("text", "faulty"),
    [
        ("a < b", ["a <= b", "a > b"]),
        ("a <= b < c", ["a < b < c", "a > b < c", "a <= b <= c", "a <= b > c"]),
        ("a == b", ["a != b"]),
        ("a and b and c", ["b and c", "a and c", "a and b"]),
        ("not (a or b)", ["a or b", "not b", "not a"]),
        ("a + 5", ["a + 6", "a + 4"]),
        ("a - 2.0", ["a - 2.02", "a - 1.98"]),
        ("a in ['x', 'y']", ["a not in ['x', 'y']", "True", "a in ['y']", "a in ['x']"]),
        ("a not in ['x', 'y']", ["a in ['x', 'y']", "a not in ['y']", "a not in ['x']"]),
        ("a in params.p", ["a not in params.p", "True"]),
        ("a[0]", []),
        ("a[1 + b]", ["a[2 + b]", "a[0 + b]"]),
        ("a if b else c", ["a", "c"]),
        ("any(a for a in b if c)", ["all(a for a in b if c)", "any(a for a in b)"]),
        ("all(a for a in [b])", []),
        (r"a.matches('^x\\b$')", ["a.matches('')", r"a.matches('x\\b$')", "a.matches('^x$')", r"a.matches('^x\\b')"]),
        (r"a.matches('[^x]\\$')", ["a.matches('')"]),
        ("happened(result, a)", ["happened(result)"]),
        (
            "count(action, a, within=5, since=last(message))",
            [
                "count(action, within=5, since=last(message))",
                "count(action, a, since=last(message))",
                "count(action, a, within=5)",
                "count(action, a, within=6, since=last(message))",
                "count(action, a, within=4, since=last(message))",
            ],
        ),
        ("count(action, a and b)", ["count(action, b)", "count(action, a)"]),
    ],
)
def test_every_fault_of_an_expression(text: str, faulty: list[str]) -> None:
    """Exactly these, in this order."""
    assert [write(change.tree) for change in weaken(parse(text))] == [write(parse(other)) for other in faulty]


@pytest.mark.parametrize(
    ("text", "faulty"),
    [("a", ["not a"]), ("a == b", []), ("not a", []), ("a and b < c and d or e", ["not (a and b < c and d) or e"])],
)
def test_a_guard_is_turned_round_part_by_part(text: str, faulty: list[str]) -> None:
    """Comparisons and negations are left to the other faults."""
    changed = [write(change.tree) for change in negations(parse(text))]
    assert changed[: len(faulty)] == faulty
    assert all(outline(parse(one)) != outline(parse(text)) for one in changed)


@settings(max_examples=100)
@given(truths(2))
def test_every_fault_is_another_tree_and_says_what_it_changed(text: str) -> None:
    """Each is told as a part of the text before and after, at a place inside the text."""
    try:
        tree = parse(text)
    except ExpressionError:
        return
    for change in weaken(tree):
        assert outline(change.tree) != outline(tree)
        assert change.before != change.after
        assert 0 <= change.start < len(text)
        assert outline(parse(write(change.tree))) == outline(change.tree)


SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["a", "b"],
    "properties": {
        "a": {"type": "integer", "minimum": 1, "exclusiveMaximum": 9.5},
        "b": {"type": "array", "items": {"anyOf": [{"const": 1}, {"pattern": "x"}]}, "maxItems": 2},
    },
    "additionalProperties": False,
}


def test_every_fault_of_a_schema() -> None:
    """What was left out or moved, at any depth; each is still a schema, and lets something else through."""
    changes = list(loosen(SCHEMA))
    assert [(change.before, change.after) for change in changes] == [
        ("required: a", ""),
        ("required: b", ""),
        ("type: 'object'", ""),
        ("additionalProperties: False", ""),
        ("type: 'integer'", ""),
        ("minimum: 1", ""),
        ("exclusiveMaximum: 9.5", ""),
        ("minimum: 1", "minimum: 2"),
        ("minimum: 1", "minimum: 0"),
        ("exclusiveMaximum: 9.5", "exclusiveMaximum: 9.595"),
        ("exclusiveMaximum: 9.5", "exclusiveMaximum: 9.405"),
        ("type: 'array'", ""),
        ("maxItems: 2", ""),
        ("maxItems: 2", "maxItems: 3"),
        ("maxItems: 2", "maxItems: 1"),
        ("const: 1", ""),
        ("pattern: 'x'", ""),
    ]
    assert changes[-1].path == ("properties", "b", "items", "anyOf", 1, "pattern")
    for change in changes:
        validator(change.schema)
        assert change.schema != SCHEMA


def test_what_lies_among_listed_words_may_be_no_fault() -> None:
    """Where only listed values fit, leaving out their type changes nothing; leaving out the list does."""
    schema = {"properties": {"a": {"enum": ["x", "y"], "type": "string", "maxLength": 1}}}
    told = {change.before: same_words(schema, change) for change in loosen(schema) if not change.after}
    assert told == {"type: 'string'": True, "maxLength: 1": True, "enum: ['x', 'y']": False}
    narrow = {"enum": ["x", "yy"], "maxLength": 1}
    assert [same_words(narrow, change) for change in loosen(narrow)] == [False, False, False, False]
