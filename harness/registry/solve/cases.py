"""Values that depend on conditions: each case is a value and when it is the one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any, Final, NamedTuple, TypeGuard

from harness.registry.complaint import ExpressionError
from harness.registry.solve.joining import NEVER, every, is_total
from harness.registry.solve.problem import Condition, Number, Term
from harness.registry.solve.unknowns import exact, is_number
from harness.registry.tree import Node

MAX_CASES: Final = 512
ZERO: Final = Number(Fraction(0))
UNKNOWN: Final = object()


@dataclass(frozen=True, slots=True)
class Fixed:
    """A value that is no number to calculate with, and known: text, a truth value, a list, an object, null."""

    value: Any


Value = Term | Fixed


class Case(NamedTuple):
    """A value, and the condition under which it is the one."""

    when: Condition
    value: Value


def combined(node: Node, *sides: list[Case]) -> Iterator[tuple[list[Condition], tuple[Value, ...]]]:
    """Yield every way to take one case of each side, conditions and values."""
    ways = 1
    for side in sides:
        ways *= len(side)
        if ways > MAX_CASES:
            raise ExpressionError(f"more than {MAX_CASES} cases to tell apart", node.span, "split the rule in two")
    for taken in product(*sides):
        whens = [case.when for case in taken]
        if every(whens) != NEVER:
            yield whens, tuple(case.value for case in taken)


def known(value: Any) -> Value:
    """Give a JSON value as one to read on with."""
    return Number(exact(value)) if is_number(value) else Fixed(value)


def plain(value: Value) -> Any:
    """Give the JSON value of what is known and no parameter; ``UNKNOWN`` for the rest."""
    if isinstance(value, Fixed):
        return value.value
    if not isinstance(value, Number) or value.parameter:
        return UNKNOWN
    return int(value.value) if value.value.denominator == 1 else float(value.value)


def is_sure(value: Value) -> bool:
    """Tell whether a value is there at every point."""
    return isinstance(value, Fixed) or is_total(value)


def is_term(value: Value) -> TypeGuard[Term]:
    """Tell whether a value is a number to calculate with."""
    return not isinstance(value, Fixed)
