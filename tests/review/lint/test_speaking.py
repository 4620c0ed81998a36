"""Rules, patterns and questions that can come to nothing."""

from __future__ import annotations

import pytest

from tests.review.lint.found import findings, ids, pointed, rule


@pytest.mark.parametrize(
    ("written", "place"),
    [
        (rule("A", "call.args.cents < 5", when='tool.effect == "read"'), 'tool.effect == "read"'),
        (rule("A", "step < 9", when="params.most > 5"), "params.most > 5"),
        ("- {id: A, on: message, when: message.role == 'human', require: step < 9}\n", "message.role == 'human'"),
        ("- {id: A, on: end, when: step < 0, require: step < 9}\n", "step < 0"),
        ("- {id: A, on: route, when: route.after < 0, require: step < 9}\n", "route.after < 0"),
        ("- {id: A, on: result, when: call.serves < 0, require: step < 9}\n", "call.serves < 0"),
        ("- {id: A, on: result, tool: look, when: result.n > 5 and result.n < 3, require: step < 9}\n", "result.n > 5"),
    ],
)
def test_a_guard_that_is_never_true(written: str, place: str) -> None:
    """By the tool's effect, the parameters, the roles there are, or in itself: an error at the guard."""
    (told,) = findings("dead-rule", written, "parameters: {most: 5}\n" + _pay())
    assert told.level == "error"
    assert pointed(told).startswith(place)


@pytest.mark.parametrize("guard", ["call.args.cents > 900", 'call.args.to == "C"'])
def test_a_guard_that_only_a_schema_makes_false(guard: str) -> None:
    """A call that does not fit its schema is made, and judged: so a warning, and no advice to drop the rule."""
    (told,) = findings("dead-rule", rule("A", "step < 9", when=guard))
    assert (told.level, pointed(told)) == ("warning", guard)
    assert "speaks only of what does not fit" in told.mistake.message
    assert "drop" not in told.mistake.cure


@pytest.mark.parametrize(
    "written",
    [
        rule("A", "call.args.cents < 5", when="call.args.cents > 800"),
        rule("A", "step < 9", when='happened(result, call.tool == "look")'),
        "- {id: A, on: message, when: message.role == 'user', require: step < 9}\n",
        "- {id: A, on: route, tool: pay, when: route.does == 'retry' and tool.effect == 'read', require: step < 9}\n",
        "- {id: A, on: action, when: call.tool == 'other', require: step < 9}\n",
    ],
)
def test_a_guard_that_may_be_true(written: str) -> None:
    """Nothing is said where it is not proven; with ``default: allow`` there are tools that nobody declared."""
    head = "" if "other" in written else _pay()
    assert findings("dead-rule", written, head) == []


def test_a_dead_rule_is_said_to_be_nothing_else() -> None:
    """What never speaks is not called always true, or in conflict, besides."""
    rules = rule("A", "call.args.cents >= 1", when='tool.effect == "read"') + rule("B", "call.args.cents < 0")
    assert ids("dead-rule", rules) == ["A"]
    assert ids("always-true", rules) == ids("conflict", rules) == []


def test_a_pattern_for_which_the_guard_is_never_true() -> None:
    """One of several patterns, at its own place; the rule as a whole lives."""
    rules = rule("A", "step < 9", tool="[look, pay]", when='tool.effect == "write"')
    (told,) = findings("dead-pattern", rules)
    assert (told.level, pointed(told)) == ("warning", "look")
    assert ids("dead-rule", rules) == []


def test_a_question_that_no_event_can_answer() -> None:
    """A condition that is false for every declared tool, or for every role; the condition is pointed at."""
    rules = (
        rule("A", 'not happened(result, call.tool == "look" and tool.effect == "write")')
        + rule("B", 'happened(message, role == "human")')
        + rule("C", 'happened(message, role == "user" and message.role != "tool")')
        + rule("E", 'not happened(route, route.does == "plan" and route.does == "end")')
        + rule("F", 'not happened(route, route.does == "undo" and route.tool == now.call.tool)')
        + rule("D", 'count(action, call.tool == "look" and call.args.q == now.call.args.to) < 5')
    )
    told = findings("dead-question", rules, _pay().replace("allow", "refuse"))
    assert [(one.rule, pointed(one)) for one in told if one.rule == "B"] == [("B", 'role == "human"')]
    assert "user" in next(one for one in told if one.rule == "B").mistake.cure
    assert "signal" in next(one for one in told if one.rule == "E").mistake.cure
    assert {one.rule for one in told} == {"A", "B", "E"}


def _pay() -> str:
    from tests.review.lint.found import PAY

    return PAY
