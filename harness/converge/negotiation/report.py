"""What there is to negotiate where no artifact fits: rules in conflict, and what would do, as data and as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from harness.converge.spelling import as_json
from harness.errors import UsageError

Number = int | float


@dataclass(frozen=True, slots=True)
class Party:
    """A rule in a conflict: its id, its title, and the file and line where it is written."""

    rule: str
    title: str
    place: str

    def __str__(self) -> str:
        return "   ".join(filter(None, (self.rule, self.title, self.place)))


@dataclass(frozen=True, slots=True)
class Conflict:
    """Rules that no artifact meets together; without any one of them the others can be met, but for ``undecided``."""

    rules: tuple[Party, ...]
    undecided: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One parameter from its value to another.

    ``share`` is how far, as a part of the value, or of its range where the value is 0; None where neither is there.
    ``cost`` is that share times the weight that the registry gives the parameter, which is 1 by itself.
    """

    parameter: str
    before: Number
    after: Number
    unit: str
    share: float | None
    cost: float | None

    def __str__(self) -> str:
        return f"{self.parameter} {self.before} -> {self.after}{' ' * (self.unit not in ('', '1'))}{_unit(self.unit)}"


@dataclass(frozen=True, slots=True)
class Way:
    """Values of parameters with which a known artifact, the ``witness``, certainly meets every rule.

    ``cost`` is the sum of what the changes cost, None where one has none. ``tight``: it is certified that nothing fits
    where one of the parameters moves less and none more, but for the room that was asked for and the last digits.
    """

    kind: Literal["alone", "exchange", "same share", "together"]
    changes: tuple[Change, ...]
    cost: float | None
    witness: Mapping[str, Any]
    tight: bool

    @property
    def values(self) -> dict[str, Number]:
        """The new values by parameter."""
        return {one.parameter: one.after for one in self.changes}


@dataclass(frozen=True, slots=True)
class Withheld:
    """A parameter of the rules in conflict of which no value is offered, and why."""

    parameter: str
    why: str


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody chose: values of parameters, for one version of a registry, in view of one artifact.

    ``by`` is a person, or the name of a policy. When that was is for those to say who have a clock.
    """

    digest: str
    artifact: str
    given: Mapping[str, Any]
    values: Mapping[str, Number]
    by: str

    def facts(self) -> dict[str, Any]:
        """Give it as JSON data."""
        return {
            "of": self.digest,
            **{name: _plain(getattr(self, name)) for name in ("artifact", "given", "values")},
        } | {"by": self.by}


@dataclass(frozen=True, slots=True)
class Report:
    """Why no artifact fits a registry, and what would do.

    ``corrections`` are sets of rules without which the others can be met, for whoever writes the rules: none of them is
    on offer. Where ``complete``, no conflict is missing. ``ways`` are in the order of their kinds and costs, and go by
    their numbers, from 1.
    """

    registry: str
    version: str
    digest: str
    artifact: str
    given: Mapping[str, Any]
    conflicts: tuple[Conflict, ...]
    corrections: tuple[tuple[str, ...], ...]
    complete: bool
    ways: tuple[Way, ...]
    withheld: tuple[Withheld, ...]

    def choose(self, number: int, by: str) -> Choice:
        """Choose a way by its number; UsageError for a number that is not there, and where it is not said who."""
        if not 1 <= number <= len(self.ways):
            known = f"1 to {len(self.ways)}" if self.ways else "there is none on offer"
            raise UsageError(f"there is no way {number}", cure=known)
        if not by.strip():
            raise UsageError("it is not said who chooses", cure="give a name; it is written into the registry")
        return Choice(self.digest, self.artifact, self.given, self.ways[number - 1].values, by)

    def facts(self) -> dict[str, Any]:
        """Give it as JSON data."""
        found: dict[str, Any] = _plain(asdict(self))
        found["ways"] = [{"number": number} | way for number, way in enumerate(found["ways"], 1)]
        return found

    def markdown(self) -> str:
        """Give it as a page."""
        return "\n".join(self._page()) + "\n"

    def lines(self) -> Iterator[str]:
        """Tell it for a terminal."""
        yield f"infeasible: no {self.artifact} meets the rules of {self.registry} {self.version}{_given(self.given)}"
        for one in self.conflicts:
            yield "in conflict"
            yield from (f"    {rule}" for rule in one.rules)
            if one.undecided:
                yield f"    perhaps without {', '.join(one.undecided)}: that was not decided"
        if not self.complete:
            yield "    there may be more conflicts: not all was decided"
        yield "what would do" if self.ways else "nothing that may be bound would do, as far as was decided"
        for number, way in enumerate(self.ways, 1):
            changes = "   ".join(map(str, way.changes))
            yield f"  {number:2}  {changes}   cost {_cost(way.cost)}   such as {as_json(way.witness)}{_loose(way)}"
        if self.withheld:
            yield "not on offer"
            yield from (f"    {one.parameter}   {one.why}" for one in self.withheld)

    def _page(self) -> Iterator[str]:
        yield f"# No {self.artifact} fits {self.registry} {self.version}"
        yield ""
        yield f"Certified for the registry of digest `sha256:{self.digest}`{_given(self.given)}."
        for one in self.conflicts:
            yield from ("", "## Rules in conflict", "")
            yield from (f"- **{rule.rule}** {rule.title}{' ' * bool(rule.title)}({rule.place})" for rule in one.rules)
            sure = f"Perhaps without {', '.join(one.undecided)}: that was not decided."
            yield from ("", sure if one.undecided else "Without any one of them, the others can be met.")
        if not self.complete:
            yield from ("", "There may be more conflicts: not all was decided.")
        if self.ways:
            yield from ("", "## What would do", "", "| number | change | share | cost | such as |", "| --- " * 5 + "|")
            yield from (_row(number, way) for number, way in enumerate(self.ways, 1))
        if self.withheld:
            yield from ("", "## Not on offer", "")
            yield from (f"- `{one.parameter}`: {one.why}" for one in self.withheld)
        if self.corrections:
            yield from (
                "",
                "## Rules that it would do to give up",
                "",
                "Not on offer: rules are for their authors.",
                "",
            )
            yield from (f"- {', '.join(one)}" for one in self.corrections)


def _row(number: int, way: Way) -> str:
    changes = "; ".join(
        f"`{one.parameter}` {one.before} → {one.after} {_unit(one.unit)}".rstrip() for one in way.changes
    )
    shares = "; ".join("" if one.share is None else f"{one.share:.3%}" for one in way.changes)
    return f"| {number} | {changes} | {shares} | {_cost(way.cost)} | `{as_json(way.witness)}`{_loose(way)} |"


def _loose(way: Way) -> str:
    return "" if way.tight else "   less might do: that was not decided"


def _given(given: Mapping[str, Any]) -> str:
    return f", {as_json(given)} given" if given else ""


def _unit(unit: str) -> str:
    return "" if unit == "1" else unit


def _cost(cost: float | None) -> str:
    return "unknown" if cost is None else f"{cost:.4g}"


def _plain(value: Any) -> Any:
    """Give tuples as lists, and mappings as objects."""
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, tuple) else value
