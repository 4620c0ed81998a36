"""What rules say, read from their text by Python's own parser and worked out in exact intervals: an oracle for sets.

It shares nothing with the registry's parser, with the reading of rules as conditions, or with the solver's arithmetic.
A field is a ``Span`` on a box, or the text or truth value that was chosen.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

from benchmarks.fuzz.solve.spans import Span, Spans

Values = Mapping[str, Any]

_OPERATIONS: Final[dict[type, str]] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_OPPOSITE: Final[dict[type, type]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}


@lru_cache(maxsize=4096)
def parsed(text: str) -> ast.expr:
    """Give the tree of an expression."""
    return ast.parse(text, mode="eval").body


class Judge:
    """Work out expressions with names for fields, parameters and definitions."""

    def __init__(self, values: Values, definitions: Mapping[str, str], digits: int = 60) -> None:
        self._values, self._definitions, self._spans = values, definitions, Spans(digits)

    def always(self, text: str) -> bool:
        """Tell whether an expression is certainly true, whatever the fields are within their spans."""
        return self._truth(parsed(text), True)[0]

    def may(self, text: str) -> bool:
        """Tell whether an expression is true somewhere, as far as intervals show."""
        return self._truth(parsed(text), True)[1]

    def never_false(self, text: str) -> bool:
        """Tell whether an expression is certainly not false."""
        return not self._truth(parsed(text), False)[1]

    def always_false(self, text: str) -> bool:
        """Tell whether an expression is certainly false."""
        return self._truth(parsed(text), False)[0]

    def _truth(self, node: ast.expr, wanted: bool) -> tuple[bool, bool]:
        """Tell whether a condition is as wanted everywhere, and whether it may be so somewhere."""
        match node:
            case ast.BoolOp(op, parts):
                found = [self._truth(part, wanted) for part in parts]
                join = all if isinstance(op, ast.And) is wanted else any
                return join(one[0] for one in found), join(one[1] for one in found)
            case ast.UnaryOp(ast.Not(), operand):
                return self._truth(operand, not wanted)
            case ast.Compare(left, operators, others):
                sides = [left, *others]
                found = [self._compared(op, *sides[at : at + 2], wanted) for at, op in enumerate(operators)]
                join = all if wanted else any
                return join(one[0] for one in found), join(one[1] for one in found)
            case ast.Name(name) if name in self._definitions:
                return self._truth(parsed(self._definitions[name]), wanted)
            case ast.Name(name):
                return (self._values[name] is wanted,) * 2
        raise ValueError(f"no condition: {ast.unparse(node)}")

    def _compared(self, operator: ast.cmpop, left: ast.expr, right: ast.expr, wanted: bool) -> tuple[bool, bool]:
        one, two = self._value(left), self._value(right)
        kind = type(operator) if wanted else _OPPOSITE[type(operator)]
        if isinstance(one, str | bool) or isinstance(two, str | bool):
            return ((one == two) is (kind is ast.Eq),) * 2
        apart = self._spans.apply("-", [one, two])
        if apart is None:
            return False, False
        low, high, total = apart.low, apart.high, not apart.partial
        match kind:
            case ast.Lt:
                return total and high < 0, low < 0
            case ast.LtE:
                return total and high <= 0, low <= 0
            case ast.Gt:
                return total and low > 0, high > 0
            case ast.GtE:
                return total and low >= 0, high >= 0
            case ast.Eq:
                return total and low == 0 == high, low <= 0 <= high
        return total and (low > 0 or high < 0), not low == 0 == high

    def _value(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value) if isinstance(value, int | float) and not isinstance(value, bool):
                exact = Fraction(repr(value))
                return Span(exact, exact)
            case ast.Constant(value):
                return value
            case ast.Name(name):
                return self._value(parsed(self._definitions[name])) if name in self._definitions else self._values[name]
            case ast.UnaryOp(ast.USub(), operand):
                return self._spans.apply("-", [Span(Fraction(0), Fraction(0)), self._value(operand)])
            case ast.BinOp(base, ast.Pow(), exponent):
                return self._raised(self._value(base), exponent)
            case ast.BinOp(left, op, right):
                return self._spans.apply(_OPERATIONS[type(op)], [self._value(left), self._value(right)])
            case ast.IfExp(test, then, otherwise):
                return self._chosen(test, then, otherwise)
            case ast.Call(ast.Name(name), arguments):
                return self._called(name, [self._value(one) for one in arguments])
        raise ValueError(f"no number: {ast.unparse(node)}")

    def _raised(self, base: Any, exponent: ast.expr) -> Any:
        """Give a power: whole, or of half a whole number, or by the exponential of what is positive."""
        power = self._value(exponent).low
        if base is None or power.denominator == 1:
            return None if base is None else self._spans.power(base, int(power))
        if power.denominator == 2:
            root = self._spans.apply("sqrt", [base])
            return None if root is None else self._spans.power(root, int(power.numerator))
        if base.low <= 0:
            raise ValueError("a power of what may not be positive")
        scaled = self._spans.apply("*", [Span(power, power), self._spans.apply("log", [base])])
        return self._spans.apply("exp", [scaled])

    def _chosen(self, test: ast.expr, then: ast.expr, otherwise: ast.expr) -> Any:
        sides = [
            self._value(side) for side, wanted in ((then, True), (otherwise, False)) if self._truth(test, wanted)[1]
        ]
        if len(sides) == 1 or any(side is None for side in sides):
            return sides[0] if len(sides) == 1 else None
        return Span(min(side.low for side in sides), max(side.high for side in sides), True)

    def _called(self, name: str, values: list[Any]) -> Any:
        found = values[0]
        if name in ("min", "max"):
            for value in values[1:]:
                found = self._spans.apply(name, [found, value])
            return found
        return self._spans.apply(name, values)
