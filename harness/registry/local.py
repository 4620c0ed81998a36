"""The local names of compiled code: what has been read once is not read again.

A chain of fields is kept in a local name where the code is sure to have passed before; what stands in a branch is
forgotten behind it.
"""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from harness.registry.syntax import key, load
from harness.registry.tree import Field, Name, Node, dotted

# what each name of an expression is in the code
Env = dict[str, Callable[[], ast.expr]]


class Known(NamedTuple):
    """What code written so far has left behind: chains of fields in local names.

    ``numbers`` are those that are no truth values and can be compared with a number, ``exact`` those that are numbers.
    """

    names: dict[str, str]
    numbers: frozenset[str] = frozenset()
    exact: frozenset[str] = frozenset()


class Locals(ABC):
    """Write chains of fields. A chain in ``shared`` is kept for later reads; others where they are needed twice."""

    def __init__(self, shared: frozenset[str]) -> None:
        self.constants: dict[str, Any] = {}
        self._shared = shared
        self._known = Known({})
        self._nested = self._locals = 0

    @abstractmethod
    def emit(self, node: Node, env: Env) -> ast.expr:
        """Write a node."""

    @abstractmethod
    def truth(self, node: Node, env: Env) -> ast.expr:
        """Write a node that must be true or false."""

    def constant(self, value: Any) -> str:
        """Give a value a global name."""
        name = f"constant_{len(self.constants)}"
        self.constants[name] = value
        return name

    @contextmanager
    def maybe(self) -> Iterator[None]:
        """Write code that may not be reached: what it leaves behind is not there for what comes after."""
        before = self._known
        try:
            yield
        finally:
            self._known = before

    @contextmanager
    def _inside(self) -> Iterator[None]:
        """Write code in a scope of its own."""
        before, self._known = self._known, Known({})
        self._nested += 1
        try:
            yield
        finally:
            self._nested -= 1
            self._known = before

    def _fresh(self) -> str:
        """Give a local name that nothing else has."""
        self._locals += 1
        return f"kept_{self._locals}"

    def _kept(self, chain: str, written: ast.expr) -> ast.expr:
        """Keep what is read in a local name."""
        name = self._fresh()
        self._known = self._known._replace(names=self._known.names | {chain: name})
        return ast.NamedExpr(ast.Name(name, ast.Store()), written)

    def _readable(self, node: Node, env: Env) -> bool:
        """Tell whether a node is a chain of fields that can be kept in a local name."""
        while isinstance(node, Field) and not (isinstance(node.of, Name) and node.of.name == "now"):
            node = node.of
        word = f"now.{node.name}" if isinstance(node, Field) else node.name if isinstance(node, Name) else ""
        return not self._nested and word in env

    def _twice(self, node: Node, env: Env) -> tuple[ast.expr, ast.expr]:
        """Write a readable node for two uses, the second after the first."""
        chain = chain_of(node)
        if chain in self._known.names:
            return load(self._known.names[chain]), load(self._known.names[chain])
        written = self._read(node, env)
        if not isinstance(written, ast.Name):
            return self._kept(chain, written), load(self._known.names[chain])
        self._known = self._known._replace(names=self._known.names | {chain: written.id})
        return written, load(written.id)

    def _read(self, node: Node, env: Env) -> ast.expr:
        if isinstance(node, Field) and not (isinstance(node.of, Name) and node.of.name == "now"):
            return key(self.emit(node.of, env), node.name)
        return self.emit(node, env)


def chain_of(node: Node) -> str:
    """Spell a chain of fields; ``now.call`` and ``call`` are one thing, as the past event has a scope of its own."""
    return dotted(node).removeprefix("now.")


def class_of(value: ast.expr) -> ast.expr:
    """Write ``value.__class__``; faster than to call ``type``."""
    return ast.Attribute(value, "__class__", ast.Load())
