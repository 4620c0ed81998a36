"""The examples that stand beside the rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.assertion.examples import events_of, try_examples
from harness.registry.load import load
from harness.registry.registry import Registry

SHIPPED = sorted((Path(__file__).parents[2] / "registries").glob("**/*.yaml"))


def registry(on: str, require: str, holds: str = "[]", violated: str = "[]") -> Registry:
    """Load a rule with examples."""
    return load(
        f"registry: r\nversion: 1\ndefault: allow\ninvariants:\n- id: A\n  on: {on}\n  require: {require}\n"
        f"  examples:\n    holds: {holds}\n    violated: {violated}\n",
        "r.yaml",
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


@pytest.mark.parametrize(
    ("on", "require", "holds", "violated"),
    [
        ("action", "call.args.a < 5", "[[{pay: {a: 1}}]]", "[[{pay: {a: 1}}, {pay: {a: 9}, result: 1}]]"),
        ("result", "result < 5", "[[{pay: {}, result: 1}]]", "[[{pay: {}, result: 9}]]"),
        ("message", "message.text == 'a'", "[[{user: a}]]", "[[{user: a}, {assistant: b}]]"),
        ("end", "happened(result)", "[[{pay: {}, result: 1}, {user: a}]]", "[[{pay: {}, failed: x}]]"),
    ],
)
def test_examples_are_judged_at_their_last_line(on: str, require: str, holds: str, violated: str) -> None:
    """On every occasion, the good stories hold and the bad ones are violated."""
    assert try_examples(registry(on, require, holds, violated)) == []


def test_an_example_that_shows_something_else_is_reported_at_its_place() -> None:
    """Expected and found, with file and line; a rule that does not speak of the last line shows nothing."""
    failed = try_examples(
        registry("action", "call.args.a < 5", "[[{pay: {a: 9}}, {pay: {}}], [{user: hi}]]", "[[{pay: {a: 1}}]]")
    )
    assert [(one.expected, one.found, one.place) for one in failed] == [
        ("holds", "unknown", "r.yaml:9"),
        ("holds", "the rule did not speak", "r.yaml:9"),
        ("violated", "holds", "r.yaml:10"),
    ]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_rule_shows_what_it_forbids(path: Path) -> None:
    """The shipped registries load, their examples pass, and each rule cites a source and has both kinds of example."""
    shipped = load(path.read_text("utf-8"), str(path))
    assert try_examples(shipped) == []
    for rule in shipped.invariants:
        assert rule.source, rule.id
        assert rule.examples.holds, rule.id
        assert rule.examples.violated, rule.id
