"""What failures of different agents have in common, by which a few of them stand for all (arXiv 2603.18096).

A signature is how grave the violated rule is, what kind of action it is about and the risk of that, and what was done
to the run. Rules and tools are left out: each agent has its own.
"""

from __future__ import annotations

from typing import Final

from harness.door.trial import Trial
from harness.registry.registry import Registry
from harness.review.account import risk
from harness.stress.schedule import Schedule
from harness.stress.seen import Seen, Violated

Signature = tuple[str, str, str, str]
"""Severity, surface of the action (``end`` for none), its risk, and a kind of fault, ``turn`` or ``change``."""

_END: Final = ("end", "")


def signatures(trial: Trial, registry: Registry) -> list[Signature]:
    """Give the signatures of a run: one for each rule that it violates and each thing that is done to it, sorted."""
    seen = trial.seen
    violated = {one.rule: one for one in reversed(seen.violated)}  # of each rule the first
    said = [(one.severity, *_action(one, seen, registry)) for one in violated.values()]
    return sorted({(*one, operator) for one in said for operator in _operators(trial.schedule)})


def _action(violated: Violated, seen: Seen, registry: Registry) -> tuple[str, str]:
    if violated.step < 0:
        return _END
    call = seen.calls[violated.step]
    return call.surface, risk(registry.program.spec(call.surface, call.tool))


def _operators(schedule: Schedule) -> set[str]:
    turned, changed = {"turn"} if schedule.turns else set(), {"change"} if schedule.changes else set()
    return {fault.kind for fault in schedule.faults} | turned | changed
