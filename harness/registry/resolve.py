"""Check the names and types of a rule before it judges anything.

A misspelt tool, parameter or field must not become a rule that silently never fires. Checked are names, fields against
the declared tools' schemas, names of tools that ``call.tool`` is compared with, and types wherever they are known. Not
checked is whether a rule can ever hold or be violated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Final

from harness.errors import Mistake
from harness.registry.complaint import nearest
from harness.registry.context import Context, Env, names_of_past, names_of_step, tools_cure
from harness.registry.document import Written
from harness.registry.invariant import Expression, Invariant
from harness.registry.kinds import (
    ANY,
    LIST,
    NUMBER,
    TEXT,
    TRUTH,
    Kind,
    NoFieldError,
    field_of,
    item_of,
    kind_of_value,
    spoken,
)
from harness.registry.library import FUNCTIONS, LIBRARY, METHODS, PatternError, searcher
from harness.registry.plan import window_of
from harness.registry.scope import NAMES, STEP_NAMES
from harness.registry.template import Hole
from harness.registry.tree import (
    PASTS,
    VERBS,
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
    dotted,
    mentions,
)


def resolve(rule: Invariant, context: Context) -> Iterator[Mistake]:
    """Yield every mistake of a rule's names and types."""
    yield from _patterns(rule, context)
    env = names_of_step(rule, context)
    if rule.when:
        yield from _expression(rule.when.at, rule.when.tree, rule.when.text, env, context, TRUTH)
    if isinstance(rule.require, Expression):
        yield from _expression(rule.require.at, rule.require.tree, rule.require.text, env, context, TRUTH)
    if rule.says:
        at = rule.at.find(["says"])
        for piece in rule.says.pieces:
            if isinstance(piece, Hole):
                yield from _expression(at, piece.tree, piece.text, env, context, ANY, piece.start)


def _patterns(rule: Invariant, context: Context) -> Iterator[Mistake]:
    written = rule.at.find(["tool"])
    for place, pattern in zip(written.items or (written,), rule.tools, strict=False):
        if context.declared and not any(fnmatchcase(name, pattern) for name in context.declared):
            yield place.mistake(f"no declared tool is called {pattern!r}", tools_cure(pattern, context))


def _expression(
    at: Written, tree: Node, text: str, env: Env, context: Context, wanted: Kind, start: int = 0
) -> Iterator[Mistake]:
    resolver = _Resolver(context, text, tree, any_tool=mentions(tree, "call.surface"))
    resolver.expect(tree, env, wanted)
    for message, cure, first, last in resolver.found:
        yield at.mistake(message, cure, start=start + first, end=start + last)


class _Resolver:
    """Walk one tree, give the kind of each node, and keep what is wrong."""

    def __init__(self, context: Context, text: str, whole: Node, *, any_tool: bool) -> None:
        self.found: list[tuple[str, str, int, int]] = []
        self._whole = whole
        self._asked: Fold | None = None  # the question about the past that is being looked into
        self._context, self._text, self._any_tool = context, text, any_tool

    def kind(self, node: Node, env: Env) -> Kind:
        """Give what is known of a node's value."""
        return self._KINDS[type(node)](self, node, env)

    def use(self, node: Node, env: Env) -> Kind:
        """Give the kind of a node that is used as a value."""
        kind = self.kind(node, env)
        if kind.type == "record":
            parts = ", ".join(f".{name}" for name in kind.fields or ())
            self._wrong(node, f"{self._source(node)} is no value by itself", f"take a part of it: {parts}")
            return ANY
        return kind

    def expect(self, node: Node, env: Env, wanted: Kind) -> None:
        """Use a node where a certain type is needed."""
        kind = self.use(node, env)
        if "any" not in (kind.type, wanted.type) and kind.type != wanted.type:
            self._wrong(node, f"expected {spoken(wanted)}, got {spoken(kind)}")

    def _wrong(self, node: Node, message: str, cure: str = "", start: int | None = None) -> None:
        self.found.append((message, cure, node.span.start if start is None else start, node.span.end))

    def _source(self, node: Node) -> str:
        return self._text[node.span.start : node.span.end]

    def _constant(self, node: Constant, _: Env) -> Kind:
        return kind_of_value(node.value)

    def _name(self, node: Name, env: Env) -> Kind:
        if node.name in env:
            return env[node.name]
        elsewhere = node.name in {name for names in NAMES.values() for name in names}
        message = f"there is no {node.name!r} here" if elsewhere else f"unknown name {node.name!r}"
        known = f"known here: {', '.join(name for name in env if not name.startswith('now'))}"
        literals = {"true": "True", "false": "False", "null": "None"}
        cure = f"write {literals[node.name]}" if node.name in literals else nearest(node.name, env) or known
        self._wrong(node, message, cure)
        return ANY

    def _field(self, node: Field, env: Env) -> Kind:
        of = self.kind(node.of, env)
        if of.type in ("truth", "number", "text", "list", "null"):
            self._wrong(node, f"{spoken(of)} has no field {node.name!r}", _method_cure(node.name), node.of.span.end)
            return ANY
        try:
            return field_of(of, node.name)
        except NoFieldError as error:
            self._unknown_field(node, error)
            return ANY

    def _unknown_field(self, node: Field, error: NoFieldError) -> None:
        owners = " and ".join(map(repr, error.owners))
        whose = f" of tool{'s' * (len(error.owners) > 1)} {owners}" if owners else ""
        has = f"{error.owners[0] if len(error.owners) == 1 else self._source(node.of)} has: {', '.join(error.known)}"
        close = nearest(node.name, error.known)
        start = node.span.end - len(node.name) if self._source(node).endswith(node.name) else node.of.span.end
        field = dotted(node) or f"….{node.name}"
        self._wrong(node, f"unknown field {field!r}{whose}", f"{close}  ({has})" if close else has, start)

    def _item(self, node: Item, env: Env) -> Kind:
        of = self.use(node.of, env)
        self.use(node.index, env)
        if of.type in ("truth", "number", "null"):
            self._wrong(node, f"{spoken(of)} has no items")
        return item_of(of)

    def _unary(self, node: Unary, env: Env) -> Kind:
        kind = NUMBER if node.operator == "-" else TRUTH
        self.expect(node.operand, env, kind)
        return kind

    def _binary(self, node: Binary, env: Env) -> Kind:
        if node.operator != "+":
            self.expect(node.left, env, NUMBER)
            self.expect(node.right, env, NUMBER)
            return NUMBER
        left, right = self.use(node.left, env), self.use(node.right, env)
        if "any" not in (left.type, right.type) and (
            left.type != right.type or left.type not in ("number", "text", "list")
        ):
            self._wrong(node, f"cannot add {spoken(left)} and {spoken(right)}")
        return Kind(left.type if left.type == right.type else "any")

    def _compare(self, node: Compare, env: Env) -> Kind:
        kinds = [self.use(operand, env) for operand in node.operands]
        sides = zip(node.operands, node.operands[1:], kinds, kinds[1:], strict=False)
        for operator, (left, right, one, other) in zip(node.operators, sides, strict=True):
            self._check_pair(node, operator, one, other)
            self._check_tool(left, right)
            self._check_tool(right, left)
        return TRUTH

    def _check_pair(self, node: Node, operator: str, one: Kind, other: Kind) -> None:
        types = {one.type, other.type}
        if operator in ("in", "not in"):
            if other.type not in ("any", "list", "object", "text"):
                self._wrong(node, f"cannot look for something in {spoken(other)}")
        elif operator in ("==", "!="):
            if len(types - {"null"}) == 2 and "any" not in types:
                self._wrong(node, f"{spoken(one)} is never equal to {spoken(other)}")
        elif "any" in types:
            if types - {"any", "number", "text"}:
                self._wrong(node, f"{operator} orders numbers or texts only")
        elif types not in ({"number"}, {"text"}):
            self._wrong(node, f"cannot order {spoken(one)} and {spoken(other)} by {operator}")

    def _check_tool(self, chain: Node, other: Node) -> None:
        if dotted(chain).removeprefix("now.") not in ("call.tool", "tool.name") or self._any_tool:
            return
        for word in other.items if isinstance(other, Listing) else (other,):
            if isinstance(word, Constant) and self._context.declared and word.value not in self._context.declared:
                self._wrong(word, f"unknown tool {word.value!r}", tools_cure(str(word.value), self._context))

    def _logic(self, node: Logic, env: Env) -> Kind:
        for part in node.parts:
            self.expect(part, env, TRUTH)
        return TRUTH

    def _choice(self, node: Choice, env: Env) -> Kind:
        self.expect(node.test, env, TRUTH)
        then, otherwise = self.use(node.then, env), self.use(node.otherwise, env)
        return then if then.type == otherwise.type else ANY

    def _listing(self, node: Listing, env: Env) -> Kind:
        for item in node.items:
            self.use(item, env)
        return LIST

    def _table(self, node: Table, env: Env) -> Kind:
        for value in node.values:
            self.use(value, env)
        return Kind("object")

    def _each(self, node: Each, env: Env) -> Kind:
        over = self.use(node.over, env)
        if over.type in ("truth", "number", "text", "null"):
            self._wrong(node.over, f"cannot go through {spoken(over)}; expected a list or an object")
        if node.name in env or node.name in (*FUNCTIONS, *VERBS, *PASTS, "now"):
            self._wrong(node, f"the name {node.name!r} means something else here", "choose another name")
        inner = dict(env) | {node.name: TEXT if over.type == "object" else item_of(over)}
        for condition in node.conditions:
            self.expect(condition, inner, TRUTH)
        self.use(node.body, inner)
        return LIST

    def _call(self, node: Call, env: Env) -> Kind:
        function = LIBRARY[node.function]
        if node.function in ("exists", "default"):
            self.kind(node.arguments[0], env)  # a record such as last(…) may be asked for
            for other in node.arguments[1:]:
                self.use(other, env)
            return Kind(function.gives)
        if node.function == "source" and self._asked:
            self._wrong(node, "source(…) speaks of the present step only, not of a past event")
        if node.function == "matches":
            self._pattern(node.arguments[1])
        for index, argument in enumerate(node.arguments):
            self.expect(argument, env, Kind(function.takes[min(index, len(function.takes) - 1)]))
        return Kind(function.gives)

    def _pattern(self, node: Node) -> None:
        pattern = self._context.parameters.get(dotted(node).removeprefix("params."))
        if isinstance(node, Constant) or type(pattern) is not str:
            return  # a literal was checked when it was read
        try:
            searcher(pattern)
        except PatternError as error:
            self._wrong(node, f"{dotted(node)} is no regular expression: {error}", "the syntax is that of RE2")

    def _fold(self, node: Fold, env: Env) -> Kind:
        if node.verb == "must_follow" and node is not self._whole:
            self._wrong(node, "must_follow(…) must be the whole of what a rule requires")
        event = names_of_past(node, self._context)
        lasting = {name: kind for name, kind in env.items() if name not in STEP_NAMES}
        past = lasting | dict(event)
        asked, self._asked = self._asked, node
        if node.condition is not None:
            self.expect(node.condition, past | {"now": Kind("record", fields=env)}, TRUTH)
        if node.value is not None:
            self.expect(node.value, past, NUMBER)
        self._asked = asked
        if node.since is not None:
            self.kind(node.since, env)
        self._within(node)
        return {"happened": TRUTH, "must_follow": TRUTH, "count": NUMBER, "total": NUMBER}.get(
            node.verb, Kind("record", fields=event)
        )

    def _within(self, node: Fold) -> None:
        """Check that a window is known now: a number of steps or a duration, written out or a parameter."""
        within = node.within
        if within is None:
            return
        name = dotted(within).removeprefix("params.")
        if isinstance(within, Constant) or name in self._context.parameters:
            try:
                window_of(within.value if isinstance(within, Constant) else self._context.parameters[name])
            except ValueError as error:
                self._wrong(within, f"within= {error}", _WINDOW_CURE)
        else:
            self._wrong(within, "within= is neither written out nor a parameter", _WINDOW_CURE)

    _KINDS: ClassVar[dict[type, Callable[[_Resolver, Any, Env], Kind]]] = {
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


_WINDOW_CURE: Final = 'write within=5 for steps, or a duration such as within="90 s" (ms, s, min, h, d), or a parameter'


def _method_cure(name: str) -> str:
    return f"write {name}(…)" if name in METHODS else ""
