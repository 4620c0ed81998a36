"""Read the values of an expression as cases of terms.

A value that depends on a condition (``a if t else b``, a choice, text) is a list of cases: a condition, and the value
it has then. Where no case applies it is undefined.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any, ClassVar, Final

from harness.registry import values
from harness.registry.complaint import ExpressionError
from harness.registry.library import LIBRARY
from harness.registry.solve.cases import MAX_CASES, UNKNOWN, ZERO, Case, Fixed, combined, is_sure, is_term, known, plain
from harness.registry.solve.joining import ALWAYS, NEVER, applied, every, is_at, some
from harness.registry.solve.problem import Apply, Condition, Equal, Number, Operation, Power, Term, Unknown
from harness.registry.solve.unknowns import Unknowns, exact, is_number
from harness.registry.tree import (
    Binary,
    Call,
    Choice,
    Compare,
    Constant,
    Each,
    Field,
    Item,
    Listing,
    Logic,
    Name,
    Node,
    Unary,
    dotted,
)

MAX_READINGS: Final = 20_000

Bound = Mapping[str, list[Case]]
"""The names that comprehensions around an expression bind."""

NO_NAMES: Final[Bound] = {}


class BeyondSchemaError(Exception):
    """Say that a field is no variable; why is among the mistakes of ``Unknowns``."""


class Terms(ABC):
    """Read values over the same variables; ``partial`` tells whether one since it was last reset may be undefined.

    ExpressionError names the first part of an expression that cannot be read, and the cure.
    """

    def __init__(self, unknowns: Unknowns, parameters: Mapping[str, Any]) -> None:
        self.partial = False
        self.unknowns, self._parameters = unknowns, parameters
        self._readings = 0

    @abstractmethod
    def truth(self, node: Node, wanted: bool, bound: Bound = NO_NAMES) -> Condition:
        """Give the condition that an expression is true, or with ``wanted`` false that it is false."""

    def cases(self, node: Node, bound: Bound = NO_NAMES) -> list[Case]:
        """Give the values that an expression may have, each with the condition under which it has it."""
        self.count(node)
        meaning = self._MEANINGS.get(type(node))
        if meaning is None:
            raise ExpressionError("the solver does not read this", node.span, "speak of the fields of the artifact")
        found = [case for case in meaning(self, node, bound) if case.when != NEVER]
        if len(found) > MAX_CASES:
            raise ExpressionError(f"more than {MAX_CASES} cases to tell apart", node.span, "split the rule in two")
        return found

    def count(self, node: Node) -> None:
        """Count one reading; ExpressionError after ``MAX_READINGS``."""
        self._readings += 1
        if self._readings > MAX_READINGS:
            raise ExpressionError("too many cases within cases", node.span, "split the rule in two")

    def some(self, parts: Iterable[Condition]) -> Condition:
        """Give the condition that one of these holds."""
        return some(parts, self.unknowns.variables)

    def items(self, node: Node, bound: Bound) -> list[list[Case]]:
        """Give the items of a list, each with its cases."""
        if isinstance(node, Listing):
            return [self.cases(item, bound) for item in node.items]
        if isinstance(node, Each) and not node.conditions:
            return [self.cases(node.body, {**bound, node.name: item}) for item in self.items_of(node, bound)]
        found = [] if isinstance(node, Each) else self.cases(node, bound)
        if len(found) == 1 and isinstance(found[0].value, Fixed) and type(found[0].value.value) is list:
            return [[Case(ALWAYS, known(item))] for item in found[0].value.value]
        raise ExpressionError("the solver reads lists only where their items are known", node.span, "list the items")

    def items_of(self, node: Each, bound: Bound) -> list[list[Case]]:
        """Give the items that a comprehension goes through."""
        items = self.items(node.over, bound)
        for case in (case for item in items for case in item):
            self.partial = self.partial or not is_sure(case.value)
        return items

    def there(self, node: Call, bound: Bound) -> list[Case]:
        """Give the cases of what ``exists`` or ``default`` looks at, which is there but may be null."""
        path = _path(node.arguments[0])
        if path and not self.unknowns.is_required(path):
            cure = f"put {path[-1]!r} under required: in the schema, or leave {node.function}(…) out"
            raise ExpressionError(f"the schema does not say that {'.'.join(path)} is there", node.span, cure)
        found = self.cases(node.arguments[0], bound)
        if not all(is_sure(case.value) for case in found) or (not path and len(found) != 1):
            raise ExpressionError(f"{node.function}(…) is read of plain fields only", node.span, "write a condition")
        return found

    def _constant(self, node: Constant, _: Bound) -> list[Case]:
        return [Case(ALWAYS, known(node.value))]

    def _name(self, node: Name, bound: Bound) -> list[Case]:
        if node.name in bound:
            return bound[node.name]
        cure = "a problem is about the artifact and params only"
        raise ExpressionError(f"{node.name} is nothing that could be solved for", node.span, cure)

    def _field(self, node: Field, bound: Bound) -> list[Case]:
        path = dotted(node).split(".")
        if path[0] == "params" and len(path) == 2 and "params" not in bound:
            value = self._parameters[path[1]]
            return [Case(ALWAYS, Number(exact(value), path[1]) if is_number(value) else Fixed(value))]
        if path[0] == "artifact" and "artifact" not in bound:
            return self._unknown(node, tuple(path[1:]))
        return self._looked_up(self.cases(node.of, bound), values.field, node.name)

    def _unknown(self, node: Node, path: tuple[str, ...]) -> list[Case]:
        index = self.unknowns.index(path)
        if index is None:
            raise BeyondSchemaError
        variable = self.unknowns.variables[index]
        if variable.kind != "choice":
            return [Case(ALWAYS, Unknown(index))]
        return [Case(is_at(index, place), known(value)) for place, value in enumerate(variable.values)]

    def _item(self, node: Item, bound: Bound) -> list[Case]:
        if isinstance(node.index, Constant) and type(node.index.value) is int:
            return self._looked_up(self.cases(node.of, bound), values.item, node.index.value)
        found: list[Case] = []
        for whens, (whole, key) in combined(node, self.cases(node.of, bound), self.cases(node.index, bound)):
            if not isinstance(key, Fixed):
                raise ExpressionError("the solver does not read a calculated position", node.index.span)
            found += self._made(every(whens), values.item, plain(whole), key.value)
        return found

    def _looked_up(self, wholes: list[Case], look: Callable[[Any, Any], Any], key: Any) -> list[Case]:
        """Take a part of what is known."""
        return [case for when, whole in wholes for case in self._made(when, look, plain(whole), key)]

    def _made(self, when: Condition, make: Callable[..., Any], *given: Any) -> Iterator[Case]:
        """Yield what a function makes of what is known, if it makes anything."""
        try:
            yield Case(when, known(make(*given)))
        except Exception:  # noqa: BLE001 - whatever a function did not expect has no answer, as when a rule is checked
            self.partial = True

    def _unary(self, node: Unary, bound: Bound) -> list[Case]:
        if node.operator == "not":
            return self._truths(node, bound)
        return self._numeric(node, [node.operand], bound, lambda one: applied("-", ZERO, one))

    def _truths(self, node: Node, bound: Bound) -> list[Case]:
        return [Case(self.truth(node, wanted, bound), Fixed(wanted)) for wanted in (True, False)]

    def _binary(self, node: Binary, bound: Bound) -> list[Case]:
        if node.operator == "**":
            return self._power(node, bound)
        if node.operator not in ("+", "-", "*", "/"):
            cure = "a whole number of the artifact (type: integer) can say the same"
            raise ExpressionError(f"the solver does not read the operator {node.operator}", node.span, cure)
        operation: Any = node.operator
        return self._numeric(node, [node.left, node.right], bound, lambda one, other: applied(operation, one, other))

    def _numeric(self, node: Node, operands: list[Node], bound: Bound, make: Callable[..., Term]) -> list[Case]:
        """Make a term of terms; of anything else, two texts or lists aside, there is no answer."""
        found: list[Case] = []
        for whens, taken in combined(node, *(self.cases(operand, bound) for operand in operands)):
            terms = [value for value in taken if is_term(value)]
            if len(terms) == len(taken):
                found.append(Case(every(whens), make(*terms)))
            elif isinstance(node, Binary) and not terms:
                found += self._made(every(whens), values.ARITHMETIC[node.operator], *map(plain, taken))
            else:
                self.partial = True
        return found

    def _power(self, node: Binary, bound: Bound) -> list[Case]:
        exponent = exact(node.right.value) if isinstance(node.right, Constant) else Fraction(0)
        whole = exponent.denominator == 1

        def power(base: Term) -> Term:
            if whole:
                return Power(base, int(exponent))
            if exponent.denominator == 2:
                root = Apply("sqrt", (base,))
                return root if exponent.numerator == 1 else Power(root, exponent.numerator)
            return Apply("exp", (applied("*", Number(exponent), Apply("log", (base,))),))

        found = self._numeric(node, [node.left], bound, power)
        if whole or exponent.denominator == 2 or exponent < 0:
            return found
        # the logarithm leaves out the base 0, whose positive powers are 0
        bases = [(when, base) for when, base in self.cases(node.left, bound) if is_term(base)]
        at_zero = [Case(every((when, Equal(base))), ZERO) for when, base in bases if self._may_be_zero(base)]
        return [*found, *at_zero]

    def _may_be_zero(self, base: Term) -> bool:
        if isinstance(base, Unknown):
            variable = self.unknowns.variables[base.index]
            return variable.low <= 0 <= variable.high
        return not isinstance(base, Number) or bool(base.parameter) or base.value == 0

    def _choice(self, node: Choice, bound: Bound) -> list[Case]:
        found = []
        for wanted, side in ((True, node.then), (False, node.otherwise)):
            taken = self.truth(node.test, wanted, bound)
            found += [Case(every((taken, when)), value) for when, value in self.cases(side, bound)]
        return found

    def _listing(self, node: Listing, bound: Bound) -> list[Case]:
        items = [item[0].value for item in self.items(node, bound) if len(item) == 1 and item[0].when == ALWAYS]
        known_items = [plain(value) for value in items]
        if len(items) < len(node.items) or UNKNOWN in known_items:
            cure = "compare with its items one by one, or use any(…) and all(…)"
            raise ExpressionError("the solver does not read a list that depends on the artifact", node.span, cure)
        return [Case(ALWAYS, Fixed(values.unique(known_items) if node.unique else known_items))]

    def _call(self, node: Call, bound: Bound) -> list[Case]:
        function: Any = node.function
        match function:
            case "any" | "all" | "exists":
                return self._truths(node, bound)
            case "exp" | "log" | "sqrt" | "abs":
                return self._numeric(node, list(node.arguments), bound, lambda one: applied(function, one))
            case "float":
                return self._numeric(node, list(node.arguments), bound, lambda one: one)
            case "min" | "max" | "sum":
                return self._folded(node, "+" if function == "sum" else function, bound)
            case "default":
                there = self.there(node, bound)
                missing = some(when for when, value in there if value == Fixed(None))
                other = [] if missing == NEVER else self.cases(node.arguments[1], bound)
                found = [case for case in there if case.value != Fixed(None)]
                return [*found, *(Case(every((missing, when)), value) for when, value in other)]
            case "source":
                cure = "a problem is about the artifact and params only"
                raise ExpressionError("where a value came from is nothing that could be solved for", node.span, cure)
        return self._worked_out(node, bound)

    def _folded(self, node: Call, operation: Operation, bound: Bound) -> list[Case]:
        alone = len(node.arguments) == 1
        items = self.items(node.arguments[0], bound) if alone else [self.cases(one, bound) for one in node.arguments]
        if not items:
            self.partial = self.partial or node.function != "sum"
            return [Case(ALWAYS, ZERO)] if node.function == "sum" else []
        found: list[Case] = []
        for whens, taken in combined(node, *items):
            terms = [value for value in taken if is_term(value)]
            if len(terms) < len(taken):
                said = f"{node.function}(…) of something that is no number"
                raise ExpressionError(said, node.span, "the solver reads it of numbers")
            found.append(Case(every(whens), _joined(operation, terms)))
        return found

    def _worked_out(self, node: Call, bound: Bound) -> list[Case]:
        """Work out a function of the library of values that are known."""
        found: list[Case] = []
        for whens, taken in combined(node, *(self.cases(argument, bound) for argument in node.arguments)):
            given = [plain(value) for value in taken]
            if any(value is UNKNOWN for value in given):
                cure = "it reads + - * / **, abs, min, max, sum, exp, log and sqrt"
                raise ExpressionError(f"the solver does not read {node.function}(…) of a number", node.span, cure)
            found += self._made(every(whens), LIBRARY[node.function].call, *given)
        return found

    _MEANINGS: ClassVar[dict[type, Callable[[Any, Any, Bound], list[Case]]]] = {
        Constant: _constant,
        Name: _name,
        Field: _field,
        Item: _item,
        Unary: _unary,
        Binary: _binary,
        Compare: _truths,
        Logic: _truths,
        Choice: _choice,
        Listing: _listing,
        Call: _call,
    }


def _joined(operation: Operation, terms: list[Term]) -> Term:
    """Join terms in pairs, and these in pairs, so that many of them do not nest deep."""
    while len(terms) > 1:
        pairs = (terms[at : at + 2] for at in range(0, len(terms), 2))
        terms = [applied(operation, *pair) if len(pair) == 2 else pair[0] for pair in pairs]
    return terms[0]


def _path(node: Node) -> tuple[str, ...]:
    """Give the path of a field of the artifact; empty for anything else."""
    first, *path = dotted(node).split(".")
    return tuple(path) if first == "artifact" else ()
