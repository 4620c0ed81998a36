"""Whether a certificate proves that no point meets a problem, and whether a point certainly meets it.

Nothing here is shared with the search that wrote the certificate, and nothing that it says is trusted: numbers are
exact or rounded outward, and what cannot be followed is rejected. Not checked: that the problem says what its registry
means, and that python-flint computes what it documents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import partial
from math import ceil, floor
from typing import Any, Final

from harness.errors import HarnessError, UsageError
from harness.registry.solve.ball import Balls, Inexact
from harness.registry.solve.bound import Step, steps_of, values_of
from harness.registry.solve.certificate import (
    FORMAT,
    MAX_DEPTH,
    MAX_NODES,
    MAX_TERMS,
    Box,
    Point,
    Rejected,
    place,
    rational,
)
from harness.registry.solve.plane import least_by_planes
from harness.registry.solve.problem import Below, Condition, Equal, Every, Problem, Some, Term
from harness.registry.solve.weighted import Weighted, least_by_slopes, least_by_terms

EXACT: Final = 0  # bits that stand for exact rationals: what these leave open, no rounding settles
PRECISIONS: Final = (64, EXACT, 128, 256, 512, 1024)
_RATIONAL: Final = (EXACT, 64, 128, 256, 512, 1024)  # of terms that have no other ends
_IRRATIONAL: Final = frozenset(("exp", "log", "sqrt"))

_Atom = Below | Equal
_Least = Callable[[Balls, Weighted, Box], Any]  # a low end of a weighted sum on a box, None where it has no value


def check_certificate(problem: Problem, certificate: Any) -> str:
    """Say why a certificate does not prove that no point meets a problem; empty text where it does. Never raises.

    O(nodes x size of the constraints they name) interval operations.
    """
    try:
        _check(problem, certificate)
    except Rejected as reason:
        return str(reason)
    except (HarnessError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        return f"cannot be followed: {type(error).__name__}: {error}"  # what no rule foresaw proves nothing either
    return ""


def certainly(problem: Problem, point: Point) -> dict[str, bool | None]:
    """Tell of each constraint, by its name, whether a point certainly meets it; None where 1024 bits do not tell.

    UsageError for a point that is not in the domains of the variables. Constraints of one name count as one.
    """
    if reason := _astray(problem, point):
        raise UsageError(reason, cure="give each variable an exact value in its bounds")
    judge, box = _Judge(), tuple((value, value) for value in point)
    answers: dict[str, bool | None] = {}
    for one in problem.constraints:
        answer = judge.holds(one.condition, box)
        answers[one.name] = _all([answers.get(one.name, True), answer])
    return answers


def _astray(problem: Problem, point: Point) -> str:
    if len(point) != len(problem.variables):
        return f"the point has {len(point)} values and the problem {len(problem.variables)} variables"
    for variable, value in zip(problem.variables, point, strict=True):
        if not isinstance(value, Fraction | int):
            return f"{variable.name} = {value!r} is no exact number"
        if not variable.low <= value <= variable.high:
            return f"{variable.name} = {value} is not between {variable.low} and {variable.high}"
        if variable.kind != "real" and Fraction(value).denominator != 1:
            return f"{variable.name} = {value} is no whole number"
    return ""


def _check(problem: Problem, certificate: Any) -> None:
    if not isinstance(certificate, dict) or set(certificate) != {"format", "problem", "tree"}:
        raise Rejected("a certificate has the fields format, problem and tree")
    if certificate["format"] != FORMAT:
        raise Rejected(f"the format is not {FORMAT}")
    if certificate["problem"] != problem.digest:
        raise Rejected(f"it is about another problem; this one is {problem.digest}")
    judge, count = _Judge(), 0
    waiting: list[tuple[Any, Box, int]] = [(certificate["tree"], _domain(problem), 1)]
    while waiting:
        node, box, depth = waiting.pop()
        count += 1
        if count > MAX_NODES or depth > MAX_DEPTH:
            raise Rejected(f"more than {MAX_NODES} nodes, or deeper than {MAX_DEPTH}")
        try:
            halves = _step(problem, judge, node, box)
        except Rejected as reason:
            raise Rejected(f"node {count}: {reason}") from None
        waiting += [(half, part, depth + 1) for half, part in reversed(halves)]


def _domain(problem: Problem) -> Box:
    """Give the box of all points; a whole number lies between whole bounds, where none does the wrong way round."""
    box = []
    for one in problem.variables:
        if not all(isinstance(end, Fraction | int) for end in (one.low, one.high)):
            raise Rejected(f"{one.name} has no exact finite bounds")
        low, high = (one.low, one.high) if one.kind == "real" else (ceil(one.low), floor(one.high))
        box.append((Fraction(low), Fraction(high)))
    return tuple(box)


def _step(problem: Problem, judge: _Judge, node: Any, box: Box) -> list[tuple[Any, Box]]:
    """Check one node and give its halves with their boxes; Rejected where it proves nothing."""
    match node:
        case ["hollow", variable]:
            low, high = box[place(variable, len(box), "variable")]
            if low <= high:
                raise Rejected(f"{problem.variables[variable].name} has values on {_told(problem, box)}")
            return []
        case _ if any(low > high for low, high in box):
            raise Rejected("a variable has no value between its bounds, which only hollow says")
        case ["split", variable, at, below, above]:
            index = place(variable, len(box), "variable")
            (low, high), cut, split = box[index], rational(at), problem.variables[index]
            up_to, on_from = (cut, cut) if split.kind == "real" else (Fraction(floor(cut)), Fraction(floor(cut) + 1))
            if not (low <= up_to and on_from <= high):
                raise Rejected(f"{cut} does not split {split.name} between {low} and {high}")
            before, after = box[:index], box[index + 1 :]
            return [(below, (*before, (low, up_to), *after)), (above, (*before, (on_from, high), *after))]
        case ["refuted", constraint]:
            one = problem.constraints[place(constraint, len(problem.constraints), "constraint")]
            if judge.holds(one.condition, box) is not False:
                raise Rejected(f"{one.name} is not refuted on {_told(problem, box)}")
        case ["weights", list(entries)] if len(entries) <= MAX_TERMS:
            _outweighed(problem, judge, entries, box, (least_by_terms, least_by_slopes))
        case ["planes", list(at), list(entries)] if len(entries) <= MAX_TERMS and len(at) == len(box):
            point = tuple(map(rational, at))
            _outweighed(problem, judge, entries, box, (partial(least_by_planes, point=point),))
        case _:
            raise Rejected("no split, refuted, weights, planes or hollow")
    return []


def _outweighed(problem: Problem, judge: _Judge, entries: list[Any], box: Box, ways: tuple[_Least, ...]) -> None:
    """Check that a weighted sum is positive, by one of some ways to bound it; Rejected where none of them tells."""
    if not judge.outweighs([_weighted(problem, judge, entry, box) for entry in entries], box, ways):
        raise Rejected(f"the weighted sum is not certainly positive on {_told(problem, box)}")


def _told(problem: Problem, box: Box) -> str:
    """Show a box in a message."""
    pairs = zip(problem.variables, box, strict=True)
    return ", ".join(f"{float(low):.6g} <= {one.name} <= {float(high):.6g}" for one, (low, high) in pairs)[:300]


def _weighted(problem: Problem, judge: _Judge, entry: Any, box: Box) -> tuple[_Atom, Fraction]:
    """Read one weight and the atom it is for: one that holds at every point of the box that meets the problem.

    So does an atom reached through ``Every``, and through ``Some`` where all other parts are false on the box. A weight
    of ``Below`` is not negative; of ``Equal`` it may be.
    """
    if not isinstance(entry, list) or len(entry) != 3 or not isinstance(entry[1], list):
        raise Rejected("a weight is [constraint, path, p/q]")
    at: Condition = problem.constraints[place(entry[0], len(problem.constraints), "constraint")].condition
    for step in entry[1]:
        if not isinstance(at, Every | Some):
            raise Rejected("a path leads past an atom")
        chosen = place(step, len(at.parts), "part")
        others = () if isinstance(at, Every) else at.parts[:chosen] + at.parts[chosen + 1 :]
        if any(judge.holds(other, box) is not False for other in others):
            raise Rejected("a path leads through an alternative that is not the only one left")
        at = at.parts[chosen]
    weight = rational(entry[2])
    if not isinstance(at, Below) and not (isinstance(at, Equal) and not at.differs):
        raise Rejected("a path does not end at a term to be at most, or equal to, 0")
    if weight < 0 and isinstance(at, Below):
        raise Rejected(f"weight {weight} is negative")
    return at, weight


class _Judge:
    """Decide conditions over boxes, at rising precision where a comparison is open."""

    def __init__(self) -> None:
        self._balls: dict[int, Balls] = {}
        self._steps: dict[int, tuple[Term, list[Step]]] = {}  # with the term, so that its identity stays its own

    def holds(self, condition: Condition, box: Box) -> bool | None:
        """Tell whether a condition holds at every point of a box, or at none; None for neither, or not known."""
        quick = self._at(condition, box, 1)
        return self._at(condition, box, len(PRECISIONS)) if quick is None else quick

    def outweighs(self, weighted: list[tuple[_Atom, Fraction]], box: Box, ways: tuple[_Least, ...]) -> bool:
        """Tell whether no point of a box meets all of some atoms, as the weighted sum of their terms is positive.

        A point that meets them has every term defined and at most 0, or equal to 0, so its sum is at most 0, and less
        than 0 with a strict one among them.
        """
        weighted = [(atom, weight) for atom, weight in weighted if weight]
        strict = any(isinstance(atom, Below) and atom.strict for atom, _ in weighted)
        terms = [(self._nodes(atom.term), weight) for atom, weight in weighted]
        before: list[Any] = []
        for bits in self._precisions([atom for atom, _ in weighted]):
            lows: list[Any] = []
            for least in ways:
                balls = self._of(bits)
                try:
                    with balls.precision():
                        low = least(balls, terms, box)
                except Inexact:
                    continue
                if low is None or low > 0 or (strict and low == 0):
                    return True
                lows.append(low)
            if len(lows) == len(ways) and (bits == EXACT or _settled(before, lows)):
                return False
            before = lows if bits != EXACT else before
        return False

    def _of(self, bits: int) -> Balls:
        if bits not in self._balls:
            self._balls[bits] = Balls(bits)
        return self._balls[bits]

    def _nodes(self, term: Term) -> list[Step]:
        if id(term) not in self._steps:
            self._steps[id(term)] = term, steps_of(term)
        return self._steps[id(term)][1]

    def _precisions(self, atoms: list[_Atom]) -> tuple[int, ...]:
        """Give the precisions to try, the one first that costs least."""
        steps = (step for atom in atoms for step in self._nodes(atom.term))
        return PRECISIONS if any(step.operation in _IRRATIONAL for step in steps) else _RATIONAL

    def _at(self, condition: Condition, box: Box, tries: int) -> bool | None:
        if isinstance(condition, Every):
            return _all(self._at(part, box, tries) for part in condition.parts)
        if isinstance(condition, Some):
            return _any(self._at(part, box, tries) for part in condition.parts)
        for bits in self._precisions([condition])[:tries]:
            try:
                answer = self._atom(condition, box, bits)
            except Inexact:
                continue
            if answer is not None or bits == EXACT:
                return answer
        return None

    def _atom(self, atom: _Atom, box: Box, bits: int) -> bool | None:
        """Decide an atom: false where it is false wherever its term is defined, true only where that is everywhere."""
        balls = self._of(bits)
        with balls.precision():
            values = values_of(balls, self._nodes(atom.term), box)
        if values is None:
            return False
        low, high, partial = values[-1]
        if isinstance(atom, Below):
            false = low > 0 or (atom.strict and low == 0)
            true = high < 0 or (not atom.strict and high == 0)
        else:
            apart, zero = low > 0 or high < 0, low == 0 and high == 0
            false, true = (zero, apart) if atom.differs else (apart, zero)
        return False if false else True if true and not partial else None


def _settled(before: list[Any], lows: list[Any]) -> bool:
    """Tell whether more digits moved lower bounds so little that no number of them brings these to 0."""
    pairs = zip(before, lows, strict=False)
    return len(before) == len(lows) and all(abs(one - two) * 1000 < abs(two) for one, two in pairs)


def _all(answers: Iterable[bool | None]) -> bool | None:
    """Join by and: false as soon as one is, true where all are."""
    found: bool | None = True
    for answer in answers:
        if answer is False:
            return False
        found = None if answer is None else found
    return found


def _any(answers: Iterable[bool | None]) -> bool | None:
    opposite = _all(None if answer is None else not answer for answer in answers)
    return None if opposite is None else not opposite
