"""What rules, parameters and tools lack."""

from __future__ import annotations

from tests.review.lint.found import PAY, findings, ids, pointed, rule

HOLDS = "{holds: [[{pay: {cents: 1}}]]}"


def test_each_rule_needs_both_kinds_of_example() -> None:
    """One that holds and one that is violated; what is missing is said."""
    rules = rule("A", "step < 9") + rule("B", "step < 9", examples=HOLDS)
    told = {one.rule: one.mistake.message for one in findings("no-example", rules)}
    assert told == {"A": "no example that holds and none that is violated", "B": "no example that is violated"}


def test_source_and_says() -> None:
    """A source is asked of every rule, a word to the agent of those that block or escalate."""
    rules = [
        rule("A", "step < 9", otherwise="block"),
        rule("B", "step < 9", otherwise="escalate", says="Stop.", source="policy"),
        rule("C", "step < 9", otherwise="warn"),
    ]
    assert ids("no-source", *rules) == ["A", "C"]
    assert ids("no-says", *rules) == ["A"]


def test_parameters_that_nobody_uses() -> None:
    """Used in a guard, a requirement, a text, a window or a pattern; pointed at where it is written."""
    head = "parameters: {used: 3, said: 4, window: 5, idle: 6}\n"
    rules = rule("A", "count(action, within=params.window) < params.used", says="At most {params.said}.")
    told = findings("unused-parameter", rules, head)
    assert [(one.mistake.line, pointed(one)) for one in told] == [(4, "6")]


def test_tools_that_nobody_speaks_of() -> None:
    """A tool that only reads is a note; one that writes and cannot be blocked a warning."""
    rules = rule("A", "step < 9", otherwise="warn")
    assert [pointed(one) for one in findings("unused-tool", rules)] == ["look"]
    assert [(pointed(one), one.level) for one in findings("unguarded-write", rules)] == [("pay", "warning")]
    rules = rule("A", 'happened(result, call.tool == "look")', otherwise="escalate")
    assert findings("unused-tool", rules) == findings("unguarded-write", rules) == []
    assert [
        pointed(one) for one in findings("unguarded-write", rule("A", "step < 9", tool="look", otherwise="block"))
    ] == ["pay"]


def test_letting_through_what_blocking_rules_cannot_decide() -> None:
    """``unknown: allow`` beside a rule that blocks, at the key; not without such a rule."""
    head = f"unknown: allow\n{PAY}"
    (told,) = findings("unknown-allowed", rule("A", "step < 9", otherwise="block"), head)
    assert (told.mistake.line, pointed(told)) == (4, "allow")
    assert findings("unknown-allowed", rule("A", "step < 9"), head) == []
    assert findings("unknown-allowed", rule("A", "step < 9", otherwise="block")) == []


def test_tools_of_a_graph_that_lead_nowhere() -> None:
    """They are a note; those that lead to a goal are used, whether or not a rule speaks of them."""
    graph = (
        "graph:\n  goals: [Done]\n  joins: {Done: [found]}\n  start: [q]\n"
        "  tools:\n    look: {needs: [q], gives: [found]}\n"
        "    pay: {needs: [q], gives: [paid], args: {cents: 1, to: {is: A}, rate: 1}}\n"
    )
    rules = rule("A", "step < 9", otherwise="block")
    assert [pointed(one) for one in findings("unneeded-tool", rules, PAY + graph)] == ["pay"]
    assert findings("unused-tool", rules, PAY + graph) == findings("unguarded-write", rules, PAY + graph) == []
