"""Lines and the cells of the number line on which they are looked at, in exact fractions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from harness.registry import values


class Cell(NamedTuple):
    """The numbers between two ends, without them; or one number, where the ends are equal. None: no end."""

    low: Fraction | None
    high: Fraction | None

    @property
    def inside(self) -> Fraction:
        """Some number of the cell."""
        if self.low is None or self.high is None:
            return self.low + 1 if self.low is not None else self.high - 1 if self.high is not None else Fraction(0)
        return (self.low + self.high) / 2

    def first_whole(self, towards: int) -> Fraction | None:
        """Give the whole number of the cell that comes first in a direction; the end it begins at is there."""
        if self.low == self.high:
            return self.low if self.low is not None and self.low.denominator == 1 else None
        if towards > 0:
            assert self.low is not None
            first = math.floor(self.low) + 1
            return Fraction(first) if self.high is None or first < self.high else None
        assert self.high is not None
        first = math.ceil(self.high) - 1
        return Fraction(first) if self.low is None or first > self.low else None


class CutError(Exception):
    """Say that something is not the same everywhere on a cell, and where it changes."""

    def __init__(self, at: Fraction) -> None:
        self.at = at
        super().__init__(at)


@dataclass(frozen=True, slots=True)
class Line:
    """The numbers ``slope * x + start`` for a number x."""

    slope: Fraction
    start: Fraction


def line_of(value: Any) -> Line:
    """Give a line, or a number as a level one; Undefined for anything else."""
    return value if isinstance(value, Line) else Line(Fraction(0), Fraction(values.number(value)))


def plus(one: Line, other: Line) -> Line:
    """Add two lines."""
    return Line(one.slope + other.slope, one.start + other.start)


def scaled(one: Line, by: Fraction) -> Line:
    """Multiply a line by a number."""
    return Line(one.slope * by, one.start * by)


def difference(left: Any, right: Any) -> Line:
    """Give ``right`` minus ``left``."""
    return plus(line_of(right), scaled(line_of(left), Fraction(-1)))
