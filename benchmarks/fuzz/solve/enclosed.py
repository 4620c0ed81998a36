"""Whether what the solver's intervals, slopes and contractors say of a box is so at its points.

Asked are the checker's arithmetic (Arb at two precisions, exact fractions) and the search's floats. What terms are at
points comes from ``spans``, so a fault is one of the solver or of the oracle, and never of both in the same line.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, Final, NamedTuple

from benchmarks.fuzz.solve.proof import Value, always
from benchmarks.fuzz.solve.spans import Box, End, Span, Spans
from benchmarks.fuzz.solve.terms import VARIABLES, WHOLE, Point
from harness.registry.solve.ball import Balls, Inexact
from harness.registry.solve.ball import Span as Bounded
from harness.registry.solve.bound import slopes_of, steps_of, values_of
from harness.registry.solve.checker import check_certificate
from harness.registry.solve.contract import clause_of
from harness.registry.solve.floats import Empty, Steep
from harness.registry.solve.problem import Apply, Condition, Constraint, Problem, Term, Variable, written
from harness.registry.solve.tape import Tape

_POINTS: Final = Spans(60)
_WAYS: Final = 20
KINDS: Final = (
    "balls_outside",
    "floats_outside",
    "balls_slope_outside",
    "floats_slope_outside",
    "called_defined",
    "called_undefined",
    "contractor_lost",
    "refuted_met",
)

Floats = tuple[list[float], list[float]]


class Fault(NamedTuple):
    """A value that is not where the solver says: of which kind, of what, where."""

    kind: str
    what: Any
    box: Box
    point: Point


class Case(NamedTuple):
    """A term on a box, and what it is at points of it; None where it is undefined, partial where that is open."""

    term: Term
    box: Box
    points: list[Point]
    values: list[Span | None]


def case_of(term: Term, box: Box, points: list[Point]) -> Case:
    """Work out a term at points of a box."""
    known = {point: _POINTS.value(term, [(at, at) for at in point]) for point in set(points)}
    return Case(term, box, points, [known[point] for point in points])


# --- values and slopes ------------------------------------------------------------------------------------------------


def value_faults(case: Case, counts: Counter[str]) -> Iterator[Fault]:
    """Yield the points whose value is outside of an interval, or whose being undefined is."""
    told = {f"balls at {bits} bits": _bounded(case, bits) for bits in (64, 0, 256)}
    told["floats"] = _floats(case)
    for how, found in told.items():
        if found == "none":
            continue
        counts[how.replace(" ", "_")] += 1
        side = "floats" if how == "floats" else "balls"
        for point, value in zip(case.points, case.values, strict=True):
            if kind := _astray(side, found, value):
                yield Fault(kind, written(case.term), case.box, point)


def _astray(side: str, found: Any, value: Span | None) -> str:
    """Give the kind of fault that a value at a point is, if it is one."""
    if value is None:
        return "called_defined" if side == "balls" and found is not None and not found.partial else ""
    if value.partial:
        return ""  # digits do not tell whether it is defined
    if found is None:
        return "called_undefined"
    return "" if found.holds(value) else f"{side}_outside"


def _bounded(case: Case, bits: int) -> Any:
    """Give what the checker's arithmetic says of a term, with exact ends; ``none`` where it does not say."""
    balls = Balls(bits)
    try:
        with balls.precision():
            values = values_of(balls, steps_of(case.term), case.box)
    except Inexact:
        return "none"
    return None if values is None else _exact(values[-1])


def _exact(bounded: Bounded) -> Span:
    return Span(_end(bounded.low), _end(bounded.high), bounded.partial)


def _end(end: Any) -> End:
    if isinstance(end, Fraction):
        return end
    if hasattr(end, "p"):
        return Fraction(int(end.p), int(end.q))
    if not end.is_finite():
        return math.inf if end > 0 else -math.inf
    mantissa, exponent = end.man_exp()
    if abs(int(exponent)) > 1_000_000:  # too far to be written out: bounded by what can be
        return _far(int(mantissa), int(exponent))
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def _far(mantissa: int, exponent: int) -> End:
    return Fraction(0) if exponent < 0 or not mantissa else math.copysign(math.inf, mantissa)


def _floats(case: Case) -> Span | None:
    try:
        low, high = Tape(case.term).range(*outward(case.box))
    except Empty:
        return None
    return Span(_fraction(low), _fraction(high), True)


def _fraction(end: float) -> End:
    return Fraction(end) if math.isfinite(end) else end


def outward(box: Box) -> Floats:
    """Give the narrowest box of floats around a box."""
    lows, highs = [float(low) for low, _ in box], [float(high) for _, high in box]
    for at, (low, high) in enumerate(box):
        lows[at] = lows[at] if Fraction(lows[at]) <= low else math.nextafter(lows[at], -math.inf)
        highs[at] = highs[at] if Fraction(highs[at]) >= high else math.nextafter(highs[at], math.inf)
    return lows, highs


def slope_faults(case: Case, counts: Counter[str]) -> Iterator[Fault]:
    """Yield the ways between points on which a term goes further than its slopes say."""
    told = {"balls": _ball_slopes(case), "floats": _float_slopes(case)}
    ways = list(zip(case.points, case.points[1:], case.values, case.values[1:], strict=False))[:_WAYS]
    for side, slopes in told.items():
        if slopes is None:
            continue
        counts[f"{side}_slopes"] += 1
        for one, two, start, end in ways:
            if start is None or end is None or start.partial or end.partial:
                continue
            gone = _POINTS.apply("-", [end, start])
            way = [Span(b - a, b - a) for a, b in zip(one, two, strict=True)]
            can: Span | None = Span(Fraction(0), Fraction(0))
            for at, slope in slopes.items():
                can = _POINTS.apply("+", [can, _POINTS.apply("*", [slope, way[at]])])
            if gone is None or can is None or not can.holds(gone):
                yield Fault(f"{side}_slope_outside", written(case.term), case.box, one)


def _ball_slopes(case: Case) -> dict[int, Span] | None:
    balls = Balls(64)
    try:
        with balls.precision():
            slopes = slopes_of(balls, steps_of(case.term), case.box)
    except Inexact:
        return None
    return {at: _exact(slope) for at, slope in slopes.items()}


def _float_slopes(case: Case) -> dict[int, Span] | None:
    """Give the slopes that the search goes by; only where the term is known to be defined are they meant."""
    known = _bounded(case, 64)
    try:
        slopes = Tape(case.term).slopes(*outward(case.box))
    except (Empty, Steep):
        return None
    if known is None or known.partial:
        return None
    return {at: Span(Fraction(low), Fraction(high)) for at, (low, high) in slopes.items()}


# --- contractors ------------------------------------------------------------------------------------------------------


def condition_faults(cases: Sequence[Case], condition: Condition, counts: Counter[str]) -> Iterator[Fault]:
    """Yield the points that meet a condition and were cut off, or are in a box that the checker calls refuted.

    The cases are of one box and its points; the condition compares their terms, or parts of them, with numbers.
    """
    box, points = cases[0].box, cases[0].points
    left, refuted = clause_of(condition).narrow(*outward(box), WHOLE), _refuted(box, condition)
    counts["boxes_narrowed"] += bool(left) or left is None
    counts["boxes_refuted"] += refuted
    for at, point in enumerate(points):
        if not always(condition, tuple((one, one) for one in point), _known(cases, at)):
            continue
        counts["points_that_meet"] += 1
        if left is None or any(not low <= point[index] <= high for index, (low, high) in left.items()):
            yield Fault("contractor_lost", written(condition), box, point)
        if refuted:
            yield Fault("refuted_met", written(condition), box, point)


def _known(cases: Sequence[Case], at: int) -> Value:
    """Give how a term is worked out at a point, the terms of cases being known there."""
    known = {id(case.term): case.values[at] for case in cases}

    def value(term: Term, box: Box) -> Span | None:
        if id(term) in known:
            return known[id(term)]
        if isinstance(term, Apply):
            return _POINTS.apply(term.operation, [value(one, box) for one in term.terms])
        return _POINTS.value(term, box)

    return value


def _refuted(box: Box, condition: Condition) -> bool:
    """Tell whether the checker takes it that a condition is false on all of a box."""
    kinds = ["integer" if at in WHOLE else "real" for at in range(VARIABLES)]
    variables = [Variable(f"x{at}", kind, *box[at]) for at, kind in enumerate(kinds)]  # type: ignore[arg-type]
    problem = Problem(tuple(variables), (Constraint("c", condition),))
    certificate = {"format": "infeasible/1", "problem": problem.digest, "tree": ["refuted", 0]}
    return check_certificate(problem, certificate) == ""
