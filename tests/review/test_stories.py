"""What a rule says of its examples."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.adapters.registries import load_registry
from harness.assertion.examples import try_examples
from harness.registry.load import load
from harness.registry.publish import publish
from harness.review.stories import SILENT, alone, answer, examples_of
from harness.review.trial import try_registry
from tests.review.registries import SHIPPED, registry


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_each_rule_by_itself_says_what_all_together_say(path: Path) -> None:
    """Against ``try_examples``, which judges by the whole registry: right examples, and the same ones turned round."""
    shipped = load_registry(path)
    assert [failure.found for failure in try_registry(shipped).failures] == [one.found for one in try_examples(shipped)]
    kinds = {"    holds:\n": "    violated:\n", "    violated:\n": "    holds:\n"}
    lines = publish(shipped).splitlines(keepends=True)
    wrong = load("".join(kinds.get(line, line) for line in lines), str(path))
    found = [(one.rule.id, one.example.expected, one.found) for one in try_registry(wrong).failures]
    assert found == [(one.rule, one.expected, one.found) for one in try_examples(wrong)]
    assert len(found) == sum(len(rule.examples.holds + rule.examples.violated) for rule in shipped.invariants)


def test_the_last_line_and_the_earlier_ones_are_told_apart() -> None:
    """``found`` is of the last line, ``before`` of the others, as far as the rule did not hold there."""
    rules = registry(
        "- id: A\n  on: action\n  tool: pay\n  require: call.args.a < 5\n  examples:\n    holds:\n"
        "    - [{pay: {a: 9}}, {pay: {}, result: 1}, {pay: {a: 1}}]\n    - [{pay: {a: 1}}, {user: hi}]\n"
    )
    (rule,) = rules.invariants
    told = [answer(example, alone(rule, rules)) for example in examples_of(rule)]
    assert told[0] == ("holds", None, ((0, "violated"), (1, "unknown")))
    assert told[1] == (SILENT, None, ())


def test_a_trial_tells_what_failed_and_what_is_missing() -> None:
    """The place of the example, the verdict with its values; the rules that lack a kind of example."""
    tried = try_registry(
        registry(
            "- id: A\n  on: action\n  require: call.args.a < 5\n  examples:\n    holds:\n    - [{pay: {a: 1}}]\n"
            "    - [{pay: {a: 9}}]\n- {id: B, on: action, require: 'True'}\n"
            "- {id: C, on: end, require: step == 1, examples: {violated: [[{pay: }, {pay: }]]}}\n"
        )
    )
    (failure,) = tried.failures
    assert (failure.rule.id, failure.example.at.place, failure.found) == ("A", "r.yaml:11", "violated")
    assert failure.verdict is not None
    assert failure.verdict.values["call.args.a"] == 9
    assert [rule.id for rule in tried.never_hold] == ["B", "C"]
    assert [rule.id for rule in tried.never_violated] == ["A", "B"]
    assert tried.examples == 3
