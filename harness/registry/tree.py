"""The expression language as a closed set of frozen tree nodes.

One tree has several meanings: ``compile`` turns it into Python byte code, ``explain`` interprets it with the value of
every sub-expression. A node knows nothing of its meanings; it only knows where it stands in the text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Literal, NamedTuple, get_args

Past = Literal["action", "result", "message", "route", "refusal"]
PASTS: Final = ("action", "result", "message", "route", "refusal")
Verb = Literal["happened", "count", "total", "last", "first", "must_follow"]
VERBS: Final = ("happened", "count", "total", "last", "first", "must_follow")


class Span(NamedTuple):
    """Say where a node stands: characters ``start`` up to ``end`` of the expression's text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal text, number, truth value or None."""

    span: Span
    value: Any


@dataclass(frozen=True, slots=True)
class Name:
    """A name: of the step, of a parameter table, or bound by a comprehension."""

    span: Span
    name: str


@dataclass(frozen=True, slots=True)
class Field:
    """The value under a text key: ``of.name`` and ``of["name"]`` are the same."""

    span: Span
    of: Node
    name: str


@dataclass(frozen=True, slots=True)
class Item:
    """The value at a computed key or position."""

    span: Span
    of: Node
    index: Node


@dataclass(frozen=True, slots=True)
class Unary:
    """``-x`` or ``not x``."""

    span: Span
    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic of two operands: one of ``+ - * / // % **``."""

    span: Span
    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Compare:
    """A chain of comparisons; ``operators[i]`` stands between ``operands[i]`` and ``operands[i + 1]``."""

    span: Span
    operators: tuple[str, ...]
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Logic:
    """Two or more truth values joined by ``and`` or by ``or``."""

    span: Span
    operator: str
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """``then if test else otherwise``."""

    span: Span
    test: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Listing:
    """A list or tuple written out; a set too, which is a list without repetitions (``unique``)."""

    span: Span
    items: tuple[Node, ...]
    unique: bool


@dataclass(frozen=True, slots=True)
class Table:
    """An object written out; keys are text."""

    span: Span
    keys: tuple[str, ...]
    values: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Each:
    """A comprehension: ``body`` for each ``name`` in ``over`` for which all ``conditions`` are true."""

    span: Span
    body: Node
    name: str
    over: Node
    conditions: tuple[Node, ...]
    unique: bool


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the library; for a method of text the text is the first argument."""

    span: Span
    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Fold:
    """A question about the past: the events of kind ``past`` for which ``condition`` is true, if there is one.

    ``must_follow`` asks about the future instead. ``value`` is what ``total`` adds up, ``within`` a number of steps or
    the text of a duration, ``since`` the event (``last(…)``) before which nothing counts. ``index`` is the number of
    the monitor that knows the answer, -1 while there is none.
    """

    span: Span
    verb: Verb
    past: Past
    condition: Node | None = None
    value: Node | None = None
    within: Node | None = None
    since: Fold | None = None
    index: int = -1


Node = Constant | Name | Field | Item | Unary | Binary | Compare | Logic | Choice | Listing | Table | Each | Call | Fold


# the fields of each kind of node without its span; asking dataclasses each time is most of the cost of a walk
_PARTS: Final = {kind: tuple(field.name for field in fields(kind)[1:]) for kind in get_args(Node)}


def children(node: Node) -> Iterator[Node]:
    """Yield the nodes directly below a node, in the order of the text."""
    for name in _PARTS[type(node)]:
        value = getattr(node, name)
        if isinstance(value, Node):
            yield value
        elif type(value) is tuple:
            yield from (item for item in value if isinstance(item, Node))


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and everything below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def rebuild(node: Node, change: Callable[[Node], Node]) -> Node:
    """Give a node with each node directly below it replaced by what ``change`` makes of it."""
    changed: dict[str, Any] = {}
    for name in _PARTS[type(node)]:
        value = getattr(node, name)
        if isinstance(value, Node):
            changed[name] = change(value)
        elif type(value) is tuple and any(isinstance(item, Node) for item in value):
            changed[name] = tuple(map(change, value))
    return replace(node, **changed) if changed else node


def outline(node: Node) -> Any:
    """Give a tree as JSON data without its places: equal for texts that differ in blanks and brackets only."""
    parts: list[Any] = [type(node).__name__]
    for name in _PARTS[type(node)]:
        value = getattr(node, name)
        if type(value) is tuple:
            value = [outline(item) if isinstance(item, Node) else item for item in value]
        parts.append(outline(value) if isinstance(value, Node) else value)
    return parts


def dotted(node: Node) -> str:
    """Spell a chain of names such as ``call.args.amount``; empty for anything else."""
    if isinstance(node, Name):
        return node.name
    if isinstance(node, Field) and (front := dotted(node.of)):
        return f"{front}.{node.name}"
    return ""


def mentions(node: Node | None, name: str) -> bool:
    """Tell whether a chain of names occurs in a tree, questions about the past included."""
    return node is not None and any(dotted(part) == name for part in walk(node))
