"""Write trees as Python's own syntax trees.

The code uses these names: the arguments of compiled rules, ``budget``, the globals that ``compile`` lists, and for
what is no plain constant the globals collected in ``Emitter.constants``. Where the exact answer would take more than
plain Python, the code gives up, which leaves the answer to ``explain``.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Final, NamedTuple

from harness.registry.library import LIBRARY, searcher
from harness.registry.plan import Plan
from harness.registry.reduce import reduce
from harness.registry.scope import PAST_NAMES, STEP_NAMES
from harness.registry.syntax import (
    assign,
    attribute,
    attribute_loader,
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
    children,
    dotted,
    walk,
)
from harness.registry.values import frozen

# what each name of an expression is in the code
Env = dict[str, Callable[[], ast.expr]]

STEP: Final[Env] = {name: loader(name) for name in ("call", "tool", "message", "agent", "step")} | {
    "result": key_loader("outcome", "result"),
    "failed": key_loader("outcome", "failed"),
    "artifact": key_loader("outcome", "artifact"),
    "run": attribute_loader("moment", "run"),
    "elapsed_s": attribute_loader("moment", "elapsed_s"),
}
EVENT: Final[Env] = STEP | {name: key_loader("message", name) for name in ("role", "text", "tool_calls")}


class Known(NamedTuple):
    """What code written so far has left behind: chains of fields in local names.

    ``numbers`` are those that are no truth values and can be compared with a number, ``exact`` those that are numbers.
    """

    names: dict[str, str]
    numbers: frozenset[str] = frozenset()
    exact: frozenset[str] = frozenset()


class Emitter:
    """Write the trees of one compiled function.

    ``plans`` are those of the questions about the past; ``known`` is what is known of the present step before it is
    made. A chain of fields that occurs in ``shared`` is read once and kept in a local name, wherever it is sure to have
    been read before.
    """

    def __init__(
        self, plans: Sequence[Plan] = (), known: Mapping[str, Any] | None = None, shared: frozenset[str] = frozenset()
    ) -> None:
        self.constants: dict[str, Any] = {}
        self._plans, self._shared = plans, shared
        self._present = {name: value for name, value in (known or {}).items() if name.startswith("now.")}
        self._known = Known({})
        self._nested = self._locals = 0

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

    def _constant(self, node: Constant, _: Env) -> ast.expr:
        return load(self.constant(node.value)) if type(node.value) in (list, dict) else ast.Constant(node.value)

    def _name(self, node: Name, env: Env) -> ast.expr:
        return env[node.name]() if node.name in env else call("give_up")

    def _field(self, node: Field, env: Env) -> ast.expr:
        if isinstance(node.of, Name) and node.of.name == "now":
            return env[f"now.{node.name}"]()
        if isinstance(node.of, Constant | Listing | Each):
            return call("give_up")  # nothing has fields there, and Python would warn of it
        chain = _chain(node)
        if chain in self._known.names and self._readable(node, env):
            return load(self._known.names[chain])
        written = key(self.emit(node.of, env), node.name)
        return self._kept(chain, written) if chain in self._shared and not self._nested else written

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
        chain = _chain(node)
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

    def _item(self, node: Item, env: Env) -> ast.expr:
        return call("item", self.emit(node.of, env), self.emit(node.index, env))

    def _unary(self, node: Unary, env: Env) -> ast.expr:
        if node.operator == "not":
            return negation(self.truth(node.operand, env))
        return call("negate", self.emit(node.operand, env))

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
        like = ast.Compare(_class_of(one), [ast.Is(), ast.In()], [_class_of(other), load("ORDERED")])
        return ast.IfExp(like, ast.Compare(again, [_OPERATORS[operator]()], [too]), call(operator, again, too))

    def _same(self, operator: str, left: Node, right: Node, env: Env) -> ast.expr:
        """Compare two fields; a text is for Python equal to what it is equal to for us."""
        (one, again), (other, too) = self._twice(left, env), self._twice(right, env)
        both = ast.Compare(_class_of(one), [ast.Is(), ast.Is()], [_class_of(other), load("str")])
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
        chain = _chain(node)
        if chain in self._known.exact:
            return again
        self._known = self._known._replace(exact=self._known.exact | {chain})
        number = ast.BoolOp(
            ast.Or(),
            [
                ast.Compare(_class_of(side), [ast.Is()], [load(name)])
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
        chain = _chain(node)
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
            return self._unless(operator, ast.BoolOp(ast.And(), [equal, is_not(again, ast.Constant(bool(value)))]))
        else:
            return call(operator, self.emit(node, env), ast.Constant(value))
        return self._unless(operator, plain)

    def _unless(self, operator: str, equal: ast.expr) -> ast.expr:
        return equal if operator == "==" else negation(equal)

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
                is_text = ast.Compare(_class_of(value), [ast.Is()], [load("str")])
                plain = _PLAIN_ON_TEXT[node.function](again, *constants)
                return ast.IfExp(is_text, plain, call(f"{node.function}()", again, *constants))
        return call(f"{node.function}()", *(self.emit(argument, env) for argument in node.arguments))

    def _optional(self, node: Node, env: Env) -> ast.expr:
        """Give None where a field is missing; in anything else an exception leaves the answer to the exact meaning."""
        if not _is_cheap(node) or (_chain(node) in self._known.names and self._readable(node, env)):
            return self.emit(node, env)
        with self._inside():
            return call("if_there", function([], self.emit(node, env)))

    def _quantified(self, name: str, node: Node, env: Env) -> ast.expr:
        if isinstance(node, Each):
            return call(name, ast.GeneratorExp(*self._loop(node, env, self.truth)))
        if isinstance(node, Listing) and len(node.items) > 1:
            return self._joined(ast.Or() if name == "any" else ast.And(), node.items, env)
        return call(name, call("truths", self.emit(node, env)))

    def _fold(self, node: Fold, env: Env) -> ast.expr:
        plan = self._plans[node.index]
        lasting: Env = {name: word for name, word in env.items() if name not in STEP_NAMES}
        lasting |= {f"now.{name}": word for name, word in env.items()}
        if not plan.gates:
            return self._question(node, plan, lasting)
        with self.maybe():
            gates = [self.truth(reduce(gate, self._present), lasting) for gate in plan.gates]
        with self.maybe():
            asked = self._question(node, plan, lasting)
        if node.verb == "happened":
            return ast.BoolOp(ast.And(), [*gates, asked])
        passed = ast.BoolOp(ast.And(), gates) if len(gates) > 1 else gates[0]
        nothing = ast.Constant(0) if node.verb in ("count", "total") else call("give_up")
        return ast.IfExp(passed, asked, nothing)

    def _question(self, node: Fold, plan: Plan, lasting: Env) -> ast.expr:
        monitor = ast.Subscript(load("past"), ast.Constant(node.index), ast.Load())
        if node.verb == "happened" and plan.simple:
            with self.maybe():
                there = ast.Compare(
                    self._key(plan, lasting), [ast.In()], [ast.Attribute(monitor, "buckets", ast.Load())]
                )
            again = ast.Subscript(load("past"), ast.Constant(node.index), ast.Load())
            return ast.IfExp(ast.Attribute(again, "doubts", ast.Load()), call("give_up"), there)
        known = self._key(plan, lasting)
        arguments = [known, ast.Constant(None)]
        if node.since is not None:
            since = self._plans[node.since.index]
            if not since.simple:
                return call("give_up")
            arguments[1] = self._key(since, lasting)
        if plan.residual is not None:
            inner = lasting | {name: key_loader("event", name) for name in PAST_NAMES[plan.past]}
            with self._inside():
                test = self.truth(plan.residual, inner)
            if needs_budget(plan.residual):
                test = invoke(function(["budget"], test), call("Budget"))
            arguments.append(function(["event"], test))
        return invoke(ast.Attribute(monitor, node.verb, ast.Load()), *arguments)

    def _key(self, plan: Plan, lasting: Env) -> ast.expr:
        """Write what joins the present step to past events."""
        parts = [self._part(reduce(join.present, self._present), lasting) for join in plan.joins]
        if len(parts) < 2:
            return parts[0] if parts else ast.Constant(None)
        return ast.Tuple(parts, ast.Load())

    def key_of_event(self, plan: Plan, known: Mapping[str, Any]) -> ast.expr:
        """Write the key of a past event."""
        parts = [self._part(reduce(join.event, known), EVENT) for join in plan.joins]
        if len(parts) < 2:
            return parts[0] if parts else ast.Constant(None)
        return ast.Tuple(parts, ast.Load())

    def _part(self, side: Node, env: Env) -> ast.expr:
        if isinstance(side, Constant):
            return ast.Constant(side.value) if type(side.value) is str else load(self.constant(frozen(side.value)))
        if not self._readable(side, env):
            return call("frozen", self.emit(side, env))
        whole = f"frozen {_chain(side)}"
        if whole in self._known.names:
            return load(self._known.names[whole])
        first, again = self._twice(side, env)
        is_text = ast.Compare(_class_of(first), [ast.Is()], [load("str")])
        return self._kept(whole, ast.IfExp(is_text, again, call("frozen", again)))

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


def _class_of(value: ast.expr) -> ast.expr:
    return ast.Attribute(value, "__class__", ast.Load())


def _chain(node: Node) -> str:
    """Spell a chain of fields; ``now.call`` and ``call`` are one thing, as the past event has a scope of its own."""
    return dotted(node).removeprefix("now.")


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
        return node.verb in ("count", "total")
    if isinstance(node, Unary):
        return node.operator == "-"
    return isinstance(node, Binary) and node.operator != "+"


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


# what Python does with text as we do, given that it is text
_PLAIN_ON_TEXT: Final[dict[str, Callable[..., ast.expr]]] = {
    "len": lambda text: call("len", text),
    "startswith": lambda text, part: invoke(ast.Attribute(text, "startswith", ast.Load()), part),
    "endswith": lambda text, part: invoke(ast.Attribute(text, "endswith", ast.Load()), part),
    "contains": lambda text, part: ast.Compare(part, [ast.In()], [text]),
    "lower": lambda text: invoke(ast.Attribute(text, "lower", ast.Load())),
}
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
