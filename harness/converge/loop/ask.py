"""What a proposer is asked, as data and as text for a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.converge.loop.gradient import Gradient
from harness.converge.spelling import as_json
from harness.registry.invariant import Invariant


@dataclass(frozen=True, slots=True)
class Oscillation:
    """The last candidates repeat with a period; 1 says that the last one came twice in a row."""

    period: int
    candidates: tuple[dict[str, Any], ...]

    def facts(self) -> dict[str, Any]:
        """Give it as JSON data."""
        return {"period": self.period, "candidates": list(self.candidates)}

    def __str__(self) -> str:
        """Name it."""
        if self.period == 1:
            return f"the same again: {as_json(self.candidates[0])}"
        return f"going round between {self.period}: {'; '.join(map(as_json, self.candidates))}"


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask for a candidate.

    ``round`` counts from 1 to ``tries``. ``accepted`` is the last candidate that kept everything locked, ``locked`` are
    the rules that it meets, which the next one has to meet too, and ``gradients`` tell the way from it to the others.
    ``last`` is what was proposed before; where it was not accepted, ``broken`` tell which locked rules it failed, or
    ``fault`` why it was no artifact, or why there was none.
    """

    artifact: str
    round: int
    tries: int
    schema: Mapping[str, Any]
    rules: tuple[Invariant, ...]
    given: Mapping[str, Any]
    last: dict[str, Any] | None = None
    accepted: dict[str, Any] | None = None
    locked: tuple[str, ...] = ()
    broken: tuple[Gradient, ...] = ()
    gradients: tuple[Gradient, ...] = ()
    fault: str = ""
    oscillation: Oscillation | None = None

    @property
    def prompt(self) -> str:
        """The question as text for a model; it holds nothing but the rules and what was proposed. O(size)."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"Propose one {self.artifact}: a JSON object and nothing else, that fits this JSON Schema:"
        yield as_json(self.schema)
        yield "It has to meet every one of these rules:"
        for rule in self.rules:
            yield f"- {rule.id}: {rule.title or rule.demand}"
        if self.given:
            yield f"These fields are given and cannot be changed: {as_json(self.given)}"
        if self.fault:
            yield f"Your last answer was no {self.artifact}: {self.fault}"
        if self.broken:
            yield f"Your last proposal, {as_json(self.last)}, was not accepted. It breaks what was met before:"
            yield from (f"- {one}" for one in self.broken)
        if self.accepted is not None:
            yield f"Go on from {as_json(self.accepted)}, of which these rules fail:"
            yield from (f"- {one}" for one in self.gradients)
        if self.locked:
            yield f"Keep meeting: {', '.join(self.locked)}."
        if self.oscillation is not None:
            yield f"You are repeating yourself, {self.oscillation}. Propose something else."
