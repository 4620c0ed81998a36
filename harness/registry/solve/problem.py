"""A constraint problem as one frozen value: variables in bounds, and conditions over them, in a small closed language.

Numbers are exact fractions. Conditions are in negation normal form: there is no *not*, so an atom that is undefined
(the logarithm of a negative number, a division by zero) is simply false. A problem knows nothing of registries, and
its digest is what a certificate is bound to.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, Final, Literal

from harness.determinism.canonical import digest_of

Kind = Literal["real", "integer", "choice"]


@dataclass(frozen=True, slots=True)
class Variable:
    """One unknown: its dotted name and its bounds, both included.

    A ``choice`` is one of ``values`` (truth values, texts or numbers); in terms it is the whole number of its place.
    """

    name: str
    kind: Kind
    low: Fraction
    high: Fraction
    values: tuple[Any, ...] = ()
    unit: str = ""


# --- terms ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Number:
    """An exact number; ``parameter`` names the parameter of the registry that it is, if it is one."""

    value: Fraction
    parameter: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The value of a variable, by its place."""

    index: int


Operation = Literal["+", "*", "-", "/", "abs", "min", "max", "exp", "log", "sqrt"]
ARITY: Final[dict[str, int]] = {
    "+": 2,
    "*": 2,
    "-": 2,
    "/": 2,
    "abs": 1,
    "min": 2,
    "max": 2,
    "exp": 1,
    "log": 1,
    "sqrt": 1,
}


@dataclass(frozen=True, slots=True)
class Apply:
    """An operation on one or two terms; ``log`` is the natural one."""

    operation: Operation
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Power:
    """A term to a whole power, which may be negative."""

    term: Term
    exponent: int


Term = Number | Unknown | Apply | Power

# --- conditions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Below:
    """A term is at most 0, or with ``strict`` less than 0."""

    term: Term
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Equal:
    """A term is 0; only of whole numbers and choices is that ever certain at more than one point."""

    term: Term
    differs: bool = False


@dataclass(frozen=True, slots=True)
class Every:
    """All of these hold; of none, always."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one of these holds; of none, never."""

    parts: tuple[Condition, ...]


Condition = Below | Equal | Every | Some


@dataclass(frozen=True, slots=True)
class Constraint:
    """One rule of the registry as a condition; ``name`` is its id."""

    name: str
    condition: Condition


@dataclass(frozen=True)
class Problem:
    """Variables and constraints that one point has to meet at once."""

    variables: tuple[Variable, ...]
    constraints: tuple[Constraint, ...]

    @cached_property
    def digest(self) -> str:
        """What a certificate is bound to: the SHA-256 of all that a solution depends on. O(size)."""
        return digest_of(facts_of(self))

    def only(self, names: frozenset[str]) -> Problem:
        """Give the problem of some of its constraints."""
        return Problem(self.variables, tuple(one for one in self.constraints if one.name in names))


def facts_of(problem: Problem) -> dict[str, Any]:
    """Give a problem as JSON data; fractions as text."""
    return {
        "constraints": [[one.name, written(one.condition)] for one in problem.constraints],
        "variables": [[one.name, one.kind, str(one.low), str(one.high), list(one.values)] for one in problem.variables],
    }


def written(node: Term | Condition) -> list[Any]:
    """Give a term or a condition as nested lists."""
    match node:
        case Number(value):
            return ["number", str(value)]
        case Unknown(index):
            return ["unknown", index]
        case Apply(operation, terms):
            return [operation, *map(written, terms)]
        case Power(term, exponent):
            return ["power", written(term), exponent]
        case Below(term, strict):
            return ["<" if strict else "<=", written(term)]
        case Equal(term, differs):
            return ["!=" if differs else "==", written(term)]
        case Every(parts):
            return ["every", *map(written, parts)]
        case Some(parts):
            return ["some", *map(written, parts)]
