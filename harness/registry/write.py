"""Write a tree as the text of an expression, with no more brackets than it needs.

What the parser has made of a text, written out and parsed again, has the same outline. A tree made by hand may have
no text of its own (a set without items, a minus before a number): it is written as the text nearest to it.
"""

from __future__ import annotations

from collections.abc import Callable
from keyword import iskeyword
from typing import Any, Final

from harness.registry.library import METHODS
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
    Table,
    Unary,
)

# how tightly Python binds: a node of a lower level needs brackets where a higher one is asked for
_CHOICE, _OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _MINUS, _POWER, _CHAIN = range(10)
_BINDS: Final = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "//": _PRODUCT, "%": _PRODUCT, "**": _POWER}


def write(node: Node) -> str:
    """Give the text of a tree. O(nodes)."""
    return _WRITERS[type(node)](node)


def _within(node: Node, level: int) -> str:
    text = write(node)
    return text if _level(node) >= level else f"({text})"


def _level(node: Node) -> int:
    match node:
        case Choice():
            return _CHOICE
        case Logic():
            return _AND if node.operator == "and" else _OR
        case Compare():
            return _COMPARE
        case Unary():
            return _NOT if node.operator == "not" else _MINUS
        case Binary():
            return _BINDS[node.operator]
        case Constant() if type(node.value) in (int, float):
            return _MINUS if str(node.value).startswith("-") else _POWER  # 5.real would be read as a broken number
        case _:
            return _CHAIN


def _constant(node: Constant) -> str:
    return _text(node.value) if type(node.value) is str else repr(node.value)


def _text(value: str) -> str:
    if "\\" in value and '"' not in value and not value.endswith("\\") and value.isprintable():
        return f'r"{value}"'
    return repr(value) if '"' in value else f'"{repr(value)[1:-1]}"'


def _field(node: Field) -> str:
    name = node.name
    plain = name.isascii() and name.isidentifier() and not iskeyword(name) and not name.startswith("__")
    return _within(node.of, _CHAIN) + (f".{name}" if plain else f"[{_text(name)}]")


def _item(node: Item) -> str:
    return f"{_within(node.of, _CHAIN)}[{write(node.index)}]"


def _unary(node: Unary) -> str:
    return f"not {_within(node.operand, _NOT)}" if node.operator == "not" else f"-{_within(node.operand, _MINUS)}"


def _binary(node: Binary) -> str:
    level = _BINDS[node.operator]
    if node.operator == "**":
        return f"{_within(node.left, _CHAIN)} ** {_within(node.right, _MINUS)}"
    return f"{_within(node.left, level)} {node.operator} {_within(node.right, level + 1)}"


def _compare(node: Compare) -> str:
    first, *others = (_within(operand, _SUM) for operand in node.operands)
    return first + "".join(f" {operator} {other}" for operator, other in zip(node.operators, others, strict=True))


def _logic(node: Logic) -> str:
    inner = _NOT if node.operator == "and" else _AND  # (a and b) and c is not a and b and c
    return f" {node.operator} ".join(_within(part, inner) for part in node.parts)


def _choice(node: Choice) -> str:
    return f"{_within(node.then, _OR)} if {_within(node.test, _OR)} else {write(node.otherwise)}"


def _listing(node: Listing) -> str:
    items = ", ".join(map(write, node.items))
    return f"{{{items}}}" if node.unique and node.items else f"[{items}]"


def _table(node: Table) -> str:
    pairs = zip(node.keys, node.values, strict=True)
    return "{" + ", ".join(f"{_text(key)}: {write(value)}" for key, value in pairs) + "}"


def _each(node: Each) -> str:
    return f"{{{_loop(node)}}}" if node.unique else f"[{_loop(node)}]"


def _loop(node: Each) -> str:
    conditions = "".join(f" if {_within(condition, _OR)}" for condition in node.conditions)
    return f"{write(node.body)} for {node.name} in {_within(node.over, _OR)}{conditions}"


def _call(node: Call) -> str:
    owner, arguments = "", node.arguments
    if node.function in METHODS:
        owner, arguments = f"{_within(arguments[0], _CHAIN)}.", arguments[1:]
    if len(arguments) == 1 and isinstance(arguments[0], Each) and not arguments[0].unique:
        return f"{owner}{node.function}({_loop(arguments[0])})"
    return f"{owner}{node.function}({', '.join(map(write, arguments))})"


def _fold(node: Fold) -> str:
    asked = [write(part) for part in (node.value, node.condition) if part is not None]
    windows = [(name, getattr(node, name)) for name in ("within", "since")]
    asked += [f"{name}={write(window)}" for name, window in windows if window is not None]
    return f"{node.verb}({', '.join([node.past, *asked])})"


_WRITERS: Final[dict[type, Callable[[Any], str]]] = {
    Constant: _constant,
    Name: lambda node: node.name,
    Field: _field,
    Item: _item,
    Unary: _unary,
    Binary: _binary,
    Compare: _compare,
    Logic: _logic,
    Choice: _choice,
    Listing: _listing,
    Table: _table,
    Each: _each,
    Call: _call,
    Fold: _fold,
}
