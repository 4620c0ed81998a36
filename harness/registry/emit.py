"""Write trees as Python's own syntax trees.

The code uses these names: the arguments of compiled rules, ``budget``, the globals that ``compile`` lists, and for
what is no plain constant the globals collected in ``Emitter.constants``. Where the exact answer would take more than
plain Python, the code gives up, which leaves the answer to ``explain``.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, ClassVar, Final

from harness.registry.library import LIBRARY, searcher
from harness.registry.scope import STEP_NAMES, events_of
from harness.registry.syntax import (
    assign,
    attribute,
    call,
    function,
    invoke,
    is_not,
    key,
    key_loader,
    load,
    loader,
    negation,
)
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
    walk,
)

# what each name of an expression is in the code
Env = dict[str, Callable[[], ast.expr]]

STEP: Final[Env] = {name: loader(name) for name in ("call", "tool", "message", "agent", "step", "run")} | {
    name: key_loader("outcome", name) for name in ("result", "failed")
}


class Emitter:
    """Write the trees of one compiled function."""

    def __init__(self) -> None:
        self.constants: dict[str, Any] = {}

    def constant(self, value: Any) -> str:
        """Give a value a global name."""
        name = f"constant_{len(self.constants)}"
        self.constants[name] = value
        return name

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
        return env[node.name]()

    def _field(self, node: Field, env: Env) -> ast.expr:
        if isinstance(node.of, Name) and node.of.name == "now":
            return env[f"now.{node.name}"]()
        if isinstance(node.of, Constant | Listing | Each):
            return call("give_up")  # nothing has fields there, and Python would warn of it
        return key(self.emit(node.of, env), node.name)

    def _item(self, node: Item, env: Env) -> ast.expr:
        return call("item", self.emit(node.of, env), self.emit(node.index, env))

    def _unary(self, node: Unary, env: Env) -> ast.expr:
        if node.operator == "not":
            return negation(self.truth(node.operand, env))
        return call("negate", self.emit(node.operand, env))

    def _binary(self, node: Binary, env: Env) -> ast.expr:
        return call(node.operator, self.emit(node.left, env), self.emit(node.right, env))

    def _compare(self, node: Compare, env: Env) -> ast.expr:
        if any(isinstance(part, Each | Fold) for middle in node.operands[1:-1] for part in walk(middle)):
            return call("give_up")  # or a middle operand that goes through a list would be worked out twice
        pairs = zip(node.operators, node.operands, node.operands[1:], strict=False)
        parts = [self._pair(operator, left, right, env) for operator, left, right in pairs]
        return parts[0] if len(parts) == 1 else ast.BoolOp(ast.And(), parts)

    def _pair(self, operator: str, left: Node, right: Node, env: Env) -> ast.expr:
        plain = ast.Compare(self.emit(left, env), [_OPERATORS[operator]()], [self.emit(right, env)])
        if operator in ("==", "!=") and (_is_text(left) or _is_text(right)):
            return plain
        if operator in ("in", "not in") and (words := _words(right)):
            plain.comparators = [words]
            return plain
        if operator in ("<", "<=", ">", ">="):
            for one, other in ((left, right), (right, left)):
                if _is_number(one) and _is_cheap(other):  # Python would order truth values among numbers
                    return ast.IfExp(is_not(call("type", self.emit(other, env)), load("bool")), plain, call("give_up"))
        return call(operator, self.emit(left, env), self.emit(right, env))

    def _logic(self, node: Logic, env: Env) -> ast.expr:
        parts = [self.truth(part, env) for part in node.parts]
        return ast.BoolOp(ast.And() if node.operator == "and" else ast.Or(), parts) if len(parts) > 1 else parts[0]

    def _choice(self, node: Choice, env: Env) -> ast.expr:
        return ast.IfExp(self.truth(node.test, env), self.emit(node.then, env), self.emit(node.otherwise, env))

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
        over = invoke(attribute("budget", "each"), self.emit(node.over, env))
        conditions = [self.truth(condition, inner) for condition in node.conditions]
        return emit(node.body, inner), [ast.comprehension(ast.Name(name, ast.Store()), over, conditions, 0)]

    def _call(self, node: Call, env: Env) -> ast.expr:
        first = node.arguments[0]
        if node.function in ("any", "all"):
            return self._quantified(node.function, first, env)
        if node.function == "exists":
            return call("exists", self._optional(first, env))
        if node.function == "default":
            return call("default", self._optional(first, env), function([], self.emit(node.arguments[1], env)))
        if node.function == "matches" and isinstance(node.arguments[1], Constant):
            search = self.constant(searcher(node.arguments[1].value))
            return is_not(call(search, call("text", self.emit(first, env))), ast.Constant(None))
        return call(f"{node.function}()", *(self.emit(argument, env) for argument in node.arguments))

    def _optional(self, node: Node, env: Env) -> ast.expr:
        """Give None where a field is missing; in anything else an exception leaves the answer to the exact meaning."""
        written = self.emit(node, env)
        return call("if_there", function([], written)) if _is_cheap(node) else written

    def _quantified(self, name: str, node: Node, env: Env) -> ast.expr:
        if isinstance(node, Each):
            return call(name, ast.GeneratorExp(*self._loop(node, env, self.truth)))
        if isinstance(node, Listing) and len(node.items) > 1:
            return ast.BoolOp(ast.Or() if name == "any" else ast.And(), [self.truth(item, env) for item in node.items])
        return call(name, call("truths", self.emit(node, env)))

    def _fold(self, node: Fold, env: Env) -> ast.expr:
        events = attribute("past", events_of(node))
        if node.condition is None:
            return call(node.verb, events, load("always_true"))
        inner: Env = {name: word for name, word in env.items() if name not in STEP_NAMES}
        inner |= {name: key_loader("event", name) for name in STEP_NAMES}
        inner |= {f"now.{name}": word for name, word in env.items()}
        test = self.truth(node.condition, inner)
        if needs_budget(node.condition):
            test = invoke(function(["budget"], test), call("Budget"))
        return call(node.verb, events, function(["event"], test))

    _WRITERS: ClassVar[dict[type, Callable[[Emitter, Any, Env], ast.expr]]] = {
        Constant: _constant,
        Name: _name,
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


def needs_budget(tree: Node) -> bool:
    """Tell whether a tree goes through lists, which ``budget`` has to count."""
    return any(isinstance(node, Each) for node in walk(tree))


def budget() -> ast.stmt:
    """Write the line that begins a new count."""
    return assign("budget", call("Budget"))


def _is_truth(node: Node) -> bool:
    """Tell whether a node's value, where it has one, is true or false."""
    if isinstance(node, Constant):
        return type(node.value) is bool
    if isinstance(node, Call):
        return LIBRARY[node.function].gives == "truth"
    if isinstance(node, Unary):
        return node.operator == "not"
    return isinstance(node, Compare | Logic) or (isinstance(node, Fold) and node.verb == "happened")


def _is_number(node: Node) -> bool:
    """Tell whether a node's value, where it has one, is a number."""
    if isinstance(node, Constant):
        return type(node.value) in (int, float)
    if isinstance(node, Call):
        return LIBRARY[node.function].gives == "number"
    if isinstance(node, Fold):
        return node.verb == "count"
    if isinstance(node, Unary):
        return node.operator == "-"
    return isinstance(node, Binary) and node.operator != "+"


def _is_text(node: Node) -> bool:
    return isinstance(node, Constant) and (node.value is None or type(node.value) is str)


def _is_cheap(node: Node) -> bool:
    while isinstance(node, Field):
        node = node.of
    return isinstance(node, Name | Constant)


def _words(node: Node) -> ast.expr | None:
    """Give a list of plain texts as a constant tuple: equality with text is the same for Python as for us."""
    words = node.value if isinstance(node, Constant) and type(node.value) is list else ()
    if not words or not all(type(word) is str for word in words):
        return None
    return ast.Tuple([ast.Constant(word) for word in words], ast.Load())


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
