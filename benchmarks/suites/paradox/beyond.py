"""Families of rules that are met at points that no fraction is, so that nothing can be certified of them.

There is no certificate that they cannot be met, as real numbers meet them; and no point to certify, as a point is
written in fractions. The right answer is that it is not decided.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from fractions import Fraction
from math import isqrt
from typing import Final

from .instance import Beyond, Case, Core, FieldOf, Rule, decimal
from .plant import place

BeyondFamily = Callable[[random.Random], Core]

_T: Final = "artifact.t"
_X: Final = "artifact.x"
_Y: Final = "artifact.y"


def _core(fields: Mapping[str, tuple[int, int]], rules: Mapping[str, str], case: Case | None, known: Beyond) -> Core:
    listed = tuple(FieldOf(name, Fraction(low), Fraction(high)) for name, (low, high) in fields.items())
    named = tuple(Rule(name, text) for name, text in rules.items())
    return Core(listed, named, alone=(case,) if case else (), beyond=known)


def _between(coefficients: tuple[int, ...], **curve: str) -> Beyond:
    """Give a root of a polynomial between 0 and 10."""
    zero = " + ".join(f"{decimal(factor)} * {_T} ** {at}" for at, factor in enumerate(coefficients))
    return Beyond(curve, zero, Fraction(0), Fraction(10), coefficients)


def _no_square(draw: random.Random, high: int) -> int:
    return draw.choice([number for number in range(2, high) if isqrt(number) ** 2 != number])


def root(draw: random.Random) -> Core:
    """Ask for a number whose square or cube is a certain one."""
    power = draw.choice((2, 2, 3))
    number = draw.choice([one for one in range(2, 90) if all(at**power != one for at in range(10))])
    known = _between((-number, *[0] * (power - 1), 1), x=_T)
    rules = {"AT-LEAST": f"{_X} ** {power} >= {number}", "AT-MOST": f"{_X} ** {power} <= {number}"}
    return _core({"x": (0, 10)}, rules, Case(dict.fromkeys(rules, "1")), known)


def ratio(draw: random.Random) -> Core:
    """Ask for the golden ratio or its like: x * (x - a) is b."""
    while True:
        a, b = draw.randint(1, 4), draw.randint(1, 20)
        if isqrt(a * a + 4 * b) ** 2 != a * a + 4 * b:
            break
    rules = {"AT-LEAST": f"{_X} * ({_X} - {a}) >= {b}", "AT-MOST": f"{_X} * ({_X} - {a}) <= {b}"}
    return _core({"x": (0, 10)}, rules, Case(dict.fromkeys(rules, "1")), _between((-b, -a, 1), x=_T))


def chained(draw: random.Random) -> Core:
    """Ask that one field is the square of another, and a certain number."""
    number = _no_square(draw, 90)
    rules = {
        "SQUARE-LEAST": f"{_Y} >= {_X} * {_X}",
        "SQUARE-MOST": f"{_Y} <= {_X} * {_X}",
        "AT-LEAST": f"{_Y} >= {number}",
        "AT-MOST": f"{_Y} <= {number}",
    }
    known = _between((-number, 0, 1), x=_T, y=str(number))
    return _core({"x": (0, 10), "y": (0, 100)}, rules, Case(dict.fromkeys(rules, "1")), known)


def area(draw: random.Random) -> Core:
    """Ask for an area that only the square has, whose side is no fraction."""
    number = _no_square(draw, 60)
    rules = {"AREA": f"{_X} * {_Y} >= {number}", "FENCE": f"({_X} + {_Y}) ** 2 <= {4 * number}"}
    case = Case({"AREA": "4", "FENCE": "1"}, (f"({_X} - {_Y}) ** 2",))
    return _core({"x": (0, 20), "y": (0, 20)}, rules, case, _between((-number, 0, 1), x=_T, y=_T))


def circle(draw: random.Random) -> Core:
    """Let a line touch a circle where no fractions are."""
    number = draw.randrange(1, 90, 2)
    rules = {"CIRCLE": f"{_X} ** 2 + {_Y} ** 2 <= {number}", "LINE": f"({_X} + {_Y}) ** 2 >= {2 * number}"}
    case = Case({"CIRCLE": "2", "LINE": "1"}, (f"({_X} - {_Y}) ** 2",))
    return _core({"x": (0, 10), "y": (0, 10)}, rules, case, _between((-number, 0, 2), x=_T, y=_T))


def exponential(draw: random.Random) -> Core:
    """Ask for an exponential that is a certain decimal."""
    number = decimal(place(draw, 2, 50, 1))
    rules = {"AT-LEAST": f"exp({_X}) >= {number}", "AT-MOST": f"exp({_X}) <= {number}"}
    known = Beyond({"x": _T}, f"exp({_T}) - {number}", Fraction(0), Fraction(5), of="exp")
    return _core({"x": (0, 5)}, rules, Case(dict.fromkeys(rules, "1")), known)


def logarithm(draw: random.Random) -> Core:
    """Ask for a logarithm that is a certain decimal, by way of another field."""
    number = decimal(place(draw, 0, 3, 2) + Fraction(1, 100))
    rules = {
        "LOG-LEAST": f"log({_X}) >= {_Y}",
        "LOG-MOST": f"log({_X}) <= {number}",
        "AT-LEAST": f"{_Y} >= {number}",
    }
    known = Beyond({"x": _T, "y": number}, f"log({_T}) - {number}", Fraction(1), Fraction(40), of="log")
    return _core({"x": (1, 40), "y": (0, 4)}, rules, Case(dict.fromkeys(rules, "1")), known)


def reaction(draw: random.Random) -> Core:
    """Ask for a reaction that goes far enough in time at one temperature only."""
    energy, longest = draw.randrange(70_000, 76_001, 100), draw.choice((100, 125, 160, 200, 250))
    order = place(draw, 2, 4, 1)
    most = decimal(order / longest)
    k = f"250000000 * exp(-{energy} / (8.314 * ({_X} + 273.15)))"
    rules = {
        "CONVERSION": f"{k} * {_Y} >= {decimal(order)}",
        "RATE": f"{k} <= {most}",
        "TIME": f"{_Y} <= {longest}",
    }
    # the curve is told by the exponent, which is a fraction where the temperature is one
    curve = {"x": f"(-{energy}) / (8.314 * {_T}) - 273.15", "y": str(longest)}
    known = Beyond(curve, f"exp({_T}) - {most} / 250000000", Fraction(-30), Fraction(-18), of="exp")
    return _core({"x": (0, 200), "y": (1, 600)}, rules, Case({"CONVERSION": "1", "RATE": _Y, "TIME": most}), known)


def narrow(draw: random.Random) -> Core:
    """Leave an exponential a window of 1e-600, in which all fractions are too long to be certified."""
    number = decimal(place(draw, 2, 50, 1))
    rules = {"AT-LEAST": f"exp({_X}) >= {number}", "AT-MOST": f"exp({_X}) <= {number} + 1e-300 * 1e-300"}
    known = Beyond({"x": _T}, f"exp({_T}) - {number}", Fraction(0), Fraction(5), width=True)
    return _core({"x": (0, 5)}, rules, None, known)


BEYOND: Final[Mapping[str, BeyondFamily]] = {
    "root": root,
    "ratio": ratio,
    "chained": chained,
    "area": area,
    "circle": circle,
    "exponential": exponential,
    "logarithm": logarithm,
    "reaction": reaction,
    "narrow": narrow,
}
