"""From rules that no artifact fits to what would do: certified values of parameters that a caller may bind.

Nothing here changes a rule, and nothing is offered that was not solved again with the values as they are offered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, Final

from harness.converge.ground import Ground
from harness.converge.negotiation.report import Conflict, Party, Report, Way, Withheld
from harness.converge.negotiation.scope import Scope
from harness.errors import UsageError
from harness.registry.parameter import Parameter
from harness.registry.solve.certificate import Point
from harness.registry.solve.checker import certainly
from harness.registry.solve.coding import artifact_of
from harness.registry.solve.decide import Budget, Decision, Feasible, Infeasible, decide
from harness.registry.solve.joint import joint, pareto
from harness.registry.solve.moving import Move
from harness.registry.solve.mus import Mus, Muses, all_muses
from harness.registry.solve.problem import Problem
from harness.registry.solve.relax import Relaxation, parameters_of, relax

SETS: Final = 300  # questions about sets of rules, after which conflicts may be missing
PART: Final = 10  # of the budget: what each of them has, for they are many, and an answer only makes a set smaller
TOGETHER: Final = 3  # parameters that are moved by the same share, the cheapest of those that do alone
DIGITS: Final = (8, 12, 15)  # of an offered value: the first that is certified; a float keeps 15

STANDARD: Final = Budget()
_ZERO: Final = Fraction(0)

Say = Callable[[str], None]


def _silent(doing: str) -> None:
    """Say nothing."""


def negotiate(
    ground: Ground,
    *,
    budget: Budget = STANDARD,
    room: Fraction = _ZERO,
    trade: tuple[str, str] | None = None,
    known: Infeasible | None = None,
    say: Say = _silent,
) -> Report:
    """Say which rules are in conflict, and what would do: one parameter alone, two in exchange, some by one share.

    Values are rounded to few digits, away from what is stated. ``room`` is added to each move, a part of it: without it
    little more than a single artifact may fit. ``trade`` names the two that are exchanged; by itself it is the cheapest
    that does alone, and the next. Where none does alone, it is some that do together. ``known`` is a proof that
    no artifact fits, where there is one already; ``say`` is told what is asked next. UsageError where the rules cannot
    be read as constraints, or are not certified infeasible, and for a ``trade`` of what may not be bound.
    """
    if ground.problem is None or ground.unread:
        raise UsageError(f"the rules cannot be solved: {ground.unread or 'they speak of no field'}")
    decision = known or decide(ground.problem, budget)
    if not isinstance(decision, Infeasible):
        said = type(decision).__name__.lower()
        raise UsageError(f"there is nothing to negotiate: {ground.artifact} is {said}", where=ground.registry.file)
    return _Negotiation(ground, ground.problem, decision, budget, room, say).report(trade)


class _Negotiation:
    def __init__(
        self, ground: Ground, problem: Problem, known: Infeasible, budget: Budget, room: Fraction, say: Say
    ) -> None:
        self._ground, self._registry, self._problem, self._known = ground, ground.registry, problem, known
        self._scope, self._budget, self._say = Scope(ground.registry, problem, room), budget, say

    def report(self, trade: tuple[str, str] | None) -> Report:
        """Ask everything, and put it together."""
        self._say("which rules are in conflict")
        found = all_muses(self._problem, self._briefly, certainly, SETS)
        names = self._parameters(found)
        offered = [name for name in names if self._scope.about(name).bind != "no"]
        if astray := [name for name in trade or () if name not in offered]:
            known = f"of the rules in conflict: {', '.join(offered) or 'none'}"
            raise UsageError(f"no value of {astray[0]!r} is on offer", cure=f"parameters that may be bound, {known}")
        alone = {name: self._relaxed(name) for name in offered}
        self._scope.bounds |= {name: (one.low, one.high) for name, one in alone.items() if one.feasible_at is not None}
        ways = [way for one in alone.values() if (way := self._alone(one))]
        ways.sort(key=_by_cost)
        cheapest = [way.changes[0].parameter for way in ways]
        enough = [] if cheapest else self._enough(offered)
        pair = list(dict.fromkeys([*cheapest, *offered]))[:2] if cheapest else enough
        ways += self._exchanged(trade or pair)
        ways += [way for way in self._sharing(cheapest[:TOGETHER] or enough) if _is_new(way, ways)]
        ways += [] if ways else self._together(enough)
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

    def _oracle(self, problem: Problem) -> Decision:
        return self._known if problem == self._problem else decide(problem, self._budget)

    def _briefly(self, problem: Problem) -> Decision:
        """Decide within a part of the budget."""
        few = replace(self._budget, boxes=self._budget.boxes // PART, work=self._budget.work // PART)
        return self._known if problem == self._problem else decide(problem, few)

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
        self._say(f"{name} alone")
        whole = name in self._scope.whole
        return relax(self._problem, name, self._oracle, self._scope.bounds[name], whole=whole, known=self._known)

    def _alone(self, one: Relaxation) -> Way | None:
        if one.feasible_at is None or one.witness is None:
            return None
        return self._way("alone", (Move(one.parameter, one.stated, one.feasible_at),), one.witness, tight=one.sure)

    def _enough(self, names: list[str]) -> list[str]:
        """Give parameters that do only together, as few as leaving out one after the other finds; none if none do."""
        self._say("all of them together")
        enough = list(names) if self._do(names) or self._do_across(names) else []
        for name in reversed(enough[:]):
            fewer = [one for one in enough if one != name]
            enough = fewer if self._do(fewer) else enough
        return enough

    def _do(self, names: Sequence[str]) -> Point | None:
        """Give a point that fits where these parameters, the last of it, are anything that may be bound."""
        decision = self._oracle(self._scope.freed(names))
        return decision.point if isinstance(decision, Feasible) else None

    def _do_across(self, names: Sequence[str]) -> bool:
        """Tell whether they do where each of them may cross 0; from then on it may, if so."""
        before, scope = self._scope.bounds, self._scope
        scope.bounds = before | {name: scope.reach(name, across=True) for name in names}
        if scope.bounds != before and self._do(names) is not None:
            return True
        scope.bounds = before
        return False

    def _exchanged(self, names: Sequence[str]) -> Iterator[Way]:
        """Yield what two parameters do together, without the ends where one of them does alone."""
        if len(names) == 2:
            self._say(f"{names[0]} and {names[1]} in exchange")
            menu = pareto(self._problem, names[0], names[1], self._oracle, self._scope.bounds, whole=self._scope.whole)
            for offer in menu.offers:
                moved = all(one.value != one.stated for one in offer.moves)
                if moved and (way := self._way("exchange", offer.moves, offer.witness, tight=offer.tight)):
                    yield way

    def _sharing(self, names: list[str]) -> Iterator[Way]:
        names = [name for name in names if self._scope.stated[name]]
        if len(names) < 2:
            return
        self._say(f"{', '.join(names)} by the same share")
        found = joint(self._problem, names, self._oracle, self._scope.bounds, whole=self._scope.whole)
        if found.witness is None:
            return
        moves, witness, tight = found.moves, found.witness, found.ranged
        if self._scope.whole & set(names):  # what is whole moves in leaps, so the share may be more than others need
            moves, witness = self._drawn_back({one.parameter: one.value for one in moves}, witness)
            tight = self._is_least(moves)
        if way := self._way("same share", moves, witness, tight=tight):
            yield way

    def _together(self, names: list[str]) -> Iterator[Way]:
        """Yield values that do together."""
        point = self._do(names) if names else None
        if point is not None:
            fields = len(self._problem.variables)
            moves, witness = self._drawn_back(dict(zip(names, point[fields:], strict=True)), point[:fields])
            if way := self._way("together", moves, witness, tight=self._is_least(moves)):
                yield way

    def _drawn_back(self, values: dict[str, Fraction], point: Point) -> tuple[tuple[Move, ...], Point]:
        """Draw each of these values back to what is stated as far as the others allow; leave out what comes to rest."""
        for name in values:
            at = self._scope.at({other: value for other, value in values.items() if other != name})
            known = self._oracle(at)
            if isinstance(known, Feasible):
                values[name], point = self._scope.stated[name], known.point
            elif isinstance(known, Infeasible):
                whole = name in self._scope.whole
                found = relax(at, name, self._oracle, self._scope.bounds[name], whole=whole, known=known)
                if found.feasible_at is not None and found.witness is not None:
                    values[name], point = found.feasible_at, found.witness
        moves = (Move(name, self._scope.stated[name], value) for name, value in values.items())
        return tuple(one for one in moves if one.value != one.stated), point

    def _is_least(self, moves: tuple[Move, ...]) -> bool:
        """Certify that nothing fits where one of these moves a bit less and none of them more."""
        return all(isinstance(self._briefly(self._scope.short_of(moves, one)), Infeasible) for one in moves)

    def _way(self, kind: Any, moves: tuple[Move, ...], witness: Point, *, tight: bool) -> Way | None:
        """Give a way with values of few digits that is certified anew; None where no such values are."""
        for digits in DIGITS:
            values = {one.parameter: self._scope.value(one, digits) for one in moves}
            at = self._scope.at(values)
            decision = Feasible(witness, "") if all(certainly(at, witness).values()) else self._oracle(at)
            if isinstance(decision, Feasible):
                changes = tuple(self._scope.change(one, values[one.parameter]) for one in moves)
                costs = [one.cost for one in changes]
                cost = None if None in costs else sum(one or 0.0 for one in costs)
                fits = artifact_of(self._problem, decision.point, self._ground.given)
                return Way(kind, changes, cost, fits, tight)
        return None

    # --- what would not ---

    def _withheld(self, names: list[str], alone: Mapping[str, Relaxation], offered: set[str]) -> Iterator[Withheld]:
        for name in names:
            found, about = alone.get(name), self._scope.about(name)
            if found is None:
                yield Withheld(name, "a constant: the registry lets no caller bind it")
            elif found.feasible_at is None and name not in offered:
                yield Withheld(name, _why(found, about))


def _is_new(way: Way, ways: Sequence[Way]) -> bool:
    return all(way.values != one.values for one in ways)


def _why(found: Relaxation, about: Parameter) -> str:
    """Say why a parameter that may be bound is not on offer."""
    only = f"only {about.narrower} values may be bound (narrower: {about.narrower})" if about.narrower else ""
    if found.low == found.high:
        return f"it cannot move: {f'{only}, and ' if only else ''}its range ends at {float(found.low):g}"
    said = "no value would do" if found.never else "it was not decided"
    return f"{said} from {float(found.low):g} to {float(found.high):g}{f'; {only}' if only else ''}"


def _by_cost(way: Way) -> tuple[bool, float]:
    return way.cost is None, round(way.cost or 0.0, 6)  # what is left of rounding the values puts nothing in order
