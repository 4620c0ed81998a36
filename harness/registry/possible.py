"""Truth over ranges: which of true, false and undefined a condition on values in given ranges can be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Final

from harness.registry.domain import Range
from harness.registry.interval import meet

Outcome = bool | None  # None: undefined

MAX_PAIRS: Final = 10_000
MAX_APART: Final = 64
ANSWERS: Final[frozenset[Outcome]] = frozenset({True, False, None})


def outcomes(one: Range) -> frozenset[Outcome]:
    """Give the truths that a value used as a truth value can be; None stands for undefined."""
    return one.truths | (frozenset({None}) if one.undefined or not one.only_truths else frozenset())


def joined(operator: str, parts: Iterable[frozenset[Outcome]]) -> frozenset[Outcome]:
    """Join possible truths by ``and`` or ``or``, three-valued."""
    decisive = operator == "or"
    found: frozenset[Outcome] = frozenset({not decisive})
    for part in parts:
        found = frozenset(_kleene(decisive, one, other) for one, other in product(found, part))
    return found


def _kleene(decisive: bool, one: Outcome, other: Outcome) -> Outcome:
    if decisive in (one, other):
        return decisive
    return None if one is None or other is None else not decisive


def answered(found: Iterable[Outcome]) -> Range:
    """Give the range of a value that can be these truths."""
    found = frozenset(found)
    return Range(truths=frozenset(one for one in found if one is not None), undefined=None in found)


def compared(operator: str, left: Range, right: Range) -> frozenset[Outcome]:
    """Give what a comparison of values in two ranges can answer."""
    undefined: frozenset[Outcome] = frozenset({None} if left.undefined or right.undefined else ())
    base, mirrored = _MIRRORED.get(operator, (operator, False))
    if base == "in":
        found = _found_in(left, right)
    elif base == "==":
        found = equal(left, right)
    else:
        found = _less(right, left) if operator in (">", "<=") else _less(left, right)
    return undefined | frozenset(None if one is None else one != mirrored for one in found)


def _less(left: Range, right: Range) -> frozenset[Outcome]:
    found: set[Outcome] = set()
    if left.numbers and right.numbers:
        found |= {True} if left.numbers.low < right.numbers.high else set()
        found |= {False} if left.numbers.high >= right.numbers.low else set()
    if left.others or right.others or len(left.words) * len(right.words) > MAX_PAIRS:
        return ANSWERS
    for one, other in product(left.words, right.words):
        found.add(one < other if one is not None and other is not None else None)
    alike = (left.only_numbers and right.only_numbers) or (_only_words(left) and _only_words(right))
    return frozenset(found) if alike else frozenset({None, *found})


def _only_words(one: Range) -> bool:
    return one.defined == Range(words=one.words)


def equal(left: Range, right: Range) -> frozenset[Outcome]:
    """Give what ``==`` of values in two ranges can answer; it does wherever both are defined."""
    if Range() in (left.defined, right.defined):
        return frozenset()
    found: set[Outcome] = set()
    if left.numbers and right.numbers and meet(left.numbers, right.numbers):
        found.add(True)
    if left.truths & right.truths or left.words & right.words:
        found.add(True)
    texts = [one.words or one.items is not None or one.others for one in (left, right)]
    if all(texts) and (left.others or right.others or (left.items is not None and right.items is not None)):
        found.add(True)
    if not (_single(left) and _single(right) and found):
        found.add(False)
    return frozenset(found)


def _single(one: Range) -> bool:
    """Tell whether there is one value only it can be."""
    numbers = one.numbers is not None
    if one.others or one.items is not None or numbers + len(one.truths) + len(one.words) != 1:
        return False
    return not numbers or (one.numbers is not None and one.numbers.single)


def _found_in(item: Range, whole: Range) -> frozenset[Outcome]:
    found: set[Outcome] = set()
    if whole.items is not None:
        for part in _one_by_one(item):
            found |= joined("or", (equal(part, one) for one in whole.items))
    if whole.others or whole.words:
        found |= ANSWERS
    if whole.numbers or whole.truths:
        found.add(None)
    return frozenset(found)


def _one_by_one(one: Range) -> Iterator[Range]:
    """Take words and truth values apart: each by itself may be certain to be in a list."""
    if len(one.words) > MAX_APART:
        yield one
        return
    yield from (Range(words=frozenset({word})) for word in one.words)
    yield from (Range(truths=frozenset({truth})) for truth in one.truths)
    rest = Range(one.numbers, items=one.items, others=one.others)
    if rest != Range():
        yield rest


_MIRRORED: Final = {"!=": ("==", True), "not in": ("in", True), "<=": ("<", True), ">=": ("<", True)}
