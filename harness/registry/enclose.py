"""The interval meaning of an expression: everything it can be while its names stay within bounds.

It is what can be said of a rule before there is a step, and of a whole box of a search at once: an answer that is not
in the result is impossible. A part that is not understood may be anything, and never an error. Not given: the
narrowest answer, as each occurrence of a name is taken to vary by itself.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import reduce
from itertools import combinations, count, product
from typing import Any, ClassVar, Final

from harness.registry import elementary, interval
from harness.registry.domain import ANYTHING, BOTH, UNDEFINED, Range, either, exactly
from harness.registry.interval import ALL, COUNT, Interval, Partial
from harness.registry.library import LIBRARY, Type
from harness.registry.possible import ANSWERS, answered, compared, equal, joined, outcomes
from harness.registry.tree import (
    Binary,
    Call,
    Choice,
    Compare,
    Constant,
    Each,
    Field,
    Fold,
    Item,
    Listing,
    Logic,
    Name,
    Node,
    Unary,
    dotted,
)
from harness.registry.values import MAX_INTEGER, Undefined

Box = Mapping[str, Range]
"""What dotted names such as ``call.args.amount`` may be; a name that is not in it may be anything."""

MAX_UNROLLED: Final = 64
MAX_PARTS: Final = 1_000
_NULL: Final = exactly(None)


def enclose(tree: Node, box: Box) -> Range:
    """Give the range of an expression's value over a box. O(nodes), times the items of short lists."""
    return _Enclosure(box).of(tree)


class _Enclosure:
    def __init__(self, box: Box, unrolled: Iterator[int] | None = None) -> None:
        self._box, self._unrolled = box, unrolled or count()

    def of(self, node: Node) -> Range:
        known = self._box.get(dotted(node)) if isinstance(node, Name | Field) else None
        meaning = self._MEANINGS.get(type(node))
        return known or (meaning(self, node) if meaning else ANYTHING)

    def _constant(self, node: Constant) -> Range:
        return exactly(node.value)

    def _item(self, node: Item) -> Range:
        whole, index = self.of(node.of), node.index
        items = whole.known_items
        if items is None:
            return ANYTHING
        if isinstance(index, Constant) and type(index.value) is int:
            return items[index.value] if -len(items) <= index.value < len(items) else UNDEFINED
        return reduce(either, items, UNDEFINED)

    def _unary(self, node: Unary) -> Range:
        operand = self.of(node.operand)
        if node.operator == "not":
            return answered({None if one is None else not one for one in outcomes(operand)})
        numbers = operand.numbers and interval.negate(operand.numbers)
        return Range(numbers, undefined=operand.undefined or not operand.only_numbers)

    def _binary(self, node: Binary) -> Range:
        left, right = self.of(node.left), self.of(node.right)
        one, other = left.known_items, right.known_items
        if node.operator == "+" and one is not None and other is not None:
            return Range(items=one + other)
        found = Partial(None)
        if left.numbers and right.numbers:
            found = self._arithmetic(node, left.numbers, right.numbers)
        numeric = left.only_numbers and right.only_numbers
        longer = node.operator == "+" and not (left.only_numbers or right.only_numbers)
        undefined = left.undefined or right.undefined or found.undefined or not numeric
        return Range(found.numbers, others=longer, undefined=undefined)

    def _arithmetic(self, node: Binary, left: Interval, right: Interval) -> Partial:
        if node.operator != "**":
            return interval.ARITHMETIC[node.operator](left, right)
        if isinstance(node.right, Constant) and type(node.right.value) in (int, float):
            return elementary.power(left, node.right.value)
        return Partial(ALL, undefined=True)

    def _compare(self, node: Compare) -> Range:
        sides = [self.of(operand) for operand in node.operands]
        pairs = zip(node.operators, sides, sides[1:], strict=False)
        return answered(joined("and", (compared(operator, left, right) for operator, left, right in pairs)))

    def _logic(self, node: Logic) -> Range:
        return answered(joined(node.operator, (outcomes(self.of(part)) for part in node.parts)))

    def _choice(self, node: Choice) -> Range:
        tests = outcomes(self.of(node.test))
        branches = [self.of(branch) for test, branch in ((True, node.then), (False, node.otherwise)) if test in tests]
        return reduce(either, branches, Range(undefined=None in tests))

    def _listing(self, node: Listing) -> Range:
        items = tuple(self.of(item) for item in node.items)
        undefined = any(item.undefined for item in items)
        repeated = node.unique and any(True in equal(one, other) for one, other in combinations(items, 2))
        if repeated or len(items) > MAX_UNROLLED:
            return Range(others=True, undefined=undefined)
        return Range(items=tuple(item.defined for item in items), undefined=undefined)

    def _each(self, node: Each) -> Range:
        parts = self._parts(node)
        if parts is None or node.unique or node.conditions:
            return Range(others=True, undefined=True)
        return Range(items=tuple(part.defined for part in parts), undefined=any(part.undefined for part in parts))

    def _parts(self, node: Each) -> list[Range] | None:
        """Give the range of the body for each item; None where it is not known how many there are."""
        items = self.of(node.over).known_items
        if items is None or len(items) > MAX_UNROLLED or next(self._unrolled) + len(items) > MAX_PARTS:
            return None
        parts = []
        for item in items:
            next(self._unrolled)
            parts.append(self._within(node, item).of(node.body))
        return parts

    def _within(self, node: Each, item: Range) -> _Enclosure:
        # what was known of an outer name's fields says nothing of an inner one's
        hidden = {name: one for name, one in self._box.items() if name.split(".", 1)[0] != node.name}
        return _Enclosure({**hidden, node.name: item}, self._unrolled)

    def _call(self, node: Call) -> Range:
        special = self._FUNCTIONS.get(node.function)
        if special:
            return special(self, node)
        arguments = [self.of(argument) for argument in node.arguments]
        words = _worked_out(node.function, arguments)
        if words is not None:
            return words
        gives = _GIVEN.get(LIBRARY[node.function].gives) if node.function in LIBRARY else None
        return gives or ANYTHING

    def _quantified(self, node: Call) -> Range:
        operator, whole = ("or" if node.function == "any" else "and"), node.arguments[0]
        if isinstance(whole, Listing):
            return answered(joined(operator, (outcomes(self.of(item)) for item in whole.items)))
        if not isinstance(whole, Each):
            return answered(ANSWERS)
        parts = self._parts(whole)
        if parts is not None and not whole.conditions:
            return answered(joined(operator, map(outcomes, parts)))
        body = self._within(whole, ANYTHING).of(whole.body) if parts is None else reduce(either, parts, Range())
        # any number of them may be left, or none; and what they are taken from may be no list
        return answered({operator == "and", None} | outcomes(body))

    def _exists(self, node: Call) -> Range:
        one = self.of(node.arguments[0])
        missing = one.undefined or one.others or None in one.words
        there = one.defined not in (Range(), _NULL)
        return Range(truths=frozenset({True} if there else ()) | frozenset({False} if missing else ()))

    def _default(self, node: Call) -> Range:
        one, other = self.of(node.arguments[0]), self.of(node.arguments[1])
        if not (one.undefined or one.others or None in one.words):
            return one
        there = Range(one.numbers, one.truths, one.words - {None}, one.items, one.others)
        return either(there, other)

    def _length(self, node: Call) -> Range:
        one = self.of(node.arguments[0])
        undefined = one.undefined or one.numbers is not None or bool(one.truths) or None in one.words
        sizes = [len(word) for word in one.words if word is not None]
        sizes += [len(one.items)] if one.items is not None else []
        if one.others:
            return Range(COUNT, undefined=True)
        return Range(Interval(min(sizes), max(sizes), whole=True) if sizes else None, undefined=undefined)

    def _extreme(self, node: Call) -> Range:
        parts = [self.of(argument) for argument in node.arguments]
        undefined = any(part.undefined for part in parts)
        if len(parts) == 1:
            items = parts[0].known_items
            if items is None:
                return Range(ALL, others=True, undefined=True)
            parts = list(items)
        pick = interval.smallest if node.function == "min" else interval.largest
        numbers = [part.numbers for part in parts if part.numbers]
        certain = all(part.only_numbers for part in parts) and bool(parts)
        # of texts the same is true: the answer is one of them
        texts = all(part.words or part.others for part in parts) and bool(parts)
        found = reduce(pick, numbers) if len(numbers) == len(parts) and numbers else None
        return Range(found, others=texts, undefined=undefined or not certain)

    def _total(self, node: Call) -> Range:
        items = self.of(node.arguments[0]).known_items
        if items is None:
            return Range(ALL, undefined=True)
        total, undefined = Partial(exactly(0).numbers), False
        for item in items:
            if not (total.numbers and item.numbers):
                return UNDEFINED
            total = interval.add(total.numbers, item.numbers)
            undefined = undefined or total.undefined or not item.only_numbers
        return Range(total.numbers, undefined=undefined)

    def _round(self, node: Call) -> Range:
        digits = node.arguments[1] if len(node.arguments) > 1 else None
        if digits is None:
            return self._plain(node, lambda one: Partial(interval.rounded(one)))
        if isinstance(digits, Constant) and type(digits.value) is int and 0 <= digits.value <= 15:
            return self._plain(node, lambda one: Partial(interval.rounded(one, digits.value)))
        return Range(ALL, undefined=True)

    def _numeric(self, node: Call) -> Range:
        return self._plain(node, _OF_NUMBERS[node.function])

    def _converted(self, node: Call) -> Range:
        if not self.of(node.arguments[0]).only_numbers:
            return Range(ALL, undefined=True)
        return self._numeric(node)

    def _plain(self, node: Call, function: Callable[[Interval], Partial]) -> Range:
        one = self.of(node.arguments[0])
        found = function(one.numbers) if one.numbers else Partial(None)
        return Range(found.numbers, undefined=found.undefined or one.undefined or not one.only_numbers)

    def _fold(self, node: Fold) -> Range:
        if node.verb in ("happened", "must_follow"):
            return Range(truths=BOTH, undefined=True)
        return Range(COUNT, undefined=True) if node.verb == "count" else ANYTHING

    _FUNCTIONS: ClassVar[dict[str, Callable[[_Enclosure, Call], Range]]] = {
        "any": _quantified,
        "all": _quantified,
        "exists": _exists,
        "default": _default,
        "len": _length,
        "min": _extreme,
        "max": _extreme,
        "sum": _total,
        "round": _round,
        "abs": _numeric,
        "exp": _numeric,
        "log": _numeric,
        "sqrt": _numeric,
        "int": _converted,
        "float": _converted,
    }

    _MEANINGS: ClassVar[dict[type, Callable[[_Enclosure, Any], Range]]] = {
        Constant: _constant,
        Item: _item,
        Unary: _unary,
        Binary: _binary,
        Compare: _compare,
        Logic: _logic,
        Choice: _choice,
        Listing: _listing,
        Each: _each,
        Call: _call,
        Fold: _fold,
    }


def _worked_out(function: str, arguments: list[Range]) -> Range | None:
    """Call a function with all the texts and truth values it may be called with; None if there are others."""
    known = [members for one in arguments if (members := one.members) is not None]
    if len(known) < len(arguments) or math.prod(map(len, known)) > MAX_UNROLLED:
        return None
    found = Range(undefined=any(one.undefined for one in arguments))
    for one in product(*known):
        try:
            found = either(found, exactly(LIBRARY[function].call(*one)))
        except Undefined:
            found = either(found, UNDEFINED)
        except Exception:  # noqa: BLE001 - a function that looks at more than values: nothing is known of its answer
            return None
    return found


_OF_NUMBERS: Final[dict[str, Callable[[Interval], Partial]]] = {
    "abs": lambda one: Partial(interval.absolute(one)),
    "exp": elementary.exponential,
    "log": elementary.logarithm,
    "sqrt": elementary.root,
    "int": lambda one: Partial(interval.cut(one), undefined=one.low < -MAX_INTEGER or one.high > MAX_INTEGER),
    "float": lambda one: Partial(interval.floating(one), undefined=max(-one.low, one.high) > sys.float_info.max),
}
_GIVEN: Final[dict[Type, Range]] = {
    "truth": Range(truths=BOTH, undefined=True),
    "number": Range(ALL, undefined=True),
    "text": Range(others=True, undefined=True),
    "list": Range(others=True, undefined=True),
}
