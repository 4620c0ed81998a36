"""The exact meaning of an expression: three truth values, and the value of every sub-expression.

Whatever lacks data or has no answer is undefined. ``and`` and ``or`` follow Kleene: false and undefined is false, true
or undefined is true, and so for chains of comparisons, ``any``, ``all`` and ``happened``; everything else with an
undefined part is undefined. ``exists(x)`` is false and ``default(x, y)`` is y where x is undefined or null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Final

from harness.registry import values
from harness.registry.library import LIBRARY
from harness.registry.scope import STEP_NAMES, Past, Remembered, events_of
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
)
from harness.registry.values import Budget, Undefined

MAX_SHOWN: Final = 200
NOTHING: Final = Past()


class Explanation:
    """Work out one expression and keep what was seen on the way.

    ``seen`` holds the value of each sub-expression by its source text, ``evidence`` the numbers of the past events
    that questions about the past found. Not thread-safe; one per evaluation.
    """

    def __init__(self, text: str, names: dict[str, Any], past: Past = NOTHING) -> None:
        self.seen: dict[str, Any] = {}
        self.evidence: set[int] = set()
        self._text, self._names, self._past = text, names, past
        self._budget = Budget()
        self._quiet = 0

    def value(self, node: Node) -> Any:
        """Give the value of a node; Undefined says why it has none."""
        try:
            value = self._bare(node)
        except Undefined as error:
            self._keep(node, f"unknown: {error}")
            raise
        self._keep(node, value)
        return value

    def _bare(self, node: Node) -> Any:
        return self._MEANINGS[type(node)](self, node)

    def _keep(self, node: Node, value: Any) -> None:
        if not self._quiet and not isinstance(node, Constant):
            self.seen[self._text[node.span.start : node.span.end]] = shortened(value)

    def _attempt(self, node: Node) -> Any:
        try:
            return self.value(node)
        except Undefined as error:
            return error

    def _of(self, node: Node) -> Any:
        # in call.args.amount only the whole chain is worth showing; so is last(…).result.total without last(…)
        return self._bare(node) if isinstance(node, Name | Field | Item | Fold) else self.value(node)

    def _constant(self, node: Constant) -> Any:
        return node.value

    def _name(self, node: Name) -> Any:
        if node.name not in self._names:
            raise Undefined(f"there is no {node.name} here")
        return self._names[node.name]

    def _field(self, node: Field) -> Any:
        whole = self._of(node.of)
        return self._found(node, lambda: values.field(whole, node.name))

    def _item(self, node: Item) -> Any:
        whole, index = self._of(node.of), self.value(node.index)
        return self._found(node, lambda: values.item(whole, index))

    def _found(self, node: Field | Item, look: Callable[[], Any]) -> Any:
        try:
            return look()
        except Undefined as error:
            raise Undefined(f"{self._text[node.of.span.start : node.of.span.end]}: {error}") from None

    def _unary(self, node: Unary) -> Any:
        value = self.value(node.operand)
        return values.negate(value) if node.operator == "-" else not values.truth(value)

    def _binary(self, node: Binary) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        return values.ARITHMETIC[node.operator](left, right)

    def _compare(self, node: Compare) -> bool:
        missing: Undefined | None = None
        left = self._attempt(node.operands[0])
        for operator, operand in zip(node.operators, node.operands[1:], strict=True):
            right = self._attempt(operand)
            try:
                if not values.COMPARISONS[operator](_defined(left), _defined(right)):
                    return False
            except Undefined as error:
                missing = missing or error
            left = right
        if missing:
            raise missing
        return True

    def _logic(self, node: Logic) -> bool:
        return _joined(node.operator, map(self._attempt, node.parts))

    def _choice(self, node: Choice) -> Any:
        return self.value(node.then if values.truth(self.value(node.test)) else node.otherwise)

    def _listing(self, node: Listing) -> list[Any]:
        items = [self.value(item) for item in node.items]
        return values.unique(items) if node.unique else items

    def _table(self, node: Table) -> dict[str, Any]:
        return {key: self.value(value) for key, value in zip(node.keys, node.values, strict=True)}

    def _each(self, node: Each) -> list[Any]:
        items = [_defined(item) for item in self._items(node)]
        return values.unique(items) if node.unique else items

    def _items(self, node: Each) -> Iterator[Any]:
        """Yield what a comprehension gives, an Undefined in the place of an item that has no value."""
        over = self.value(node.over)
        outer = self._names
        self._quiet += 1
        try:
            for item in self._budget.each(over):
                self._names = outer | {node.name: item}
                kept = self._kept(node)
                if kept is True:
                    yield self._attempt(node.body)
                elif kept is not False:
                    yield kept
        finally:
            self._names = outer
            self._quiet -= 1

    def _kept(self, node: Each) -> bool | Undefined:
        for condition in node.conditions:
            try:
                if not values.truth(self._bare(condition)):
                    return False
            except Undefined as error:
                return error
        return True

    def _call(self, node: Call) -> Any:
        special = self._SPECIAL.get(node.function)
        if special:
            return special(self, node)
        arguments = [self.value(argument) for argument in node.arguments]
        try:
            return LIBRARY[node.function].call(*arguments)
        except Undefined:
            raise
        except Exception as error:  # noqa: BLE001 - data that a library function did not expect: no answer, but never a crash
            raise Undefined(f"{node.function} failed: {type(error).__name__}: {error}") from None

    def _any(self, node: Call) -> bool:
        return _joined("or", self._parts(node.arguments[0]))

    def _all(self, node: Call) -> bool:
        return _joined("and", self._parts(node.arguments[0]))

    def _parts(self, node: Node) -> Iterator[Any]:
        if isinstance(node, Each):
            return self._items(node)
        if isinstance(node, Listing):
            return map(self._attempt, node.items)
        return Budget().each(self.value(node))

    def _exists(self, node: Call) -> bool:
        try:
            return self._of(node.arguments[0]) is not None
        except Undefined:
            return False

    def _default(self, node: Call) -> Any:
        try:
            value = self._of(node.arguments[0])
        except Undefined:
            value = None
        return self.value(node.arguments[1]) if value is None else value

    def _fold(self, node: Fold) -> Any:
        events: list[Remembered] = getattr(self._past, events_of(node))
        found = self._matching(node, events if node.verb == "first" else events[::-1])
        if node.verb == "happened":
            return _joined("or", found)
        if node.verb == "count":
            return sum(1 for each in found if _defined(each))
        for event, fits in zip(events if node.verb == "first" else events[::-1], found, strict=True):
            if _defined(fits):
                return event.names
        raise Undefined(f"no such {node.past} so far")

    def _matching(self, node: Fold, events: list[Remembered]) -> Iterator[Any]:
        """Yield for each event whether it fits, or an Undefined."""
        lasting = {name: value for name, value in self._names.items() if name not in STEP_NAMES}
        lasting["now"] = self._names
        for event in events:
            fits = node.condition is None or self._fits(node.condition, lasting | event.names)
            if fits is True:
                self.evidence.add(event.seq)
            yield fits

    def _fits(self, condition: Node, names: dict[str, Any]) -> Any:
        try:
            return values.truth(Explanation(self._text, names).value(condition))
        except Undefined as error:
            return error

    _SPECIAL: ClassVar[dict[str, Callable[[Explanation, Call], Any]]] = {
        "any": _any,
        "all": _all,
        "exists": _exists,
        "default": _default,
    }

    _MEANINGS: ClassVar[dict[type, Callable[[Explanation, Any], Any]]] = {
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


def shortened(value: Any) -> Any:
    """Give a value as it is shown in a verdict: long ones as the beginning of their text."""
    if value is None or type(value) in (bool, int, float):
        return value
    text = value if type(value) is str else repr(value)
    return value if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def _defined(value: Any) -> Any:
    if isinstance(value, Undefined):
        raise value
    return value


def _joined(operator: str, parts: Iterator[Any]) -> bool:
    """Join truth values by ``and`` or ``or``; an undefined part matters only if no other decides."""
    decisive = operator == "or"
    missing: Undefined | None = None
    for part in parts:
        try:
            if values.truth(_defined(part)) is decisive:
                return decisive
        except Undefined as error:
            missing = missing or error
    if missing:
        raise missing
    return not decisive
