"""Where a requirement made of straight lines in one value first holds, worked out in exact fractions.

The number line is cut into open cells and single points. On a cell every part of the requirement that depends on the
value is one line; where a comparison changes sides inside a cell, the cell is cut there and looked at again. Cells are
taken nearest first, so that the first on which the requirement holds is the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from functools import partial, reduce
from typing import Any, ClassVar, Final, NamedTuple

from harness.assertion.line import Cell, CutError, Line, difference, line_of, plus, scaled
from harness.registry import values
from harness.registry.margin import ValueOf
from harness.registry.tree import (
    Binary,
    Call,
    Choice,
    Compare,
    Each,
    Fold,
    Listing,
    Logic,
    Node,
    Unary,
    children,
    dotted,
)
from harness.registry.values import Budget, Undefined

MAX_CELLS: Final = 60
MAX_ITEMS: Final = 100


class NonlinearError(Exception):
    """Say that a requirement is not made of lines, or of too many of them."""


class Reach(NamedTuple):
    """Where a requirement first holds: at ``at`` itself if ``closed``, else just beyond it."""

    at: Fraction
    closed: bool


def chains(node: Node, *, past: bool = False) -> Iterator[str]:
    """Yield the dotted names that a node takes from the present step: inside a question about the past those of now."""
    name = dotted(node)
    if name:
        if not past or name.startswith("now."):
            yield name.removeprefix("now.")
        return
    for child in children(node):
        yield from chains(child, past=past or isinstance(node, Fold))


def nearest(tree: Node, value_of: ValueOf, field: str, start: Fraction, towards: int, *, whole: bool) -> Reach | None:
    """Give where a requirement first holds as ``field`` moves away from ``start``, down (-1) or up (1).

    None where it holds nowhere there; ``whole`` looks at whole numbers only. NonlinearError where it cannot be said.
    O(cells · nodes), at most ``MAX_CELLS``.
    """
    known: dict[int, Any] = {}
    waiting = [Cell(start, None) if towards > 0 else Cell(None, start)]
    for _ in range(MAX_CELLS):
        if not waiting:
            return None
        cell = waiting.pop()
        first = cell.first_whole(towards) if whole else None
        if whole and first is None:
            continue
        try:
            holds = values.truth(_OnCell(value_of, field, cell, known).of(tree, {}))
        except Undefined:
            holds = False
        except CutError as cut:
            pieces = [Cell(cell.low, cut.at), Cell(cut.at, cut.at), Cell(cut.at, cell.high)]
            waiting += pieces[::-1] if towards > 0 else pieces
            continue
        if holds:
            end = cell.low if towards > 0 else cell.high
            assert end is not None
            return Reach(first, closed=True) if first is not None else Reach(end, closed=cell.low == cell.high)
    raise NonlinearError(f"more than {MAX_CELLS} pieces")


class _OnCell:
    """Give the meaning of nodes while one value is somewhere in a cell: a line, or what it is everywhere there."""

    def __init__(self, value_of: ValueOf, field: str, cell: Cell, known: dict[int, Any]) -> None:
        self._value_of, self._field, self._cell, self._known = value_of, field, cell, known

    def of(self, node: Node, bound: Mapping[str, Any]) -> Any:
        if not self._depends(node):
            return self._fixed(node, bound)
        if dotted(node) == self._field:
            return Line(Fraction(1), Fraction(0))
        meaning = self._MEANINGS.get(type(node))
        if meaning is None:
            raise NonlinearError(type(node).__name__)
        return meaning(self, node, bound)

    def _depends(self, node: Node) -> bool:
        field = self._field
        return any(name == field or field.startswith(f"{name}.") for name in chains(node))

    def _fixed(self, node: Node, bound: Mapping[str, Any]) -> Any:
        if bound:
            return self._value_of(node, bound)
        if id(node) not in self._known:
            try:
                self._known[id(node)] = self._value_of(node, bound)
            except Undefined as error:
                self._known[id(node)] = error
        value = self._known[id(node)]
        if isinstance(value, Undefined):
            raise value
        return value

    def _sign(self, line: Line) -> int:
        """Give -1, 0 or 1; cut the cell where the sign is not the same everywhere on it."""
        low, high = self._cell
        if line.slope and low != high:
            at = -line.start / line.slope
            if (low is None or low < at) and (high is None or at < high):
                raise CutError(at)
        value = line.slope * self._cell.inside + line.start
        return (value > 0) - (value < 0)

    def _unary(self, node: Unary, bound: Mapping[str, Any]) -> Any:
        value = self.of(node.operand, bound)
        if node.operator == "not":
            return not values.truth(value)
        return scaled(value, Fraction(-1)) if isinstance(value, Line) else values.negate(value)

    def _binary(self, node: Binary, bound: Mapping[str, Any]) -> Any:
        left, right = self.of(node.left, bound), self.of(node.right, bound)
        if not isinstance(left, Line) and not isinstance(right, Line):
            return values.ARITHMETIC[node.operator](left, right)
        one, other = line_of(left), line_of(right)
        if node.operator == "+":
            return plus(one, other)
        if node.operator == "-":
            return plus(one, scaled(other, Fraction(-1)))
        if node.operator == "*" and not (one.slope and other.slope):
            return scaled(one, other.start) if one.slope else scaled(other, one.start)
        if node.operator == "/" and not other.slope:
            if not other.start:
                raise Undefined("division by zero")
            return scaled(one, 1 / other.start)
        raise NonlinearError(node.operator)

    def _compare(self, node: Compare, bound: Mapping[str, Any]) -> bool:
        sides = [self._later(operand, bound) for operand in node.operands]
        pairs = zip(node.operators, sides, sides[1:], strict=False)
        return _joined("and", (self._pair(operator, one, other) for operator, one, other in pairs))

    def _later(self, node: Node, bound: Mapping[str, Any]) -> Callable[[], Any]:
        return lambda: self.of(node, bound)

    def _pair(self, operator: str, one: Callable[[], Any], other: Callable[[], Any]) -> Callable[[], bool]:
        def compared() -> bool:
            left, right = one(), other()
            if operator in ("in", "not in") and type(right) is list:
                return _joined("or", (partial(self._same, left, item) for item in right)) is (operator == "in")
            if not isinstance(left, Line) and not isinstance(right, Line):
                return values.COMPARISONS[operator](left, right)
            if operator in ("==", "!="):
                return self._same(left, right) is (operator == "==")
            if operator in ("in", "not in"):
                raise Undefined("a number is in no text and no object")
            return _ORDERS[operator](self._sign(difference(left, right)))

        return compared

    def _same(self, left: Any, right: Any) -> bool:
        if not isinstance(left, Line) and not isinstance(right, Line):
            return values.same(left, right)
        numeric = all(isinstance(side, Line) or type(side) in (int, float) for side in (left, right))
        return numeric and self._sign(difference(left, right)) == 0

    def _logic(self, node: Logic, bound: Mapping[str, Any]) -> bool:
        return _joined(node.operator, (self._later(part, bound) for part in node.parts))

    def _choice(self, node: Choice, bound: Mapping[str, Any]) -> Any:
        return self.of(node.then if values.truth(self.of(node.test, bound)) else node.otherwise, bound)

    def _listing(self, node: Listing, bound: Mapping[str, Any]) -> list[Any]:
        if node.unique:
            raise NonlinearError("a set")
        return [self.of(item, bound) for item in node.items]

    def _parts(self, node: Node, bound: Mapping[str, Any], empty: bool) -> Iterator[Callable[[], Any]]:
        if isinstance(node, Listing):
            yield from (self._later(item, bound) for item in node.items)
            return
        if not isinstance(node, Each) or self._depends(node.over):
            raise NonlinearError(type(node).__name__)
        over = self._fixed(node.over, bound)
        if type(over) in (list, dict) and len(over) > MAX_ITEMS:
            raise NonlinearError(f"more than {MAX_ITEMS} items")
        yield from (self._part(node, {**bound, node.name: item}, empty) for item in Budget().each(over))

    def _part(self, node: Each, bound: Mapping[str, Any], empty: bool) -> Callable[[], Any]:
        def part() -> Any:
            kept = all(values.truth(self.of(condition, bound)) for condition in node.conditions)
            return self.of(node.body, bound) if kept else empty

        return part

    def _call(self, node: Call, bound: Mapping[str, Any]) -> Any:
        if node.function in ("any", "all"):
            empty = node.function == "all"
            return _joined("and" if empty else "or", self._parts(node.arguments[0], bound, empty))
        if node.function == "exists":
            return self.of(node.arguments[0], bound) is not None
        if node.function == "default":
            value = self.of(node.arguments[0], bound)
            return self.of(node.arguments[1], bound) if value is None else value
        if node.function not in ("abs", "min", "max", "sum"):
            raise NonlinearError(node.function)
        arguments = [self.of(argument, bound) for argument in node.arguments]
        if node.function == "abs":
            line = line_of(arguments[0])
            return line if self._sign(line) >= 0 else scaled(line, Fraction(-1))
        if len(arguments) == 1 and type(arguments[0]) is not list:
            raise Undefined(f"{node.function} of what is no list")
        lines = [line_of(one) for one in (arguments if len(arguments) > 1 else arguments[0])]
        if node.function == "sum":
            return reduce(plus, lines, Line(Fraction(0), Fraction(0)))
        wanted = -1 if node.function == "min" else 1
        return reduce(lambda best, line: line if self._sign(difference(best, line)) == wanted else best, lines)

    _MEANINGS: ClassVar[dict[type, Callable[[_OnCell, Any, Mapping[str, Any]], Any]]] = {
        Unary: _unary,
        Binary: _binary,
        Compare: _compare,
        Logic: _logic,
        Choice: _choice,
        Listing: _listing,
        Call: _call,
    }


def _joined(operator: str, parts: Iterable[Callable[[], Any]]) -> bool:
    """Join by ``and`` or ``or``; a part without an answer matters only if no other decides, and a cut goes first."""
    decisive = operator == "or"
    open_: Exception | None = None
    for part in parts:
        try:
            if values.truth(part()) is decisive:
                return decisive
        except (CutError, NonlinearError, Undefined) as error:
            if open_ is None or _URGENCY[type(error)] > _URGENCY[type(open_)]:
                open_ = error
    if open_:
        raise open_
    return not decisive


_URGENCY: Final[dict[type, int]] = {Undefined: 0, NonlinearError: 1, CutError: 2}
# what the sign of right minus left says
_ORDERS: Final[dict[str, Callable[[int], bool]]] = {
    "<": lambda sign: sign > 0,
    "<=": lambda sign: sign >= 0,
    ">": lambda sign: sign < 0,
    ">=": lambda sign: sign <= 0,
}
