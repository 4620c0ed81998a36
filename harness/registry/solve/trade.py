"""Two parameters in exchange: the less the one moves, the further the other has to, certified at each offer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Final

from harness.registry.solve.certificate import Certificate, Point
from harness.registry.solve.checker import certainly
from harness.registry.solve.decide import Decision, Feasible, Infeasible
from harness.registry.solve.moving import Bounds, Ends, Move, ends_of, longest, moving, stated_of
from harness.registry.solve.mus import Oracle
from harness.registry.solve.problem import Number, Problem, Term
from harness.registry.solve.relax import relax, rounded_middle, with_parameter, with_variable

STEP: Final = Fraction(1, 1000)  # of the longest move of the first parameter on a menu
_MOVES: Final = (":first", ":second")  # no parameter of a registry has a colon in its name


@dataclass(frozen=True, slots=True)
class Proof:
    """That no point meets the constraints while neither parameter moves further than its amount, either way.

    ``certificate`` is about ``trading(…)`` with these amounts.
    """

    amounts: tuple[Fraction, Fraction]
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class Offer:
    """Two moves that do together, the ``witness`` that meets the constraints after them, and what is no longer enough.

    ``proofs`` say what is infeasible: the second move shorter by 1e-9 of its value, where that could be decided, and
    the first one by the step of the menu, or by 1e-9 at its ends; a whole one by 1. The offer is ``tight`` where both
    are certified, as far as there is a move that could be shorter.
    """

    moves: tuple[Move, Move]
    witness: Point
    proofs: tuple[Proof, ...]
    tight: bool


@dataclass(frozen=True, slots=True)
class Menu:
    """Offers for two parameters, the first moved least to most; on none of them is another one better in both.

    Where one parameter alone suffices, the end of the menu is that. ``never`` is certified from the one to the other
    of the ``ends`` of each. ``undecided`` are moves of the first parameter for which no offer was found or ruled out.
    """

    parameters: tuple[str, str]
    ends: tuple[tuple[Fraction, Fraction], ...]
    offers: tuple[Offer, ...]
    step: Fraction
    never: bool = False
    undecided: tuple[Fraction, ...] = ()


def trading(
    problem: Problem,
    parameters: tuple[str, str],
    amounts: tuple[Fraction, Fraction],
    bounds: Bounds | None = None,
    whole: Collection[str] = (),
) -> Problem:
    """Give the problem in which two parameters may move, up or down, by no more than these amounts."""
    stated = stated_of(problem, parameters)
    moving = _exchange(problem, stated, ends_of(stated, bounds, whole))
    return _no_further(moving, amounts, [name in whole for name in parameters])


def _no_further(moving: Problem, amounts: tuple[Fraction, Fraction], whole: list[bool]) -> Problem:
    for name, amount, is_whole in zip(_MOVES, amounts, whole, strict=True):
        moving = with_variable(moving, name, Fraction(0), amount, whole=is_whole)
    return moving


def _exchange(problem: Problem, stated: dict[str, Fraction], ends: Ends) -> Problem:
    amounts: dict[str, Term] = {name: Number(Fraction(0), move) for name, move in zip(stated, _MOVES, strict=True)}
    return moving(problem, stated, amounts, ends)


@dataclass(frozen=True, slots=True)
class _Least:
    """The least move of one parameter: certified infeasible at ``beyond``, feasible at ``amount``."""

    amount: Fraction
    beyond: Fraction | None
    point: Point


class Trade:
    """Look for the least move of one parameter while the other moves no further than some amount."""

    def __init__(
        self,
        problem: Problem,
        stated: dict[str, Fraction],
        oracle: Oracle,
        bounds: Bounds | None,
        whole: Collection[str],
        calls: int,
    ) -> None:
        one, other = stated
        ends = ends_of(stated, bounds, whole)
        self._names, self._stated, self._fields = (one, other), stated, len(problem.variables)
        self._ends, self._whole = (ends[one], ends[other]), [one in whole, other in whole]
        self._far = tuple(longest(value, ends[name]) for name, value in stated.items())
        self._moving, self._oracle, self._calls = _exchange(problem, stated, ends), oracle, calls
        self._never = False

    def menu(self, between: int) -> Menu:
        """Find both ends, and then the offers between."""
        first, second = self._least(0, self._far[1]), self._least(1, self._far[0])
        last = self._least(0, second.amount) if second else None
        if first is None or last is None:
            nowhere = () if self._never else (self._far[0],)
            return Menu(self._names, self._ends, (), Fraction(0), self._never, nowhere)
        low, high = first.amount, last.amount
        step = self._rounded((high - low or high) * STEP)
        parts = range(1, between + 1) if low < high else ()
        places = {self._rounded(_decimal(low, high, at, between + 1)): step for at in parts}
        places |= {one.amount: one.amount - (one.beyond or 0) for one in (first, last)}  # as near as was certified
        found = {place: self._offer(place, places[place]) for place in sorted(places)}
        undecided = tuple(place for place, offer in found.items() if offer is None)
        offers = _unlike([one for one in found.values() if one], step)
        return Menu(self._names, self._ends, offers, step, undecided=undecided)

    def _rounded(self, amount: Fraction) -> Fraction:
        """Round a move of the first parameter up where that is whole."""
        return Fraction(ceil(amount)) if self._whole[0] else amount

    def _least(self, which: int, other: Fraction) -> _Least | None:
        """Give the least move of one parameter while the other moves ``other`` at most; None where none is found."""
        freed = with_variable(self._moving, _MOVES[1 - which], Fraction(0), other, whole=self._whole[1 - which])
        decision = self._oracle(freed)
        if isinstance(decision, Feasible):
            return _Least(Fraction(0), None, decision.point)
        if not isinstance(decision, Infeasible):
            return None
        bounds = Fraction(0), self._far[which]
        whole = self._whole[which]
        found = relax(freed, _MOVES[which], self._oracle, bounds, whole=whole, calls=self._calls, known=decision)
        self._never = self._never or found.never
        if found.feasible_at is None or found.witness is None:
            return None
        return _Least(found.feasible_at, found.infeasible_at, found.witness)

    def _offer(self, first: Fraction, step: Fraction) -> Offer | None:
        """Give the least second move for a first one, and where it goes with a shorter first one, the least such."""
        least = self._least(1, first)
        if least is None:
            return None
        second, free = least.amount, 0
        below = None if least.beyond is None else (first, least.beyond)
        before = (first - min(step, first), second)
        if first and isinstance(self._within(before), Feasible) and (shorter := self._least(0, second)):
            least, free, first = shorter, 1, shorter.amount
            below = below and (first, below[1])
            before = (first if shorter.beyond is None else shorter.beyond, second)
        wanted = [one for one in (below, before if first else None) if one]
        answers = [(one, self._within(one)) for one in wanted]
        proofs = tuple(Proof(one, said.certificate) for one, said in answers if isinstance(said, Infeasible))
        return self._at((first, second), least.point, free, proofs, tight=len(proofs) == len(wanted))

    def _within(self, amounts: tuple[Fraction, Fraction]) -> Decision:
        return self._oracle(_no_further(self._moving, amounts, self._whole))

    def _at(
        self, amounts: tuple[Fraction, Fraction], point: Point, free: int, proofs: tuple[Proof, ...], *, tight: bool
    ) -> Offer:
        """Make an offer of these amounts, or of that of the point where the ``free`` one is good only there."""
        found, ways = point[: self._fields + 2], point[self._fields : self._fields + 2]
        here = self._moving
        for name, amount in zip(_MOVES, amounts, strict=True):
            here = with_parameter(here, name, amount)
        if not all(certainly(here, found).values()):
            amounts = (point[-1], amounts[1]) if free == 0 else (amounts[0], point[-1])
        one, two = (
            Move(name, stated, stated + (2 * way - 1) * amount)
            for (name, stated), way, amount in zip(self._stated.items(), ways, amounts, strict=True)
        )
        return Offer((one, two), found[: self._fields], proofs, tight)


def _decimal(low: Fraction, high: Fraction, part: int, parts: int) -> Fraction:
    """Give a decimal of few digits near a part of the way from one number to another."""
    near, slack = low + (high - low) * part / parts, (high - low) / (8 * parts)
    return rounded_middle(near - slack, near + slack)


def _unlike(offers: list[Offer], step: Fraction) -> tuple[Offer, ...]:
    """Leave out offers whose longer first move saves nothing of the second, and those within a step of the last."""
    kept: list[Offer] = []
    for offer in offers:
        amounts = _amounts(offer)
        if kept and (amounts[0] - _amounts(kept[-1])[0] < step or amounts[1] >= _amounts(kept[-1])[1]):
            continue
        kept.append(offer)
    return tuple(kept)


def _amounts(offer: Offer) -> tuple[Fraction, Fraction]:
    one, two = (abs(move.value - move.stated) for move in offer.moves)
    return one, two
