"""Short words for the pieces of Python's syntax trees that compiled rules are made of."""

from __future__ import annotations

import ast
from collections.abc import Callable


def load(name: str) -> ast.expr:
    """Write ``name``."""
    return ast.Name(name, ast.Load())


def loader(name: str) -> Callable[[], ast.expr]:
    """Give ``name`` anew at each use: a syntax tree must not hold one node twice."""
    return lambda: load(name)


def key(of: ast.expr, name: str) -> ast.expr:
    """Write ``of["name"]``."""
    return ast.Subscript(of, ast.Constant(name), ast.Load())


def key_loader(table: str, name: str) -> Callable[[], ast.expr]:
    """Give ``table["name"]`` anew at each use."""
    return lambda: key(load(table), name)


def attribute_loader(of: str, name: str) -> Callable[[], ast.expr]:
    """Give ``of.name`` anew at each use."""
    return lambda: attribute(of, name)


def attribute(of: str, name: str) -> ast.expr:
    """Write ``of.name``."""
    return ast.Attribute(load(of), name, ast.Load())


def call(function: str, *arguments: ast.expr) -> ast.expr:
    """Write ``function(arguments)``."""
    return invoke(load(function), *arguments)


def invoke(function: ast.expr, *arguments: ast.expr) -> ast.expr:
    """Call what an expression gives."""
    return ast.Call(function, list(arguments), [])


def function(names: list[str], body: ast.expr) -> ast.expr:
    """Write ``lambda names: body``."""
    return ast.Lambda(parameters(names), body)


def parameters(names: list[str]) -> ast.arguments:
    """Give positional parameters without defaults."""
    return ast.arguments([], [ast.arg(name) for name in names], None, [], [], None, [])


def assign(name: str, value: ast.expr) -> ast.stmt:
    """Write ``name = value``."""
    return ast.Assign([ast.Name(name, ast.Store())], value)


def is_not(left: ast.expr, right: ast.expr) -> ast.expr:
    """Write ``left is not right``."""
    return ast.Compare(left, [ast.IsNot()], [right])


def negation(operand: ast.expr) -> ast.expr:
    """Write ``not operand``."""
    return ast.UnaryOp(ast.Not(), operand)
