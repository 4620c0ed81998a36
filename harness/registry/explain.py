"""The exact meaning of an expression: three truth values, and the value of every sub-expression.

Whatever lacks data or has no answer is undefined. ``and`` and ``or`` follow Kleene: false and undefined is false, true
or undefined is true, and so for chains of comparisons, ``any``, ``all`` and ``happened``; everything else with an
undefined part is undefined. ``exists(x)`` is false and ``default(x, y)`` is y where x is undefined or null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, Final

from harness.registry import values
from harness.registry.library import LIBRARY
from harness.registry.plan import Plan
from harness.registry.scope import STEP_NAMES, Asked, Asker, Key, Missing, Present
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
    Span,
    Table,
    Unary,
    dotted,
)
from harness.registry.values import Budget, Undefined

MAX_SHOWN: Final = 200


class Explanation:
    """Work out one expression and keep what was seen on the way.

    ``seen`` holds the value of each sub-expression by its source text, ``evidence`` the numbers of the past events
    that questions about the past found. Not thread-safe; one per evaluation.
    """

    def __init__(
        self, text: str, names: dict[str, Any], past: Sequence[Asker] = (), present: Present | None = None
    ) -> None:
        self.seen: dict[str, Any] = {}
        self.evidence: set[int] = set()
        self._text, self._names, self._past, self._present = text, names, past, present
        self._budget = Budget()
        self._quiet = 0
        self._around: Span | None = None  # that of the node whose part is being worked out

    @property
    def spent(self) -> int:
        """The number of iterations it took so far."""
        return self._budget.spent

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
        outer, self._around = self._around, node.span
        try:
            return self._MEANINGS[type(node)](self, node)
        finally:
            self._around = outer

    def _keep(self, node: Node, value: Any) -> None:
        # what a definition stands for is one value, by its name
        if not self._quiet and not isinstance(node, Constant) and node.span != self._around:
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
            whole = self._text[node.of.span.start : node.of.span.end] or dotted(node.of)
            raise Undefined(f"{whole}: {error}" if whole else str(error)) from None

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

    def _source(self, node: Call) -> list[dict[str, Any]]:
        if self._present is None:
            raise Undefined("where values come from is not known here")
        origins = self._present.origins(self.value(node.arguments[0]))
        self.evidence.update(origin["seq"] for origin in origins if origin["seq"] >= 0)
        return origins

    def _fold(self, node: Fold) -> Any:
        if node.index < 0 or not self._past:
            raise Undefined("nothing is known of the past here")
        value, evidence = self._past[node.index].answer(self._asked(node))
        self.evidence.update(evidence)
        return _defined(value)

    def _asked(self, node: Fold) -> Asked:
        """Work out what the present step has to say to a question about the past."""
        lasting = {name: value for name, value in self._names.items() if name not in STEP_NAMES}
        lasting["now"] = self._names
        since = self._asked(node.since) if node.since else None
        # asked for each item of a list, the events it is asked of count as iterations too
        return asked_of(self._past[node.index].plan, self._text, lasting, since, self._budget if self._quiet else None)

    _SPECIAL: ClassVar[dict[str, Callable[[Explanation, Call], Any]]] = {
        "any": _any,
        "all": _all,
        "exists": _exists,
        "default": _default,
        "source": _source,
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


def asked_of(
    plan: Plan, text: str, names: dict[str, Any], since: Asked | None = None, budget: Budget | None = None
) -> Asked:
    """Work out what the present step, ``now`` in ``names``, has to say to the question behind a plan."""
    if budget is not None:
        budget.spend()
    gate: bool | Undefined = True
    try:
        gate = _joined("and", (_attempted(text, names, part) for part in plan.gates))
    except Undefined as error:
        gate = error
    parts = tuple(_part(text, names, join.present) for join in plan.joins)
    fits = None
    if plan.residual is not None:
        residual = plan.residual

        def fits(event: dict[str, Any]) -> bool:
            if budget is not None:
                budget.spend()
            return values.truth(Explanation(text, names | event).value(residual))

    return Asked(key_of(parts), gate, fits, since)


def key_of(parts: tuple[Any, ...]) -> Key:
    """Make the key of the frozen values of a question's joins."""
    return parts if len(parts) > 1 else parts[0] if parts else None


def key_of_event(plan: Plan, names: dict[str, Any]) -> Key:
    """Give the key of a past event; a value that is undefined is missing in it."""
    return key_of(tuple(_part("", names, join.event) for join in plan.joins))


def _part(text: str, names: dict[str, Any], side: Node) -> Any:
    try:
        return values.frozen(Explanation(text, names).value(side))
    except Undefined as error:
        return Missing(error)


def _attempted(text: str, names: dict[str, Any], node: Node) -> Any:
    try:
        return Explanation(text, names).value(node)
    except Undefined as error:
        return error


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
