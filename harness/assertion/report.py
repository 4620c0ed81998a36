"""Judge a whole run at once, offline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from harness.assertion.interface import Checker
from harness.registry.registry import Registry
from harness.trace.event import Event
from harness.trace.verdict import Truth, Verdict, worst


class Tally(NamedTuple):
    """How often a rule spoke, and how often it was violated or unknown."""

    fired: int = 0
    violated: int = 0
    unknown: int = 0


class Finding(NamedTuple):
    """A verdict that is not ``holds``, and where: event ``seq``, n-th action ``step`` (-1 before any), ``agent``."""

    seq: int
    step: int
    agent: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Report:
    """All that a registry says of one run; ``findings`` in the order of the events."""

    verdict: Truth
    rules: dict[str, Tally]
    findings: tuple[Finding, ...]

    @property
    def first(self) -> Finding | None:
        """The first violation."""
        return next((finding for finding in self.findings if finding.verdict.truth == "violated"), None)


def check(events: Iterable[Event], registry: Registry, run: Mapping[str, Any] | None = None) -> Report:
    """Judge the events of one run as the door would have.

    ``run`` is the trace's header.run. Verdicts recorded in the trace are not looked at. Reads the events once and keeps
    of them what the rules ask about, and the findings.
    """
    checker = Checker(registry, run)
    spoken: Counter[str] = Counter()
    findings: list[Finding] = []
    step_of: dict[int, int] = {}
    seq, step = -1, -1
    for event in events:
        seq = event.seq
        if event.kind == "action":
            step = step_of[seq] = step + 1
        here = step_of.pop(event.body["action"], step) if event.kind == "observation" else step
        judgement = checker.judge(event)
        spoken.update(judgement.rules)
        findings += (Finding(seq, here, event.agent, verdict) for verdict in judgement.verdicts)
    end = checker.finish()
    spoken.update(end.rules)
    findings += (Finding(seq, step, "", verdict) for verdict in end.verdicts)
    return _report(registry, spoken, findings)


def _report(registry: Registry, spoken: Counter[str], findings: list[Finding]) -> Report:
    found = Counter((finding.verdict.rule, finding.verdict.truth) for finding in findings)
    ids = [rule.id for rule in registry.invariants]
    ids += [rule for rule in spoken if rule not in ids]
    tallies = {rule: Tally(spoken[rule], found[rule, "violated"], found[rule, "unknown"]) for rule in ids}
    return Report(worst([finding.verdict.truth for finding in findings]), tallies, tuple(findings))
