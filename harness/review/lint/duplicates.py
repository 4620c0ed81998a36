"""Rules of the same meaning, whatever their ids, the order of their operands, and how a comparison is turned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from harness.determinism.canonical import encode
from harness.registry.invariant import Invariant, Shape
from harness.registry.library import LIBRARY
from harness.registry.registry import Registry
from harness.registry.tree import (
    Binary,
    Call,
    Compare,
    Constant,
    Fold,
    Listing,
    Logic,
    Node,
    Span,
    Unary,
    outline,
    rebuild,
)
from harness.review.lint.diagnostic import Diagnostic, diagnostic

_TURNED: Final = {">": "<", ">=": "<="}
_NEGATED: Final = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<", "in": "not in", "not in": "in"}
_NOWHERE: Final = Span(0, 0)


def duplicates(registry: Registry) -> Iterator[Diagnostic]:
    """Yield each rule that says what an earlier one says, of the same tools and under the same guard. O(size)."""
    first: dict[bytes, Invariant] = {}
    for rule in registry.invariants:
        if rule.derived:
            continue
        known = first.setdefault(encode(_meaning(rule)), rule)
        if known is not rule:
            said = f"this means the same as {known.id} ({known.place})"
            yield diagnostic("duplicate", rule.id, rule.at.find(["id"]), said, "keep one of them, the stricter one")


def normal(node: Node) -> Node:
    """Give the tree in one of all the ways to write the same: equal trees have the same answers. O(n log n)."""
    node = rebuild(node, normal)
    if isinstance(node, Unary) and node.operator == "not":
        return _negated(node)
    if isinstance(node, Logic):
        parts = [inner for part in node.parts for inner in _flat(part, node.operator)]
        unique = {_key(part): part for part in parts}
        ordered = tuple(unique[key] for key in sorted(unique))
        return replace(node, parts=ordered if len(ordered) > 1 else ordered * 2)  # by itself it need not be a truth
    if isinstance(node, Compare):
        return _turned(node)
    if isinstance(node, Binary) and node.operator == "*":
        left, right = sorted((node.left, node.right), key=_key)
        return replace(node, left=left, right=right)
    return node


def _meaning(rule: Invariant) -> list[Any]:
    require = rule.require
    said = [require.part, require.schema] if isinstance(require, Shape) else outline(normal(require.tree))
    guard = outline(normal(rule.when.tree)) if rule.when else None
    return [rule.on, rule.artifact, sorted(set(rule.tools)), guard, said]


def _key(node: Node) -> bytes:
    return encode(outline(node))


def _flat(node: Node, operator: str) -> tuple[Node, ...]:
    return node.parts if isinstance(node, Logic) and node.operator == operator else (node,)


def _negated(node: Unary) -> Node:
    operand = node.operand
    if isinstance(operand, Unary) and operand.operator == "not" and isinstance(operand.operand, Call | Fold):
        return operand.operand if _gives_truth(operand.operand) else node
    if isinstance(operand, Compare) and len(operand.operators) == 1:
        return _turned(replace(operand, operators=(_NEGATED[operand.operators[0]],)))
    if isinstance(operand, Logic):
        parts = tuple(Unary(part.span, "not", part) for part in operand.parts)
        return normal(replace(operand, operator="or" if operand.operator == "and" else "and", parts=parts))
    return node


def _gives_truth(node: Call | Fold) -> bool:
    return node.verb == "happened" if isinstance(node, Fold) else LIBRARY[node.function].gives == "truth"


def _turned(node: Compare) -> Node:
    if len(node.operators) > 1:
        pairs = zip(node.operators, node.operands, node.operands[1:], strict=False)
        return normal(Logic(node.span, "and", tuple(Compare(node.span, (one,), (a, b)) for one, a, b in pairs)))
    (operator,), (left, right) = node.operators, node.operands
    if operator in ("==", "!="):
        left, right = sorted((left, right), key=_key)
    elif operator in _TURNED:
        operator, left, right = _TURNED[operator], right, left
    elif operator in ("in", "not in") and isinstance(right, Listing):
        right = _listed(right)
    return replace(node, operators=(operator,), operands=(left, right))


def _listed(node: Listing) -> Node:
    """Sort what something is looked for in; a list of literals is as good as a set of them."""
    if not all(isinstance(item, Constant) for item in node.items):
        return node
    items = {_key(replace(item, span=_NOWHERE)): item for item in node.items}
    return Listing(node.span, tuple(items[key] for key in sorted(items)), unique=False)
