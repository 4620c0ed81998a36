"""A second, slow opinion on certificates, written from the description of their format and from nothing else.

A claim is taken for true where exact interval arithmetic shows it on the whole piece, by natural evaluation, the mean
value theorem or planes, or on each of the pieces that it is halved into a few times. So it proves at least what the
checker does, and a certificate that the checker follows and this one does not is one that the checker should have
refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, Final

from benchmarks.fuzz.solve.planes import Nowhere, Untouched, least_by_planes
from benchmarks.fuzz.solve.slopes import Steep, slopes_of
from benchmarks.fuzz.solve.spans import INFINITE, Span, Spans
from harness.registry.solve.problem import Below, Condition, Equal, Every, Problem, Some, Term

Pieces = tuple[tuple[Fraction, Fraction], ...]
Atom = Below | Equal
Value = Callable[[Term, Pieces], Span | None]
Claim = Callable[[Pieces], bool]

_FIELDS: Final = {"format", "problem", "tree"}
_HALVINGS: Final = 6
_SPANS: Final = Spans(330)  # digits: more than the checker's 1024 bits
_FRACTION: Final = re.compile(r"-?[0-9]+(/[0-9]+)?", re.ASCII)


class Unproved(Exception):
    """Say which claim of a certificate is not one, or is not shown."""


def proves(problem: Problem, certificate: Any) -> str:
    """Say why a certificate is no proof; empty text where it is one. O(nodes x 2 ** halvings) evaluations."""
    if not isinstance(certificate, dict) or set(certificate) != _FIELDS:
        return "fields"
    if certificate["format"] != "infeasible/1" or certificate["problem"] != problem.digest:
        return "of something else"
    try:
        _walk(problem, certificate["tree"])
    except Unproved as reason:
        return str(reason)
    return ""


def _walk(problem: Problem, tree: Any) -> None:
    waiting = [(tree, _whole_box(problem))]
    while waiting:
        node, box = waiting.pop()
        if not isinstance(node, list) or not node:
            raise Unproved("no node")
        if node[0] == "hollow" and len(node) == 2:
            low, high = box[_index(node[1], len(box))]
            if low <= high:
                raise Unproved("a domain that is not empty")
        elif any(low > high for low, high in box):
            raise Unproved("an empty domain that is not called so")
        elif node[0] == "split" and len(node) == 5:
            waiting += _halves(problem, node, box)
        else:
            claim, unshown = _claimed(problem, node, box)
            if not _everywhere(box, claim):
                raise Unproved(unshown)


def _claimed(problem: Problem, node: list[Any], box: Pieces) -> tuple[Claim, str]:
    """Give what a leaf says of every part of its piece, and what is wrong where that is not shown."""
    match node:
        case ["refuted", place]:
            condition = problem.constraints[_index(place, len(problem.constraints))].condition
            return lambda piece: never(condition, piece), f"constraint {place} is not false on all of the piece"
        case ["weights", list(entries)]:
            weighted = [_weighted(problem, entry, box) for entry in entries]
            return lambda piece: outweighed(weighted, piece), "the weighted sum is not positive on all of the piece"
        case ["planes", list(at), list(entries)] if len(at) == len(box):
            point, weighted = tuple(_fraction(text) for text in at), [_weighted(problem, one, box) for one in entries]
            return lambda piece: flattened(weighted, point, piece), "planes are not positive on all of the piece"
    raise Unproved("no node")


def _whole_box(problem: Problem) -> Pieces:
    box = []
    for one in problem.variables:
        low, high = one.low, one.high
        if one.kind != "real":
            low, high = Fraction(math.ceil(low)), Fraction(math.floor(high))
        box.append((low, high))
    return tuple(box)


def _halves(problem: Problem, node: list[Any], box: Pieces) -> Iterator[tuple[Any, Pieces]]:
    at, cut = _index(node[1], len(box)), _fraction(node[2])
    below = above = cut
    if problem.variables[at].kind != "real":
        below, above = Fraction(math.floor(cut)), Fraction(math.floor(cut) + 1)
    if not (box[at][0] <= below and above <= box[at][1]):
        raise Unproved("a split outside of the piece")
    yield node[3], (*box[:at], (box[at][0], below), *box[at + 1 :])
    yield node[4], (*box[:at], (above, box[at][1]), *box[at + 1 :])


def _weighted(problem: Problem, entry: Any, box: Pieces) -> tuple[Atom, Fraction]:
    if not isinstance(entry, list) or len(entry) != 3 or not isinstance(entry[1], list):
        raise Unproved("no weight")
    condition: Condition = problem.constraints[_index(entry[0], len(problem.constraints))].condition
    for step in entry[1]:
        if not isinstance(condition, Every | Some):
            raise Unproved("a path past an atom")
        taken = _index(step, len(condition.parts))
        others = [part for at, part in enumerate(condition.parts) if at != taken]
        if isinstance(condition, Some) and not all(
            _everywhere(box, lambda piece, part=part: never(part, piece)) for part in others
        ):
            raise Unproved("an alternative that need not be taken")
        condition = condition.parts[taken]
    weight = _fraction(entry[2])
    if isinstance(condition, Below) and weight >= 0:
        return condition, weight
    if isinstance(condition, Equal) and not condition.differs:
        return condition, weight
    raise Unproved("a weight for what cannot be weighed")


def _index(value: Any, count: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < count:
        raise Unproved("a place that is none")
    return value


def _fraction(text: Any) -> Fraction:
    if not isinstance(text, str) or not _FRACTION.fullmatch(text) or re.search("/0+$", text):
        raise Unproved("no fraction")
    return Fraction(text)


# --- claims on a piece ------------------------------------------------------------------------------------------------


def _everywhere(box: Pieces, claim: Claim, halvings: int = _HALVINGS) -> bool:
    """Tell whether a claim is shown on a box, or else on both halves of its longest side."""
    if claim(box):
        return True
    widths = [high - low for low, high in box]
    if halvings == 0 or not widths or not max(widths):
        return False
    at = widths.index(max(widths))
    (low, high), middle = box[at], (box[at][0] + box[at][1]) / 2
    sides = ((*box[:at], side, *box[at + 1 :]) for side in ((low, middle), (middle, high)))
    return all(_everywhere(side, claim, halvings - 1) for side in sides)


def never(condition: Condition, box: Pieces) -> bool:
    """Tell whether a condition is seen to be false at every point of a box, undefined atoms being false."""
    if isinstance(condition, Every):
        return any(never(part, box) for part in condition.parts)
    if isinstance(condition, Some):
        return all(never(part, box) for part in condition.parts)
    value = _SPANS.value(condition.term, box)
    if value is None:
        return True
    if isinstance(condition, Below):
        return value.low > 0 or (condition.strict and value.low == 0)
    zero = value.low == 0 == value.high
    return zero if condition.differs else value.low > 0 or value.high < 0


def always(condition: Condition, box: Pieces, value: Value) -> bool:
    """Tell whether a condition is seen to be true at every point of a box, as ``value`` works out its terms."""
    if isinstance(condition, Every):
        return all(always(part, box, value) for part in condition.parts)
    if isinstance(condition, Some):
        return any(always(part, box, value) for part in condition.parts)
    found = value(condition.term, box)
    if found is None or found.partial:
        return False
    if isinstance(condition, Below):
        return found.high < 0 or (not condition.strict and found.high == 0)
    zero = found.low == 0 == found.high
    return (found.low > 0 or found.high < 0) if condition.differs else zero


def outweighed(weighted: list[tuple[Atom, Fraction]], box: Pieces) -> bool:
    """Tell whether a weighted sum of terms is seen to be too large at every point where all of them are defined."""
    weighted = [one for one in weighted if one[1]]
    strict = any(isinstance(atom, Below) and atom.strict for atom, _ in weighted)
    plain = _sum_low(weighted, box)
    if plain is None or plain > 0 or (strict and plain == 0):
        return True
    try:
        low = _mean_value_low(weighted, box)
    except Steep:
        return False
    return low > 0 or (strict and low == 0)


def flattened(weighted: list[tuple[Atom, Fraction]], point: tuple[Fraction, ...], box: Pieces) -> bool:
    """Tell whether a weighted sum is seen to be too large by planes that touch at a point."""
    strict = any(isinstance(atom, Below) and atom.strict for atom, weight in weighted if weight)
    try:
        low = least_by_planes(_SPANS, [(atom.term, weight) for atom, weight in weighted if weight], box, point)
    except Nowhere:
        return True
    except Untouched:
        return False
    return bool(low > 0 or (strict and low == 0))


def _sum_low(weighted: list[tuple[Atom, Fraction]], box: Pieces) -> Any:
    total: Span | None = Span(Fraction(0), Fraction(0))
    for atom, weight in weighted:
        part = _SPANS.apply("*", [Span(weight, weight), _SPANS.value(atom.term, box)])
        total = _SPANS.apply("+", [total, part])
    return None if total is None else total.low


def _mean_value_low(weighted: list[tuple[Atom, Fraction]], box: Pieces) -> Any:
    """Give what the sum is at the middle, less all that its slopes can take away on the way to the sides."""
    middle = tuple(((low + high) / 2,) * 2 for low, high in box)
    low = _sum_low(weighted, middle)
    slopes: dict[int, Span | None] = {}
    for atom, weight in weighted:
        for at, slope in slopes_of(_SPANS, atom.term, box)[1].items():
            part = _SPANS.apply("*", [Span(weight, weight), slope])
            slopes[at] = _SPANS.apply("+", [slopes[at], part]) if at in slopes else part
    for at, slope in slopes.items():
        steepest = INFINITE if slope is None else max(-slope.low, slope.high)
        reach = (box[at][1] - box[at][0]) / 2
        if steepest and reach:
            low = -INFINITE if steepest == INFINITE or low == -INFINITE else low - steepest * reach
    return low
