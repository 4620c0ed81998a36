"""Families of contradictions with modes and whole numbers, and one with many of them; see ``families``."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import product

from .instance import Case, Core, FieldOf, Rule, Values
from .instance import decimal as written
from .plant import core_of, field_of, place


def modes(draw: random.Random, p: str, gap: Fraction) -> Core:
    """Let every mode of working ask for more than the most there is."""
    names = tuple(draw.sample(("eco", "normal", "sport", "tow"), draw.randint(2, 4)))
    most = place(draw, 2, 6)
    least = [most + gap, *(most + gap + place(draw, 0, 1) + Fraction(1, 10) for _ in names[1:])]
    x, mode = f"artifact.{p}_x", f"artifact.{p}_mode"
    rules: dict[str, str | tuple[str, str]] = {
        f"{p.upper()}-LEAST-{name.upper()}": (f"{mode} == '{name}'", f"{x} >= {written(limit)}")
        for name, limit in zip(names, least, strict=True)
    }
    rules[f"{p.upper()}-MOST"] = f"{x} <= {written(most)}"
    cases = [
        Case({f"{p.upper()}-LEAST-{name.upper()}": "1", f"{p.upper()}-MOST": "1"}, at={f"{p}_mode": name})
        for name in names
    ]
    without: dict[str, Values] = {
        f"{p.upper()}-LEAST-{name.upper()}": {f"{p}_x": most, f"{p}_mode": name} for name in names
    }
    without[f"{p.upper()}-MOST"] = {f"{p}_x": least[0], f"{p}_mode": names[0]}
    fields = [field_of(f"{p}_x", 0, 10), FieldOf(f"{p}_mode", values=names)]
    return core_of(gap, fields, rules, cases, without, {f"{p}_x": most, f"{p}_mode": names[0]})


def guards(draw: random.Random, p: str, gap: Fraction) -> Core:
    """Give each side of a limit on a whole number a contradiction of its own."""
    limit, one, other = draw.randint(2, 5), place(draw, 2, 8), place(draw, 2, 8)
    n, x, y = f"artifact.{p}_n", f"artifact.{p}_x", f"artifact.{p}_y"
    rules: dict[str, str | tuple[str, str]] = {
        f"{p.upper()}-MANY": (f"{n} >= {limit}", f"{x} <= {written(one - gap)}"),
        f"{p.upper()}-FEW": (f"{n} < {limit}", f"{y} <= {written(other - gap)}"),
        f"{p.upper()}-X": f"{x} >= {written(one)}",
        f"{p.upper()}-Y": f"{y} >= {written(other)}",
    }
    cases = []
    for count in range(8):
        pair = ("MANY", "X") if count >= limit else ("FEW", "Y")
        cases.append(Case({f"{p.upper()}-{name}": "1" for name in pair}, at={f"{p}_n": Fraction(count)}))

    def plan(count: int, x_is: Fraction, y_is: Fraction) -> Values:
        return {f"{p}_n": Fraction(count), f"{p}_x": x_is, f"{p}_y": y_is}

    without = {
        f"{p.upper()}-MANY": plan(limit, one, other),
        f"{p.upper()}-FEW": plan(limit - 1, one, other),
        f"{p.upper()}-X": plan(limit, one - gap, other),
        f"{p.upper()}-Y": plan(limit - 1, one, other - gap),
    }
    fields = [
        FieldOf(f"{p}_n", Fraction(0), Fraction(7), whole=True),
        field_of(f"{p}_x", 0, 10),
        field_of(f"{p}_y", 0, 10),
    ]
    return core_of(gap, fields, rules, cases, without, plan(limit, one, other))


def packing(draw: random.Random, p: str, gap: Fraction) -> Core:
    """Fill more than one even number and less than the next with boxes of even sizes."""
    small, large = draw.choice(((2, 6), (4, 6), (6, 10), (2, 10)))
    few, many = draw.randint(2, 6), draw.randint(2, 4)
    filled = small * few + large * many
    n, m = f"artifact.{p}_n", f"artifact.{p}_m"
    fill = f"{small} * {n} + {large} * {m}"
    rules = {
        f"{p.upper()}-FULL": f"{fill} >= {written(filled + gap)}",
        f"{p.upper()}-FITS": f"{fill} <= {written(filled + 2 - gap)}",
    }
    cases = []
    for count, others in product(range(9), range(7)):
        too_few = small * count + large * others <= filled
        at = {f"{p}_n": Fraction(count), f"{p}_m": Fraction(others)}
        cases.append(Case({f"{p.upper()}-{'FULL' if too_few else 'FITS'}": "1"}, at=at))
    exact = {f"{p}_n": Fraction(few), f"{p}_m": Fraction(many)}
    without = {f"{p.upper()}-FULL": exact, f"{p.upper()}-FITS": {f"{p}_n": Fraction(8), f"{p}_m": Fraction(6)}}
    fields = [FieldOf(f"{p}_n", Fraction(0), Fraction(8), True), FieldOf(f"{p}_m", Fraction(0), Fraction(6), True)]
    return core_of(gap, fields, rules, cases, without, exact)


# --- many contradictions ----------------------------------------------------------------------------------------------


def windows(draw: random.Random, p: str, gap: Fraction) -> Core:
    """State times before which nothing may begin, and others, all earlier, at which it has to be over."""
    middle, x = place(draw, 4, 6), f"artifact.{p}_x"
    starts = [middle + gap + at * place(draw, 0, 1) for at in range(draw.randint(1, 3))]
    ends = [middle - at * place(draw, 0, 1) for at in range(draw.randint(2, 3))]
    lows = [Rule(f"{p.upper()}-FROM-{at}", f"{x} >= {written(one)}") for at, one in enumerate(starts)]
    highs = [Rule(f"{p.upper()}-UNTIL-{at}", f"{x} <= {written(one)}") for at, one in enumerate(ends)]
    fields = (field_of(f"{p}_x", 0, 10),)
    if gap < 0:  # the other way round, and all of them leave the middle
        lows = [Rule(one.id, f"{x} >= {written(middle - at)}") for at, one in enumerate(lows)]
        highs = [Rule(one.id, f"{x} <= {written(middle - gap + at)}") for at, one in enumerate(highs)]
        return Core(fields, (*lows, *highs), witness={f"{p}_x": middle})
    pairs = [(low, high) for low in lows for high in highs]
    muses = {frozenset({low.id, high.id}): (Case({low.id: "1", high.id: "1"}),) for low, high in pairs}
    without: dict[frozenset[str], Values] = {
        frozenset(one.id for one in lows): {f"{p}_x": min(ends)},
        frozenset(one.id for one in highs): {f"{p}_x": max(starts)},
    }
    return Core(fields, (*lows, *highs), muses, without)
