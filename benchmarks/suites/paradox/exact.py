"""What a rule says of a point, by the text of the rule: fractions where it can, enclosures of sixty digits elsewhere.

This is what judges the solver, so it shares nothing with it: Python's own parser reads the text, its fractions and its
decimals, whose exponential and logarithm are correctly rounded, do the rest. ``log`` is the natural one. A value is a
pair of ends; a value that is undefined (a division by zero, the logarithm of a negative number) is None.
"""

from __future__ import annotations

import ast
import decimal
import math
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

DIGITS: Final = 60

Field = Fraction | bool | str


class Ends(NamedTuple):
    """A number between two fractions, both included; exactly it where they are equal."""

    low: Fraction
    high: Fraction


Point = Mapping[str, "Field | Ends"]


def ends(value: Fraction | int) -> Ends:
    """Give a number that is known exactly."""
    return Ends(Fraction(value), Fraction(value))


def truth(text: str, point: Point, digits: int = DIGITS) -> bool | None:
    """Say whether a comparison, or such joined by ``and``, holds of a point; None where the enclosures do not tell.

    A comparison of what is undefined does not hold. O(size of the text).
    """
    return _truth(_parsed(text), point, digits)


def value(text: str, point: Point, digits: int = DIGITS) -> Ends | None:
    """Give the value of a term at a point."""
    return _value(_parsed(text), point, digits)


def slack(text: str, point: Point, digits: int = DIGITS) -> Ends | None:
    """Give by how much a comparison of numbers holds: the greater side less the smaller one, as it should be."""
    node = _parsed(text)
    assert isinstance(node, ast.Compare)
    left, right = (_value(one, point, digits) for one in (node.left, node.comparators[0]))
    if left is None or right is None:
        return None
    return _minus(right, left) if isinstance(node.ops[0], ast.Lt | ast.LtE) else _minus(left, right)


def is_strict(text: str) -> bool:
    """Tell whether a comparison leaves its boundary out."""
    node = _parsed(text)
    assert isinstance(node, ast.Compare)
    return isinstance(node.ops[0], ast.Lt | ast.Gt)


@lru_cache(maxsize=16_384)
def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


# --- truths -----------------------------------------------------------------------------------------------------------


def _truth(node: ast.expr, point: Point, digits: int) -> bool | None:
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        found = [_truth(part, point, digits) for part in node.values]
        return False if False in found else None if None in found else True
    assert isinstance(node, ast.Compare) and len(node.ops) == 1, ast.unparse(node)
    one, sign, other = node.left, node.ops[0], node.comparators[0]
    if isinstance(sign, ast.Eq | ast.NotEq):
        return (_discrete(one, point) == _discrete(other, point)) is isinstance(sign, ast.Eq)
    left, right = _value(one, point, digits), _value(other, point, digits)
    if left is None or right is None:
        return False
    if isinstance(sign, ast.Gt | ast.GtE):
        left, right = right, left
    below = operator.lt if isinstance(sign, ast.Lt | ast.Gt) else operator.le
    if below(left.high, right.low):
        return True
    return None if below(left.low, right.high) else False


def _discrete(node: ast.expr, point: Point) -> Field:
    """Give what is compared for equality: a text, a truth value or a number that is known exactly."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str | bool):
        return node.value
    found = point[node.attr] if isinstance(node, ast.Attribute) else _value(node, point, DIGITS)
    if not isinstance(found, Ends):
        assert found is not None
        return found
    assert found.low == found.high
    return found.low


# --- numbers ----------------------------------------------------------------------------------------------------------


def _value(node: ast.expr, point: Point, digits: int) -> Ends | None:
    match node:
        case ast.Constant(value=int() | float() as number):
            return ends(Fraction(repr(number)))
        case ast.Attribute(attr=name):
            found = point[name]
            return found if isinstance(found, Ends) else ends(Fraction(found))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            below = _value(operand, point, digits)
            return None if below is None else Ends(-below.high, -below.low)
        case ast.BinOp(left=base, op=ast.Pow(), right=ast.Constant(value=int(exponent))):
            below = _value(base, point, digits)
            return None if below is None else _power(below, exponent)
        case ast.BinOp(left=one, op=sign, right=other):
            left, right = _value(one, point, digits), _value(other, point, digits)
            return None if left is None or right is None else _JOINED[type(sign)](left, right)
        case ast.Call(func=ast.Name(id=name), args=args):
            values = [_value(one, point, digits) for one in args]
            return None if None in values else _called(name, [one for one in values if one is not None], digits)
    raise ValueError(f"the oracle does not read {ast.unparse(node)}")


def _plus(one: Ends, other: Ends) -> Ends:
    return Ends(one.low + other.low, one.high + other.high)


def _minus(one: Ends, other: Ends) -> Ends:
    return Ends(one.low - other.high, one.high - other.low)


def _times(one: Ends, other: Ends) -> Ends:
    products = [left * right for left in one for right in other]
    return Ends(min(products), max(products))


def _over(one: Ends, other: Ends) -> Ends | None:
    if other.low <= 0 <= other.high:
        return None
    return _times(one, Ends(1 / other.high, 1 / other.low))


def _power(base: Ends, exponent: int) -> Ends:
    powers = (base.low**exponent, base.high**exponent)
    return Ends(Fraction(0) if exponent % 2 == 0 and base.low < 0 < base.high else min(powers), max(powers))


_JOINED: Final[dict[type[ast.operator], Callable[[Ends, Ends], Ends | None]]] = {
    ast.Add: _plus,
    ast.Sub: _minus,
    ast.Mult: _times,
    ast.Div: _over,
}


def _called(name: str, values: list[Ends], digits: int) -> Ends | None:
    match name, values:
        case ("min" | "max") as which, _:
            pick = min if which == "min" else max
            return Ends(pick(one.low for one in values), pick(one.high for one in values))
        case "abs", [one]:
            sizes = (abs(one.low), abs(one.high))
            return Ends(Fraction(0) if one.low < 0 < one.high else min(sizes), max(sizes))
        case "exp", [one]:
            return _rising(_exp, one, digits)
        case "log", [one]:
            return None if one.low <= 0 else _rising(_log, one, digits)
        case "sqrt", [one]:
            return None if one.low < 0 else _rising(_sqrt, one, digits)
    raise ValueError(f"the oracle does not know {name}")


# --- functions without exact values: each gives two fractions with the value between them -----------------------------


def _rising(function: Callable[[Fraction, int], Ends], one: Ends, digits: int) -> Ends:
    low = function(one.low, digits)
    return low if one.low == one.high else Ends(low.low, function(one.high, digits).high)


def _exp(x: Fraction, digits: int) -> Ends:
    return ends(1) if x == 0 else _monotone("exp", x, digits)


def _log(x: Fraction, digits: int) -> Ends:
    return ends(0) if x == 1 else _monotone("ln", x, digits)


def _sqrt(x: Fraction, digits: int) -> Ends:
    over, under = math.isqrt(x.numerator), math.isqrt(x.denominator)
    root = Fraction(over, under)
    return ends(root) if root * root == x else _monotone("sqrt", x, digits)


def _monotone(name: str, x: Fraction, digits: int) -> Ends:
    """Enclose a rising function: of a decimal below and of one above, each result moved outwards by one last digit."""
    with decimal.localcontext(decimal.Context(prec=digits, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)) as context:
        near = []
        for context.rounding in (decimal.ROUND_FLOOR, decimal.ROUND_CEILING):
            near.append(decimal.Decimal(x.numerator) / decimal.Decimal(x.denominator))
        context.rounding = decimal.ROUND_HALF_EVEN
        low = getattr(near[0], name)()
        high = low if near[0] == near[1] else getattr(near[1], name)()
        return Ends(Fraction(low.next_minus()), Fraction(high.next_plus()))
