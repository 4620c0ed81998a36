"""Instances by the seed: one or two cores, more fields, and rules around what is known, which change nothing of it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import Final

from harness.determinism.streams import stream

from .beyond import BEYOND
from .exact import Point, value
from .families import AT_A_POINT, FAMILIES
from .instance import Core, FieldOf, Instance, Rule, Truth, Values, decimal
from .oracle import root_of
from .plant import place

GAPS: Final = (Fraction(1, 10), Fraction(1, 100), Fraction(1, 10**4), Fraction(1, 10**6), Fraction(1, 10**9))
ADDED: Final = (2, 2, 4, 4, 6, 8, 12, 20, 40)
"""How many rules are added to those of the cores."""

FEW: Final = (0, 1, 2)


@lru_cache(maxsize=4)
def twins(seed: int, number: int, added: tuple[int, ...] = ADDED) -> tuple[Instance, Instance]:
    """Give an infeasible set and its twin, in which the same rules leave room; families and gaps come by turns.

    ``added`` are the numbers of rules that may be added, which change nothing.
    """
    names, gap = tuple(FAMILIES), GAPS[number // len(FAMILIES) % len(GAPS)]
    draw = stream(seed, f"twins {number}")
    chosen = [names[number % len(names)], *draw.sample(names, draw.choice((0, 0, 1)))]
    drawn = [(name, prefix, draw.getrandbits(64)) for name, prefix in zip(chosen, "ab", strict=False)]
    wrong, right = (
        [FAMILIES[name](random.Random(at), prefix, signed) for name, prefix, at in drawn] for signed in (gap, -gap)
    )
    known = [*_together(_left_out(core) for core in wrong), *_together(_witness(core) for core in right)]
    free, more = _around(draw, wrong, known, added)
    order = draw.getrandbits(64)
    family = "+".join(chosen)
    return (
        _instance(f"infeasible {number:03d}", family, "infeasible", [*wrong, free], more, order),
        _instance(f"feasible {number:03d}", family, "feasible", [*right, free], more, order),
    )


def single(seed: int, number: int, added: tuple[int, ...] = ADDED) -> Instance:
    """Give a set that is met at one point."""
    draw = stream(seed, f"point {number}")
    family = AT_A_POINT[number % len(AT_A_POINT)]
    core = FAMILIES[family](draw, "a", Fraction(0))
    _, more = _around(draw, [core], _witness(core), added, fields=0)
    return _instance(f"point {number:03d}", family, "point", [core], more, draw.getrandbits(64))


def beyond(seed: int, number: int, added: tuple[int, ...] = ADDED) -> Instance:
    """Give a set that is met where no fraction is, or none that is short enough to be certified."""
    draw = stream(seed, f"beyond {number}")
    family = tuple(BEYOND)[number % len(BEYOND)]
    core = BEYOND[family](draw)
    assert core.beyond is not None
    _, more = _around(draw, [core], [root_of(core.beyond)], added, fields=0)
    return _instance(f"beyond {number:03d}", family, "beyond", [core], more, draw.getrandbits(64))


def _instance(
    name: str, family: str, truth: Truth, cores: Sequence[Core], added: Iterable[Rule], order: int
) -> Instance:
    rules = [*(rule for core in cores for rule in core.rules), *added]
    random.Random(order).shuffle(rules)
    fields = tuple(one for core in cores for one in core.fields)
    return Instance(name, family, truth, fields, tuple(rules), tuple(cores))


# --- what is known ----------------------------------------------------------------------------------------------------


def _left_out(core: Core) -> list[Values]:
    return list(core.without.values())


def _witness(core: Core) -> list[Values]:
    assert core.witness is not None
    return [core.witness]


def _together(points: Iterable[Sequence[Values]]) -> Iterator[Values]:
    """Yield every way to put points of cores together, which share no field."""
    for chosen in product(*points):
        yield {name: one for point in chosen for name, one in point.items()}


# --- rules that change nothing ----------------------------------------------------------------------------------------


def _around(
    draw: random.Random, cores: Sequence[Core], known: Iterable[Point], added: Sequence[int], fields: int = 3
) -> tuple[Core, list[Rule]]:
    """Give a core of more fields without rules, and rules over all fields that every known point meets with room."""
    free = tuple(FieldOf(f"free{at}", Fraction(0), Fraction(10)) for at in range(draw.randint(0, fields)))
    core = Core(free, (), witness={one.name: place(draw, 1, 9) for one in free})
    points = [{**point, **(core.witness or {})} for point in known]
    every = [one for core in cores for one in core.fields] + list(free)
    numbers = [one for one in every if not one.values]
    choices = [one for one in every if one.values]
    rules = [_rule(draw, at, numbers, choices, points) for at in range(draw.choice(added))]
    return core, rules


def _rule(
    draw: random.Random, at: int, numbers: Sequence[FieldOf], choices: Sequence[FieldOf], points: Sequence[Point]
) -> Rule:
    """Bound a term by what it is at most, or at least, at any known point, with room to spare."""
    while True:
        text = _term(draw, numbers)
        found = [one for point in points if (one := value(text, point)) is not None]
        if len(found) == len(points) and all(abs(end) < 10**6 for one in found for end in one):
            break
    sign = draw.choice(("<=", "<", ">=", ">"))
    most, least = max(one.high for one in found), min(one.low for one in found)
    room = Fraction(draw.randint(1, 20), 10) * max(1, round(max(abs(most), abs(least))))
    limit = round(most + room, 2) if sign[0] == "<" else round(least - room, 2)
    when = ""
    if choices and draw.random() < 0.4:
        mode = draw.choice(choices)
        when = f"artifact.{mode.name} {draw.choice(('==', '!='))} '{draw.choice(mode.values)}'"
    return Rule(f"ADDED-{at}", f"{text} {sign} {decimal(limit)}", when)


def _term(draw: random.Random, numbers: Sequence[FieldOf]) -> str:
    """Draw a term in up to three fields, defined wherever these are in their bounds."""
    x, y, z = (f"artifact.{draw.choice(numbers).name}" for _ in range(3))
    a, b = draw.randint(1, 9), draw.randint(2, 9)
    return draw.choice(
        (
            f"{a} * {x} + {b} * {y} - {z}",
            f"{x} * {y} - {a} * {z}",
            f"({x} - {a}) ** 2 + {y}",
            f"{y} * exp(-abs({x}) / {10 * b}) - {x} / {b}",
            f"max(abs({x} - {y}), {z} / {b})",
            f"min({x}, {a} * {y}) + {z}",
            f"sqrt(abs({x}) + {a}) - log(abs({y}) + {b})",
            f"({x} + {a}) / (abs({y}) + {b})",
        )
    )
