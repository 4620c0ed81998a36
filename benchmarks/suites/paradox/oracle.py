"""Whether what is known of an instance is so: witnesses evaluated, proofs added up, all in exact arithmetic.

Nothing is searched for here. A set is feasible because its witness meets every rule; a minimal set of rules is
contradictory because its slacks, weighted and with terms that are nowhere negative, add up to a negative constant; it
is minimal, and none is missing, because for each smallest choice of rules that takes one out of each of them a point
meets all the others.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from fractions import Fraction
from typing import Final

from .exact import DIGITS, Ends, Field, Point, ends, is_strict, slack, truth, value
from .instance import Beyond, Case, Core, FieldOf, Instance, Rule, Values
from .sums import CLOSE, TRIES, constant, covered, expect

_NEAR: Final = Fraction(1, 10**15)  # how closely a root is enclosed
_WIDE: Final = 700  # digits, for windows that are too narrow to be certified
_CERTIFIED: Final = Fraction(1, 2**1024)


def prove(instance: Instance) -> None:
    """Follow everything that is known of an instance; UnprovedError says what does not hold."""
    for core in instance.cores:
        for mus, cases in core.muses.items():
            _contradictory(core, mus, cases)
    match instance.truth:
        case "feasible":
            expect(not instance.muses, "it has contradictions")
            _meets(instance, _joined(core.witness for core in instance.cores), "the witness")
        case "infeasible":
            _complete(instance)
        case "point":
            _meets(instance, _joined(core.witness for core in instance.cores), "the point")
            _alone(instance)
        case "beyond":
            _beyond(instance)


def met(rules: Iterable[Rule], point: Point, digits: int = DIGITS) -> dict[str, bool | None]:
    """Say of each rule whether a point meets it; one whose guard does not hold is met."""
    return {rule.id: _met(rule, point, digits) for rule in rules}


def is_value(one: FieldOf, at: Field) -> bool:
    """Tell whether a field may have a value."""
    if one.values:
        return isinstance(at, str) and at in one.values
    return isinstance(at, Fraction) and one.low <= at <= one.high and not (one.whole and at.denominator > 1)


def _met(rule: Rule, point: Point, digits: int) -> bool | None:
    silent = rule.when and truth(rule.when, point) is False
    return True if silent else truth(rule.require, point, digits)


def _joined(points: Iterable[Values | None]) -> Values:
    """Give the point of all cores together, which share no field."""
    return {name: one for point in points for name, one in (point or {}).items()}


def _meets(instance: Instance, point: Point, what: str, without: frozenset[str] = frozenset()) -> None:
    """See that a point lies in the bounds and certainly meets every rule but some."""
    outside = [one.name for one in instance.fields if not _is_inside(one, point[one.name])]
    expect(not outside, f"{what} is out of bounds in {', '.join(outside)}")
    left = [rule for rule in instance.rules if rule.id not in without]
    missed = [name for name, holds in met(left, point).items() if holds is not True]
    expect(not missed, f"{what} does not certainly meet {', '.join(missed)}")


def _is_inside(one: FieldOf, at: Field | Ends) -> bool:
    return all(is_value(one, end) for end in at) if isinstance(at, Ends) else is_value(one, at)


# --- contradictions ---------------------------------------------------------------------------------------------------


def _contradictory(core: Core, mus: frozenset[str], cases: tuple[Case, ...]) -> None:
    rules = {rule.id: rule for rule in core.rules if rule.id in mus}
    expect(rules.keys() == mus, f"{sorted(mus)} are not all there")
    expect(covered(core.fields, cases), f"{sorted(mus)}: not every case is there")
    for case in cases:
        expect(case.weights.keys() <= mus, f"{sorted(mus)}: a rule from without is used")
        low, high = constant(core.fields, rules, case)
        strict = any(is_strict(rules[name].require) and weight == "1" for name, weight in case.weights.items())
        expect(high < 0 or (low == high == 0 and strict), f"{sorted(mus)}: {float(high)} is not below 0")


# --- all minimal sets -------------------------------------------------------------------------------------------------


def _complete(instance: Instance) -> None:
    """See that every set without one of each known contradiction is met by a point, so that there is no other one."""
    expect(bool(instance.muses), "it has no contradiction")
    by_core = [tuple(core.without.items()) if core.muses else ((frozenset(), core.witness),) for core in instance.cores]
    for core in instance.cores:
        if core.muses:
            hitting = {frozenset(one) for one in _hitting(core.muses)}
            expect(core.without.keys() == hitting, "a way to take one of each out is not tried")
    for chosen in itertools.product(*by_core):
        out = frozenset().union(*(names for names, _ in chosen))
        _meets(instance, _joined(point for _, point in chosen), f"the point without {', '.join(sorted(out))}", out)


def _hitting(muses: Iterable[frozenset[str]]) -> set[frozenset[str]]:
    """Give the minimal sets that share a rule with each of some sets."""
    every = {frozenset(chosen) for chosen in itertools.product(*muses)}
    return {one for one in every if not any(other < one for other in every)}


# --- single points ----------------------------------------------------------------------------------------------------


def _alone(instance: Instance) -> None:
    """See that each core leaves its point no room: sums are 0, and a little beside it something is violated.

    The sums say that the slacks they weigh are 0 wherever all rules are met. That this is so at one point only is
    for the family to say; here it is tried a little to each side of every field.
    """
    for core in instance.cores:
        rules = {rule.id: rule for rule in core.rules}
        expect(covered(core.fields, core.alone), "not every case is there")
        open_cases = 0
        for case in core.alone:
            low, high = constant(core.fields, rules, case)
            expect(high < 0 or low <= 0 <= high, f"the sum is {float(low)}")
            open_cases += high >= 0
        expect(open_cases == 1, f"{open_cases} cases leave room")
        _no_room(core)


def _no_room(core: Core) -> None:
    assert core.witness is not None
    for one in core.fields:
        middle = core.witness[one.name]
        if one.values:
            others: list[Values] = [{**core.witness, one.name: other} for other in one.values if other != middle]
        else:
            assert isinstance(middle, Fraction)
            step = Fraction(1) if one.whole else Fraction(1, 10**12)
            others = [{**core.witness, one.name: middle + sign * step} for sign in (-1, 1)]
        for other in others:
            expect(False in met(core.rules, other).values(), f"there is room at {one.name}")


# --- points that are no fractions -------------------------------------------------------------------------------------


def root_of(known: Beyond) -> Point:
    """Give the real point at which all rules are met, enclosed to fifteen digits."""
    t = {"t": _bracket(known)}
    return {name: found for name, text in known.curve.items() if (found := value(text, t)) is not None}


def _beyond(instance: Instance) -> None:
    """See that rules are met where a term has a root, that it has one, and that the root is no fraction."""
    (core,) = instance.cores
    known = core.beyond
    assert known is not None
    for rule in core.rules:
        _on_the_curve(rule, known)
    _meets(instance, root_of(known), "the root", frozenset(rule.id for rule in core.rules))
    if known.width:
        return
    expect(_no_fraction(known), f"{known.zero} may be 0 at a fraction")
    rules = {rule.id: rule for rule in core.rules}
    sums = [constant(core.fields, rules, case) for case in core.alone]
    expect(bool(sums) and all(low <= 0 <= high for low, high in sums), "there is room beside the curve")


def _bracket(known: Beyond) -> Ends:
    """Enclose the root by bisection, after seeing that the term changes its sign."""
    low, high = known.low, known.high
    signs = [_sign(known.zero, end) for end in (low, high)]
    expect(signs[0] * signs[1] < 0, "the term does not change its sign")
    while high - low > _NEAR:
        middle = (low + high) / 2
        if _sign(known.zero, middle) == signs[0]:
            low = middle
        else:
            high = middle
    return Ends(low, high)


def _sign(text: str, t: Fraction) -> int:
    found = value(text, {"t": t})
    assert found is not None
    return (found.low > 0) - (found.high < 0)


def _on_the_curve(rule: Rule, known: Beyond) -> None:
    """See that on the curve the slack of a rule is the term times a constant, so that it is 0 at the root.

    Of a window: that it is the term, or else that both come to a positive number, which is less than is certified.
    """
    ratios, digits = [], _WIDE if known.width else DIGITS
    for at in range(1, TRIES):
        t = {"t": known.low + (known.high - known.low) * Fraction(at, TRIES)}
        point = {name: found for name, text in known.curve.items() if (found := value(text, t, digits)) is not None}
        room, zero = slack(rule.require, point, digits), value(known.zero, t, digits)
        assert room is not None and zero is not None and not zero.low <= 0 <= zero.high
        if known.width:
            both = Ends(room.low + zero.low, room.high + zero.high)
            expect(room == zero or (both.low > 0 and both.high < _CERTIFIED), f"{rule.id} is no end of the window")
            continue
        ratios += [one / other for one in room for other in zero]
    expect(not ratios or max(ratios) - min(ratios) < CLOSE, f"{rule.id} is not 0 where the term is")


def _no_fraction(known: Beyond) -> bool:
    """Tell that no fraction is a root: by the rational root theorem, or by Lindemann's."""
    if known.of:
        start = f"{known.of}(artifact.t) - "
        trivial = 1 if known.of == "exp" else 0  # e to 0, and the logarithm of 1
        return known.zero.startswith(start) and value(known.zero.removeprefix(start), {}) != ends(trivial)
    first, last = known.coefficients[0], known.coefficients[-1]
    candidates = {
        Fraction(sign * over, under) for over in _divisors(first) for under in _divisors(last) for sign in (-1, 1)
    }
    tried = (Fraction(at, 7) for at in range(1, TRIES))
    same = all(value(known.zero, {"t": t}) == ends(_polynomial(known, t)) for t in tried)
    return same and first != 0 and all(_polynomial(known, one) != 0 for one in candidates)


def _polynomial(known: Beyond, t: Fraction) -> Fraction:
    return sum((factor * t**at for at, factor in enumerate(known.coefficients)), Fraction(0))


def _divisors(number: int) -> list[int]:
    return [at for at in range(1, abs(number) + 1) if number % at == 0]
