"""How far agents are trusted: what is stated of it, from which a score in [0, 1] follows for each step of a run.

It falls fast with what an agent was refused, by the severity of the rule, and recovers slowly with steps that went well
(arXiv 2506.01767 on trust between agents, 2603.18096 on what follows below a threshold). The papers name no numbers:
those here are ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

from harness.errors import Mistake
from harness.registry.document import Written

Counts = Literal["refusals", "violations"]

START: Final = 1.0
FALL: Final[dict[str, float]] = {"info": 0.0, "low": 0.02, "medium": 0.1, "high": 0.25, "critical": 0.5}  # ours
RECOVER: Final = 0.01  # ours: what one refusal by a rule of high severity takes, 25 clean steps give back


class Terms(NamedTuple):
    """How one agent's trust begins and moves: by ``fall`` of a severity, by ``recover`` for each clean step.

    ``counts`` says what it falls by: ``refusals``, that is what was blocked or rewritten, or ``violations`` by calls
    and results, also those that were only observed. What a person is asked about counts when the answer is no.
    """

    start: float = START
    fall: Mapping[str, float] = FALL
    recover: float = RECOVER
    counts: Counts = "refusals"

    def facts(self) -> dict[str, Any]:
        """Give it as JSON data, what goes without saying included."""
        return {**self._asdict(), "fall": dict(self.fall)}


def terms_of(agents: Mapping[str, Mapping[str, Any]]) -> dict[str, Terms]:
    """Give the terms of each agent that states any, from what is stated of agents."""
    return {name: _terms(stated["trust"]) for name, stated in agents.items() if stated.get("trust") is not None}


def mistakes_in_trust(node: Written) -> Iterator[Mistake]:
    """Yield what is wrong with the terms of an agent: trust that would recover as fast as it falls."""
    terms = _terms(node.plain())
    falls = [fall for fall in terms.fall.values() if fall > 0]
    if falls and terms.recover >= min(falls):
        said = f"recover: {terms.recover:g} gives back at once what a fall of {min(falls):g} takes"
        yield node.mistake(said, "trust falls fast and recovers slowly: write less than the smallest fall")
    tiers = [tier.plain()["below"] for tier in node.find(["tiers"]).items or ()]
    if len(set(tiers)) < len(tiers):
        yield node.find(["tiers"]).mistake("two tiers begin at the same trust", "state each threshold once")


def _terms(stated: Mapping[str, Any]) -> Terms:
    return Terms(
        float(stated.get("start", START)),
        FALL | stated.get("fall", {}),
        float(stated.get("recover", RECOVER)),
        stated.get("counts", "refusals"),
    )
