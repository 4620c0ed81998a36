"""Read an expression as a condition on the variables of a problem.

An expression has three truths, a condition two. So each expression is read twice where it is needed: as the condition
that it is true, and as the condition that it is false; where neither holds it is undefined. In both, *not* is pushed
down to the comparisons, ``and`` and ``or`` stay what they are by Kleene's rules, and a comparison of terms that are
undefined is false. So ``not (log(x) <= 1)`` is read as ``log(x) > 1``: false where x is negative, as the rule is
unknown there.

Numbers are exact, 0.1 being one tenth: not seen is what the rounding and the limits of floats make of a rule.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from harness.registry import values
from harness.registry.complaint import ExpressionError
from harness.registry.solve.cases import ZERO, Case, Fixed, Value, combined, is_sure, known
from harness.registry.solve.joining import ALWAYS, NEVER, applied, every, is_discrete, is_total
from harness.registry.solve.problem import Below, Condition, Equal, Number
from harness.registry.solve.terms import NO_NAMES, Bound, Terms
from harness.registry.tree import Call, Choice, Compare, Each, Listing, Logic, Node, Unary
from harness.registry.values import Undefined
from harness.registry.write import write


class Reading(Terms):
    """Read truths, and the values in them."""

    def truth(self, node: Node, wanted: bool, bound: Bound = NO_NAMES) -> Condition:
        """Give the condition that an expression is true, or with ``wanted`` false that it is false."""
        self.count(node)
        match node:
            case Logic(_, operator, parts):
                joined = every if (operator == "and") is wanted else self.some
                return joined(self.truth(part, wanted, bound) for part in parts)
            case Unary(_, "not", operand):
                return self.truth(operand, not wanted, bound)
            case Compare():
                return self._compared(node, wanted, bound)
            case Choice(_, test, then, otherwise):
                sides = ((True, then), (False, otherwise))
                return self.some(
                    every((self.truth(test, one, bound), self.truth(side, wanted, bound))) for one, side in sides
                )
            case Call(_, "any" | "all" as quantifier, (argument,)):
                return self._quantified(quantifier, argument, wanted, bound)
            case Call(_, "exists"):
                there = self.there(node, bound)
                return self.some(when for when, value in there if (value != Fixed(None)) is wanted)
        return self._is(wanted, self.cases(node, bound))

    def _is(self, wanted: bool, cases: list[Case]) -> Condition:
        self.partial = self.partial or any(value not in (Fixed(True), Fixed(False)) for _, value in cases)
        return self.some(when for when, value in cases if value == Fixed(wanted))

    # --- comparisons and quantifiers ------------------------------------------------------------------------------

    def _compared(self, node: Compare, wanted: bool, bound: Bound) -> Condition:
        joined = every if wanted else self.some
        pairs = zip(node.operators, pairwise(node.operands), strict=True)
        return joined(self._pair(Compare(node.span, (one,), pair), wanted, bound) for one, pair in pairs)

    def _pair(self, node: Compare, wanted: bool, bound: Bound) -> Condition:
        (operator,), (one, other) = node.operators, node.operands
        operator = operator if wanted else _OPPOSITES[operator]
        if operator in ("in", "not in") and isinstance(other, Listing | Each):
            equals = "==" if operator == "in" else "!="
            joined = self.some if operator == "in" else every
            left, items = self.cases(one, bound), self.items(other, bound)
            for _, value in (case for item in (items or [left]) for case in item):
                if not is_sure(value):
                    cure = "compare with it by itself"
                    raise ExpressionError("an item of the list may be undefined", other.span, cure)
            return joined(self._cases_compared(node, equals, left, item) for item in items)
        return self._cases_compared(node, operator, self.cases(one, bound), self.cases(other, bound))

    def _cases_compared(self, node: Compare, operator: str, left: list[Case], right: list[Case]) -> Condition:
        return self.some(
            every((*whens, self._atom(node, operator, *pair))) for whens, pair in combined(node, left, right)
        )

    def _atom(self, node: Compare, operator: str, left: Value, right: Value) -> Condition:
        if isinstance(left, Fixed) or isinstance(right, Fixed):
            return self._fixed_atom(node, operator, left, right)
        self.partial = self.partial or not (is_total(left) and is_total(right))
        if operator in (">", ">="):
            return self._atom(node, _MIRRORED[operator], right, left)
        apart = left if right == ZERO else applied("-", left, right)
        if isinstance(apart, Number) and not apart.parameter:
            return ALWAYS if values.COMPARISONS[operator](apart.value.numerator, 0) else NEVER
        if operator in ("<", "<="):
            return Below(apart, strict=operator == "<")
        if is_discrete(apart, self.unknowns.variables):
            return Equal(apart, differs=operator == "!=")
        if operator == "!=":
            return self.some((Below(apart, True), Below(applied("-", right, left), True)))
        one, other = map(write, node.operands)
        cure = f"allow for a tolerance: abs({one} - ({other})) {'>' if node.operators == ('!=',) else '<='} 0.001"
        raise ExpressionError("numbers with decimals are hardly ever equal", node.span, cure)

    def _fixed_atom(self, node: Compare, operator: str, left: Value, right: Value) -> Condition:
        """Compare where a side is no number to calculate with."""
        if isinstance(left, Fixed) and isinstance(right, Fixed):
            try:
                return ALWAYS if values.COMPARISONS[operator](left.value, right.value) else NEVER
            except Undefined:
                self.partial = True
                return NEVER
        if operator in ("in", "not in") and isinstance(right, Fixed) and type(right.value) is list:
            if not (right.value or is_sure(left)):
                raise ExpressionError("a number that may be undefined is looked for in an empty list", node.span)
            equals, joined = ("==", self.some) if operator == "in" else ("!=", every)
            return joined(self._atom(node, equals, left, known(item)) for item in right.value)
        if not (is_sure(left) and is_sure(right)):
            raise ExpressionError("a number that may be undefined is compared with something else", node.span)
        if operator in ("==", "!="):
            return ALWAYS if operator == "!=" else NEVER
        self.partial = True
        return NEVER

    def _quantified(self, quantifier: str, over: Node, wanted: bool, bound: Bound) -> Condition:
        joined = every if (quantifier == "all") is wanted else self.some
        if isinstance(over, Listing):
            return joined(self.truth(item, wanted, bound) for item in over.items)
        if not isinstance(over, Each):
            return joined(self._is(wanted, item) for item in self.items(over, bound))
        return joined(
            self._kept(over, wanted, joined is every, {**bound, over.name: item}) for item in self.items_of(over, bound)
        )

    def _kept(self, over: Each, wanted: bool, left_out: bool, bound: Bound) -> Condition:
        """Give the condition that an item speaks as wanted, or with ``left_out`` that a condition leaves it out."""
        before: list[Condition] = []
        out: list[Condition] = []
        for condition in over.conditions:
            out.append(every((*before, self.truth(condition, False, bound))))
            before.append(self.truth(condition, True, bound))
        speaks = every((*before, self.truth(over.body, wanted, bound)))
        return self.some((*out, speaks)) if left_out else speaks


_MIRRORED: Final = {">": "<", ">=": "<="}
_OPPOSITES: Final = {
    "<": ">=",
    "<=": ">",
    ">": "<=",
    ">=": "<",
    "==": "!=",
    "!=": "==",
    "in": "not in",
    "not in": "in",
}
