"""What a rule says of its examples."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.adapters.registries import load_registry
from harness.errors import RegistryError
from harness.registry.registry import Registry
from harness.review.stories import SILENT, alone, answer, events_of, examples_of
from harness.review.trial import try_registry
from tests.review.registries import SHIPPED, registry


def rule(on: str, require: str, holds: str = "[]", violated: str = "[]") -> Registry:
    """Load a rule with examples; one that waits speaks of pay only."""
    tool = "\n  tool: pay" if "must_follow" in require else ""
    return registry(
        f"- id: A\n  on: {on}{tool}\n  require: {require}\n  examples:\n    holds: {holds}\n    violated: {violated}\n"
    )


def test_a_story_becomes_events() -> None:
    """Messages, calls, outcomes and calls that are still open."""
    story = ({"user": "hi"}, {"pay": {"a": 1}, "result": 5}, {"look": None, "failed": "gone"}, {"pay": {"a": 2}})
    assert [(event.kind, event.seq) for event in events_of(story)] == [
        ("message", 0),
        ("action", 1),
        ("observation", 2),
        ("action", 3),
        ("observation", 4),
        ("action", 5),
    ]


def test_a_story_has_times_agents_outcomes_and_models() -> None:
    """A line happens when it says, else just after the one before; a model's answer has the usage a budget reads."""
    story = (
        {"user": "hi", "agent": "bob"},
        {"pay": {"a": 1}, "unknown": "lost", "at": "5 s"},
        {"model": "m", "usage": {"total_tokens": 7}},
    )
    said, pay, lost, asked, told = events_of(story)
    assert [event.at for event in (said, pay, lost, asked, told)] == [0, 5 * 10**9, *(5 * 10**9 + n for n in (1, 2, 3))]
    assert (said.agent, pay.agent, lost.body) == ("bob", "main", {"action": 1, "unknown": {"reason": "lost"}})
    assert (asked.body["surface"], asked.body["args"]["options"]) == ("model", {"model": "m"})
    assert told.body["ok"]["body"]["usage"] == {"total_tokens": 7}


def test_budgets_read_what_a_story_says() -> None:
    """The tokens of a model's answers, the time, who calls: as in a recorded run."""
    tokens = 'total(result, result.body.usage.total_tokens, call.surface == "model" and agent == "bob") < 9'
    ask, pay = "{model: m, agent: %s, usage: {total_tokens: 9}}", "{pay: }"
    few, many = (f"[[{ask % name}, {pay}]]" for name in ("ann", "bob"))
    assert try_registry(rule("action", f"'{tokens}'", few, many)).failures == ()
    late = ("[[{pay: }, {pay: , at: 9 s}]]", "[[{pay: }, {pay: , at: 10 s}]]")
    assert try_registry(rule("action", "elapsed_s < 10", *late)).failures == ()


def test_rules_made_of_agents_lack_no_examples() -> None:
    """Nobody writes them; they are counted apart."""
    agents = "agents: {clerk: {may: [pay], budget: {calls: 5}}}\n"
    tried = try_registry(registry(f"- {{id: A, on: action, require: call.args.a, examples: {BOTH}}}\n", agents))
    assert (tried.never_hold, tried.never_violated, tried.derived, tried.examples) == ((), (), 2, 2)


BOTH = "{holds: [[{pay: {a: true}}]], violated: [[{pay: {a: false}}]]}"


@pytest.mark.parametrize(
    ("on", "require", "holds", "violated"),
    [
        ("action", "call.args.a < 5", "[[{pay: {a: 1}}]]", "[[{pay: {a: 1}}, {pay: {a: 9}, result: 1}]]"),
        ("result", "result < 5", "[[{pay: {}, result: 1}]]", "[[{pay: {}, result: 9}]]"),
        ("message", "message.text == 'a'", "[[{user: a}]]", "[[{user: a}, {assistant: b}]]"),
        (
            "action",
            "must_follow(action, call.tool == 'undo', within=1)",
            "[[{pay: {}, result: 1}, {undo: }]]",
            "[[{pay: {}}, {look: }, {undo: }], [{pay: {}}, {user: hi}]]",
        ),
        ("end", "happened(result)", "[[{pay: {}, result: 1}, {user: a}]]", "[[{pay: {}, failed: x}]]"),
    ],
)
def test_examples_are_judged_at_their_last_line(on: str, require: str, holds: str, violated: str) -> None:
    """On every occasion, the good stories hold and the bad ones are violated."""
    assert try_registry(rule(on, require, holds, violated)).failures == ()


def test_an_example_that_shows_something_else_is_reported_at_its_place() -> None:
    """Expected and found, with file and line; a rule that does not speak of the last line shows nothing."""
    failed = try_registry(
        rule("action", "call.args.a < 5", "[[{pay: {a: 9}}, {pay: {}}], [{user: hi}]]", "[[{pay: {a: 1}}]]")
    ).failures
    assert [(one.example.expected, one.found, one.example.at.place) for one in failed] == [
        ("holds", "unknown", "r.yaml:9"),
        ("holds", "the rule did not speak", "r.yaml:9"),
        ("violated", "holds", "r.yaml:10"),
    ]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_rule_shows_what_it_forbids(path: Path) -> None:
    """The shipped registries load, their examples pass, and each rule cites a source and has both kinds of example."""
    shipped = load_registry(path)
    assert try_registry(shipped).failures == ()
    for one in shipped.invariants:
        assert one.source, one.id
        assert one.examples.holds, one.id
        assert one.examples.violated, one.id


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


def test_an_assistant_may_ask_for_calls() -> None:
    """What it asks for is in the message's tool calls, as a model's own message has them."""
    asked = "{assistant: well, asks: [{pay: {a: 1}}, {look: }]}"
    require = "message.tool_calls[0].args.a < 5 and message.tool_calls[1].tool == 'look' and message.text == 'well'"
    assert try_registry(rule("message", require, f"[[{asked}]]", f"[[{asked.replace('1', '9')}]]")).failures == ()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{user: hi, asks: [{pay: {}}]}", "user: expected the text of a message and nothing else"),
        ("{pay: {}, asks: [{pay: {}}]}", "only an assistant asks for calls"),
        ("{assistant: hi, asks: {pay: {}}}", "asks: expected a list of calls"),
        ("{assistant: hi, asks: [{pay: {}, look: {}}]}", "asks: expected a list of calls"),
        ("{assistant: hi, asks: [{pay: 5}]}", "pay: expected the arguments of a call, an object"),
        ("{assistant: hi, result: 5}", "assistant: expected the text of a message and nothing else"),
    ],
)
def test_a_line_that_asks_in_another_way_is_a_mistake(line: str, says: str) -> None:
    """Who may ask, and how it is written, is told with the place."""
    with pytest.raises(RegistryError, match=says):
        rule("message", "message.text != ''", f"[[{line}]]")
