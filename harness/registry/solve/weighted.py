"""How low a weighted sum of terms can be on a box, in two ways: each by itself, and by the mean value theorem."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from harness.registry.solve.ball import Balls, Inexact, Span
from harness.registry.solve.bound import Slopes, Step, merged, scaled, slopes_of, values_of
from harness.registry.solve.certificate import Box

Weighted = Sequence[tuple[list[Step], Fraction]]  # the steps of each term, and its weight


def least_by_terms(balls: Balls, weighted: Weighted, box: Box) -> Any:
    """Give the low end of a weighted sum wherever it is defined; None where that is nowhere."""
    total = Span(balls.zero, balls.zero)
    for steps, weight in weighted:
        values = values_of(balls, steps, box)
        if values is None:
            return None
        total = balls.add(total, balls.multiply(balls.span(weight, weight), values[-1]))
    return total.low


def least_by_slopes(balls: Balls, weighted: Weighted, box: Box) -> Any:
    """Give a low end by the mean value theorem: the sum at the center, and its slopes times the way from there.

    The slopes of the sum are added first, so that those of linear terms cancel.
    """
    slopes: Slopes = {}
    for steps, weight in weighted:
        factor = balls.span(weight, weight)
        slopes = merged(balls, slopes, scaled(balls, slopes_of(balls, steps, box), factor))
    center = tuple(((low + high) / 2,) * 2 for low, high in box)
    low = least_by_terms(balls, weighted, center)
    if low is None:
        raise Inexact  # slopes exist only where every term is defined, so this is out of reach
    total = Span(low, low)
    for index, slope in slopes.items():
        reach = (box[index][1] - box[index][0]) / 2
        total = balls.add(total, balls.multiply(slope, balls.span(-reach, reach)))
    return total.low
