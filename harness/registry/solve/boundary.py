"""Which values of one variable are possible at all, the others free or fixed: certified pieces, and narrow edges.

A stretch is *out* where the problem within it is certified infeasible. It is *in* where a line of points through it,
the other variables constant or moving evenly from one witness to the next, is certified to violate nothing: the problem
that one constraint is violated on that line is infeasible. What lies between is an *edge*.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final, Literal

from harness.errors import UsageError
from harness.registry.solve.certificate import Point
from harness.registry.solve.checker import certainly
from harness.registry.solve.decide import Decision, Feasible, Infeasible
from harness.registry.solve.mus import Oracle
from harness.registry.solve.problem import Apply, Number, Problem, Term, Unknown
from harness.registry.solve.relax import rounded_middle, simplest
from harness.registry.solve.rewrite import violated, with_leaves, within

PRECISION: Final = Fraction(1, 4 * 10**9)  # of the value: where an edge is not cut again
_LEAST: Final = Fraction(1, 10**6)  # of the range, which stands for the value near 0
CALLS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Piece:
    """Values from ``low`` to ``high``: all of them possible (in), none (out), or not told apart (edge).

    Both ends belong to a piece that is in or out; an edge lies strictly between its neighbours.
    """

    low: Fraction
    high: Fraction
    state: Literal["in", "out", "edge"]


def boundary(
    problem: Problem, name: str, oracle: Oracle, fixed: Mapping[str, Fraction] | None = None, calls: int = CALLS
) -> tuple[Piece, ...]:
    """Cut the range of one variable into pieces, from its low bound to its high one, with no gap between.

    ``fixed`` gives other variables a value; those not named are free. Edges are narrower than 1e-9 of their value
    unless the oracle cannot decide, or was asked ``calls`` times. Of whole numbers and choices each value is in or out,
    and an edge is a value that was not decided. UsageError for a name that is no variable.
    """
    names = [one.name for one in problem.variables]
    for one in (name, *(fixed or {})):
        if one not in names:
            raise UsageError(f"there is no variable {one!r}", cure=f"variables: {', '.join(names)}")
    for other, value in (fixed or {}).items():
        problem = within(problem, names.index(other), value, value)
    return _Line(problem, names.index(name), oracle, calls).pieces()


class _Line:
    """Work through the range of one variable, the part that is not looked at yet on a stack."""

    def __init__(self, problem: Problem, index: int, oracle: Oracle, calls: int) -> None:
        self._problem, self._index, self._oracle, self._left = problem, index, oracle, calls
        variable = problem.variables[index]
        self._whole, self._least = variable.kind != "real", (variable.high - variable.low) * _LEAST
        self._pieces: list[Piece] = []

    def pieces(self) -> tuple[Piece, ...]:
        """Give the pieces in order, neighbours of the same state as one."""
        variable = self._problem.variables[self._index]
        todo = [(variable.low, variable.high)]
        while todo:
            todo.extend(self._look(*todo.pop()))
        step = Fraction(self._whole)
        pieces = [*_joined(sorted(self._pieces, key=lambda one: (one.low, one.high)), step)]
        return tuple(_joined([self._blurred(pieces, at) for at in range(len(pieces))], step))

    def _blurred(self, pieces: list[Piece], at: int) -> Piece:
        """Give a piece, as an edge where it is a speck that only unproven edges part from more of the same."""
        one, beyond = pieces[at], [*pieces[max(at - 2, 0) : max(at - 1, 0)], *pieces[at + 2 : at + 3]]
        speck = one.state == "in" and not self._whole and self._narrow(one.low, one.high)
        return replace(one, state="edge") if speck and any(other.state == "in" for other in beyond) else one

    def _look(self, low: Fraction, high: Fraction) -> list[tuple[Fraction, Fraction]]:
        """Decide about a stretch, or give the stretches to look at instead."""
        if self._left <= 0:
            return self._is(low, high, "edge")
        decision = self._ask(low, high)
        if isinstance(decision, Infeasible):
            return self._is(low, high, "out")
        if isinstance(decision, Feasible):
            here = decision.point[self._index]
            return [*self._from(decision.point, here, low), *self._from(decision.point, here, high)]
        if low == high or (not self._whole and self._narrow(low, high)):
            return self._is(low, high, "edge")
        return self._halves(low, high)

    def _from(self, point: Point, here: Fraction, end: Fraction) -> list[tuple[Fraction, Fraction]]:
        """Decide about the stretch from a feasible point towards an end, as far as it is feasible."""
        if here == end:
            return self._is(here, here, "in")
        if at_end := self._at(end, point):
            return self._stretch(point, at_end)
        near, far, last = self._edge(point, here, end)
        if self._whole:
            return [*self._stretch(point, last), _sorted(near + (1 if end > here else -1), end)]
        self._is(near, far, "edge")
        return [*self._stretch(point, last), _sorted(far, end)]

    def _edge(self, last: Point, near: Fraction, far: Fraction) -> tuple[Fraction, Fraction, Point]:
        """Close in on where feasible values end, from a feasible one and another that is not; the last feasible point.

        The simplest number between the two is often the end itself, and is tried last.
        """
        while self._left > 0:
            narrow = self._narrow(near, far)
            middle = simplest(*_sorted(near, far)) if narrow else self._middle(near, far)
            if middle in (near, far):
                break
            found = self._at(middle, last)
            near, far, last = (middle, far, found) if found else (near, middle, last)
            if narrow:
                break
        return near, far, last

    def _stretch(self, one: Point, other: Point) -> list[tuple[Fraction, Fraction]]:
        """Decide about a stretch whose ends are feasible."""
        low, high = _sorted(one[self._index], other[self._index])
        if low == high or self._inside(one, other):
            return self._is(low, high, "in")
        if not self._narrow(low, high):
            return self._halves(low, high)
        if self._whole:
            return self._is(low, low, "in") + self._is(high, high, "in")
        return self._is(low, high, "edge")

    def _inside(self, one: Point, other: Point) -> bool:
        """Say whether every point on the line between two feasible ones is certified feasible."""
        line = self._between(one, other)
        return line is not None and isinstance(self._asked(line), Infeasible)

    def _between(self, one: Point, other: Point) -> Problem | None:
        """Give the problem that a point on the line violates something; None where whole numbers would have to move."""
        start, end = one[self._index], other[self._index]
        along: dict[int, Term] = {}
        for place, (before, after) in enumerate(zip(one, other, strict=True)):
            if place == self._index:
                continue
            slope = (after - before) / (end - start) if end != start else Fraction(0)
            if slope and self._problem.variables[place].kind != "real":
                return None
            moved = Apply("*", (Number(slope), Unknown(self._index)))
            along[place] = Apply("+", (Number(before - slope * start), moved)) if slope else Number(before)

        def leaf(term: Number | Unknown) -> Term:
            return along.get(term.index, term) if isinstance(term, Unknown) else term

        stretch = within(with_leaves(self._problem, leaf), self._index, *sorted((start, end)))
        variables = tuple(
            variable if place == self._index else replace(variable, low=value, high=value)
            for place, (variable, value) in enumerate(zip(stretch.variables, one, strict=True))
        )
        return Problem(variables, (violated(stretch),))

    def _halves(self, low: Fraction, high: Fraction) -> list[tuple[Fraction, Fraction]]:
        middle = self._middle(low, high)
        return [(middle + 1 if self._whole else middle, high), (low, middle)]

    def _middle(self, one: Fraction, other: Fraction) -> Fraction:
        return Fraction((one + other) // 2) if self._whole else rounded_middle(one, other)

    def _narrow(self, one: Fraction, other: Fraction) -> bool:
        width = abs(one - other)
        return width <= 1 if self._whole else width <= PRECISION * max(abs(one), abs(other), self._least)

    def _at(self, value: Fraction, near: Point) -> Point | None:
        """Give a feasible point with this value, at best a nearby one moved there; None where none is known."""
        moved = (*near[: self._index], value, *near[self._index + 1 :])
        if all(certainly(self._problem, moved).values()):
            return moved
        decision = self._ask(value, value)
        return decision.point if isinstance(decision, Feasible) else None

    def _ask(self, low: Fraction, high: Fraction) -> Decision:
        return self._asked(within(self._problem, self._index, low, high))

    def _asked(self, problem: Problem) -> Decision:
        self._left -= 1
        return self._oracle(problem)

    def _is(
        self, one: Fraction, other: Fraction, state: Literal["in", "out", "edge"]
    ) -> list[tuple[Fraction, Fraction]]:
        self._pieces.append(Piece(*_sorted(one, other), state))
        return []


def _sorted(one: Fraction, other: Fraction) -> tuple[Fraction, Fraction]:
    return (one, other) if one <= other else (other, one)


def _joined(pieces: list[Piece], step: Fraction) -> Iterator[Piece]:
    """Yield pieces in order, neighbours of the same state as one; ``step`` is from one value to the next."""
    last = pieces[0]
    for one in pieces[1:]:
        if one.state == last.state and one.low <= last.high + step:
            last = replace(last, high=max(last.high, one.high))
        else:
            yield last
            last = one
    yield last
