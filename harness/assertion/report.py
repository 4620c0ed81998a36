"""Judge a whole run at once, offline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from harness.assertion.interface import Checker
from harness.registry.registry import Registry
from harness.trace.event import Event
from harness.trace.verdict import Judgement, Truth, Verdict, worst

MAX_FINDINGS: Final = 10_000


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
    """All that a registry says of one run.

    ``findings`` are in the order of the events, the first ``MAX_FINDINGS`` of them and the first violation;
    ``omitted`` counts the others.
    ``rules`` counts all.
    """

    verdict: Truth
    rules: dict[str, Tally]
    findings: tuple[Finding, ...]
    omitted: int = 0

    @property
    def first(self) -> Finding | None:
        """The first violation; the one to look at, as later ones may follow from it."""
        return next((finding for finding in self.findings if finding.verdict.truth == "violated"), None)


def check(events: Iterable[Event], registry: Registry, run: Mapping[str, Any] | None = None) -> Report:
    """Judge the events of one run as the door would have.

    ``run`` is the trace's header.run. Verdicts recorded in the trace are not looked at. Reads the events once and keeps
    of them what the rules ask about, and the findings.
    """
    checker, tally = Checker(registry, run), _Tallying()
    step_of: dict[int, int] = {}
    seq, step = -1, -1
    for event in events:
        seq = event.seq
        if event.kind == "action":
            step = step_of[seq] = step + 1
        here = step_of.pop(event.body["action"], step) if event.kind == "observation" else step
        tally.add(checker.judge(event), seq, here, event.agent)
    tally.add(checker.finish(), seq, step, "")
    return tally.report(registry)


class _Tallying:
    """Count what is said, and keep the first findings."""

    def __init__(self) -> None:
        self._spoken: Counter[str] = Counter()
        self._found: Counter[tuple[str, Truth]] = Counter()
        self._findings: list[Finding] = []

    def add(self, judgement: Judgement, seq: int, step: int, agent: str) -> None:
        self._spoken.update(judgement.rules)
        for verdict in judgement.verdicts:
            first = verdict.truth == "violated" and all(truth != "violated" for _, truth in self._found)
            self._found[verdict.rule, verdict.truth] += 1
            if first or len(self._findings) < MAX_FINDINGS:
                self._findings.append(Finding(seq, step, agent, verdict))

    def report(self, registry: Registry) -> Report:
        spoken, found = self._spoken, self._found
        ids = dict.fromkeys([*(rule.id for rule in registry.invariants), *spoken])
        tallies = {rule: Tally(spoken[rule], found[rule, "violated"], found[rule, "unknown"]) for rule in ids}
        omitted = found.total() - len(self._findings)
        return Report(worst([truth for _, truth in found]), tallies, tuple(self._findings), omitted)
