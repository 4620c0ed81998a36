"""Every small way in which an expression could be wrong, one at a time.

A comparison is flipped, a conjunct or disjunct left out, a number moved by one (one per cent where it is a decimal), a
``not`` dropped, a pattern or list of words widened, a window or condition of a question about the past dropped, ``any``
put for ``all``, one branch taken of a conditional. Positions in a list (``x[0]``) and names of fields stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any, Final, NamedTuple

from harness.registry.tree import (
    Call,
    Choice,
    Compare,
    Constant,
    Each,
    Fold,
    Item,
    Listing,
    Logic,
    Node,
    Unary,
    children,
    rebuild,
)
from harness.registry.write import write

_MAX_SHOWN: Final = 90  # of the text around a change

_FLIPS: Final[dict[str, tuple[str, ...]]] = {
    "<": ("<=", ">"),
    "<=": ("<", ">"),
    ">": (">=", "<"),
    ">=": (">", "<"),
    "==": ("!=",),
    "!=": ("==",),
    "in": ("not in",),
    "not in": ("in",),
}
_PIECES: Final = re.compile(r"\\.|.", re.DOTALL)


class Change(NamedTuple):
    """One change of a tree: what was done, the changed tree, the part it concerns before and after, and its place.

    ``after`` is empty where the part was left out. ``start`` counts characters of the expression's text.
    """

    done: str
    tree: Node
    before: str
    after: str
    start: int


def weaken(node: Node) -> Iterator[Change]:
    """Yield every change of a tree. O(nodes · depth)."""
    yield from _own(node)
    for index, child in enumerate(children(node)):
        if isinstance(node, Item) and index == 1 and isinstance(child, Constant):
            continue  # a position
        for change in weaken(child):
            yield _inside(node, index, change)


def negations(guard: Node) -> Iterator[Change]:
    """Yield a guard with each of its parts turned round."""
    parts = guard.parts if isinstance(guard, Logic) else (guard,)
    for index, part in enumerate(parts):
        if isinstance(part, Compare) or (isinstance(part, Unary) and part.operator == "not"):
            continue  # turned round by weaken
        change = _change("part of the guard negated", part, Unary(part.span, "not", part))
        yield _inside(guard, index, change) if isinstance(guard, Logic) else change


def moved(value: Any) -> tuple[int | float, ...]:
    """Give the neighbours of a number: one more and one less, one per cent for a decimal."""
    if type(value) is int:
        return value + 1, value - 1
    return (value * 1.01, value * 0.99) if value else (0.01, -0.01)


def _own(node: Node) -> Iterator[Change]:
    match node:
        case Constant() if type(node.value) in (int, float):
            for value in moved(node.value):
                yield _change("a number moved", node, replace(node, value=value))
        case Compare():
            yield from _flipped(node)
            yield from _widened(node)
        case Logic():
            yield from _thinned(node)
        case Unary() if node.operator == "not":
            yield _change("'not' dropped", node, node.operand)
        case Choice():
            for branch in (node.then, node.otherwise):
                yield _change("one branch taken", node, branch)
        case Each():
            for index in range(len(node.conditions)):
                kept = node.conditions[:index] + node.conditions[index + 1 :]
                yield _change("a condition dropped", node, replace(node, conditions=kept))
        case Call():
            yield from _called(node)
        case Fold():
            yield from _asked(node)


def _change(done: str, before: Node, after: Node) -> Change:
    return Change(done, after, write(before), write(after), before.span.start)


def _inside(node: Node, index: int, change: Change) -> Change:
    """Put a change of a child into its node; a short node is shown whole."""
    number = count()
    tree = rebuild(node, lambda child: change.tree if next(number) == index else child)
    if node.span.end - node.span.start > _MAX_SHOWN:
        return change._replace(tree=tree)
    return change._replace(tree=tree, before=write(node), after=write(tree))


def _flipped(node: Compare) -> Iterator[Change]:
    for index, operator in enumerate(node.operators):
        for other in _FLIPS[operator]:
            operators = (*node.operators[:index], other, *node.operators[index + 1 :])
            yield _change("a comparison flipped", node, replace(node, operators=operators))


def _widened(node: Compare) -> Iterator[Change]:
    if node.operators not in (("in",), ("not in",)):
        return
    item, words = node.operands
    if node.operators == ("in",):
        yield _change("a list of words widened", node, Constant(node.span, True))
    if isinstance(words, Listing) and len(words.items) > 1:
        for index in range(len(words.items)):
            fewer = replace(words, items=words.items[:index] + words.items[index + 1 :])
            yield _change("a word dropped", node, replace(node, operands=(item, fewer)))


def _thinned(node: Logic) -> Iterator[Change]:
    done = "a conjunct dropped" if node.operator == "and" else "a disjunct dropped"
    for index, part in enumerate(node.parts):
        kept = node.parts[:index] + node.parts[index + 1 :]
        tree = replace(node, parts=kept) if len(kept) > 1 else kept[0]
        yield Change(done, tree, write(part), "", part.span.start)


def _called(node: Call) -> Iterator[Change]:
    if node.function == "matches":
        text, pattern = node.arguments
        for wider in _wider(pattern.value) if isinstance(pattern, Constant) else ():
            arguments = (text, Constant(pattern.span, wider))
            yield _change("a pattern widened", node, replace(node, arguments=arguments))
    elif node.function in ("any", "all") and not _of_one(node.arguments[0]):
        other = "all" if node.function == "any" else "any"
        yield _change(f"'{other}' for '{node.function}'", node, replace(node, function=other))


def _of_one(node: Node) -> bool:
    """Tell whether exactly one item is gone through: then any and all are the same."""
    over = node.over if isinstance(node, Each) and not node.conditions else node
    return isinstance(over, Listing) and len(over.items) == 1


def _wider(pattern: str) -> Iterator[str]:
    """Yield patterns that find more: anything, and without each anchor and each edge of a word."""
    if pattern:
        yield ""
    pieces = _PIECES.findall(pattern)
    for index, piece in enumerate(pieces):
        if piece in (r"\b", "$") or (piece == "^" and pieces[index - 1 : index] != ["["]):
            yield "".join(pieces[:index] + pieces[index + 1 :])


def _asked(node: Fold) -> Iterator[Change]:
    if node.condition is not None and not (isinstance(node.condition, Logic) and node.condition.operator == "and"):
        yield _change("a condition dropped", node, replace(node, condition=None))
    for window in ("within", "since"):
        if getattr(node, window) is not None:
            without: dict[str, Any] = {window: None}
            yield _change("a window dropped", node, replace(node, **without))
