"""What a rule says of the examples that stand beside it, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, Literal, NamedTuple

from harness.assertion.examples import events_of
from harness.assertion.interface import Checker
from harness.registry.document import Written
from harness.registry.invariant import Invariant
from harness.registry.registry import Registry
from harness.trace.event import Event
from harness.trace.verdict import Judgement, Verdict

SILENT: Final = "the rule did not speak"


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


def answer(example: Example, registry: Registry) -> Answer:
    """Judge a story by a registry of one rule; what is said at the end of the run goes before all else. O(events)."""
    (rule,) = registry.invariants
    checker = Checker(registry)
    found, deciding = SILENT, None
    before: list[tuple[int, str]] = []
    for event in example.events:
        judgement = checker.judge(event)
        verdict = _verdict(rule, judgement)
        if event.seq < example.last:
            before += [(event.seq, verdict.truth)] if verdict else []
        elif rule.id in judgement.rules:
            found, deciding = verdict.truth if verdict else "holds", verdict
    end = checker.finish()
    if rule.id in end.rules:
        deciding = _verdict(rule, end)
        found = deciding.truth if deciding else "holds"
    return Answer(found, deciding, tuple(before))


def _verdict(rule: Invariant, judgement: Judgement) -> Verdict | None:
    return next((verdict for verdict in judgement.verdicts if verdict.rule == rule.id), None)
