"""A set of rules on one artifact, and what is known of it before anybody looks for a solution.

Points give every field a fraction, a truth value or a text. A proof is text too, and the oracle follows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final, Literal, NamedTuple

from .exact import Field

Truth = Literal["feasible", "infeasible", "point", "beyond"]
"""What a set is: met with room to spare, not at all, at one point only, or at points that no fraction is."""

Values = Mapping[str, Field]

ARTIFACT: Final = "plan"
_DIGITS: Final = 15  # more of them, and a number might not be what is written


class FieldOf(NamedTuple):
    """A field of the artifact: a number from ``low`` to ``high``, whole or not, or one of ``values``."""

    name: str
    low: Fraction = Fraction(0)
    high: Fraction = Fraction(0)
    whole: bool = False
    values: tuple[str, ...] = ()


class Rule(NamedTuple):
    """A comparison that has to hold, wherever its guard does."""

    id: str
    require: str
    when: str = ""


class Case(NamedTuple):
    """Why rules contradict each other where the discrete fields have these values.

    The slacks of rules, each times its ``weights`` (a term that is nowhere negative), and ``more``, terms that are
    nowhere negative, add up to a number below 0; or to 0, and then all of them are 0 wherever the rules are met.
    """

    weights: Mapping[str, str]
    more: tuple[str, ...] = ()
    at: Mapping[str, Field] = {}


@dataclass(frozen=True)
class Beyond:
    """Why rules are met only where no fraction is.

    A point that meets them all lies on a ``curve``, each field a term in ``artifact.t``, where ``zero``, a term in it,
    is 0. That has a root between ``low`` and ``high`` that is no fraction: because it is a polynomial in whole numbers
    with these ``coefficients`` from the constant on; because of Lindemann's theorem where it is the exponential or the
    logarithm of t less a fraction, ``of``; or, with ``width``, where two such bounds leave a gap that only longer
    fractions lie in than are certified.
    """

    curve: Mapping[str, str]
    zero: str
    low: Fraction
    high: Fraction
    coefficients: tuple[int, ...] = ()
    of: Literal["", "exp", "log"] = ""
    width: bool = False


@dataclass(frozen=True)
class Core:
    """Rules over fields of their own, of one family, and what is known of them.

    ``muses`` are the minimal sets that contradict each other, each with its cases; ``without`` gives for each minimal
    choice of rules that takes one out of each of them a point that meets all others. ``witness`` meets all rules.
    """

    fields: tuple[FieldOf, ...]
    rules: tuple[Rule, ...]
    muses: Mapping[frozenset[str], tuple[Case, ...]] = field(default_factory=dict)
    without: Mapping[frozenset[str], Values] = field(default_factory=dict)
    witness: Values | None = None
    alone: tuple[Case, ...] = ()
    beyond: Beyond | None = None


@dataclass(frozen=True)
class Instance:
    """A whole set: the fields and rules of its cores and some that change nothing, and what is known of it."""

    name: str
    family: str
    truth: Truth
    fields: tuple[FieldOf, ...]
    rules: tuple[Rule, ...]
    cores: tuple[Core, ...]

    @property
    def muses(self) -> frozenset[frozenset[str]]:
        """Every minimal set of rules that contradict each other: those of all cores, as these share no field."""
        return frozenset(mus for core in self.cores for mus in core.muses)


def decimal(number: Fraction | int) -> str:
    """Write a number as the decimal that it is, in parentheses below 0; ValueError where it is none, or a long one."""
    number = Fraction(number)
    places = next((at for at in range(40) if (number * 10**at).denominator == 1), None)
    if places is None or len(str(abs(number * 10**places).numerator)) > _DIGITS:
        raise ValueError(f"{number} is no decimal of up to {_DIGITS} digits")
    text = str(abs(number * 10**places).numerator).rjust(places + 1, "0")
    text = f"{text[:-places]}.{text[-places:]}" if places else text
    return f"(-{text})" if number < 0 else text


def document_of(instance: Instance) -> dict[str, Any]:
    """Give the registry of an instance as it is written."""
    return {
        "registry": "paradox-generated",
        "version": "1.0.0",
        "default": "allow",
        "artifacts": {
            ARTIFACT: {
                "schema": {
                    "type": "object",
                    "required": [one.name for one in instance.fields],
                    "properties": {one.name: _schema(one) for one in instance.fields},
                }
            }
        },
        "invariants": [_invariant(one) for one in instance.rules],
    }


def _schema(one: FieldOf) -> dict[str, Any]:
    if one.values:
        return {"enum": list(one.values)}
    # bounds of a generated field are whole numbers, so YAML keeps them as they are
    return {"type": "integer" if one.whole else "number", "minimum": int(one.low), "maximum": int(one.high)}


def _invariant(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "on": "artifact",
        "artifact": ARTIFACT,
        **({"when": rule.when} if rule.when else {}),
        "require": rule.require,
        "severity": "high",
        "otherwise": "block",
        "says": "Change the plan.",
    }
