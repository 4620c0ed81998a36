"""Expressions that read like a slip."""

from __future__ import annotations

import pytest

from tests.review.lint.found import PAY, findings, ids, pointed, rule

MONEY = f"parameters: {{most: {{value: 5.5, unit: USD}}, rate: 0.1, count: 3}}\n{PAY}"


def asked(require: str, head: str = MONEY, **fields: str) -> list[tuple[str, str]]:
    """Give the notes on one requirement: the check and what is pointed at."""
    checks = ("idle-pattern", "letter-case", "float-equality", "money-as-float")
    quoted = rule("A", require, **fields)
    return [(check, pointed(one)) for check in checks for one in findings(check, quoted, head)]


@pytest.mark.parametrize(
    ("pattern", "idle"),
    [(".*yes", True), ("yes.*", True), ("(?i).*yes.*", True), ("^.*yes$", False), (r"yes\.*", False), ("a.*b", False)],
)
def test_patterns_are_searched_anywhere(pattern: str, idle: bool) -> None:
    """``.*`` at an end changes nothing; an escaped dot or one in the middle does."""
    assert (("idle-pattern", f'r"{pattern}"') in asked(f'call.args.to.matches(r"{pattern}")')) == idle


@pytest.mark.parametrize(
    ("require", "part"),
    [
        ('last(message).text.contains("yes")', '"yes"'),
        ('last(message).text.matches("yes|no")', '"yes|no"'),
        ('last(message).text.lower().contains("Yes")', '"Yes"'),
        ('call.args.to.upper() == "abc"', '"abc"'),
        ('call.args.to.lower() in ["a", "B"]', '"B"'),
    ],
)
def test_letters_that_are_missed(require: str, part: str) -> None:
    """Small letters looked for in what people write; letters that a folded text cannot hold."""
    assert ("letter-case", part) in asked(require)


@pytest.mark.parametrize(
    "require",
    [
        'last(message).text.matches("(?i)yes")',
        'last(message).text.lower().contains("yes")',
        'last(message).text.contains("Yes")',
        'last(message).role == "user"',
        'last(message).text.matches(r"\\d+\\b")',
        'call.args.to.contains("yes")',
    ],
)
def test_letters_that_are_meant(require: str) -> None:
    """Patterns that ignore case, words that are no speech, escapes."""
    assert asked(require) == []


def test_fractions() -> None:
    """Equality with a fraction; an amount of money beside one; whole and rounded numbers are fine."""
    assert asked("call.args.rate == 0.1") == [("float-equality", "call.args.rate == 0.1")]
    assert asked("call.args.rate != params.rate")[0][0] == "float-equality"
    assert asked("call.args.cents / 3 == 1")[0][0] == "float-equality"
    assert asked("params.most < call.args.cents / 2") == [("money-as-float", "params.most < call.args.cents / 2")]
    assert asked("call.args.refund_total <= 9.99", head="")[0][0] == "money-as-float"
    for fine in (
        "round(call.args.rate, 2) == 3",
        "call.args.rate == 1.0",
        "call.args.cents < params.count",
        "call.args.rate < 0.5",
    ):
        assert asked(fine) == []


def test_fields_without_a_schema() -> None:
    """A field of a result or an argument of a declared tool that promises nothing; with a schema it was checked."""
    head = "tools: {pay: {}, look: {result: {schema: {type: object, properties: {n: {}}}}}}\n"
    rules = [
        rule("A", "call.args.cents < 5"),
        rule("B", "result.n < 5", on="result", tool="look"),
        rule("C", "result.m < 5", on="result"),
        rule("D", 'last(result, call.tool == "look").result.n == 1'),
        rule("E", 'last(result, call.tool == "pay").result.n == 1'),
        rule("F", 'happened(result, call.tool == "pay" and result.x == now.call.args.y)'),
    ]
    told = findings("unchecked-field", "".join(rules), head)
    assert {one.rule for one in told} == {"A", "C", "E", "F"}
    assert {pointed(one) for one in told if one.rule == "F"} == {"result.x", "now.call.args.y"}
    assert all("pay" in one.mistake.message for one in told)
    assert ids("unchecked-field", rules[0].replace("pay", "other"), head="") == []
