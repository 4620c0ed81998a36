"""Whether a point meets a condition, worked out plainly: fractions as far as they go, then floats."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from harness.registry.solve.problem import (
    Apply,
    Below,
    Condition,
    Equal,
    Every,
    Number,
    Power,
    Problem,
    Some,
    Term,
    Unknown,
    Variable,
)
from harness.registry.solve.unknowns import exact

NEAR = 1e-9
FAR = 1e6


class TooCloseError(Exception):
    """Say that a point is so close to a boundary, or a number so big, that rounding may decide."""


class NowhereError(Exception):
    """Say that a term has no value."""


def meets(problem: Problem, values: dict[str, Any], *, wary: bool = True) -> dict[str, bool]:
    """Tell of each constraint whether it is met where variables have some JSON values.

    TooCloseError where ``wary`` and rounding may decide; else it is taken as it comes out.
    """
    point = [_place(variable, values[variable.name]) for variable in problem.variables]
    at = _At(point, *((NEAR, FAR) if wary else (0, math.inf)))
    return {one.name: at.met(one.condition) for one in problem.constraints}


def _place(variable: Variable, value: Any) -> Fraction:
    if variable.kind != "choice":
        return exact(value)
    return Fraction(next(at for at, one in enumerate(variable.values) if type(one) is type(value) and one == value))


class _At:
    """One point, with how near to a boundary and how far from 0 is too much."""

    def __init__(self, point: list[Fraction], near: float, far: float) -> None:
        self._point, self._near, self._far = point, near, far

    def met(self, condition: Condition) -> bool:
        match condition:
            case Every(parts):
                return all(self.met(part) for part in parts)
            case Some(parts):
                return any(self.met(part) for part in parts)
            case Below(term) | Equal(term):
                try:
                    value, sure = self._value(term)
                except NowhereError:
                    return False
                if not sure and abs(value) < self._near:
                    raise TooCloseError
                if isinstance(condition, Equal):
                    return (value != 0) is condition.differs
                return value < 0 or (value == 0 and not condition.strict)

    def _value(self, term: Term) -> tuple[Fraction | float, bool]:
        """Give the value of a term, and whether floats would give it too."""
        match term:
            case Number(value):
                return value, True
            case Unknown(index):
                return self._point[index], True
            case Power(base, exponent):
                value, sure = self._value(base)
                found, exact = self._power(value, sure, exponent), sure and exponent >= 0
            case Apply(operation, terms):
                below = [self._value(one) for one in terms]
                sure = all(one[1] for one in below)
                found = self._applied(operation, [one[0] for one in below], sure)
                exact = sure and operation in ("+", "-", "*", "abs", "min", "max")
        if abs(found) > self._far:
            raise TooCloseError
        return found, exact

    def _power(self, value: Fraction | float, sure: bool, exponent: int) -> Fraction | float:
        if exponent < 0:
            self._not_zero(value, sure)
        if value and abs(exponent * math.log(abs(value))) > math.log(self._far):
            raise TooCloseError
        return value**exponent

    def _applied(self, operation: str, values: list[Fraction | float], sure: bool) -> Fraction | float:
        match operation, values:
            case "+", (one, other):
                return one + other
            case "-", (one, other):
                return one - other
            case "*", (one, other):
                return one * other
            case "/", (one, other):
                self._not_zero(other, sure)
                return one / other
            case "abs", (one,):
                return abs(one)
            case (("min" | "max"), (one, other)):
                return min(one, other) if operation == "min" else max(one, other)
            case "exp", (one,):
                if one > min(math.log(self._far), 700):
                    raise TooCloseError
                return math.exp(one)
        (one,) = values
        if not sure and abs(one) < self._near:
            raise TooCloseError
        if one < 0 or (one == 0 and operation == "log"):
            raise NowhereError
        return math.log(one) if operation == "log" else math.sqrt(one)

    def _not_zero(self, value: Fraction | float, sure: bool) -> None:
        if not sure and abs(value) < self._near:
            raise TooCloseError
        if value == 0:
            raise NowhereError
