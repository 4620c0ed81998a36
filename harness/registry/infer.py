"""Give the kind of every part of an expression before it has a value, and find what cannot be right in it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, ClassVar

from harness.registry.complaint import nearest
from harness.registry.context import Context, Env, mistake_in_pattern, mistake_in_window, names_of_past, unknown_words
from harness.registry.kinds import (
    ANY,
    COUNT,
    NUMBER,
    TEXT,
    TRUTH,
    Kind,
    NoFieldError,
    field_of,
    item_of,
    kind_of_value,
    outcome,
    shared,
    spoken,
)
from harness.registry.library import FUNCTIONS, LIBRARY, METHODS, PATTERNS
from harness.registry.scope import NAMES, STEP_NAMES
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
    children,
    dotted,
)
from harness.registry.unit import clash, joined, power, product


class Inference:
    """Walk one tree, give the kind of each node, and keep what is wrong.

    ``found`` holds messages, cures, and the first and last character of the text that they are about. ``any_tool`` lets
    ``call.tool`` be compared with any name, as where model calls are meant.
    """

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

    def expect(self, node: Node, env: Env, wanted: Kind) -> Kind:
        """Use a node where a certain type is needed, and give its kind."""
        kind = self.use(node, env)
        if "any" not in (kind.type, wanted.type) and kind.type != wanted.type:
            self._wrong(node, f"expected {spoken(wanted)}, got {spoken(kind)}")
        self._fit(node, kind, wanted, "rewrite")
        return kind

    def _fit(self, node: Node, one: Kind, other: Kind, deed: str) -> None:
        """Report two numbers whose units do not go together."""
        found = clash(one.unit, other.unit)
        self._report(node, found and (f"cannot {deed} {found[0]}", found[1]))

    def _report(self, node: Node, found: tuple[str, str] | None) -> None:
        if found:
            self._wrong(node, *found)

    def _wrong(self, node: Node, message: str, cure: str = "", start: int | None = None) -> None:
        if isinstance(node, Field) and node.of.span == node.span:
            start = None  # within a definition, which stands here by its name
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
        names = [name for name in (*env, *self._context.definitions) if not name.startswith("now")]
        known = f"known here: {', '.join(names)}"
        literals = {"true": "True", "false": "False", "null": "None"}
        close = nearest(node.name, (*env, *self._context.definitions))
        cure = f"write {literals[node.name]}" if node.name in literals else close or known
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
        owner = "artifact" if {*error.owners} <= {*self._context.artifacts} else "tool"
        whose = f" of {owner}{'s' * (len(error.owners) > 1)} {owners}" if owners else ""
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
        if node.operator == "-":
            return Kind("number", unit=self.expect(node.operand, env, NUMBER).unit)
        self.expect(node.operand, env, TRUTH)
        return TRUTH

    def _binary(self, node: Binary, env: Env) -> Kind:
        if node.operator == "+":
            return self._sum(node, env)
        left, right = self.expect(node.left, env, NUMBER), self.expect(node.right, env, NUMBER)
        match node.operator:
            case "*":
                return Kind("number", unit=product(left.unit, right.unit))
            case "/" | "//":
                return Kind("number", unit=product(left.unit, right.unit, -1))
            case "**":
                return Kind(
                    "number", unit=power(left.unit, node.right.value if isinstance(node.right, Constant) else None)
                )
            case _:
                self._fit(node, left, right, "subtract" if node.operator == "-" else "divide")
                return Kind("number", unit=joined(left.unit, right.unit))

    def _sum(self, node: Binary, env: Env) -> Kind:
        left, right = self.use(node.left, env), self.use(node.right, env)
        self._fit(node, left, right, "add")
        if "any" not in (left.type, right.type) and (
            left.type != right.type or left.type not in ("number", "text", "list")
        ):
            self._wrong(node, f"cannot add {spoken(left)} and {spoken(right)}")
        if left.type == right.type == "list":
            return Kind("list", item=shared((item_of(left), item_of(right))))
        return Kind(left.type if left.type == right.type else "any", unit=joined(left.unit, right.unit))

    def _compare(self, node: Compare, env: Env) -> Kind:
        kinds = [self.use(operand, env) for operand in node.operands]
        sides = zip(node.operands, node.operands[1:], kinds, kinds[1:], strict=False)
        for operator, (left, right, one, other) in zip(node.operators, sides, strict=True):
            self._check_pair(node, operator, one, other)
            for place, message, cure in unknown_words(left, right, self._context, any_tool=self._any_tool):
                self._wrong(place, message, cure)
        return TRUTH

    def _check_pair(self, node: Node, operator: str, one: Kind, other: Kind) -> None:
        types = {one.type, other.type}
        if operator in ("in", "not in"):
            if other.type not in ("any", "list", "object", "text"):
                self._wrong(node, f"cannot look for something in {spoken(other)}")
            self._fit(node, one, item_of(other) if other.type == "list" else ANY, "compare")
            return
        self._fit(node, one, other, "compare")
        if operator in ("==", "!="):
            if len(types - {"null"}) == 2 and "any" not in types:
                self._wrong(node, f"{spoken(one)} is never equal to {spoken(other)}")
        elif "any" in types:
            if types - {"any", "number", "text"}:
                self._wrong(node, f"{operator} orders numbers or texts only")
        elif types not in ({"number"}, {"text"}):
            self._wrong(node, f"cannot order {spoken(one)} and {spoken(other)} by {operator}")

    def _logic(self, node: Logic, env: Env) -> Kind:
        for part in node.parts:
            self.expect(part, env, TRUTH)
        return TRUTH

    def _choice(self, node: Choice, env: Env) -> Kind:
        self.expect(node.test, env, TRUTH)
        return shared((self.use(node.then, env), self.use(node.otherwise, env)))

    def _listing(self, node: Listing, env: Env) -> Kind:
        return Kind("list", item=shared([self.use(item, env) for item in node.items]))

    def _table(self, node: Table, env: Env) -> Kind:
        kinds = [self.use(value, env) for value in node.values]
        return Kind("object", fields=dict(zip(node.keys, kinds, strict=True)))

    def _each(self, node: Each, env: Env) -> Kind:
        over = self.use(node.over, env)
        if over.type in ("truth", "number", "text", "null"):
            self._wrong(node.over, f"cannot go through {spoken(over)}; expected a list or an object")
        if node.name in env or node.name in (*self._context.definitions, *FUNCTIONS, *VERBS, *PASTS, "now"):
            self._wrong(node, f"the name {node.name!r} means something else here", "choose another name")
        inner = dict(env) | {node.name: TEXT if over.type == "object" else item_of(over)}
        for condition in node.conditions:
            self.expect(condition, inner, TRUTH)
        return Kind("list", item=self.use(node.body, inner))

    def _call(self, node: Call, env: Env) -> Kind:
        if node.function in ("exists", "default"):
            first = self.kind(node.arguments[0], env)  # a record such as last(…) may be asked for
            return self._default(node, first, env) if node.function == "default" else TRUTH
        if node.function == "source" and self._asked:
            self._wrong(node, "source(…) speaks of the present step only, not of a past event")
        if node.function in PATTERNS:
            self._report(node.arguments[1], mistake_in_pattern(node.arguments[1], self._context))
        takes = LIBRARY[node.function].takes
        wanted = [Kind(takes[min(index, len(takes) - 1)]) for index in range(len(node.arguments))]
        kinds = [self.expect(one, env, kind) for one, kind in zip(node.arguments, wanted, strict=True)]
        if node.function in ("min", "max", "clamp"):
            for first, second in pairwise(kinds):
                self._fit(node, first, second, "compare")
        return outcome(node.function, kinds)

    def _default(self, node: Call, first: Kind, env: Env) -> Kind:
        other = node.arguments[1]
        kind = self.use(other, env)
        self._fit(node, first, kind, "compare")
        unit = joined(first.unit, kind.unit)
        if isinstance(other, Constant) or next(children(other), None) is None:
            # a plain value, an empty list or object: fields and items can only be those of what is asked for
            return first._replace(type=first.type if first.type == kind.type else "any", unit=unit)
        return Kind(unit=unit)

    def _fold(self, node: Fold, env: Env) -> Kind:
        if node.verb == "must_follow" and node is not self._whole:
            self._wrong(node, "must_follow(…) must be the whole of what a rule requires")
        event = names_of_past(node, self._context)
        lasting = {name: kind for name, kind in env.items() if name not in STEP_NAMES}
        past = lasting | dict(event)
        asked, self._asked = self._asked, node
        if node.condition is not None:
            self.expect(node.condition, past | {"now": Kind("record", fields=env)}, TRUTH)
        value = self.expect(node.value, past, NUMBER) if node.value is not None else COUNT
        self._asked = asked
        if node.since is not None:
            self.kind(node.since, env)
        if node.within is not None:
            self._report(node.within, mistake_in_window(node.within, self._context))
        answers = {"happened": TRUTH, "must_follow": TRUTH, "count": COUNT, "total": Kind("number", unit=value.unit)}
        return answers.get(node.verb, Kind("record", fields=event))

    _KINDS: ClassVar[dict[type, Callable[[Inference, Any, Env], Kind]]] = {
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


def _method_cure(name: str) -> str:
    return f"write {name}(…)" if name in METHODS else ""
