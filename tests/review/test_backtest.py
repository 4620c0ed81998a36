"""What a new version changes on stored traces."""

from __future__ import annotations

from typing import Any

from harness.mediation.decision import decide
from harness.registry.registry import Registry
from harness.review.backtest import ALL_RULES, Compared, compare, rows
from harness.tool import ToolSpec
from harness.trace.verdict import Judgement
from tests.review.registries import events, registry

RULE = "- {id: %s, on: %s, require: '%s', otherwise: %s}\n"


def decided(judgement: Judgement, rules: Registry, spec: ToolSpec) -> str:
    """Decide as the door does."""
    return decide(judgement, rules, spec, "enforce").decision


def compared(old: str, new: str, *lines: dict[str, Any], trace: str = "t") -> Compared:
    """Compare two versions on one run."""
    return compare(trace, events(*lines), {}, registry(old), registry(new), decided)


def test_a_lower_limit_blocks_what_was_allowed() -> None:
    """Per rule and for the step itself, with the event, the step, and both answers."""
    old, new = (RULE % ("A", "action", f"call.args.a < {limit}", "block") for limit in (9, 5))
    one = compared(old, new, {"user": "hi"}, {"pay": {"a": 3}}, {"pay": {"a": 7}, "result": 1}, {"pay": {"a": 10}})
    assert [(flip.turn, flip.rule, flip.seq, flip.step, flip.before, flip.after) for flip in one.flips] == [
        ("newly blocked", ALL_RULES, 2, 1, "allow", "block"),
        ("newly blocked", "A", 2, 1, "holds or silent", "violated, block"),
    ]
    assert one.blocked == (True, True)  # the last call was blocked all along
    back = compared(new, old, {"pay": {"a": 7}})
    assert {flip.turn for flip in back.flips} == {"newly allowed"}
    assert back.blocked == (True, False)


def test_other_changes_are_told_as_such() -> None:
    """Escalate instead of block, a warning, a message, the end of a run, and a result whose call is the step."""
    one = compared(RULE % ("A", "action", "False", "escalate"), RULE % ("A", "action", "False", "warn"), {"pay": {}})
    assert [(flip.turn, flip.rule, flip.before, flip.after) for flip in one.flips] == [
        ("changed", ALL_RULES, "escalate", "allow"),
        ("changed", "A", "violated, escalate", "violated, warn"),
    ]
    asked = compared(RULE % ("A", "action", "False", "block"), RULE % ("A", "action", "False", "escalate"), {"pay": {}})
    assert [(flip.turn, flip.after) for flip in asked.flips] == [
        ("changed", "escalate"),
        ("changed", "violated, escalate"),
    ]
    said = compared(RULE % ("A", "message", "True", "block"), RULE % ("A", "message", "False", "warn"), {"user": "x"})
    assert [(flip.turn, flip.rule, flip.seq, flip.step) for flip in said.flips] == [("changed", "A", 0, -1)]
    end = compared(RULE % ("A", "end", "True", "warn"), RULE % ("A", "end", "False", "warn"), {"pay": {}})
    assert [(flip.seq, flip.step) for flip in end.flips] == [(-1, 0)]
    result = compared(
        *(RULE % ("A", "result", f"result != {value}", "block") for value in (0, 1)),
        {"pay": {}},
        {"pay": {}, "result": 1},
    )
    assert [(flip.turn, flip.rule, flip.seq, flip.step) for flip in result.flips] == [
        ("newly blocked", ALL_RULES, 2, 1),
        ("newly blocked", "A", 2, 1),
    ]


def test_what_cannot_be_decided_blocks_as_the_registry_says() -> None:
    """An unknown verdict on a write blocks by default; the same rule for a read does not."""
    rule = RULE % ("A", "action", "call.args.a > 0", "block")
    one = compare(
        "t", events({"pay": {}}, {"look": {}}), {}, registry(rule, "unknown: allow\n"), registry(rule), decided
    )
    tools = "tools: {look: {effect: read}, pay: {effect: write}}\n"
    assert [(flip.rule, flip.seq) for flip in one.flips] == [(ALL_RULES, 0), ("A", 0), (ALL_RULES, 1), ("A", 1)]
    two = compare(
        "t",
        events({"pay": {}}, {"look": {}}),
        {},
        registry(rule, f"unknown: allow\n{tools}"),
        registry(rule, tools),
        decided,
    )
    assert [(flip.rule, flip.seq) for flip in two.flips] == [(ALL_RULES, 0), ("A", 0)]


def test_rows_count_events_and_traces() -> None:
    """All rules first; shares and intervals are of traces; the first event stands for the rest."""
    old, new = (RULE % ("A", "action", f"call.args.a < {limit}", "block") for limit in (9, 5))
    many = [
        compared(old, new, {"pay": {"a": 7}}, {"pay": {"a": 8}}, trace="one"),
        compared(old, new, {"pay": {"a": 1}}, trace="two"),
        compared(old, new, {"pay": {"a": 7}}, trace="three"),
    ]
    told = [(row.rule, row.turn, row.events, row.traces.k, row.traces.n, row.first.trace) for row in rows(many)]
    assert told == [
        (ALL_RULES, "newly blocked", 3, 2, 3, "one"),
        ("A", "newly blocked", 3, 2, 3, "one"),
    ]
    assert rows([compared(old, old, {"pay": {"a": 7}})]) == []
