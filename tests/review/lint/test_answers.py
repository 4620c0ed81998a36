"""Requirements that every step meets, or none."""

from __future__ import annotations

import pytest

from tests.review.lint.found import findings, ids, pointed, rule


@pytest.mark.parametrize(
    "require",
    [
        "call.args.cents > 900",
        "call.args.cents == 1.5",
        'call.args.to == "C"',
        "call.args.rate > 2 and call.args.rate < 1",
    ],
)
def test_what_no_step_can_satisfy(require: str) -> None:
    """An error at the requirement, by bounds, whole numbers, words, or a contradiction of its own."""
    (told,) = findings("never-satisfiable", rule("A", require))
    assert (told.level, pointed(told)) == ("error", require)


def test_a_guard_that_leaves_nothing_is_a_warning() -> None:
    """Whenever the rule speaks it is violated: that may be meant."""
    (told,) = findings("never-satisfiable", rule("A", "call.args.cents < 500", when="call.args.cents > 600"))
    assert told.level == "warning"
    assert "where the guard is true" in told.mistake.message


@pytest.mark.parametrize("require", ["False", 'tool.effect == "read"', 'call.tool == "look"'])
def test_a_ban_is_meant(require: str) -> None:
    """What the tool alone decides is no mistake."""
    assert findings("never-satisfiable", rule("A", require)) == []


def test_what_is_always_true() -> None:
    """A warning where it says nothing, a note where a declared schema says it already."""
    rules = [
        rule("A", "call.args.cents >= 1"),
        rule("B", "step >= 0"),
        rule("C", "call.args.cents > 3", when="call.args.cents > 5"),
        rule("D", "call.args.cents > 1"),
        rule("E", "call.args.missing or not call.args.missing"),
    ]
    head = (
        "tools: {pay: {arguments: {type: object, required: [cents], properties: {cents: {type: integer, minimum: 1},\n"
    )
    head += "  missing: {type: boolean}}}}}\n"
    told = {one.rule: one.level for one in findings("always-true", "".join(rules), head)}
    assert told == {"A": "note", "B": "warning", "C": "warning"}


def test_one_tool_for_which_it_may_fail_is_enough() -> None:
    """A rule on several tools is always true only if it is for each of them."""
    head = "tools: {pay: {arguments: {type: object, required: [n], properties: {n: {minimum: 1, type: integer}}}},\n"
    head += "  lend: {arguments: {type: object, required: [n], properties: {n: {type: integer}}}}}\n"
    assert ids("always-true", rule("A", "call.args.n > 0", tool="[pay, lend]"), head=head) == []
    assert ids("always-true", rule("A", "call.args.n > 0"), head=head) == ["A"]
