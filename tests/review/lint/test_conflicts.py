"""Rules that no step can satisfy together."""

from __future__ import annotations

from tests.review.lint.found import findings, ids, rule

BLOCK = {"otherwise": "block"}


def test_two_rules_against_each_other() -> None:
    """An error at the later one, which names the earlier one and the tool."""
    rules = rule("A", "call.args.rate > 5", **BLOCK) + rule("B", "call.args.rate <= 5", **BLOCK)
    (told,) = findings("conflict", rules)
    assert (told.rule, told.level) == ("B", "error")
    assert "no step of pay can satisfy this and A (r.yaml:10)" in told.mistake.message


def test_three_rules_of_which_any_two_go_together() -> None:
    """The smallest set is named, and nothing besides."""
    rules = [
        rule("A", "call.args.rate < call.args.cents"),
        rule("X", "call.args.cents != 77"),
        rule("B", "call.args.cents < 3"),
        rule("C", "call.args.rate > 2.5"),
    ]
    (told,) = findings("conflict", "".join(rules))
    assert told.rule == "C"
    assert "A, B" in told.mistake.message
    assert told.level == "warning"  # they only observe
    assert ids("conflict", *rules[:3]) == []


def test_rules_that_may_both_hold() -> None:
    """Touching bounds, other fields, other tools, an undeclared type: nothing is said."""
    assert ids("conflict", rule("A", "call.args.rate >= 5"), rule("B", "call.args.rate <= 5")) == []
    assert ids("conflict", rule("A", "call.args.rate > 5"), rule("B", "call.args.cents < 5")) == []
    assert (
        ids("conflict", rule("A", "call.args.a > 5", tool="x"), rule("B", "call.args.a < 5", tool="y"), head="") == []
    )
    assert ids("conflict", rule("A", "call.args.a > 5", tool="x"), rule("B", "call.args.a < 5", tool="x"), head="") == [
        "B"
    ]


def test_guards_must_meet() -> None:
    """A conflict under guards is told only where a step is known for which both rules speak."""
    a = rule("A", 'call.args.to == "A"', when="call.args.cents > 5", **BLOCK)
    b = 'call.args.to == "B"'
    (told,) = findings("conflict", a + rule("B", b, when="call.args.cents < 9"))
    assert (told.rule, told.level) == ("B", "warning")
    assert ids("conflict", a, rule("B", b, when="call.args.cents < 3")) == []
    assert ids("conflict", a, rule("B", b, when='happened(message, role == "user")')) == []  # not known to meet


def test_a_ban_under_a_guard_is_no_conflict() -> None:
    """A rule that forbids a case by itself is against nobody."""
    rules = [
        rule("A", "call.args.cents < 9", when="call.args.cents > 5"),
        rule("B", "False", when="call.args.cents > 7"),
    ]
    assert ids("conflict", *rules) == []


def test_results_and_messages_too() -> None:
    """The same for what comes back and what is said."""
    results = [rule(name, f"result.n {said}", tool="look", on="result") for name, said in (("A", "> 5"), ("B", "< 3"))]
    assert ids("conflict", *results) == ["B"]
    messages = "".join(
        f"- {{id: {name}, on: message, require: 'len(message.text) {said}'}}\n"
        for name, said in (("A", "> 5"), ("B", "< 3"))
    )
    assert ids("conflict", messages) == ["B"]
