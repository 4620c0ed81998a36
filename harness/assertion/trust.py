"""The trust in each agent, kept up to date with a run's events: a fold over the trace, and nothing else.

That makes it the same at the door, in a replay, in a resumed run and offline. Not verified: whether an agent is who
it says it is; nothing is carried over from one run to the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from harness.registry.invariant import SEVERITIES
from harness.registry.trust import Terms
from harness.trace.verdict import Severity, Verdict

_DIGITS: Final = 9  # what is added up in decimals stays decimal


class Fall(NamedTuple):
    """One loss of trust: whose, by which rule, from where to where."""

    agent: str
    rule: str
    was: float
    now: float


class Standing:
    """Hold a score in [0, 1] for each agent with terms; one for each run, O(1) for each event.

    ``falls`` are the losses that nobody has taken up yet.
    """

    def __init__(self, terms: Mapping[str, Terms]) -> None:
        self._terms = terms
        self._scores = {name: one.start for name, one in terms.items()}
        self.falls: list[Fall] = []

    def of(self, agent: str) -> float:
        """Give an agent's trust; 1 where nothing is stated of it."""
        return self._scores.get(agent, 1.0)

    def refused(self, agent: str, rule: str, severity: Severity, *, answered: bool = False) -> None:
        """Lower the trust in an agent that was refused something, or whose call was rewritten."""
        if agent in self._terms and (answered or self._terms[agent].counts == "refusals"):
            self._fall(agent, rule, severity)

    def violated(self, agent: str, verdicts: Iterable[Verdict]) -> None:
        """Lower the trust in an agent by the gravest rule that one of its steps has violated, if that counts."""
        if agent in self._terms and self._terms[agent].counts == "violations":
            # to be asked about is no fault; a no, if it comes, is held against the agent then
            against = [one for one in verdicts if one.truth == "violated" and one.otherwise != "escalate"]
            if against:
                gravest = max(against, key=lambda verdict: SEVERITIES.index(verdict.severity))
                self._fall(agent, gravest.rule, gravest.severity)

    def clean(self, agent: str) -> None:
        """Raise the trust in an agent for a step that went well."""
        terms = self._terms.get(agent)
        if terms is not None:
            self._scores[agent] = min(round(self._scores[agent] + terms.recover, _DIGITS), 1.0)

    def taken_up(self) -> list[Fall]:
        """Give the losses since this was last asked."""
        falls, self.falls = self.falls, []
        return falls

    def _fall(self, agent: str, rule: str, severity: Severity) -> None:
        was = self._scores[agent]
        now = self._scores[agent] = max(round(was - self._terms[agent].fall[severity], _DIGITS), 0.0)
        if now < was:
            self.falls.append(Fall(agent, rule, was, now))
