"""An argument in the Goal Structuring Notation, version 3, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from harness.registry.document import Written

Kind = Literal["goal", "strategy", "solution", "context", "assumption", "justification"]
Status = Literal["supported", "inconclusive", "stale", "unsupported"]

WORST_LAST: Final[tuple[Status, ...]] = ("supported", "inconclusive", "stale", "unsupported")

SUPPORTS: Final[dict[Kind, tuple[Kind, ...]]] = {
    "goal": ("goal", "strategy", "solution"),
    "strategy": ("goal",),
}
"""What an element may be supported by; GSN knows no other connections of this kind."""

ASIDE: Final[tuple[Kind, ...]] = ("context", "assumption", "justification")


@dataclass(frozen=True, slots=True)
class Element:
    """One element: what it says, what supports it (``by``), what it is said in the context of, what it is linked to.

    ``rule``, ``trace``, ``figure`` or ``bound`` is the kind of a link, ``link`` what is stated of it. ``at`` is where
    the element is written.
    """

    id: str
    kind: Kind
    says: str
    by: tuple[str, ...]
    context: tuple[str, ...]
    undeveloped: bool
    linked: str
    link: Mapping[str, Any] = field(hash=False)
    at: Written = field(compare=False)


@dataclass(frozen=True)
class Case:
    """A whole argument: every element supports ``root`` or is said beside one that does."""

    name: str
    version: str
    title: str
    root: str
    elements: Mapping[str, Element] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """What looking at one element came to, why, and what was found there, as JSON."""

    status: Status
    told: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict, hash=False)


def worst(findings: list[Finding]) -> Status:
    """Give the least favourable status; ``supported`` of none."""
    return max((one.status for one in findings), key=WORST_LAST.index, default="supported")
