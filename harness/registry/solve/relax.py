"""How far one parameter has to give way until the constraints can be met, certified from both sides.

A parameter that becomes a variable is a question about all its values at once: infeasible there means at every one of
them. That finds the direction, and proves where there is none. Between a value that is certified infeasible and one
with a certified witness, bisection closes in. It asks about whole stretches, so that nothing is assumed about what lies
between; where these are not decided, or ``ranged`` is off, about single values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
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


def parameters_of(problem: Problem) -> dict[str, Fraction]:
    """Give the parameters that the constraints speak of, and their values, in the order in which they appear."""
    return {number.parameter: number.value for _, number in numbers_in(problem) if number.parameter}


def with_parameter(problem: Problem, parameter: str, value: Fraction) -> Problem:
    """Give the problem with another value of a parameter."""

    def leaf(one: Number | Unknown) -> Term:
        return Number(value, parameter) if isinstance(one, Number) and one.parameter == parameter else one

    return with_leaves(problem, leaf)


def with_variable(problem: Problem, parameter: str, low: Fraction, high: Fraction) -> Problem:
    """Give the problem in which a parameter is one more variable, the last."""
    unknown = Unknown(len(problem.variables))

    def leaf(one: Number | Unknown) -> Term:
        return unknown if isinstance(one, Number) and one.parameter == parameter else one

    freed = with_leaves(problem, leaf)
    return Problem((*problem.variables, Variable(f"params.{parameter}", "real", low, high)), freed.constraints)


def relax(
    problem: Problem,
    parameter: str,
    oracle: Oracle,
    bounds: tuple[Fraction | None, Fraction | None] = (None, None),
    *,
    ranged: bool = True,
    calls: int = CALLS,
    known: Infeasible | None = None,
) -> Relaxation:
    """Find the nearest value of a parameter for which an infeasible problem has a solution.

    Both directions are looked at, up to ``bounds`` (a thousand times the value and a thousandth of it, where none are
    stated), with at most ``calls`` questions each. What is found is the nearest where it is ``ranged``, and otherwise
    if values beyond a feasible one are feasible too. ``known`` is a proof for the stated value, where there is one
    already. UsageError where the constraints do not speak of the parameter, or
    the problem is not certified infeasible to begin with.
    """
    stated = parameters_of(problem).get(parameter)
    if stated is None:
        raise UsageError(f"no constraint speaks of the parameter {parameter!r}")
    decision = known or oracle(problem)
    if not isinstance(decision, Infeasible):
        raise UsageError(f"there is nothing to relax: {type(decision).__name__.lower()} with {parameter} = {stated}")
    low, high = reach(stated, bounds)
    search = _Search(problem, parameter, stated, oracle, ranged, calls, 1)
    start = Relaxation(parameter, stated, low, high, stated, certificate=decision.certificate)
    if parameter not in parameters_of(problem.only(frozenset(decision.core))):
        return _with(start, search, never=True)  # the core is infeasible whatever the value
    ends = [end for end in (start.high, start.low) if end != stated]
    found = [search.towards(end, decision) for end in ends]
    if all(one.never for one in found):
        return search.nowhere(start)
    near = min(
        (one for one in found if one.point is not None), key=lambda one: abs(one.feasible - stated), default=None
    )
    if near is None:
        return _with(start, search)
    return _with(
        start,
        search,
        infeasible_at=near.infeasible,
        feasible_at=near.feasible,
        witness=near.point,
        certificate=near.certificate,
        ranged=near.ranged,
        undecided=near.undecided,
    )


def _with(start: Relaxation, search: _Search, **changed: Any) -> Relaxation:
    return replace(start, calls=search.calls, **changed)


def reach(stated: Fraction, bounds: tuple[Fraction | None, Fraction | None]) -> tuple[Fraction, Fraction]:
    """Give how far down and up a parameter may go: to its bounds, or else a thousandth and a thousand times as far."""
    low, high = sorted((stated / _REACH, stated * _REACH)) if stated else (Fraction(-_REACH), Fraction(_REACH))
    ends = (low if bounds[0] is None else bounds[0], high if bounds[1] is None else bounds[1])
    return min(ends[0], stated), max(ends[1], stated)


@dataclass(slots=True)
class _Side:
    """What is known in one direction: the two ends that close in, and what between them could not be decided."""

    infeasible: Fraction
    certificate: Any
    feasible: Fraction
    least: Fraction  # what a gap is measured by, near 0
    point: Point | None = None
    undecided: tuple[Fraction, Fraction] | None = None
    never: bool = False
    ranged: bool = False

    def next(self) -> Fraction | None:
        """Give the next value to ask about, in the middle of the widest stretch; None where all are narrow enough."""
        nearer, farther = self.undecided or (None, None)
        if nearer is None or farther is None:
            stretches = [(self.infeasible, self.feasible)]
        else:
            stretches = [(self.infeasible, nearer), (farther, self.feasible)]
        one, other = max(stretches, key=lambda ends: abs(ends[1] - ends[0]))
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
    ranged: bool
    limit: int
    calls: int

    def towards(self, end: Fraction, at_stated: Infeasible) -> _Side:
        """Close in on the nearest feasible value between the stated one and an end."""
        side = _Side(self.stated, at_stated.certificate, end, (abs(self.stated) or Fraction(1)) / _REACH)
        whole = self._all_up_to(end)
        if isinstance(whole, Infeasible):
            side.never, side.certificate, side.infeasible = True, whole.certificate, end
        elif isinstance(whole, Feasible):
            side.feasible, side.point = whole.point[-1], whole.point[:-1]
        else:
            self._step_out(side, end)
        if side.point is not None:
            self._close_in(side)
        return side

    def nowhere(self, start: Relaxation) -> Relaxation:
        """Prove all values at once of which each direction is proven: one certificate says it, where it is found."""
        self.calls += 1
        whole = self.oracle(with_variable(self.problem, self.parameter, start.low, start.high))
        certificate = whole.certificate if isinstance(whole, Infeasible) else None
        return _with(start, self, never=True, ranged=True, certificate=certificate)

    def _step_out(self, side: _Side, end: Fraction) -> None:
        """Look for a first feasible value at growing distances; ``side`` keeps the last infeasible one before it."""
        for part in (64, 32, 16, 8, 4, 2, 1):
            value = self.stated + (end - self.stated) / part
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
        self.calls += 1
        return self.oracle(with_variable(self.problem, self.parameter, *sorted((self.stated, value))))


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
