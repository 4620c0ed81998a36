"""Prove that conditions cannot come true together, whatever the values within a box.

Branch and prune over the interval meaning: conditions are taken apart at ``and``, ``or``, ``not`` and conditionals,
comparisons narrow what their sides may be, and what is left is cut in two, up to a bound. What the interval meaning
does not look into (a question about the past, a call, an item) is a variable of its own, known by its text: the same
text has the same value within a step. An answer of no means "not proven", never "possible".

Not taken into account: that a condition may be undefined because its evaluation costs too much.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import reduce
from typing import Final, NamedTuple

from harness.registry.domain import ANYTHING, Range, either
from harness.registry.enclose import enclose
from harness.registry.interval import Interval, meet
from harness.registry.possible import Outcome, outcomes
from harness.registry.tree import (
    Binary,
    Call,
    Choice,
    Compare,
    Each,
    Field,
    Fold,
    Item,
    Logic,
    Name,
    Node,
    Table,
    Unary,
    children,
    dotted,
    rebuild,
    walk,
)
from harness.registry.write import write

Truths = frozenset[Outcome]
Ranges = Mapping[str, Range]

TRUE: Final[Truths] = frozenset({True})
FALSE: Final[Truths] = frozenset({False})
NOT_TRUE: Final[Truths] = frozenset({False, None})
NOT_FALSE: Final[Truths] = frozenset({True, None})

MAX_BOXES: Final = 200
_MAX_ROUNDS: Final = 8  # of narrowing; two comparisons of two variables may go on for ever
_OPPOSITE: Final = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">", "in": "not in", "not in": "in"}
_MIRROR: Final = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


class Goal(NamedTuple):
    """A condition, and the truths that are asked of it; None among them stands for undefined."""

    node: Node
    wanted: Truths


def impossible(goals: Iterable[Goal], box: Ranges) -> bool:
    """Tell whether it is proven that not all goals can be met in a box. At most ``MAX_BOXES`` boxes are looked at."""
    ranges = dict(box)
    plain = [Goal(_plain(node, ranges), wanted) for node, wanted in goals]
    return _Search().refuted(plain, ranges)


def certain(node: Node, point: Ranges) -> bool:
    """Tell whether a condition is true at a point, or in all of a box; False also where that is not known."""
    ranges = dict(point)
    return outcomes(enclose(_plain(node, ranges), ranges)) == TRUE


def variables(node: Node) -> set[str]:
    """Give the names that a condition's value depends on, questions and calls by their text."""
    return set(_chains(_plain(node, {})))


def _chains(node: Node) -> Iterator[str]:
    if isinstance(node, Name | Field):
        yield dotted(node)
    else:
        for child in children(node):
            yield from _chains(child)


def _plain(node: Node, ranges: dict[str, Range]) -> Node:
    """Put a name in the place of each part that is looked at as a whole, and its range into the box."""
    if isinstance(node, Fold | Call | Item | Each | Table) or (isinstance(node, Field) and not dotted(node)):
        name = f"«{write(node)}»"
        if name not in ranges:
            ranges[name] = enclose(node, ranges)
        return Name(node.span, name)
    if isinstance(node, Field):
        return node
    return rebuild(node, lambda child: _plain(child, ranges))


class _Search:
    def __init__(self) -> None:
        self._left = MAX_BOXES

    def refuted(self, goals: list[Goal], box: dict[str, Range]) -> bool:
        """Take the goals apart, narrow the box, and look at each of the cases that are left."""
        self._left -= 1
        if self._left < 0:
            return False
        leaves: list[Goal] = []
        splits: list[tuple[Goal, list[list[Goal]]]] = []
        waiting = list(goals)
        while waiting:
            goal = waiting.pop()
            cases = _cases(goal)
            if cases is None:
                leaves.append(goal)
            elif len(cases) == 1:
                waiting += cases[0]
            else:
                splits.append((goal, cases))
        if not _narrowed(leaves, box):
            return True
        if splits:
            rest = [*leaves, *(goal for goal, _ in splits[1:])]
            return all(self.refuted([*rest, *case], dict(box)) for case in splits[0][1])
        return self._halved(leaves, box)

    def _halved(self, leaves: list[Goal], box: dict[str, Range]) -> bool:
        """Cut the range of a variable in two where a calculation or several variables meet; else no cut can help."""
        for node, _ in leaves:
            names = sorted({name for name in _chains(node) if name in box})
            if len(names) < 2 and not any(isinstance(part, Binary) for part in walk(node)):
                continue
            for name in names:
                halves = list(_halves(box[name]))
                if len(halves) > 1:
                    return all(self.refuted(leaves, {**box, name: half}) for half in halves)
        return False


def _cases(goal: Goal) -> list[list[Goal]] | None:
    """Give the ways to meet a goal, each a list of goals to be met together; None where it cannot be taken apart."""
    node, wanted = goal
    if isinstance(node, Unary) and node.operator == "not":
        return [[Goal(node.operand, frozenset(None if one is None else not one for one in wanted))]]
    if isinstance(node, Logic):
        return _joined(node.parts, wanted, decisive=node.operator == "or")
    if isinstance(node, Compare) and len(node.operators) > 1:
        pairs = zip(node.operators, node.operands, node.operands[1:], strict=False)
        parts = tuple(Compare(node.span, (operator,), (one, other)) for operator, one, other in pairs)
        return _joined(parts, wanted, decisive=False)
    if isinstance(node, Choice):
        cases = [
            [Goal(node.test, TRUE), Goal(node.then, wanted)],
            [Goal(node.test, FALSE), Goal(node.otherwise, wanted)],
        ]
        return [*cases, [Goal(node.test, frozenset({None}))]] if None in wanted else cases
    return None


def _joined(parts: tuple[Node, ...], wanted: Truths, *, decisive: bool) -> list[list[Goal]] | None:
    if decisive not in wanted and (not decisive) in wanted:
        return [[Goal(part, wanted) for part in parts]]
    if decisive in wanted and (not decisive) not in wanted:
        return [[Goal(part, wanted)] for part in parts]
    return None


def _narrowed(leaves: list[Goal], box: dict[str, Range]) -> bool:
    """Take out of the box what cannot meet the goals; False where nothing is left."""
    for _ in range(_MAX_ROUNDS):
        before = dict(box)
        for node, wanted in leaves:
            possible = outcomes(enclose(node, box)) & wanted
            if not possible:
                return False
            if None not in possible and len(possible) == 1 and not _taken(node, True in possible, box):
                return False
        if box == before:
            return True
    return True


def _taken(node: Node, truth: bool, box: dict[str, Range]) -> bool:
    """Narrow the sides of a condition that is known to be true, or false."""
    if isinstance(node, Name | Field) and (name := dotted(node)):
        return _put(box, name, Range(truths=frozenset({truth})))
    if not isinstance(node, Compare):
        return True
    (operator,), (left, right) = node.operators, node.operands
    operator = operator if truth else _OPPOSITE[operator]
    sides = [(left, operator, right)]
    if operator in _MIRROR:
        sides.append((right, _MIRROR[operator], left))
    for one, relation, other in sides:
        name = dotted(one) if isinstance(one, Name | Field) else ""
        if name and not _put(box, name, _within(box.get(name, ANYTHING), relation, enclose(other, box))):
            return False
    return True


def _put(box: dict[str, Range], name: str, allowed: Range) -> bool:
    box[name] = both(box.get(name, ANYTHING), allowed)
    return box[name] != Range()


def _within(one: Range, relation: str, other: Range) -> Range:
    """Give what a value may be that stands in a relation to another, besides what it may be by itself."""
    other = other.defined
    if relation == "==":
        return other
    if relation == "in":
        return reduce(either, other.items, Range()) if other == Range(items=other.items) and other.items else ANYTHING
    if relation in ("!=", "not in"):
        return _without(one, other, relation)
    bound = _bound(relation, other.numbers, whole=one.numbers is not None and one.numbers.whole)
    texts = bool(other.words) or other.others
    return Range(bound, words=one.words if texts else frozenset(), others=texts)


def _bound(relation: str, other: Interval | None, *, whole: bool) -> Interval | None:
    """Give the numbers that stand in a relation to some number of another interval."""
    if other is None:
        return None
    end = other.high if relation[0] == "<" else other.low
    if whole and len(relation) == 1 and not math.isinf(end):
        end = math.ceil(end) - 1 if relation == "<" else math.floor(end) + 1
    return Interval(-math.inf, end) if relation[0] == "<" else Interval(end, math.inf)


def _without(one: Range, other: Range, relation: str) -> Range:
    """Take out words and truth values that a value is not."""
    excluded = (other,) if relation == "!=" else other.items or ()
    left = one.defined
    for single in excluded:
        if single == Range(words=single.words) and len(single.words) == 1:
            left = replace(left, words=left.words - single.words)
        if single == Range(truths=single.truths) and len(single.truths) == 1:
            left = replace(left, truths=left.truths - single.truths)
        if single == Range(single.numbers) and single.numbers and single.numbers.single and left.numbers:
            left = replace(left, numbers=_apart(left.numbers, single.numbers))
    return left


def _apart(one: Interval, single: Interval) -> Interval | None:
    """Take a number off the end of an interval of whole numbers."""
    if one.single and one.low == single.low:
        return None
    low = one.low + 1 if one.whole and one.low == single.low else one.low
    high = one.high - 1 if one.whole and one.high == single.low else one.high
    return Interval(low, high, one.whole) if low <= high else None


def both(one: Range, other: Range) -> Range:
    """Give the values of two ranges, of which neither is undefined."""
    numbers = meet(one.numbers, other.numbers) if one.numbers and other.numbers else None
    words = one.words & other.words
    words |= one.words if other.others else frozenset()
    words |= other.words if one.others else frozenset()
    items = one.items if other.others else other.items if one.others else None
    if one.items is not None and other.items is not None and len(one.items) == len(other.items):
        items = tuple(map(both, one.items, other.items))
        items = None if Range() in items else items
    return Range(numbers, one.truths & other.truths, words, items, one.others and other.others)


def _halves(one: Range) -> Iterator[Range]:
    """Cut a range in two, or into its single words; yield it as a whole where there is nothing to cut."""
    if one.items is not None or one.others or one.undefined:
        yield one
        return
    yield from (Range(words=frozenset({word})) for word in sorted(one.words, key=str))
    yield from (Range(truths=frozenset({truth})) for truth in sorted(one.truths))
    if one.numbers:
        yield from (Range(part) for part in _parts(one.numbers))


def _parts(one: Interval) -> Iterator[Interval]:
    low, high = one.low, one.high
    if one.single or math.isinf(low) or math.isinf(high):
        yield one
        return
    middle = low + (high - low) // 2 if one.whole else (low + high) / 2
    if not one.whole and not low < middle < high:
        yield one
        return
    yield Interval(low, middle, one.whole)
    yield Interval(middle + 1 if one.whole else middle, high, one.whole)
