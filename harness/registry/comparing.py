"""Comparisons and arithmetic as plain Python, wherever it means the same.

For Python, but not for us, truth values are numbers, lists have an order, and numbers have no bounds. A test of the
operands' classes decides between plain Python, the exact operators of ``values``, and giving up.
"""

from __future__ import annotations

import ast
from typing import Any, Final

from harness.registry.library import LIBRARY
from harness.registry.local import Env, Locals, chain_of, class_of
from harness.registry.syntax import call, is_not, load, negation
from harness.registry.tree import Binary, Call, Compare, Constant, Each, Field, Fold, Name, Node, Unary, walk


class Comparing(Locals):
    """Write comparisons and arithmetic."""

    def _binary(self, node: Binary, env: Env) -> ast.expr:
        if node.operator != "+" and self._numeric(node, env):
            return self._arithmetic(node, env)
        return call(node.operator, self.emit(node.left, env), self.emit(node.right, env))

    def _compare(self, node: Compare, env: Env) -> ast.expr:
        if any(isinstance(part, Each | Fold) for middle in node.operands[1:-1] for part in walk(middle)):
            return call("give_up")  # or a middle operand that goes through a list would be worked out twice
        pairs = list(zip(node.operators, node.operands, node.operands[1:], strict=False))
        parts = [self._pair(*pairs[0], env)]
        with self.maybe():
            parts += [self._pair(*pair, env) for pair in pairs[1:]]
        return parts[0] if len(parts) == 1 else ast.BoolOp(ast.And(), parts)

    def _pair(self, operator: str, left: Node, right: Node, env: Env) -> ast.expr:
        if operator in ("==", "!="):
            for one, other in ((left, right), (right, left)):
                if isinstance(one, Constant) and type(one.value) not in (list, dict):
                    return self._equal(operator, other, one.value, env)
            if self._readable(left, env) and self._readable(right, env):
                return self._same(operator, left, right, env)
        if operator in ("in", "not in") and (words := _words(right)):
            return ast.Compare(self.emit(left, env), [_OPERATORS[operator]()], [words])
        if operator in ("<", "<=", ">", ">="):
            return self._order(operator, left, right, env)
        return call(operator, self.emit(left, env), self.emit(right, env))

    def _order(self, operator: str, left: Node, right: Node, env: Env) -> ast.expr:
        """Order two values; Python would order truth values among numbers, and lists."""
        fields = [self._readable(side, env) for side in (left, right)]
        if all(fields):
            return self._alike(operator, left, right, env)
        if self._numeric(left, env) and self._numeric(right, env):
            one = self._no_truth(left, env) if fields[0] else self._number(left, env)
            with self.maybe():
                other = self._no_truth(right, env) if fields[1] else self._number(right, env)
            return ast.Compare(one, [_OPERATORS[operator]()], [other])
        return call(operator, self.emit(left, env), self.emit(right, env))

    def _alike(self, operator: str, left: Node, right: Node, env: Env) -> ast.expr:
        """Order two fields, which may be numbers or texts."""
        (one, again), (other, too) = self._twice(left, env), self._twice(right, env)
        like = ast.Compare(class_of(one), [ast.Is(), ast.In()], [class_of(other), load("ORDERED")])
        return ast.IfExp(like, ast.Compare(again, [_OPERATORS[operator]()], [too]), call(operator, again, too))

    def _same(self, operator: str, left: Node, right: Node, env: Env) -> ast.expr:
        """Compare two fields; a text is for Python equal to what it is equal to for us."""
        (one, again), (other, too) = self._twice(left, env), self._twice(right, env)
        both = ast.Compare(class_of(one), [ast.Is(), ast.Is()], [class_of(other), load("str")])
        return ast.IfExp(both, ast.Compare(again, [_OPERATORS[operator]()], [too]), call(operator, again, too))

    def _numeric(self, node: Node, env: Env) -> bool:
        """Tell whether a node can be written as plain arithmetic, which gives up where its operands are no numbers."""
        if isinstance(node, Binary):
            return (
                not self._nested
                and node.operator != "**"
                and self._numeric(node.left, env)
                and self._numeric(node.right, env)
            )
        return _is_number(node) or self._readable(node, env)

    def _number(self, node: Node, env: Env) -> ast.expr:
        """Write a numeric node; what it gives is a number."""
        if isinstance(node, Binary):
            return self._arithmetic(node, env)
        if not self._readable(node, env):
            return self.emit(node, env)
        first, again = self._twice(node, env)
        chain = chain_of(node)
        if chain in self._known.exact:
            return again
        self._known = self._known._replace(exact=self._known.exact | {chain})
        number = ast.BoolOp(
            ast.Or(),
            [
                ast.Compare(class_of(side), [ast.Is()], [load(name)])
                for side, name in ((first, "int"), (again, "float"))
            ],
        )
        return ast.IfExp(number, load(self._known.names[chain]), call("give_up"))

    def _arithmetic(self, node: Binary, env: Env) -> ast.expr:
        """Write plain arithmetic of two numbers; the exact meaning looks after what is close to its bounds."""
        left = self._number(node.left, env)
        right = self._number(node.right, env)
        name = self._fresh()
        value = ast.NamedExpr(ast.Name(name, ast.Store()), ast.BinOp(left, _ARITHMETIC[node.operator](), right))
        small = ast.Compare(load("LEAST"), [ast.Lt(), ast.Lt()], [value, load("MOST")])
        return ast.IfExp(small, load(name), call("give_up"))

    def _no_truth(self, node: Node, env: Env) -> ast.expr:
        """Write a field that is compared with a number: not a truth value, and for Python no text either."""
        first, again = self._twice(node, env)
        chain = chain_of(node)
        if chain in self._known.numbers or chain in self._known.exact:
            return again
        self._known = self._known._replace(numbers=self._known.numbers | {chain})
        test = ast.BoolOp(ast.And(), [is_not(first, ast.Constant(True)), is_not(again, ast.Constant(False))])
        return ast.IfExp(test, load(self._known.names[chain]), call("give_up"))

    def _equal(self, operator: str, node: Node, value: Any, env: Env) -> ast.expr:
        """Compare with a plain value. For Python, but not for us, True equals 1 and False 0."""
        if type(value) is bool:
            plain = ast.Compare(self.emit(node, env), [ast.Is()], [ast.Constant(value)])
        elif value not in (0, 1):
            plain = ast.Compare(self.emit(node, env), [ast.Eq()], [ast.Constant(value)])
        elif self._readable(node, env):
            first, again = self._twice(node, env)
            equal = ast.Compare(first, [ast.Eq()], [ast.Constant(value)])
            return _unless(operator, ast.BoolOp(ast.And(), [equal, is_not(again, ast.Constant(bool(value)))]))
        else:
            return call(operator, self.emit(node, env), ast.Constant(value))
        return _unless(operator, plain)


def _unless(operator: str, equal: ast.expr) -> ast.expr:
    return equal if operator == "==" else negation(equal)


def _is_number(node: Node) -> bool:
    """Tell whether a node's value, where it has one, is a number."""
    if isinstance(node, Constant):
        return type(node.value) in (int, float)
    if isinstance(node, Call):
        return LIBRARY[node.function].gives == "number"
    if isinstance(node, Fold):
        return node.verb in ("count", "total")
    if isinstance(node, Unary):
        return node.operator == "-"
    return isinstance(node, Binary) and node.operator != "+"


def is_cheap(node: Node) -> bool:
    """Tell whether a node is a plain value, a name, or a chain of fields."""
    while isinstance(node, Field):
        node = node.of
    return isinstance(node, Name | Constant)


def _words(node: Node) -> ast.expr | None:
    """Give a list of plain texts as a constant tuple: equality with text is the same for Python as for us."""
    words = node.value if isinstance(node, Constant) and type(node.value) is list else ()
    if not words or not all(type(word) is str for word in words):
        return None
    return ast.Tuple([ast.Constant(word) for word in words], ast.Load())


_ARITHMETIC: Final[dict[str, type[ast.operator]]] = {
    "+": ast.Add,
    "-": ast.Sub,
    "*": ast.Mult,
    "/": ast.Div,
    "//": ast.FloorDiv,
    "%": ast.Mod,
}
_OPERATORS: Final[dict[str, type[ast.cmpop]]] = {
    "==": ast.Eq,
    "!=": ast.NotEq,
    "<": ast.Lt,
    "<=": ast.LtE,
    ">": ast.Gt,
    ">=": ast.GtE,
    "in": ast.In,
    "not in": ast.NotIn,
}
