"""Schedules and runs in words."""

from __future__ import annotations

import pytest

from harness.faults.plan import KINDS
from harness.stress.schedule import Schedule, schedule_of
from harness.stress.seen import Made, Seen, Struck, Violated
from harness.stress.words import in_words, story


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            {"inject": [{"fault": "commit_then_timeout", "tool": "pay", "nth": 2}]},
            "2nd call of pay: it happens, and no answer comes (commit_then_timeout)",
        ),
        (
            {"inject": [{"fault": "delay", "tool": ["a", "b"], "nth": [1, 3, 11], "strength": {"delay_ms": 5}}]},
            "1st, 3rd and 11th calls of a and b: it happens, and the answer comes late (delay, delay_ms 5)",
        ),
        (
            {"inject": [{"fault": "stale", "agent": "desk", "when": "call.args.x > 1", "chance": 0.25}]},
            "every call by desk where call.args.x > 1, by chance in 25% of them: an earlier result comes again (stale)",
        ),
        ({"turns": [[2, 1]]}, "at the 3rd place where several could, the 2nd of those that could go on does"),
        ({"changes": [["/name", "Zoë"], ["", {}]]}, 'the input /name is "Zoë"'),
    ],
)
def test_an_element_is_one_line(said: dict[str, object], words: str) -> None:
    """It says which calls, what happens to them, and by which kind of fault."""
    assert in_words(schedule_of(said))[0] == words


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_words(kind: str) -> None:
    """None is left out."""
    assert in_words(schedule_of({"inject": [{"fault": kind}]}))[0].endswith(f"({kind})")


def test_nothing_has_no_lines() -> None:
    """An empty schedule does nothing."""
    assert in_words(Schedule()) == []


def test_a_run_is_told() -> None:
    """Calls, what struck them, what was violated, and the end."""
    calls = (
        Made(1, "tool", "pay", "main", 1, {"cents": 5}, "unknown"),
        Made(4, "tool", "pay", "main", 2, {"cents": 5}, "ok", "paid"),
        Made(6, "model", "openai:chat/completions", "main", 1, {"messages": ["long"]}, "ok", {"chunks": []}),
    )
    seen = Seen(
        calls, (Violated("ONCE", "high", 1, "Pay once."),), (Struck("f", "drop", 1, True),), "returned", "x" * 200
    )
    assert story(seen) == [
        "0  pay(cents=5) → unknown   struck by drop",
        '1  pay(cents=5) → ok "paid"',
        "2  openai:chat/completions → ok",
        "ONCE is violated at step 1: Pay once.",
        f'the agent returned "{"x" * 99}…',
    ]
    assert story(Seen((), (), (), "raised ValueError", None)) == ["the agent raised ValueError"]
