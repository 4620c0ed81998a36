"""The examples that stand beside a rule, and what the rule says of them, line by line.

An example is a short story, one line for each step; the rule is judged at the last one::

    - [{user: yes please}, {get_order: {order_id: W-1}, result: {total: 5}}, {refund: {order_id: W-1, amount: 5}}]

A line is a chat message (``user``, ``assistant`` or ``system``) or a call of a tool with its arguments, and what came
of it as ``result``, ``failed``, ``unknown`` with the reason, or ``refused`` with the rule that blocked it. A call
without an outcome is still open. An assistant may ask for calls: ``{assistant: text, asks: [{refund: {order_id:
W-1}}]}``. A model is called by ``{model: NAME, usage: {total_tokens: 5}}``. What a route does is told as in a trace:
``{route: {does: retry, goal: paid, after: 2}}``; the events of a story are counted from 0, a call with its outcome
being two, and a call may say which call of a goal it ``serves``. What an agent makes is ``{artifact: {NAME: value}}``.
A surface is told of as adapters do it: ``{surface: {kind: network, name: FUNCTION, status: observed}}``. Any line may
say which ``agent`` it is of, and ``at`` what time since the start it happens; else it is a nanosecond after what was
before. What a rule requires to follow is judged when the story ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final, Literal, NamedTuple

from harness.assertion.interface import Checker
from harness.registry.document import Written
from harness.registry.invariant import Expression, Invariant, Story
from harness.registry.registry import Registry
from harness.registry.story import (
    AGENT,
    ARTIFACT,
    ASKS,
    MODEL,
    REFUSED,
    ROLES,
    ROUTE,
    SERVES,
    SURFACE,
    moment_ns,
    subject,
)
from harness.registry.tree import Fold
from harness.trace.covered import SURFACES
from harness.trace.event import Event, Kind
from harness.trace.verdict import Judgement, Verdict

SILENT: Final = "the rule did not speak"

_CHAT: Final = "openai:chat/completions"  # a call of a model as it is recorded


class Example(NamedTuple):
    """A story of a rule: what it is meant to show, where it is written, its events, the first of its last line."""

    expected: Literal["holds", "violated"]
    at: Written
    events: tuple[Event, ...]
    last: int


class Answer(NamedTuple):
    """What a rule says of a story.

    ``found`` is its truth at the last line, or ``SILENT``; ``verdict`` what it rests on where it does not hold;
    ``before`` the events of earlier lines for which the rule did not hold, and their truths.
    """

    found: str
    verdict: Verdict | None
    before: tuple[tuple[int, str], ...]


def examples_of(rule: Invariant) -> Iterator[Example]:
    """Yield a rule's examples, those that hold first."""
    kinds: tuple[Literal["holds", "violated"], ...] = ("holds", "violated")
    for kind in kinds:
        for number, story in enumerate(getattr(rule.examples, kind)):
            last = sum(1 for _ in events_of(story[:-1]))
            yield Example(kind, rule.at.find(["examples", kind, number]), tuple(events_of(story)), last)


def alone(rule: Invariant, registry: Registry) -> Registry:
    """Give a registry with one rule only, and the tools and parameters of another."""
    return replace(registry, invariants=(rule,))


def on_stage(registry: Registry) -> Registry:
    """Give a registry of one rule with the tools and parameters that the rule's examples were written for."""
    (rule,) = registry.invariants
    if rule.stage is None:
        return registry
    return replace(registry, tools=dict(rule.stage.tools), parameters=dict(rule.stage.parameters))


def answer(example: Example, registry: Registry) -> Answer:
    """Judge a story by a registry of one rule, see ``on_stage``. O(events).

    What is said at the end of the run goes before all else.
    """
    (rule,) = registry.invariants
    checker = Checker(registry)
    found, deciding = SILENT, None
    before: list[tuple[int, str]] = []
    waiting = _waits(rule)
    for event in example.events:
        judgement = checker.judge(event)
        verdict = _verdict(rule, judgement)
        if event.seq < example.last:
            before += [(event.seq, verdict.truth)] if verdict else []
        spoke = verdict is not None or rule.id in judgement.rules
        if spoke and (event.seq >= example.last or waiting) and not (waiting and deciding):
            found, deciding = (verdict.truth if verdict else "holds"), verdict
    end = checker.finish()
    verdict = _verdict(rule, end)
    if verdict or rule.id in end.rules:
        found, deciding = (verdict.truth if verdict else "holds"), verdict
    return Answer(found, deciding, tuple(before))


def _waits(rule: Invariant) -> bool:
    """Tell whether a rule speaks of the future of a step, so that no line of a story is the one to judge."""
    require = rule.require
    return isinstance(require, Expression) and isinstance(require.tree, Fold) and require.tree.verb == "must_follow"


def events_of(story: Story) -> Iterator[Event]:
    """Yield the events of a story."""
    seq, at = 0, 0
    for line in story:
        said = subject(line)
        at = max(at, moment_ns(line) or 0)
        bodies = _bodies(said, line, seq)
        for kind, body in bodies.items():
            yield Event(seq, kind, line.get(AGENT, "main"), "0", (), at, body)
            seq, at = seq + 1, at + 1


def _bodies(said: str, line: dict[str, Any], seq: int) -> dict[Kind, dict[str, Any]]:
    if said == ROUTE:
        return {"route": line[ROUTE]}
    if said == ARTIFACT:
        ((name, value),) = line[ARTIFACT].items()
        return {"note": {"artifact": name, "data": value}}
    if said == SURFACE:
        return {"read": {"reads": [[f"{SURFACES}@story", [line[SURFACE]]]]}}
    return _message(said, line) if said in ROLES else _call(said, line, seq)


def _message(said: str, line: dict[str, Any]) -> dict[Kind, dict[str, Any]]:
    asked = {"tool_calls": list(map(_asked, line[ASKS]))} if ASKS in line else {}
    return {"message": {"message": {"role": said, "content": line[said], **asked}}}


def _call(said: str, line: dict[str, Any], seq: int) -> dict[Kind, dict[str, Any]]:
    """Give the action and, unless the call is still open, the observation, or the decision that blocked it."""
    action = {"surface": "tool", "tool": said, "args": line[said] or {}, "rules": ()}
    if SERVES in line:
        action[SERVES] = line[SERVES]
    if said == MODEL:
        args = {"messages": [], "options": {"model": line[MODEL]}}
        action = {"surface": "model", "tool": _CHAT, "args": args, "rules": ()}
    if REFUSED in line:
        return {"action": action, "decision": _blocked(seq, line[REFUSED])}
    outcome = _outcome(line)
    return {"action": action} | ({"observation": {"action": seq, **outcome}} if outcome else {})


def _blocked(action: int, rule: str) -> dict[str, Any]:
    return {"action": action, "decision": "block", "rule": rule, "reason": "blocked"}


def _asked(call: dict[str, Any]) -> dict[str, Any]:
    ((tool, args),) = call.items()
    return {"type": "function", "function": {"name": tool, "arguments": args or {}}}


def _outcome(line: dict[str, Any]) -> dict[str, Any]:
    if "result" in line:
        return {"ok": line["result"]}
    if "failed" in line:
        return {"failed": {"error": {"type": "ToolError", "message": str(line["failed"])}, "retryable": False}}
    if "unknown" in line:
        return {"unknown": {"reason": line["unknown"]}}
    if "usage" in line:
        return {"ok": {"body": {"model": line[MODEL], "choices": [], "usage": line["usage"]}}}
    return {}


def _verdict(rule: Invariant, judgement: Judgement) -> Verdict | None:
    return next((verdict for verdict in judgement.verdicts if verdict.rule == rule.id), None)
