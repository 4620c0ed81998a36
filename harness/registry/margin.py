"""The signed margin of an expression: how far it is from changing its answer, in the constraint's own unit.

This is quantitative robustness over one step: a comparison of numbers is as true as its sides are apart, ``and`` is as
true as its least part and ``or`` as its greatest. What is true or false without a distance (text, questions about the
past) counts as infinitely far: it never hides the distance of another part unless it decides alone.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any, Final, NamedTuple

from harness.registry import values
from harness.registry.tree import Call, Choice, Compare, Each, Listing, Logic, Node, Unary
from harness.registry.values import Budget, Number, Undefined

ValueOf = Callable[[Node, Mapping[str, Any]], Any]
"""Give the value of a node where some dotted names have other values than in the step; Undefined says why it has none.

A name bound by a comprehension is such a name too, of one part.
"""

_NOWHERE: Final[Mapping[str, Any]] = {}


class Margin(NamedTuple):
    """The signed distance to the boundary, and the comparison that decides it.

    The expression holds where ``value`` is positive, and at 0 unless ``strict``. Of a chain of comparisons ``node`` is
    the deciding pair; it stands where the chain stands.
    """

    value: Number
    node: Node
    strict: bool

    @property
    def holds(self) -> bool:
        """Whether the expression is true."""
        return self.value > 0 or (self.value == 0 and not self.strict)


def margin(tree: Node, value_of: ValueOf) -> Margin | None:
    """Give the margin of a truth-valued expression; None where it is undefined, or decided by what has no distance.

    ``a <= b`` gives b - a; ``a == b`` gives -abs(a - b), and ``!=`` its mirror. A part that is undefined matters only
    if no other decides, as in the exact meaning. A float that would overflow is the greatest float instead. O(nodes),
    each asked for its value once, and once for each item of a comprehension under ``any`` or ``all``.
    """
    try:
        found = _Measure(value_of).of(tree, _NOWHERE)
    except Undefined:
        return None
    return found if math.isfinite(found.value) else None


def distance(left: Number, right: Number) -> Number:
    """Subtract ``left`` from ``right``: 0 only where they are equal, and no greater than the greatest float."""
    try:
        # an int beside a float is compared exactly but subtracted rounded: 2**53 + 1 - 2.0**53 would be 0
        apart = float(Fraction(right) - Fraction(left)) if type(left) is not type(right) else right - left
    except OverflowError:
        apart = math.inf if right > left else -math.inf
    return max(-sys.float_info.max, min(apart, sys.float_info.max))


class _Measure:
    """Walk a tree; an infinite margin stands for true or false without a distance, Undefined for no answer."""

    def __init__(self, value_of: ValueOf) -> None:
        self._value_of, self._budget = value_of, Budget()

    def of(self, node: Node, bound: Mapping[str, Any]) -> Margin:
        if isinstance(node, Compare):
            return self._compare(node, bound)
        if isinstance(node, Logic):
            return _joined(node, node.operator, (self._attempt(part, bound) for part in node.parts))
        if isinstance(node, Unary) and node.operator == "not":
            return _mirrored(self.of(node.operand, bound))
        if isinstance(node, Choice):
            test = values.truth(self._value_of(node.test, bound))
            return self.of(node.then if test else node.otherwise, bound)
        if isinstance(node, Call) and node.function in ("any", "all") and isinstance(node.arguments[0], Each | Listing):
            parts = self._parts(node.arguments[0], bound)
            return _joined(node, "or" if node.function == "any" else "and", parts)
        return _sure(node, values.truth(self._value_of(node, bound)))

    def _attempt(self, node: Node, bound: Mapping[str, Any]) -> Margin | Undefined:
        try:
            return self.of(node, bound)
        except Undefined as error:
            return error

    def _compare(self, node: Compare, bound: Mapping[str, Any]) -> Margin:
        sides = [self._side(operand, bound) for operand in node.operands]
        pairs = zip(node.operators, zip(node.operands, node.operands[1:], strict=False), sides, sides[1:], strict=False)
        return _joined(node, "and", (_pair(node, operator, pair, *both) for operator, pair, *both in pairs))

    def _side(self, node: Node, bound: Mapping[str, Any]) -> Any:
        try:
            return self._value_of(node, bound)
        except Undefined as error:
            return error

    def _parts(self, node: Each | Listing, bound: Mapping[str, Any]) -> Iterator[Margin | Undefined]:
        if isinstance(node, Listing):
            yield from (self._attempt(item, bound) for item in node.items)
            return
        for item in self._budget.each(self._value_of(node.over, bound)):
            inner = {**bound, node.name: item}
            try:
                if all(values.truth(self._value_of(condition, inner)) for condition in node.conditions):
                    yield self._attempt(node.body, inner)
            except Undefined as error:
                yield error


def _pair(node: Compare, operator: str, pair: tuple[Node, Node], left: Any, right: Any) -> Margin | Undefined:
    if isinstance(left, Undefined):
        return left
    if isinstance(right, Undefined):
        return right
    one = Compare(node.span, (operator,), pair) if len(node.operators) > 1 else node
    if operator not in _DISTANCES or type(left) not in (int, float) or type(right) not in (int, float):
        try:
            return _sure(one, values.COMPARISONS[operator](left, right))
        except Undefined as error:
            return error
    measure, strict = _DISTANCES[operator]
    return Margin(measure(left, right), one, strict)


def _sure(node: Node, truth: bool) -> Margin:
    return Margin(math.inf if truth else -math.inf, node, strict=False)


def _mirrored(one: Margin) -> Margin:
    return Margin(0 - one.value, one.node, not one.strict)


def _joined(node: Node, operator: str, parts: Iterator[Margin | Undefined]) -> Margin:
    """Take the least (``and``) or the greatest (``or``); an undefined part matters only if no other decides."""
    decisive = operator == "or"
    missing: Undefined | None = None
    defined = [_sure(node, not decisive)]
    for part in parts:
        if isinstance(part, Undefined):
            missing = missing or part
        else:
            defined.append(part)
    # two parts at 0 may differ in truth
    best = (max if decisive else min)(defined, key=lambda part: (part.value, part.holds))
    if missing and best.holds is not decisive:
        raise missing
    return best


# how far a comparison is from its boundary, and whether it is false there
_DISTANCES: Final[dict[str, tuple[Callable[[Number, Number], Number], bool]]] = {
    "<": (distance, True),
    "<=": (distance, False),
    ">": (lambda left, right: distance(right, left), True),
    ">=": (lambda left, right: distance(right, left), False),
    "==": (lambda left, right: 0 - abs(distance(left, right)), False),
    "!=": (lambda left, right: abs(distance(left, right)), True),
}
