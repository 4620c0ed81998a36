"""Find the lines of a program in which the order of a set is likely to reach the outside.

A guess from the source alone, for a run that was seen to depend on the hash seed: wherever something that is a set by
all its looks is iterated over, joined or listed without being sorted first.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

_MAKERS: Final = frozenset({"set", "frozenset"})
_KEEPERS: Final = frozenset({"copy", "difference", "intersection", "symmetric_difference", "union"})
_ORDERS: Final = frozenset(
    {"dict.fromkeys", "enumerate", "filter", "iter", "join", "list", "map", "next", "tuple", "zip"}
)
_TAKES_ANY: Final = frozenset({"pop"})
_SHOWN: Final = 3
_SIBLINGS: Final = 200


def likely_lines(sites: Iterable[str]) -> list[tuple[str, str]]:
    """Give places (``file:line``) and their source, the most likely first, for the lines a call was made from.

    ``sites`` are the agent's lines on the stack, innermost first. Their functions are looked through first, then their
    files, and only where these show nothing the files beside them.
    """
    called = [(Path(file), int(line)) for file, _, line in (site.rpartition(":") for site in sites)]
    files = list(dict.fromkeys(file for file, _ in called if file.is_file()))
    found = [place for file in files for place in _ranked(file, [line for one, line in called if one == file])]
    if not found:
        beside = (other for file in files for other in sorted(file.parent.glob("*.py")) if other not in files)
        found = [place for other in islice(beside, _SIBLINGS) for place in _ranked(other, [])]
    return found[:_SHOWN]


def _ranked(file: Path, called: list[int]) -> list[tuple[str, str]]:
    """Give a file's suspicious lines: those in the functions of the calls before all others."""
    try:
        text = file.read_text(encoding="utf-8")
        tree = ast.parse(text)
    except (OSError, SyntaxError, ValueError):
        return []
    lines = sorted(set(_suspicious(tree)))
    scopes = [(node.lineno, node.end_lineno or 0) for node in ast.walk(tree) if isinstance(node, _FUNCTIONS)]
    near = {
        line
        for line in lines
        for first, last in scopes
        if first <= line <= last and any(first <= at <= last for at in called)
    }
    source = text.splitlines()
    return [
        (f"{file}:{line}", source[line - 1].strip())
        for line in sorted(lines, key=lambda line: (line not in near, line))
    ]


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def _suspicious(tree: ast.Module) -> Iterator[int]:
    names = _set_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension) and _is_set(node.iter, names):
            yield node.iter.lineno
        elif isinstance(node, ast.Starred) and _is_set(node.value, names):
            yield node.lineno
        elif isinstance(node, ast.Call):
            called = _name(node.func)
            if (called in _ORDERS and any(_is_set(argument, names) for argument in node.args)) or (
                called in _TAKES_ANY and isinstance(node.func, ast.Attribute) and _is_set(node.func.value, names)
            ):
                yield node.lineno


def _set_names(tree: ast.Module) -> frozenset[str]:
    """Give the names that are bound to sets anywhere: variables, attributes, parameters, functions that return one."""
    names: set[str] = set()
    before = -1
    while len(names) > before:  # a name may be bound to another one
        before = len(names)
        known = frozenset(names)
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and _is_set(node.value, known):
                names.update(map(_name, node.targets))
            elif isinstance(node, ast.AnnAssign) and (_says_set(node.annotation) or _is_set(node.value, known)):
                names.add(_name(node.target))
            elif isinstance(node, ast.arg) and _says_set(node.annotation):
                names.add(node.arg)
            elif isinstance(node, _FUNCTIONS) and _says_set(node.returns):
                names.add(f"{node.name}()")
        names.discard("")
    return frozenset(names)


def _is_set(node: ast.expr | None, names: frozenset[str]) -> bool:
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Name() | ast.Attribute():
            return _name(node) in names
        case ast.Await():
            return _is_set(node.value, names)
        case ast.BinOp(op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor()):
            return _is_set(node.left, names) or _is_set(node.right, names)
        case ast.Call(func=ast.Attribute(value=value, attr=attr)) if attr in _KEEPERS:
            return _is_set(value, names)
        case ast.Call():
            called = _name(node.func)
            return called in _MAKERS or f"{called}()" in names
    return False


def _says_set(annotation: ast.expr | None) -> bool:
    if isinstance(annotation, ast.Subscript):
        annotation = annotation.value
    return _name(annotation).lower() in {"set", "frozenset", "abstractset", "mutableset"}


def _name(node: ast.AST | None) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        whole = f"{_name(node.value)}.{node.attr}"
        return whole if whole in _ORDERS else node.attr
    return ""
