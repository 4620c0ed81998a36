"""From rules that no artifact fits to what would do: certified values of parameters that a caller may bind.

Nothing here changes a rule, and nothing is offered that was not solved again with the values as they are offered.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property, partial
from typing import Any, Final

from harness.converge.ground import Ground
from harness.converge.negotiation.report import Change, Conflict, Party, Report, Way, Withheld
from harness.errors import UsageError
from harness.registry.parameter import Parameter, span
from harness.registry.solve.certificate import Point
from harness.registry.solve.checker import certainly
from harness.registry.solve.coding import artifact_of
from harness.registry.solve.decide import Budget, Feasible, Infeasible, decide
from harness.registry.solve.joint import joint, pareto
from harness.registry.solve.moving import Move
from harness.registry.solve.mus import Mus, Muses, all_muses
from harness.registry.solve.problem import Problem
from harness.registry.solve.relax import Relaxation, parameters_of, reach, relax, with_parameter, with_variable
from harness.registry.solve.unknowns import exact

SETS: Final = 300  # questions about sets of rules, after which conflicts may be missing
TOGETHER: Final = 3  # parameters that are moved by the same share, the cheapest of those that do alone
DIGITS: Final = (8, 12, 15)  # of an offered value: the first that is certified; a float keeps 15

STANDARD: Final = Budget()
_ZERO: Final = Fraction(0)


def negotiate(
    ground: Ground, *, budget: Budget = STANDARD, room: Fraction = _ZERO, trade: tuple[str, str] | None = None
) -> Report:
    """Say which rules are in conflict, and what would do: one parameter alone, two in exchange, some by one share.

    Values are rounded to few digits, away from what is stated. ``room`` is added to each move, a part of it: without it
    little more than a single artifact may fit. ``trade`` names the two that are exchanged; by itself it is the cheapest
    that does alone, and the next. Where none does alone, it is some that do together. UsageError where the rules cannot
    be read as constraints, or are not certified infeasible, and for a ``trade`` of what may not be bound.
    """
    if ground.problem is None or ground.unread:
        raise UsageError(f"the rules cannot be solved: {ground.unread or 'they speak of no field'}")
    return _Negotiation(ground, ground.problem, budget, room).report(trade)


class _Negotiation:
    def __init__(self, ground: Ground, problem: Problem, budget: Budget, room: Fraction) -> None:
        self._ground, self._registry, self._problem, self._room = ground, ground.registry, problem, room
        self._oracle = partial(decide, budget=budget)
        decision = self._oracle(problem)
        if not isinstance(decision, Infeasible):
            said = type(decision).__name__.lower()
            raise UsageError(f"there is nothing to negotiate: {ground.artifact} is {said}", where=ground.registry.file)
        self._known = decision

    def report(self, trade: tuple[str, str] | None) -> Report:
        """Ask everything, and put it together."""
        found = all_muses(self._problem, self._oracle, certainly, SETS)
        names = self._parameters(found)
        offered = [name for name in names if self._about(name).bind != "no"]
        if astray := [name for name in trade or () if name not in offered]:
            known = f"of the rules in conflict: {', '.join(offered) or 'none'}"
            raise UsageError(f"no value of {astray[0]!r} is on offer", cure=f"parameters that may be bound, {known}")
        alone = {name: self._relaxed(name) for name in offered}
        ways = [way for one in alone.values() if (way := self._alone(one))]
        ways.sort(key=_by_cost)
        cheapest = [way.changes[0].parameter for way in ways]
        enough = [] if cheapest else self._enough(offered)
        pair = list(dict.fromkeys([*cheapest, *offered]))[:2] if cheapest else enough
        ways += self._exchanged(trade or pair)
        ways += self._sharing(cheapest[:TOGETHER] or enough)
        ways += [] if ways else self._drawn_back(enough)
        ground = self._ground
        return Report(
            self._registry.name,
            self._registry.version,
            self._registry.digest,
            ground.artifact,
            dict(ground.given),
            tuple(self._conflict(one) for one in found.subsets),
            found.corrections,
            found.complete,
            tuple(ways),
            tuple(self._withheld(names, alone, {name for way in ways for name in way.values})),
        )

    def _parameters(self, found: Muses) -> list[str]:
        """Give the parameters of the rules in conflict, in the order in which the rules speak of them."""
        rules = {name for one in found.subsets for name in one.names}
        return list(parameters_of(self._problem.only(frozenset(rules))))

    def _conflict(self, one: Mus) -> Conflict:
        rules = {rule.id: rule for rule in self._registry.invariants}
        parties = (
            Party(name, rules[name].title or "", rules[name].place) if name in rules else Party(name, "", "")
            for name in one.names
        )
        return Conflict(tuple(parties), one.undecided)

    # --- what would do ---

    def _relaxed(self, name: str) -> Relaxation:
        return relax(self._problem, name, self._oracle, self._bounds[name], known=self._known)

    def _alone(self, one: Relaxation) -> Way | None:
        if one.feasible_at is None or one.witness is None:
            return None
        return self._way("alone", (Move(one.parameter, one.stated, one.feasible_at),), one.witness, tight=one.ranged)

    def _enough(self, names: list[str]) -> list[str]:
        """Give parameters that do only together, as few as leaving out one after the other finds; none if none do."""
        enough = list(names) if self._do(names) else []
        for name in reversed(enough[:]):
            fewer = [one for one in enough if one != name]
            enough = fewer if self._do(fewer) else enough
        return enough

    def _do(self, names: Sequence[str]) -> Point | None:
        """Give a point that fits where these parameters, the last of it, are anything that may be bound."""
        freed = self._problem
        for name in names:
            freed = with_variable(freed, name, *reach(self._stated[name], self._bounds[name]))
        decision = self._oracle(freed)
        return decision.point if isinstance(decision, Feasible) else None

    def _exchanged(self, names: Sequence[str]) -> Iterator[Way]:
        """Yield what two parameters do together, without the ends where one of them does alone."""
        if len(names) == 2:
            for offer in pareto(self._problem, names[0], names[1], self._oracle, self._bounds).offers:
                moved = all(one.value != one.stated for one in offer.moves)
                if moved and (way := self._way("exchange", offer.moves, offer.witness, tight=offer.tight)):
                    yield way

    def _sharing(self, names: list[str]) -> Iterator[Way]:
        names = [name for name in names if self._stated[name]]
        if len(names) > 1:
            found = joint(self._problem, names, self._oracle, self._bounds)
            if found.witness is not None and (
                way := self._way("same share", found.moves, found.witness, tight=found.ranged)
            ):
                yield way

    def _drawn_back(self, names: list[str]) -> Iterator[Way]:
        """Yield values that do together, each drawn back to what is stated as far as the others allow."""
        point = self._do(names) if names else None
        if point is None:
            return
        values = dict(zip(names, point[len(self._problem.variables) :], strict=True))
        for name in names:
            at = self._at({other: value for other, value in values.items() if other != name})
            known = self._oracle(at)
            if isinstance(known, Feasible):
                values[name], point = self._stated[name], known.point
            elif isinstance(known, Infeasible):
                found = relax(at, name, self._oracle, self._bounds[name], known=known)
                if found.feasible_at is not None and found.witness is not None:
                    values[name], point = found.feasible_at, found.witness
        moves = tuple(Move(name, self._stated[name], value) for name, value in values.items())
        if way := self._way("together", moves, point[: len(self._problem.variables)], tight=False):
            yield way

    def _at(self, values: Mapping[str, Fraction]) -> Problem:
        at = self._problem
        for name, value in values.items():
            at = with_parameter(at, name, value)
        return at

    def _way(self, kind: Any, moves: tuple[Move, ...], witness: Point, *, tight: bool) -> Way | None:
        """Give a way with values of few digits that is certified anew; None where no such values are."""
        for digits in DIGITS:
            values = {one.parameter: self._value(one, digits) for one in moves}
            at = self._at(values)
            decision = Feasible(witness, "") if all(certainly(at, witness).values()) else self._oracle(at)
            if isinstance(decision, Feasible):
                changes = tuple(self._change(one, values[one.parameter]) for one in moves)
                costs = [one.cost for one in changes]
                cost = None if None in costs else sum(one or 0.0 for one in costs)
                fits = artifact_of(self._problem, decision.point, self._ground.given)
                return Way(kind, changes, cost, fits, tight)
        return None

    def _value(self, move: Move, digits: int) -> Fraction:
        """Give the value of a move with its room, rounded away from the stated one, within what may be bound."""
        value = away(move.stated, move.value + self._room * (move.value - move.stated), digits)
        low, high = self._bounds[move.parameter]
        value = value if low is None else max(value, low)
        return value if high is None else min(value, high)

    def _change(self, move: Move, value: Fraction) -> Change:
        about, name = self._about(move.parameter), move.parameter
        before = self._registry.parameters[name]
        scale: Any = abs(move.stated) or (
            None if about.low is None or about.high is None else exact(about.high) - exact(about.low)
        )
        share = float(abs(value - move.stated) / scale) if scale else None
        after = int(value) if type(before) is int and value.denominator == 1 else float(value)
        cost = None if share is None else share * about.weight
        return Change(name, before, after, about.unit.text if about.unit else "", share, cost)

    # --- what would not ---

    def _withheld(self, names: list[str], alone: Mapping[str, Relaxation], offered: set[str]) -> Iterator[Withheld]:
        for name in names:
            found, about = alone.get(name), self._about(name)
            if found is None:
                yield Withheld(name, "a constant: the registry lets no caller bind it")
            elif found.feasible_at is None and name not in offered:
                wider = f", and only {about.narrower} ones may be bound" if about.narrower else ""
                ends = f"from {float(found.low):g} to {float(found.high):g}{wider}"
                yield Withheld(name, f"no value would do {ends}" if found.never else f"it was not decided {ends}")

    # --- what is stated of parameters ---

    def _about(self, name: str) -> Parameter:
        return self._registry.about.get(name, Parameter())

    @cached_property
    def _stated(self) -> dict[str, Fraction]:
        return parameters_of(self._problem)

    @cached_property
    def _bounds(self) -> dict[str, tuple[Fraction | None, Fraction | None]]:
        spans = {name: span(self._about(name), self._registry.parameters[name]) for name in self._stated}
        return {
            name: (None if low is None else exact(low), None if high is None else exact(high))
            for name, (low, high) in spans.items()
        }


def away(stated: Fraction, value: Fraction, digits: int) -> Fraction:
    """Round a value to so many significant digits, away from what is stated. O(digits)."""
    if not value or value == stated:
        return value
    step = Fraction(10) ** (math.floor(math.log10(abs(value))) + 1 - digits)
    steps = value / step
    return step * (math.ceil(steps) if value > stated else math.floor(steps))


def _by_cost(way: Way) -> tuple[bool, float]:
    return way.cost is None, round(way.cost or 0.0, 6)  # what is left of rounding the values puts nothing in order
