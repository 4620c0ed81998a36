"""The fast meaning of expressions: rules of one kind of step, compiled into one function of Python byte code.

The function answers only the question that nearly always has the answer yes: do all these rules hold? It is plain
Python over plain dicts and short-circuits. Where it says no, or where anything in it raises, the rules are asked one
by one in their exact meaning (``explain``), so the fast meaning never has to be right about why, only about yes.

No text of a registry is ever compiled: the code is made from the tree, user data enters it as constants only, and its
globals are the table below without builtins.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

from harness.registry import values
from harness.registry.library import LIBRARY, searcher
from harness.registry.scope import STEP_NAMES, Remembered, events_of
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
from harness.registry.values import Budget, Undefined

ARGUMENTS: Final = ("call", "tool", "outcome", "message", "agent", "step", "run", "past")
Holds = Callable[..., Any]
Env = dict[str, Callable[[], ast.expr]]


class Clause(NamedTuple):
    """One rule to compile: ``guard`` is None where it always speaks; ``require`` is a tree or a test of ``call.args``
    or of the result, named by ``part``.
    """

    id: str
    guard: Node | None
    require: Node | Callable[[Any], bool]
    part: str = ""


def compile_rules(clauses: list[Clause], always: Any, make: Callable[[tuple[str, ...]], Any]) -> Holds:
    """Compile rules into one function of ``ARGUMENTS``.

    It gives ``always`` (or, where some rules have guards, what ``make`` makes of the ids of those that spoke) if all
    rules that speak hold, and None otherwise. It may raise anything, which means that it does not know. O(nodes).
    """
    emitter = _Emitter()
    guarded = any(clause.guard for clause in clauses)
    body: list[ast.stmt] = [_assign("spoke", ast.List([], ast.Load()))] if guarded else []
    for clause in clauses:
        body += emitter.rule(clause, guarded)
    body.append(ast.Return(_call("make", _call("tuple", _load("spoke"))) if guarded else _load("always")))
    arguments = ast.arguments([], [ast.arg(name) for name in ARGUMENTS], None, [], [], None, [])
    function = ast.FunctionDef("holds", arguments, body, [], None)
    module = ast.fix_missing_locations(ast.Module([function], []))
    space = _TABLE | emitter.constants | {"always": always, "make": make}
    exec(compile(module, "<rules>", "exec"), space)  # noqa: S102 - made from a checked tree, see the module's docstring
    holds: Holds = space["holds"]
    return holds


class _Emitter:
    """Turn trees into Python's own trees; what is no plain constant gets a global name."""

    def __init__(self) -> None:
        self.constants: dict[str, Any] = {}

    def rule(self, clause: Clause, guarded: bool) -> list[ast.stmt]:
        env: Env = {name: _loader(name) for name in ("call", "tool", "message", "agent", "step", "run")}
        env |= {name: _looker("outcome", name) for name in ("result", "failed")}
        body: list[ast.stmt] = []
        if isinstance(clause.require, Node):
            body += self._budget(clause.require)
            require = self._truth(clause.require, env)
        else:
            place = _key(_load("call"), "args") if clause.part == "arguments" else _key(_load("outcome"), "result")
            require = _call(self._global(clause.require), place)
        body.append(ast.If(ast.UnaryOp(ast.Not(), require), [ast.Return(ast.Constant(None))], []))
        if guarded:
            body.append(ast.Expr(ast.Call(ast.Attribute(_load("spoke"), "append", ast.Load()), [ast.Constant(clause.id)], [])))
        if clause.guard is None:
            return body
        return [*self._budget(clause.guard), ast.If(self._truth(clause.guard, env), body, [])]

    def _budget(self, tree: Node) -> list[ast.stmt]:
        return [_assign("budget", _call("Budget"))] if any(isinstance(node, Each) for node in walk(tree)) else []

    def _global(self, value: Any) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants[name] = value
        return name

    def _truth(self, node: Node, env: Env) -> ast.expr:
        emitted = self._emit(node, env)
        return emitted if is_truth(node) else _call("truth", emitted)

    def _emit(self, node: Node, env: Env) -> ast.expr:
        return _WRITERS[type(node)](self, node, env)

    def _all(self, nodes: tuple[Node, ...], env: Env) -> list[ast.expr]:
        return [self._emit(node, env) for node in nodes]

    def _constant(self, node: Constant, env: Env) -> ast.expr:
        return _load(self._global(node.value)) if type(node.value) in (list, dict) else ast.Constant(node.value)

    def _name(self, node: Name, env: Env) -> ast.expr:
        return env[node.name]()

    def _field(self, node: Field, env: Env) -> ast.expr:
        if isinstance(node.of, Name) and node.of.name == "now":
            return env[f"now.{node.name}"]()
        return _key(self._emit(node.of, env), node.name)

    def _item(self, node: Item, env: Env) -> ast.expr:
        return _call("item", self._emit(node.of, env), self._emit(node.index, env))

    def _unary(self, node: Unary, env: Env) -> ast.expr:
        if node.operator == "not":
            return ast.UnaryOp(ast.Not(), self._truth(node.operand, env))
        return _call("-x", self._emit(node.operand, env))

    def _binary(self, node: Binary, env: Env) -> ast.expr:
        return _call(node.operator, self._emit(node.left, env), self._emit(node.right, env))

    def _compare(self, node: Compare, env: Env) -> ast.expr:
        if not all(map(_is_cheap, node.operands[1:-1])):
            return _call("give_up")  # a middle operand would be worked out twice
        pairs = zip(node.operators, node.operands, node.operands[1:], strict=False)
        parts = [self._pair(operator, left, right, env) for operator, left, right in pairs]
        return parts[0] if len(parts) == 1 else ast.BoolOp(ast.And(), parts)

    def _pair(self, operator: str, left: Node, right: Node, env: Env) -> ast.expr:
        plain = ast.Compare(self._emit(left, env), [_OPERATORS[operator]()], [self._emit(right, env)])
        if operator in ("==", "!=") and (_is_text(left) or _is_text(right)):
            return plain
        if operator in ("in", "not in") and (words := _words(right)) is not None:
            plain.comparators = [ast.Constant(words)]
            return plain
        if operator in ("<", "<=", ">", ">="):
            for one, other in ((left, right), (right, left)):
                if is_number(one) and _is_cheap(other):  # Python would order truth values among numbers
                    kind = ast.Compare(_call("type", self._emit(other, env)), [ast.IsNot()], [_load("bool")])
                    return ast.IfExp(kind, plain, _call("give_up"))
        return _call(operator, self._emit(left, env), self._emit(right, env))

    def _logic(self, node: Logic, env: Env) -> ast.expr:
        parts = [self._truth(part, env) for part in node.parts]
        return ast.BoolOp(ast.And() if node.operator == "and" else ast.Or(), parts) if len(parts) > 1 else parts[0]

    def _choice(self, node: Choice, env: Env) -> ast.expr:
        return ast.IfExp(self._truth(node.test, env), self._emit(node.then, env), self._emit(node.otherwise, env))

    def _listing(self, node: Listing, env: Env) -> ast.expr:
        items = ast.List(self._all(node.items, env), ast.Load())
        return _call("distinct", items) if node.unique else items

    def _table(self, node: Table, env: Env) -> ast.expr:
        keys: list[ast.expr | None] = [ast.Constant(key) for key in node.keys]
        return ast.Dict(keys, self._all(node.values, env))

    def _each(self, node: Each, env: Env) -> ast.expr:
        items = ast.ListComp(*self._loop(node, env, self._emit))
        return _call("distinct", items) if node.unique else items

    def _loop(self, node: Each, env: Env, emit: Callable[[Node, Env], ast.expr]) -> tuple[ast.expr, list[ast.comprehension]]:
        name = f"each_{node.name}"  # a name of its own, whatever the user called it
        inner = env | {node.name: _loader(name)}
        over = ast.Call(ast.Attribute(_load("budget"), "each", ast.Load()), [self._emit(node.over, env)], [])
        conditions = [self._truth(condition, inner) for condition in node.conditions]
        return emit(node.body, inner), [ast.comprehension(ast.Name(name, ast.Store()), over, conditions, 0)]

    def _call(self, node: Call, env: Env) -> ast.expr:
        first = node.arguments[0]
        if node.function in ("any", "all"):
            return self._quantified(node.function, first, env)
        if node.function == "exists":
            return _call("exists", self._optional(first, env))
        if node.function == "default":
            return _call("default", self._optional(first, env), _lambda([], self._emit(node.arguments[1], env)))
        if node.function == "matches" and isinstance(node.arguments[1], Constant):
            search = self._global(searcher(node.arguments[1].value))
            found = _call(search, _call("text", self._emit(first, env)))
            return ast.Compare(found, [ast.IsNot()], [ast.Constant(None)])
        return _call(f"{node.function}()", *self._all(node.arguments, env))

    def _optional(self, node: Node, env: Env) -> ast.expr:
        """Give None where a field is missing; in anything else an exception leaves the answer to the exact meaning."""
        emitted = self._emit(node, env)
        return _call("if_there", _lambda([], emitted)) if _is_cheap(node) else emitted

    def _quantified(self, function: str, node: Node, env: Env) -> ast.expr:
        if isinstance(node, Each):
            return _call(function, ast.GeneratorExp(*self._loop(node, env, self._truth)))
        if isinstance(node, Listing) and len(node.items) > 1:
            parts = [self._truth(item, env) for item in node.items]
            return ast.BoolOp(ast.Or() if function == "any" else ast.And(), parts)
        return _call(function, _call("truths", self._emit(node, env)))

    def _fold(self, node: Fold, env: Env) -> ast.expr:
        events = ast.Attribute(_load("past"), events_of(node), ast.Load())
        if node.condition is None:
            return _call(node.verb, events, _load("always_true"))
        inner: Env = {name: load for name, load in env.items() if name not in STEP_NAMES}
        inner |= {name: _looker("event", name) for name in STEP_NAMES}
        inner |= {f"now.{name}": load for name, load in env.items()}
        test = self._truth(node.condition, inner)
        if self._budget(node.condition):
            test = ast.Call(_lambda(["budget"], test), [_call("Budget")], [])
        return _call(node.verb, events, _lambda(["event"], test))


def is_truth(node: Node) -> bool:
    """Tell whether a node's value, where it has one, is true or false."""
    if isinstance(node, Constant):
        return type(node.value) is bool
    if isinstance(node, Call):
        return LIBRARY[node.function].gives == "truth"
    if isinstance(node, Unary):
        return node.operator == "not"
    return isinstance(node, Compare | Logic) or (isinstance(node, Fold) and node.verb == "happened")


def is_number(node: Node) -> bool:
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


def _words(node: Node) -> tuple[str, ...] | None:
    items = node.value if isinstance(node, Constant) and type(node.value) is list else None
    return tuple(items) if items is not None and all(type(item) is str for item in items) else None


def _happened(events: list[Remembered], fits: Callable[[dict[str, Any]], bool]) -> bool:
    return any(fits(event.names) for event in reversed(events))


def _count(events: Iterable[Remembered], fits: Callable[[dict[str, Any]], bool]) -> int:
    return sum(1 for event in events if fits(event.names))


def _last(events: list[Remembered], fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    return _first(reversed(events), fits)


def _first(events: Iterable[Remembered], fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    for event in events:
        if fits(event.names):
            return event.names
    raise Undefined("no such event so far")


def _exists(value: Any) -> bool:
    return value is not None


def _if_there(look: Callable[[], Any]) -> Any:
    try:
        return look()
    except (KeyError, TypeError):
        return None


def _default(value: Any, other: Callable[[], Any]) -> Any:
    return other() if value is None else value


def _truths(value: Any) -> Iterator[bool]:
    return map(values.truth, Budget().each(value))


def _give_up(*_: Any) -> Any:
    raise Undefined("left to the exact meaning")


def _load(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def _loader(name: str) -> Callable[[], ast.expr]:
    return lambda: _load(name)


def _looker(table: str, name: str) -> Callable[[], ast.expr]:
    return lambda: _key(_load(table), name)


def _key(of: ast.expr, name: str) -> ast.expr:
    return ast.Subscript(of, ast.Constant(name), ast.Load())


def _call(function: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(_load(function), list(arguments), [])


def _lambda(names: list[str], body: ast.expr) -> ast.expr:
    return ast.Lambda(ast.arguments([], [ast.arg(name) for name in names], None, [], [], None, []), body)


def _assign(name: str, value: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Name(name, ast.Store())], value)


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
_WRITERS: Final[dict[type, Callable[[_Emitter, Any, Env], ast.expr]]] = {
    Constant: _Emitter._constant,
    Name: _Emitter._name,
    Field: _Emitter._field,
    Item: _Emitter._item,
    Unary: _Emitter._unary,
    Binary: _Emitter._binary,
    Compare: _Emitter._compare,
    Logic: _Emitter._logic,
    Choice: _Emitter._choice,
    Listing: _Emitter._listing,
    Table: _Emitter._table,
    Each: _Emitter._each,
    Call: _Emitter._call,
    Fold: _Emitter._fold,
}
# every global of compiled rules; an operator and a library function go by their own spelling
_TABLE: Final[dict[str, Any]] = {
    "__builtins__": {},
    **values.ARITHMETIC,
    **values.COMPARISONS,
    "-x": values.negate,
    **{f"{name}()": function.call for name, function in LIBRARY.items()},
    "truth": values.truth,
    "truths": _truths,
    "text": values.text,
    "item": values.item,
    "distinct": values.unique,
    "happened": _happened,
    "count": _count,
    "last": _last,
    "first": _first,
    "exists": _exists,
    "default": _default,
    "if_there": _if_there,
    "give_up": _give_up,
    "always_true": lambda _: True,
    "Budget": Budget,
    "type": type,
    "bool": bool,
    "any": any,
    "all": all,
    "tuple": tuple,
}
