"""Write trees as Python's own syntax trees.

The code uses these names: the arguments of compiled rules, ``budget``, the globals that ``compile`` lists, and for
what is no plain constant the globals collected in ``Emitter.constants``. Where the exact answer would take more than
plain Python, the code gives up, which leaves the answer to ``explain``. ``local``, ``comparing`` and ``asking`` write
what needs more than a line; everything else is here.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from harness.registry.asking import Asking
from harness.registry.comparing import is_cheap
from harness.registry.library import LIBRARY, searcher
from harness.registry.local import Env, chain_of, class_of
from harness.registry.plan import Plan
from harness.registry.syntax import attribute, call, function, invoke, is_not, key, load, loader, negation
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
    children,
    dotted,
)


class Emitter(Asking):
    """Write the trees of one compiled function.

    ``plans`` are those of the questions about the past; ``known`` is what is known of the present step before it is
    made. A chain of fields that occurs in ``shared`` is read once and kept in a local name, wherever it is sure to have
    been read before.
    """

    def __init__(
        self, plans: Sequence[Plan] = (), known: Mapping[str, Any] | None = None, shared: frozenset[str] = frozenset()
    ) -> None:
        super().__init__(plans, known or {}, shared)

    def truth(self, node: Node, env: Env) -> ast.expr:
        """Write a node that must be true or false."""
        written = self.emit(node, env)
        return written if _is_truth(node) else call("truth", written)

    def emit(self, node: Node, env: Env) -> ast.expr:
        """Write a node."""
        return self._WRITERS[type(node)](self, node, env)

    def _constant(self, node: Constant, _: Env) -> ast.expr:
        return load(self.constant(node.value)) if type(node.value) in (list, dict) else ast.Constant(node.value)

    def _name(self, node: Name, env: Env) -> ast.expr:
        return env[node.name]() if node.name in env else call("give_up")

    def _field(self, node: Field, env: Env) -> ast.expr:
        if isinstance(node.of, Name) and node.of.name == "now":
            return env[f"now.{node.name}"]()
        if isinstance(node.of, Constant | Listing | Each):
            return call("give_up")  # nothing has fields there, and Python would warn of it
        chain = chain_of(node)
        if chain in self._known.names and self._readable(node, env):
            return load(self._known.names[chain])
        written = key(self.emit(node.of, env), node.name)
        return self._kept(chain, written) if chain in self._shared and not self._nested else written

    def _item(self, node: Item, env: Env) -> ast.expr:
        return call("item", self.emit(node.of, env), self.emit(node.index, env))

    def _unary(self, node: Unary, env: Env) -> ast.expr:
        if node.operator == "not":
            return negation(self.truth(node.operand, env))
        return call("negate", self.emit(node.operand, env))

    def _logic(self, node: Logic, env: Env) -> ast.expr:
        return self._joined(ast.And() if node.operator == "and" else ast.Or(), node.parts, env)

    def _joined(self, operator: ast.boolop, nodes: Sequence[Node], env: Env) -> ast.expr:
        parts = [self.truth(nodes[0], env)]
        with self.maybe():
            parts += [self.truth(part, env) for part in nodes[1:]]
        return ast.BoolOp(operator, parts) if len(parts) > 1 else parts[0]

    def _choice(self, node: Choice, env: Env) -> ast.expr:
        test = self.truth(node.test, env)
        with self.maybe():
            then = self.emit(node.then, env)
        with self.maybe():
            otherwise = self.emit(node.otherwise, env)
        return ast.IfExp(test, then, otherwise)

    def _listing(self, node: Listing, env: Env) -> ast.expr:
        items = ast.List([self.emit(item, env) for item in node.items], ast.Load())
        return call("distinct", items) if node.unique else items

    def _table(self, node: Table, env: Env) -> ast.expr:
        return ast.Dict([ast.Constant(name) for name in node.keys], [self.emit(value, env) for value in node.values])

    def _each(self, node: Each, env: Env) -> ast.expr:
        items = ast.ListComp(*self._loop(node, env, self.emit))
        return call("distinct", items) if node.unique else items

    def _loop(
        self, node: Each, env: Env, emit: Callable[[Node, Env], ast.expr]
    ) -> tuple[ast.expr, list[ast.comprehension]]:
        name = f"each_{node.name}"  # a name of its own, whatever the user called it
        inner = env | {node.name: loader(name)}
        with self._inside():
            over = invoke(attribute("budget", "each"), self.emit(node.over, env))
            conditions = [self.truth(condition, inner) for condition in node.conditions]
            body = emit(node.body, inner)
        return body, [ast.comprehension(ast.Name(name, ast.Store()), over, conditions, 0)]

    def _call(self, node: Call, env: Env) -> ast.expr:
        first = node.arguments[0]
        if node.function in ("any", "all"):
            return self._quantified(node.function, first, env)
        if node.function == "exists":
            return call("exists", self._optional(first, env))
        if node.function == "default":
            value = self._optional(first, env)
            with self._inside():
                return call("default", value, function([], self.emit(node.arguments[1], env)))
        if node.function == "source":
            return invoke(attribute("moment", "origins"), self.emit(first, env))
        if node.function == "matches" and isinstance(node.arguments[1], Constant):
            search = self.constant(searcher(node.arguments[1].value))
            return is_not(call(search, call("text", self.emit(first, env))), ast.Constant(None))
        if node.function in _PLAIN_ON_TEXT and self._readable(first, env):
            value, again = self._twice(first, env)
            others = [one.value for one in node.arguments[1:] if isinstance(one, Constant) and type(one.value) is str]
            if len(others) == len(node.arguments) - 1:
                constants = [ast.Constant(other) for other in others]
                is_text = ast.Compare(class_of(value), [ast.Is()], [load("str")])
                plain = _PLAIN_ON_TEXT[node.function](again, *constants)
                return ast.IfExp(is_text, plain, call(f"{node.function}()", again, *constants))
        return call(f"{node.function}()", *(self.emit(argument, env) for argument in node.arguments))

    def _optional(self, node: Node, env: Env) -> ast.expr:
        """Give None where a field is missing; in anything else an exception leaves the answer to the exact meaning."""
        if not is_cheap(node) or (chain_of(node) in self._known.names and self._readable(node, env)):
            return self.emit(node, env)
        with self._inside():
            return call("if_there", function([], self.emit(node, env)))

    def _quantified(self, name: str, node: Node, env: Env) -> ast.expr:
        if isinstance(node, Each):
            return call(name, ast.GeneratorExp(*self._loop(node, env, self.truth)))
        if isinstance(node, Listing) and len(node.items) > 1:
            return self._joined(ast.Or() if name == "any" else ast.And(), node.items, env)
        return call(name, call("truths", self.emit(node, env)))

    _WRITERS: ClassVar[dict[type, Callable[[Emitter, Any, Env], ast.expr]]] = {
        Constant: _constant,
        Name: _name,
        Field: _field,
        Item: _item,
        Unary: _unary,
        Binary: Asking._binary,
        Compare: Asking._compare,
        Logic: _logic,
        Choice: _choice,
        Listing: _listing,
        Table: _table,
        Each: _each,
        Call: _call,
        Fold: Asking._fold,
    }


def chains(trees: Iterable[Node]) -> frozenset[str]:
    """Give the chains of fields that occur more than once outside of questions and comprehensions."""
    seen = Counter(chain for tree in trees for chain in _chains(tree))
    return frozenset(chain for chain, times in seen.items() if times > 1)


def _chains(node: Node) -> Iterator[str]:
    if isinstance(node, Field) and (chain := dotted(node)):
        yield chain
    if not isinstance(node, Each | Fold):
        for child in children(node):
            yield from _chains(child)


def _is_truth(node: Node) -> bool:
    """Tell whether a node's value, where it has one, is true or false."""
    if isinstance(node, Constant):
        return type(node.value) is bool
    if isinstance(node, Call):
        return LIBRARY[node.function].gives == "truth"
    if isinstance(node, Unary):
        return node.operator == "not"
    return isinstance(node, Compare | Logic) or (isinstance(node, Fold) and node.verb == "happened")


# what Python does with text as we do, given that it is text
_PLAIN_ON_TEXT: Final[dict[str, Callable[..., ast.expr]]] = {
    "len": lambda text: call("len", text),
    "startswith": lambda text, part: invoke(ast.Attribute(text, "startswith", ast.Load()), part),
    "endswith": lambda text, part: invoke(ast.Attribute(text, "endswith", ast.Load()), part),
    "contains": lambda text, part: ast.Compare(part, [ast.In()], [text]),
    "lower": lambda text: invoke(ast.Attribute(text, "lower", ast.Load())),
}
