"""One recorded run under another registry: which of its calls would have been decided otherwise.

Nothing is run again: what the agent would have done after a call that is decided otherwise is not known; fork the run
to see. What was decided then is read from the trace, so the registry of that time need not be there any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from harness.assertion.interface import Checker
from harness.registry.registry import Registry
from harness.review.backtest import Decide
from harness.trace.event import Event


class Redecided(NamedTuple):
    """A call that is decided otherwise: event, step, tool, both decisions, the rules that speak against it now."""

    seq: int
    step: int
    tool: str
    before: str
    after: str
    rules: tuple[str, ...]


def redecided(events: Iterable[Event], run: Mapping[str, Any], registry: Registry, decide: Decide) -> list[Redecided]:
    """Give the calls of a trace on which another registry decides otherwise than was decided then, in order.

    ``decide`` turns a judgement into what is done. O(judging the trace once).
    """
    listed = list(events)
    then = {event.body["action"]: event.body["decision"] for event in reversed(listed) if event.kind == "decision"}
    checker = Checker(registry, run)
    found: list[Redecided] = []
    step = -1
    for event in listed:
        judgement = checker.judge(event)
        if event.kind == "action":
            step += 1
            surface, tool = event.body["surface"], event.body["tool"]
            before = then.get(event.seq, "allow")
            after = decide(judgement, registry, registry.program.spec(surface, tool))
            if before != after:
                against = tuple(dict.fromkeys(verdict.rule for verdict in judgement.verdicts))
                found.append(Redecided(event.seq, step, tool, before, after, against))
    return found
