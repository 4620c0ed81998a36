"""Rules that can never be the deciding one."""

from __future__ import annotations

import pytest

from tests.review.lint.found import findings, ids, rule


def test_a_looser_limit_behind_a_tighter_one() -> None:
    """Wherever the looser one is violated the tighter one is; the looser one is named, in either order."""
    tight, loose = (
        rule("T", "call.args.cents <= 50", otherwise="block"),
        rule("L", "call.args.cents <= 500", otherwise="warn"),
    )
    for rules in (tight + loose, loose + tight):
        (told,) = findings("shadowed", rules)
        assert (told.rule, told.level) == ("L", "warning")
        assert "T (r.yaml:" in told.mistake.message


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"otherwise": "warn"}, {"otherwise": "block"}),
        ({"otherwise": "block", "severity": "low"}, {"otherwise": "block", "severity": "high"}),
        ({"otherwise": "block", "when": 'call.args.to == "A"'}, {"otherwise": "block"}),
        ({"otherwise": "block", "tool": "look"}, {"otherwise": "block"}),
        ({"otherwise": "block", "on": "result"}, {"otherwise": "block"}),
    ],
)
def test_a_rule_that_may_decide(one: dict[str, str], other: dict[str, str]) -> None:
    """The tighter rule is milder, or speaks of less: the looser one may be the deciding one."""
    head = (
        "tools: {pay: {arguments: {type: object, required: [cents], properties: {cents: {type: integer}, to: {}}}},\n"
    )
    head += "  look: {arguments: {type: object, required: [cents], properties: {cents: {type: integer}}}}}\n"
    rules = rule("T", "call.args.cents <= 50", **one) + rule("L", "call.args.cents <= 500", **other)
    assert ids("shadowed", rules, head=head) == []


def test_what_may_be_missing_is_not_violated() -> None:
    """The tighter rule would be unknown where its second field is missing, so nothing is proven."""
    rules = [rule("T", "call.args.a < 5 and call.args.b < 5"), rule("L", "call.args.a < 9")]
    assert ids("shadowed", *rules, head="") == ["L"]  # false and unknown is false
    rules = [rule("T", "call.args.a < 5 or call.args.b < 5"), rule("L", "call.args.a < 9")]
    assert ids("shadowed", *rules, head="") == []


def test_questions_by_their_text() -> None:
    """The same count with two limits; of two counts nothing is known."""
    count = "count(action, call.args.to == now.call.args.to)"
    assert ids("shadowed", rule("T", f"{count} < 3"), rule("L", f"{count} < 9")) == ["L"]
    assert ids("shadowed", rule("T", f"{count} < 3"), rule("L", "count(action) < 9")) == []


def test_equal_rank_goes_by_place() -> None:
    """Of two of the same response and severity the first in the registry decides."""
    assert ids("shadowed", rule("A", "call.args.cents < 5"), rule("B", "call.args.cents < 6")) == ["B"]
    assert ids("shadowed", rule("B", "call.args.cents < 6"), rule("A", "call.args.cents < 5")) == []
