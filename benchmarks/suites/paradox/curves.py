"""Families of contradictions with exponentials and logarithms; see ``families``."""

from __future__ import annotations

import decimal
import random
from fractions import Fraction

from .instance import Case, Core, Values
from .instance import decimal as written
from .plant import core_of, field_of, place


def tangent(draw: random.Random, p: str, gap: Fraction) -> Core:
    """Ask for an exponential that stays below its own tangent, by way of another field."""
    size, at = place(draw, 1, 3, 1), place(draw, 2, 5, 1)
    x, y, z = (f"artifact.{p}_{name}" for name in "xyz")
    a, u = written(size), f"({x} - {written(at)})"
    rules = {
        f"{p.upper()}-GROWTH": f"{a} * exp({u}) <= {y}",
        f"{p.upper()}-PASSED-ON": f"{y} <= {z}",
        f"{p.upper()}-LIMIT": f"{z} <= {a} * {u} + {written(size - gap)}",
    }
    case = Case(dict.fromkeys(rules, "1"), (f"{a} * (exp({u}) - 1 - {u})",))
    values = {f"{p}_x": at, f"{p}_y": size, f"{p}_z": size}
    without = {
        f"{p.upper()}-GROWTH": {f"{p}_x": at, f"{p}_y": size - gap, f"{p}_z": size - gap},
        f"{p.upper()}-PASSED-ON": {f"{p}_x": at, f"{p}_y": size, f"{p}_z": size - gap},
        f"{p.upper()}-LIMIT": values,
    }
    fields = [field_of(f"{p}_x", 0, 8), field_of(f"{p}_y", 0, 200), field_of(f"{p}_z", 0, 200)]
    return core_of(gap, fields, rules, [case], without, values)


def logarithm(draw: random.Random, p: str, gap: Fraction) -> Core:
    """Ask for a logarithm that stays above its own tangent."""
    at = place(draw, 1, 4, 1)
    x, y, t = f"artifact.{p}_x", f"artifact.{p}_y", written(at)
    rules = {
        f"{p.upper()}-YIELD": f"log({x} / {t}) >= {y}",
        f"{p.upper()}-NEED": f"{y} >= {x} / {t} - {written(1 - gap)}",
    }
    case = Case(dict.fromkeys(rules, "1"), (f"{x} / {t} - 1 - log({x} / {t})",))
    touching = {f"{p}_x": at, f"{p}_y": Fraction(0)}
    without = {f"{p.upper()}-YIELD": {f"{p}_x": at, f"{p}_y": gap}, f"{p.upper()}-NEED": touching}
    return core_of(gap, [field_of(f"{p}_x", 1, 20), field_of(f"{p}_y", -5, 5)], rules, [case], without, touching)


def arrhenius(draw: random.Random, p: str, gap: Fraction) -> Core:
    """Ask for a reaction that goes far, makes little of its side product, and is over soon, at some temperature."""
    energy, longest = draw.randrange(70_000, 76_001, 100), draw.choice((100, 125, 160, 200, 250))
    order, side = place(draw, 2, 4, 1), place(draw, 0, 1) + Fraction(1, 5)
    limit = (side * order**2 - gap) / longest
    degrees, tau = f"artifact.{p}_degrees", f"artifact.{p}_tau"
    k = f"(250000000 * exp(-{energy} / (8.314 * ({degrees} + 273.15))))"
    rules = {
        f"{p.upper()}-CONVERSION": f"{k} * {tau} >= {written(order)}",
        f"{p.upper()}-IMPURITY": f"{written(side)} * {k} ** 2 * {tau} <= {written(limit)}",
        f"{p.upper()}-TIME": f"{tau} <= {longest}",
    }
    weights = (f"{written(side)} * ({k} * {tau} + {written(order)})", tau, written(limit))
    case = Case(dict(zip(rules, weights, strict=True)))

    def run(rate: Fraction, seconds: Fraction) -> Values:
        return {f"{p}_degrees": _degrees(rate, energy), f"{p}_tau": seconds}

    late = Fraction(longest) * 3 / 2
    without = {
        f"{p.upper()}-CONVERSION": {f"{p}_degrees": Fraction(20), f"{p}_tau": Fraction(longest, 2)},
        f"{p.upper()}-IMPURITY": {f"{p}_degrees": Fraction(150), f"{p}_tau": Fraction(longest)},
        f"{p.upper()}-TIME": run(order / late * Fraction(21, 20), late),
    }
    middle = (order / longest + _root(limit / (side * longest))) / 2
    fields = [field_of(f"{p}_degrees", 0, 200), field_of(f"{p}_tau", 1, 600)]
    return core_of(gap, fields, rules, [case], without, run(middle, Fraction(longest)))


def _degrees(rate: Fraction, energy: int) -> Fraction:
    """Give the temperature at which the rate constant is that, to forty digits."""
    with decimal.localcontext(decimal.Context(prec=40)):
        ratio = decimal.Decimal(250_000_000) * rate.denominator / rate.numerator
        return Fraction(energy / (decimal.Decimal("8.314") * ratio.ln()) - decimal.Decimal("273.15"))


def _root(number: Fraction) -> Fraction:
    with decimal.localcontext(decimal.Context(prec=40)):
        return Fraction((decimal.Decimal(number.numerator) / number.denominator).sqrt())
