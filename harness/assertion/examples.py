"""Try the examples that stand beside the rules of a registry.

An example is a short story, one line for each step; the rule is judged at the last one::

    - [{user: yes please}, {get_order: {order_id: W-1}, result: {total: 5}}, {refund: {order_id: W-1, amount: 5}}]

A line is a chat message (``user``, ``assistant`` or ``system``) or a call of a tool with its arguments, and what came
of it as ``result`` or ``failed``. A call without an outcome is still open.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from harness.assertion.interface import Checker
from harness.registry.invariant import Invariant, Story
from harness.registry.registry import Registry
from harness.trace.event import Event
from harness.trace.verdict import Judgement

_ROLES = ("system", "user", "assistant")


class FailedExample(NamedTuple):
    """An example that does not show what it says: the rule, its place in the file, expected and found."""

    rule: str
    place: str
    expected: str
    found: str


def try_examples(registry: Registry) -> list[FailedExample]:
    """Judge every example; give those that failed. A rule that did not speak of an example's last line failed it."""
    return [failed for rule in registry.invariants for failed in _try(rule, registry)]


def events_of(story: Story) -> Iterator[Event]:
    """Yield the events of a story."""
    seq = 0
    for line in story:
        said = next(key for key in line if key not in ("result", "failed"))
        if said in _ROLES:
            yield _event(seq, "message", {"message": {"role": said, "content": line[said]}})
        else:
            action = {"surface": "tool", "tool": said, "args": line[said] or {}, "rules": ()}
            yield _event(seq, "action", action)
            if outcome := _outcome(line):
                seq += 1
                yield _event(seq, "observation", {"action": seq - 1, **outcome})
        seq += 1


def _outcome(line: dict[str, Any]) -> dict[str, Any]:
    if "result" in line:
        return {"ok": line["result"]}
    if "failed" in line:
        return {"failed": {"error": {"type": "ToolError", "message": str(line["failed"])}, "retryable": False}}
    return {}


def _event(seq: int, kind: Any, body: dict[str, Any]) -> Event:
    return Event(seq, kind, "main", "0", (), seq, body)


def _try(rule: Invariant, registry: Registry) -> Iterator[FailedExample]:
    for expected, stories in (("holds", rule.examples.holds), ("violated", rule.examples.violated)):
        for number, story in enumerate(stories):
            found = _truth_at_end(rule, story, registry)
            if found != expected:
                place = rule.at.find(["examples", expected, number])
                yield FailedExample(rule.id, f"{place.source.file}:{place.line + 1}", expected, found)


def _truth_at_end(rule: Invariant, story: Story, registry: Registry) -> str:
    """Give what a rule says at the last event of its occasion in the story's last line."""
    checker = Checker(registry)
    events = list(events_of(story))
    lasting = len(list(events_of(story[:-1])))
    found = "the rule did not speak"
    for event in events:
        judgement = checker.judge(event)
        if event.seq >= lasting:
            found = _truth(rule, judgement) or found
    return (_truth(rule, checker.finish()) or found) if rule.on == "end" else found


def _truth(rule: Invariant, judgement: Judgement) -> str:
    if rule.id not in judgement.rules:
        return ""
    return next((verdict.truth for verdict in judgement.verdicts if verdict.rule == rule.id), "holds")
