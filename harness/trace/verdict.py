"""What a rule said about a step, and what the harness did about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Truth = Literal["holds", "violated", "unknown"]
Severity = Literal["info", "low", "medium", "high", "critical"]
Response = Literal["observe", "warn", "block", "escalate"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule's judgement of one step.

    ``values`` holds the value of every sub-expression by its source text, ``evidence`` the numbers of the events the
    judgement rests on, ``margin`` the signed distance to the boundary where the rule is one numeric comparison
    (negative: violated by that much), ``reason`` why an ``unknown`` could not be decided.
    """

    rule: str
    truth: Truth
    severity: Severity = "medium"
    says: str = ""
    otherwise: Response = "observe"
    values: dict[str, Any] = field(default_factory=dict)
    evidence: tuple[int, ...] = ()
    margin: float | None = None
    reason: str = ""


class Judgement(NamedTuple):
    """All that was said about one step: the rules that spoke, and every verdict that is not ``holds``."""

    rules: tuple[str, ...]
    verdicts: tuple[Verdict, ...]


def worst(truths: list[Truth]) -> Truth:
    """Join the truths of many rules: violated before unknown before holds. Associative, commutative, idempotent."""
    if "violated" in truths:
        return "violated"
    return "unknown" if "unknown" in truths else "holds"
