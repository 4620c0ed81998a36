"""Sums that prove rules contradictory: weighted slacks, and terms that are nowhere negative, that come to a constant.

Where all rules are met no slack is negative, so a sum that is the same negative number everywhere cannot be. That it is
the same everywhere is tried at random points: of the rational functions that stand here, one that is not constant
would show it at the first.
"""

from __future__ import annotations

import ast
import itertools
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Final

from .exact import Ends, Field, ends, slack, truth, value
from .instance import Case, FieldOf, Rule, Values

TRIES: Final = 8
CLOSE: Final = Fraction(1, 10**40)


class UnprovedError(AssertionError):
    """Say what is not as it is said to be: the suite is wrong, and not what it measures."""


def expect(holds: bool, said: str) -> None:
    """Raise UnprovedError where something does not hold."""
    if not holds:
        raise UnprovedError(said)


def covered(fields: Iterable[FieldOf], cases: tuple[Case, ...]) -> bool:
    """Tell whether the cases are all values of the discrete fields that they speak of."""
    named = [one for one in fields if one.name in cases[0].at]
    listed: list[Sequence[Field]] = [
        one.values or [Fraction(at) for at in range(int(one.low), int(one.high) + 1)] for one in named
    ]
    told = {tuple(case.at[one.name] for one in named) for case in cases}
    return all(one.whole or one.values for one in named) and told == set(itertools.product(*listed))


def constant(fields: tuple[FieldOf, ...], rules: Mapping[str, Rule], case: Case) -> Ends:
    """Give what the weighted slacks and the terms that are nowhere negative add up to, at every point the same."""
    bounds = {one.name: one for one in fields}
    for text in (*case.weights.values(), *case.more):
        expect(_never_negative(ast.parse(text, mode="eval").body, bounds), f"{text} may be negative")
    found = [_sum(rules, case, point) for point in _points(fields, case.at)]
    low, high = max(one.low for one in found), min(one.high for one in found)
    spread = max(one.high for one in found) - min(one.low for one in found)
    expect(low <= high and spread < CLOSE, f"the sum is not the same everywhere: from {float(low)} to {float(high)}")
    return Ends(low, high)


def _points(fields: Iterable[FieldOf], at: Values) -> Iterator[Values]:
    draw = random.Random(1)
    for _ in range(TRIES):
        drawn = {one.name: one.low + (one.high - one.low) * Fraction(draw.randint(1, 10**6), 10**6) for one in fields}
        yield {**drawn, **at}


def _sum(rules: Mapping[str, Rule], case: Case, point: Values) -> Ends:
    """Add up a case at a point; both ends grow by what is not known exactly."""
    total = ends(0)
    for name, weight in case.weights.items():
        rule = rules[name]
        expect(not rule.when or truth(rule.when, point) is True, f"{name} is silent at {dict(case.at)}")
        room, times = slack(rule.require, point), value(weight, point)
        assert room is not None and times is not None, name
        products = [one * other for one in room for other in times]
        total = Ends(total.low + min(products), total.high + max(products))
    for text in case.more:
        term = value(text, point)
        assert term is not None, text
        total = Ends(total.low + term.low, total.high + term.high)
    return total


def _never_negative(node: ast.expr, bounds: Mapping[str, FieldOf]) -> bool:
    """Tell, by its form alone, that a term is nowhere negative."""
    match node:
        case ast.Constant(value=int() | float() as number):
            return number >= 0
        case ast.Attribute(attr=name):
            return bounds[name].low >= 0
        case ast.BinOp(op=ast.Add() | ast.Mult() | ast.Div(), left=one, right=other):
            return _never_negative(one, bounds) and _never_negative(other, bounds)
        case ast.BinOp(op=ast.Pow(), left=base, right=ast.Constant(value=int(exponent))):
            return exponent % 2 == 0 or _never_negative(base, bounds)
        case ast.Call(func=ast.Name(id="exp" | "sqrt" | "abs")):
            return True
        case ast.BinOp(op=ast.Sub(), left=one, right=other):
            return _at_least(one, other)
    return False


def _at_least(one: ast.expr, other: ast.expr) -> bool:
    """Tell whether one term is at least another by a law that has a name: |t|, max, min, 1 + t up to e^t."""
    match one, other:
        case ast.Call(func=ast.Name(id="abs"), args=[inner]), _:
            return _same(inner, other) or _is_minus(other, inner)
        case ast.Call(func=ast.Name(id="max"), args=args), _:
            return any(_same(each, other) for each in args)
        case _, ast.Call(func=ast.Name(id="min"), args=args):
            return any(_same(each, one) for each in args)
        case ast.BinOp(op=ast.Sub(), left=ast.Call(func=ast.Name(id="exp"), args=[inner]), right=unit), _:
            return _same(other, inner) and ast.unparse(unit) == "1"
        case ast.BinOp(op=ast.Sub(), left=inner, right=unit), ast.Call(func=ast.Name(id="log"), args=[argument]):
            return _same(argument, inner) and ast.unparse(unit) == "1"
    return False


def _same(one: ast.expr, other: ast.expr) -> bool:
    return ast.dump(one) == ast.dump(other)


def _is_minus(one: ast.expr, other: ast.expr) -> bool:
    return isinstance(one, ast.UnaryOp) and isinstance(one.op, ast.USub) and _same(one.operand, other)
