"""How far one parameter has to give way until the constraints can be met, certified from both sides.

A parameter that becomes a variable is a question about all its values at once: infeasible there means at every one of
them. That finds the direction, and proves where there is none. Between a value that is certified infeasible and one
with a certified witness, bisection closes in. It asks about whole stretches, so that nothing is assumed about what lies
between; where these are not decided, or ``ranged`` is off, about single values. A whole parameter is whole all along:
an integer where it is a variable, and the two sides end up one apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor
from typing import Any, Final

from harness.errors import UsageError
from harness.registry.solve.certificate import Point
from harness.registry.solve.decide import Decision, Feasible, Infeasible
from harness.registry.solve.mus import Oracle
from harness.registry.solve.problem import Number, Problem, Term, Unknown, Variable
from harness.registry.solve.rewrite import numbers_in, with_leaves

GAP: Final = Fraction(1, 10**9)  # of the value, near 0 of a thousandth of the stated one: how near the sides come
CALLS: Final = 80
_REACH: Final = 1000  # where no bound is stated: so many times the stated value, and that part of it

Ask = Callable[[Fraction], Decision]
Limits = tuple[Fraction | None, Fraction | None]  # how far down and up; None where that is not stated


@dataclass(frozen=True, slots=True)
class Relaxation:
    """What a change of one parameter does for an infeasible problem.

    With ``feasible_at`` the constraints are met by ``witness``; with ``infeasible_at`` they are not, and
    ``certificate`` proves it of the problem with that value, or, where ``ranged``, of the problem in which the
    parameter is a variable from ``stated`` to there. ``never`` says that every value from ``low`` to ``high`` is
    certified infeasible. Without either, nothing was found. ``undecided`` are the first and last values between the two
    sides that the oracle could not decide.
    """

    parameter: str
    stated: Fraction
    low: Fraction
    high: Fraction
    infeasible_at: Fraction
    feasible_at: Fraction | None = None
    witness: Point | None = None
    certificate: Any = None
    ranged: bool = False
    never: bool = False
    undecided: tuple[Fraction, Fraction] | None = None
    calls: int = 0

    @property
    def sure(self) -> bool:
        """Whether every value from the stated one to the infeasible side is certified infeasible."""
        return self.ranged or self.infeasible_at == self.stated


def parameters_of(problem: Problem) -> dict[str, Fraction]:
    """Give the parameters that the constraints speak of, and their values, in the order in which they appear."""
    return {number.parameter: number.value for _, number in numbers_in(problem) if number.parameter}


def with_parameter(problem: Problem, parameter: str, value: Fraction) -> Problem:
    """Give the problem with another value of a parameter."""

    def leaf(one: Number | Unknown) -> Term:
        return Number(value, parameter) if isinstance(one, Number) and one.parameter == parameter else one

    return with_leaves(problem, leaf)


def with_variable(problem: Problem, parameter: str, low: Fraction, high: Fraction, *, whole: bool = False) -> Problem:
    """Give the problem in which a parameter is one more variable, the last, whose values are ``whole`` or not."""
    unknown = Unknown(len(problem.variables))

    def leaf(one: Number | Unknown) -> Term:
        return unknown if isinstance(one, Number) and one.parameter == parameter else one

    freed = with_leaves(problem, leaf)
    variable = Variable(f"params.{parameter}", "integer" if whole else "real", low, high)
    return Problem((*problem.variables, variable), freed.constraints)


def relax(
    problem: Problem,
    parameter: str,
    oracle: Oracle,
    bounds: Limits = (None, None),
    *,
    whole: bool = False,
    ranged: bool = True,
    calls: int = CALLS,
    known: Infeasible | None = None,
) -> Relaxation:
    """Find the nearest value of a parameter for which an infeasible problem has a solution.

    Both directions are looked at, see ``reach``, with at most ``calls`` questions each; what lies across 0, where no
    bound is stated on that side, only if there is nothing nearer. What is found is the nearest where it is ``ranged``,
    and otherwise if values beyond a feasible one are feasible too. It is a ``whole`` number where the parameter has to
    be. ``known`` is a proof for the stated value, where there is one already. UsageError where the constraints do not
    speak of the parameter, or the problem is not certified infeasible to begin with.
    """
    stated = parameters_of(problem).get(parameter)
    if stated is None:
        raise UsageError(f"no constraint speaks of the parameter {parameter!r}")
    decision = known or oracle(problem)
    if not isinstance(decision, Infeasible):
        raise UsageError(f"there is nothing to relax: {type(decision).__name__.lower()} with {parameter} = {stated}")
    search = _Search(problem, parameter, stated, oracle, whole, ranged, calls, 1)
    return replace(search.nearest(bounds, decision), calls=search.calls)


def reach(stated: Fraction, bounds: Limits, *, whole: bool = False, across: bool = False) -> tuple[Fraction, Fraction]:
    """Give how far down and up a parameter may go: to its bounds, or else a thousandth and a thousand times as far.

    ``across`` 0 it is the mirror image of that. The ends of a ``whole`` one are whole.
    """
    far = abs(stated) * _REACH if stated else Fraction(_REACH)
    near = -far if across or not stated else abs(stated) / _REACH
    low, high = (near, far) if stated >= 0 else (-far, -near)
    ends = (low if bounds[0] is None else bounds[0], high if bounds[1] is None else bounds[1])
    low, high = min(ends[0], stated), max(ends[1], stated)
    return (Fraction(ceil(low)), Fraction(floor(high))) if whole else (low, high)


@dataclass(slots=True)
class _Side:
    """What is known in one direction: the two ends that close in, and what between them could not be decided."""

    infeasible: Fraction
    certificate: Any
    feasible: Fraction
    least: Fraction  # what a gap is measured by, near 0
    whole: bool
    point: Point | None = None
    undecided: tuple[Fraction, Fraction] | None = None
    never: bool = False
    ranged: bool = False

    def told(self, start: Relaxation) -> Relaxation:
        """Give what was found."""
        return replace(
            start,
            infeasible_at=self.infeasible,
            feasible_at=self.feasible,
            witness=self.point,
            certificate=self.certificate,
            ranged=self.ranged,
            undecided=self.undecided,
        )

    def next(self) -> Fraction | None:
        """Give the next value to ask about, in the middle of the widest stretch; None where all are narrow enough."""
        nearer, farther = self.undecided or (None, None)
        if nearer is None or farther is None:
            stretches = [(self.infeasible, self.feasible)]
        else:
            stretches = [(self.infeasible, nearer), (farther, self.feasible)]
        one, other = max(stretches, key=lambda ends: abs(ends[1] - ends[0]))
        if self.whole:
            return Fraction((one + other) // 2) if abs(other - one) > 1 else None
        narrow = abs(other - one) <= GAP * max(abs(one), abs(other), self.least) / (1 if self.undecided is None else 4)
        return None if narrow else rounded_middle(one, other)

    def put(self, value: Fraction, decision: Decision, *, ranged: bool) -> None:
        """Note the answer for a value, or, where ``ranged``, for all values up to it."""
        if isinstance(decision, Infeasible):
            self.infeasible, self.certificate, self.ranged = value, decision.certificate, ranged
        elif isinstance(decision, Feasible):
            self.feasible, self.point = (decision.point[-1], decision.point[:-1]) if ranged else (value, decision.point)
        elif self.undecided is None:
            self.undecided = (value, value)
        else:
            inwards = abs(value - self.infeasible) < abs(self.undecided[0] - self.infeasible)
            self.undecided = (value, self.undecided[1]) if inwards else (self.undecided[0], value)
        ends = sorted((self.infeasible, self.feasible))
        still = [one for one in self.undecided or () if ends[0] < one < ends[1]]
        self.undecided = (still[0], still[-1]) if still else None


@dataclass(slots=True)
class _Search:
    problem: Problem
    parameter: str
    stated: Fraction
    oracle: Oracle
    whole: bool
    ranged: bool
    limit: int
    calls: int

    def nearest(self, bounds: Limits, at_stated: Infeasible) -> Relaxation:
        """Look both ways from the stated value, then across 0, and give the nearest of what is found."""
        ends, wide = (reach(self.stated, bounds, whole=self.whole, across=across) for across in (False, True))
        start = Relaxation(self.parameter, self.stated, *ends, self.stated, certificate=at_stated.certificate)
        if self.parameter not in parameters_of(self.problem.only(frozenset(at_stated.core))):
            return replace(start, never=True)  # the core is infeasible whatever the value
        sides = {end: self._towards(end, at_stated, self._steps(end)) for end in reversed(ends) if end != self.stated}
        if wide != ends and not any(one.point for one in sides.values()):
            beyond = wide[0] if self.stated > 0 else wide[1]
            side = sides[beyond] = self._towards(beyond, at_stated, [Fraction(0)])
            ends = wide if side.never or side.point else ends
        looked_at = [sides[end] for end in reversed(ends) if end != self.stated]
        start = replace(start, low=ends[0], high=ends[1])
        found = [one for one in looked_at if one.point is not None]
        if found:
            return min(found, key=lambda one: abs(one.feasible - self.stated)).told(start)
        return self._nowhere(start) if all(one.never for one in looked_at) else start

    def _towards(self, end: Fraction, at_stated: Infeasible, steps: list[Fraction]) -> _Side:
        """Close in on the nearest feasible value between the stated one and an end; first ``steps``, where need be."""
        least = (abs(self.stated) or Fraction(1)) / _REACH
        side = _Side(self.stated, at_stated.certificate, end, least, self.whole)
        all_up_to = self._all_up_to(end)
        if isinstance(all_up_to, Infeasible):
            side.never, side.certificate, side.infeasible = True, all_up_to.certificate, end
        elif isinstance(all_up_to, Feasible):
            side.feasible, side.point = all_up_to.point[-1], all_up_to.point[:-1]
        else:
            self._step_out(side, steps)
        if side.point is not None:
            self._close_in(side)
        return side

    def _steps(self, end: Fraction) -> list[Fraction]:
        """Give values at growing distances from the stated one."""
        steps = [(end - self.stated) / part for part in (64, 32, 16, 8, 4, 2, 1)]
        if self.whole:
            steps = [Fraction(ceil(step) if step > 0 else floor(step)) for step in steps]
        return [self.stated + step for step in dict.fromkeys(steps)]

    def _nowhere(self, start: Relaxation) -> Relaxation:
        """Prove all values at once of which each direction is proven: one certificate says it, where it is found."""
        found = self._between(start.low, start.high)
        certificate = found.certificate if isinstance(found, Infeasible) else None
        return replace(start, never=True, ranged=True, certificate=certificate)

    def _step_out(self, side: _Side, steps: list[Fraction]) -> None:
        """Look for a first feasible value; ``side`` keeps the last infeasible one before it."""
        for value in steps:
            decision = self._at(value)
            if isinstance(decision, Feasible):
                side.feasible, side.point = value, decision.point
                return
            if isinstance(decision, Infeasible) and not self.ranged:
                side.infeasible, side.certificate = value, decision.certificate

    def _close_in(self, side: _Side) -> None:
        if self.ranged:
            self._ask_between(side, self._all_up_to, ranged=True)
        if not self.ranged or side.undecided:
            side.undecided = None
            self._ask_between(side, self._at, ranged=False)

    def _ask_between(self, side: _Side, ask: Ask, *, ranged: bool) -> None:
        last = self.calls + self.limit
        while (value := side.next()) is not None and self.calls < last:
            side.put(value, ask(value), ranged=ranged)
        simple = simplest(*sorted((side.infeasible, side.feasible)))  # often the threshold itself
        if simple not in (side.infeasible, side.feasible):
            side.put(simple, ask(simple), ranged=ranged)

    def _at(self, value: Fraction) -> Decision:
        self.calls += 1
        return self.oracle(with_parameter(self.problem, self.parameter, value))

    def _all_up_to(self, value: Fraction) -> Decision:
        return self._between(*sorted((self.stated, value)))

    def _between(self, low: Fraction, high: Fraction) -> Decision:
        self.calls += 1
        return self.oracle(with_variable(self.problem, self.parameter, low, high, whole=self.whole))


def rounded_middle(one: Fraction, other: Fraction) -> Fraction:
    """Give a decimal with few digits within an eighth of the distance from the middle of two numbers."""
    step, width = Fraction(1), abs(other - one)
    while step * 4 > width:
        step /= 10
    while step * 40 <= width:
        step *= 10
    return round((one + other) / 2 / step) * step


def simplest(low: Fraction, high: Fraction) -> Fraction:
    """Give the fraction of the smallest denominator, then of the smallest size, from one to another. O(digits)."""
    if low <= 0 <= high:
        return Fraction(0)
    if high < 0:
        return -simplest(-high, -low)
    whole = -(-low.numerator // low.denominator)
    if whole <= high:
        return Fraction(whole)
    below = whole - 1
    return below + 1 / simplest(1 / (high - below), 1 / (low - below))
