"""What a rule said about a step, and what the harness did about it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal, NamedTuple

Truth = Literal["holds", "violated", "unknown"]
Severity = Literal["info", "low", "medium", "high", "critical"]
Response = Literal["observe", "warn", "rewrite", "block", "escalate"]


# what refuses without being a rule that a registry states
DEFAULT_REFUSE: Final = "DEFAULT-REFUSE"
KILL_SWITCH: Final = "KILL-SWITCH"

Direction = Literal["decrease", "increase", "choose"]


@dataclass(frozen=True, slots=True)
class Move:
    """One way to meet a requirement: move ``field`` by ``distance`` to ``boundary``, or choose another value.

    ``allowed`` tells whether the boundary itself meets it; otherwise the values just beyond do. ``one_of`` are values
    that meet it because a list or a comparison names them; with ``choose`` they are all there is, and ``distance`` and
    ``boundary`` are None. ``approximate``: there may be a nearer value.
    """

    field: str
    direction: Direction
    distance: int | float | None = None
    boundary: int | float | None = None
    allowed: bool = True
    approximate: bool = False
    one_of: tuple[Any, ...] = ()

    def facts(self) -> dict[str, Any]:
        """Give it as JSON data, without what is as usual."""
        values = {one.name: (getattr(self, one.name), one.default) for one in fields(self)}
        return {
            name: list(value) if type(value) is tuple else value
            for name, (value, usual) in values.items()
            if value != usual
        }

    def __str__(self) -> str:
        """Tell it to a reader."""
        if self.direction == "choose":
            return f"{self.field}: choose {' or '.join(map(repr, self.one_of))}"
        about = "about " if self.approximate else ""
        beyond = "" if self.allowed else "more than "
        return f"{self.field}: {self.direction} by {beyond}{about}{self.distance:g} to {self.boundary!r}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule's judgement of one step.

    ``values`` holds the value of every sub-expression by its source text, ``evidence`` the numbers of the events the
    judgement rests on, ``margin`` the signed distance to the boundary where a numeric comparison decides
    (negative: violated by that much), ``gradient`` the values nearest to the present ones that would have been right,
    each by itself, ``reason`` why an ``unknown`` could not be decided, ``rewrite`` the new values of arguments where
    the rule puts them right itself.
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
    gradient: tuple[Move, ...] = ()
    rewrite: dict[str, Any] | None = None


class Judgement(NamedTuple):
    """All that was said about one step: the rules that spoke, and every verdict that is not ``holds``."""

    rules: tuple[str, ...]
    verdicts: tuple[Verdict, ...]


def worst(truths: list[Truth]) -> Truth:
    """Join the truths of many rules: violated before unknown before holds. Associative, commutative, idempotent."""
    if "violated" in truths:
        return "violated"
    return "unknown" if "unknown" in truths else "holds"
