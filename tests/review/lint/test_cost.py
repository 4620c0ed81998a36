"""What questions cost, and what keeps them from being indexed."""

from __future__ import annotations

import pytest

from harness.registry.tree import Fold, walk
from tests.review.lint.found import findings, ids, pointed, rule
from tests.review.registries import registry


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("count(action, call.args.to != now.call.args.to) < 3", "call.args.to != now.call.args.to"),
        ("happened(action, call.args.cents > now.call.args.cents and failed)", "call.args.cents > now.call.args.cents"),
        ("happened(message, text.contains(now.call.args.to))", "text.contains(now.call.args.to)"),
        (
            "count(action, since=last(result, call.args.cents == now.call.args.cents)) < 3",
            "last(result, call.args.cents == now.call.args.cents)",
        ),
    ],
)
def test_what_keeps_a_question_from_an_index(question: str, part: str) -> None:
    """The conjunct is pointed at, and the cure says how to write it."""
    (told,) = findings("unbounded-cost", rule("A", question), "")
    assert (told.level, pointed(told)) == ("warning", part)
    assert "within=" in told.mistake.cure


@pytest.mark.parametrize(
    "question",
    [
        "count(action, call.args.to == now.call.args.to) < 3",
        "count(action, call.args.to != now.call.args.to, within=9) < 3",
        'happened(message, role == "user")',
        "count(action, since=last(message)) < 3",
    ],
)
def test_what_is_bounded(question: str) -> None:
    """Joins by equality, windows, filters: no warning."""
    assert ids("unbounded-cost", rule("A", question), head="") == []


def test_memory_that_grows_with_keys_is_a_note() -> None:
    """A join keeps an event for each key; a question without one does not; each question once."""
    joined = "count(action, call.args.to == now.call.args.to)"
    (told,) = findings(
        "growing-memory", rule("A", f"{joined} < 3 and {joined} != 2") + rule("B", "count(action) < 3"), ""
    )
    assert (told.rule, told.level, pointed(told)) == ("A", "note", joined)
    assert "call.args.to" in told.mistake.message


def test_agreement_with_the_plans() -> None:
    """A finding is there exactly for the questions whose plan says history."""
    rules = [rule("A", "count(action, call.args.a < now.call.args.a) < 3"), rule("B", "count(action) < 3")]
    loaded = registry("".join(rules))
    plans = loaded.program.plans
    for one in loaded.program.rules:
        costs = [plans[node.index].cost for tree in one.trees() for node in walk(tree) if isinstance(node, Fold)]
        assert (one.id in ids("unbounded-cost", *rules, head="")) == ("history" in costs)


def test_a_question_in_what_a_rule_says() -> None:
    """Holes are looked into, at their own place in the text."""
    rules = "- {id: A, on: action, require: step < 9, says: 'So: {count(action, call.id != now.call.id)}'}\n"
    (told,) = findings("unbounded-cost", rules, "")
    assert pointed(told) == "call.id != now.call.id"
