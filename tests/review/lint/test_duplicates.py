"""Rules of the same meaning."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from harness.registry.explain import Explanation
from harness.registry.parse import parse
from harness.registry.tree import Node, outline
from harness.registry.values import Undefined
from harness.review.lint.duplicates import normal
from tests.registry.expressions import arguments, truths
from tests.review.lint.found import findings, ids, pointed, rule


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("call.args.cents > 5 and call.args.to == 1", "(1 == call.args.to) and (5 < call.args.cents)"),
        ("not (call.args.cents > 5 or call.args.to)", "not call.args.to and call.args.cents <= 5"),
        ("0 < call.args.cents < 5", "call.args.cents < 5 and call.args.cents > 0"),
        ("call.args.to in [1, 2]", "not call.args.to not in {2, 1, 1}"),
        ("a and (b and c)", "c and b and a and b"),
        ("2 * a < 3", "a * 2 < 3"),
    ],
)
def test_the_same_in_other_words(one: str, other: str) -> None:
    """Order of operands, brackets, negations, chains, sets."""
    assert _bare(normal(parse(one))) == _bare(normal(parse(other)))


@pytest.mark.parametrize(
    ("one", "other"),
    [("a < b", "b < a"), ("a + b == c", "b + a == c"), ("a - b < 1", "b - a < 1"), ("x in [a, b]", "x in [b, a]")],
)
def test_what_is_not_surely_the_same(one: str, other: str) -> None:
    """Sums may be of texts; lists that are not literals are kept as they are."""
    assert _bare(normal(parse(one))) != _bare(normal(parse(other)))


@settings(max_examples=300, deadline=None)
@given(truths(2), arguments)
def test_the_normal_form_has_the_same_answer(text: str, args: dict[str, Any]) -> None:
    """The law, against the exact meaning; and it is its own normal form."""
    tree = parse(text)
    assert _answer(text, tree, args) == _answer(text, normal(tree), args)
    assert _bare(normal(normal(tree))) == _bare(normal(tree))


def test_a_double_is_told_with_the_first() -> None:
    """The later rule is named and points to the earlier one; other tools or guards are another rule."""
    said = "call.args.cents < 9 and call.args.rate > 1"
    rules = [
        rule("A", said),
        rule("B", "call.args.rate > 1 and 9 > call.args.cents"),
        rule("C", said, when="call.args.cents > 3"),
        rule("D", said, tool="[look, pay]"),
    ]
    (told,) = findings("duplicate", "".join(rules[:3]))
    assert (told.rule, told.level, pointed(told)) == ("B", "warning", "B")
    assert "A (r.yaml:10)" in told.mistake.message
    assert ids("shadowed", *rules[:2]) == []  # said once
    assert ids("duplicate", *rules[2:], head="") == []


def _bare(node: Node) -> Any:
    return outline(node)


def _answer(text: str, node: Node, args: dict[str, Any]) -> Any:
    names = {"call": {"args": args, "tool": "pay"}, "params": {"p": 2}, "step": 1, "agent": "main", "run": {}}
    try:
        return Explanation(text, names).value(node)
    except Undefined:
        return None
