"""Read the text of an expression into a tree.

Python's own parser does the grammar; this file lets through a closed list of its nodes and copies them into frozen
nodes of our own. What is not on the list is refused with its place, so nothing of Python can be reached by accident.
The length, depth and number of nodes are bounded before any meaning is given to them.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable
from typing import Any, ClassVar, Final

from harness.registry import values
from harness.registry.complaint import ExpressionError, nearest
from harness.registry.library import FUNCTIONS, METHODS, PATTERNS
from harness.registry.signature import check_count, check_pattern, function_cure
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
    Span,
    Table,
    Unary,
)

MAX_LENGTH: Final = 4_000
MAX_DEPTH: Final = 60
MAX_NODES: Final = 500


def parse(text: str) -> Node:
    """Give the tree of an expression; ExpressionError names the first thing that may not be there. O(length)."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"an expression of {len(text)} characters; at most {MAX_LENGTH} are allowed", Span(0, 1))
    return _Parser(text).parse()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        # one line, so that a column is an offset; blanks before the first character are not Python
        self._line = text.replace("\n", " ").replace("\r", " ").lstrip()
        self._shift = len(text) - len(self._line)
        self._bytes = self._line.encode("utf-8", "surrogatepass")
        self._plain = len(self._bytes) == len(self._line)
        self._nodes = 0
        self._depth = 0
        self._fold: str | None = None

    def parse(self) -> Node:
        body = self._python()
        node = self._node(body)
        comment = self._text.find("#", node.span.end)
        if comment >= 0:  # Python would leave out everything behind it, which a line break no longer ends
            span = Span(comment, len(self._text.rstrip()))
            raise ExpressionError("a comment inside an expression", span, "write it on a line of its own, outside it")
        return node

    def _python(self) -> ast.expr:
        whole = Span(0, max(len(self._text), 1))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # an unknown escape such as "\d" is a warning to Python, a mistake here
                return ast.parse(self._line, mode="eval").body
        except SyntaxError as error:
            start = self._shift + max((error.offset or 1) - 1, 0)
            start = min(start, max(len(self._text) - 1, 0))
            message = error.msg.split("(<unknown>")[0].strip()
            cure = next((cure for part, cure in _SYNTAX_CURES.items() if part in message), "")
            raise ExpressionError(f"not an expression: {message}", Span(start, start + 1), cure) from None
        except (ValueError, MemoryError, RecursionError):
            raise ExpressionError("not an expression: nested too deeply, or not text", whole) from None

    def _span(self, node: Any) -> Span:
        start, end = node.col_offset, node.end_col_offset
        if not self._plain:  # Python counts bytes
            start = len(self._bytes[:start].decode("utf-8", "surrogatepass"))
            end = len(self._bytes[:end].decode("utf-8", "surrogatepass"))
        return Span(start + self._shift, end + self._shift)

    def _node(self, node: ast.expr) -> Node:
        span = self._span(node)
        self._nodes += 1
        self._depth += 1
        if self._nodes > MAX_NODES:
            raise ExpressionError(f"more than {MAX_NODES} parts; split the rule in two", span)
        if self._depth > MAX_DEPTH:
            raise ExpressionError(f"nested deeper than {MAX_DEPTH}; split the rule in two", span)
        reader: Callable[[_Parser, Any, Span], Node] | None = self._READERS.get(type(node))
        if reader is None:
            name = _FORBIDDEN.get(type(node), type(node).__name__)
            raise ExpressionError(f"{name} is not allowed in an expression", span)
        tree = reader(self, node, span)
        self._depth -= 1
        return tree

    def _nodes_of(self, nodes: list[ast.expr]) -> tuple[Node, ...]:
        return tuple(map(self._node, nodes))

    def _constant(self, node: ast.Constant, span: Span) -> Node:
        value = node.value
        if value is not None and type(value) not in (bool, int, float, str):
            raise ExpressionError(f"a {type(value).__name__} is not JSON", span)
        try:
            return Constant(span, values.bounded(value))
        except values.Undefined as error:
            raise ExpressionError(str(error), span) from None

    def _name(self, node: ast.Name, span: Span) -> Node:
        _refuse_dunder(node.id, span)
        return Name(span, node.id)

    def _attribute(self, node: ast.Attribute, span: Span) -> Node:
        _refuse_dunder(node.attr, Span(span.end - len(node.attr), span.end))
        return Field(span, self._node(node.value), node.attr)

    def _subscript(self, node: ast.Subscript, span: Span) -> Node:
        of, index = self._node(node.value), self._node(node.slice)
        if isinstance(index, Constant) and type(index.value) is str:
            return Field(span, of, index.value)
        return Item(span, of, index)

    def _unary(self, node: ast.UnaryOp, span: Span) -> Node:
        operand = self._node(node.operand)
        if isinstance(node.op, ast.USub):
            if isinstance(operand, Constant) and type(operand.value) in (int, float):
                return Constant(span, -operand.value)
            return Unary(span, "-", operand)
        if isinstance(node.op, ast.Not):
            return Unary(span, "not", operand)
        raise ExpressionError(f"the operator {'+' if isinstance(node.op, ast.UAdd) else '~'}x is not allowed", span)

    def _binary(self, node: ast.BinOp, span: Span) -> Node:
        operator = _ARITHMETIC.get(type(node.op))
        if operator is None:
            raise ExpressionError(f"the operator {type(node.op).__name__} is not allowed", span)
        left, right = self._node(node.left), self._node(node.right)
        if operator == "**":
            exponent = right.value if isinstance(right, Constant) else None
            if not isinstance(exponent, int | float) or abs(exponent) > values.MAX_EXPONENT:
                raise ExpressionError(f"an exponent must be a plain number up to {values.MAX_EXPONENT}", right.span)
        return Binary(span, operator, left, right)

    def _compare(self, node: ast.Compare, span: Span) -> Node:
        operators = []
        for operator, right in zip(node.ops, node.comparators, strict=True):
            if type(operator) not in _COMPARISONS:
                raise ExpressionError("'is' is not allowed in an expression", self._span(right), "compare with ==")
            operators.append(_COMPARISONS[type(operator)])
        return Compare(span, tuple(operators), self._nodes_of([node.left, *node.comparators]))

    def _logic(self, node: ast.BoolOp, span: Span) -> Node:
        return Logic(span, "and" if isinstance(node.op, ast.And) else "or", self._nodes_of(node.values))

    def _choice(self, node: ast.IfExp, span: Span) -> Node:
        return Choice(span, self._node(node.test), self._node(node.body), self._node(node.orelse))

    def _listing(self, node: ast.List | ast.Tuple | ast.Set, span: Span) -> Node:
        return Listing(span, self._nodes_of(node.elts), isinstance(node, ast.Set))

    def _table(self, node: ast.Dict, span: Span) -> Node:
        keys = []
        for key in node.keys:
            if not isinstance(key, ast.Constant) or type(key.value) is not str:
                raise ExpressionError("the keys of an object must be plain text", span)
            keys.append(key.value)
        return Table(span, tuple(keys), self._nodes_of(node.values))

    def _each(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, span: Span) -> Node:
        loop = node.generators[0]
        if len(node.generators) > 1 or loop.is_async or not isinstance(loop.target, ast.Name):
            raise ExpressionError("a comprehension has one 'for' with one name", span)
        over = self._node(loop.iter)
        name = loop.target.id
        _refuse_dunder(name, self._span(loop.target))
        return Each(span, self._node(node.elt), name, over, self._nodes_of(loop.ifs), isinstance(node, ast.SetComp))

    def _call(self, node: ast.Call, span: Span) -> Node:
        question = isinstance(node.func, ast.Name) and node.func.id in VERBS
        if node.keywords and not question:
            raise ExpressionError("named arguments are not allowed here", self._span(node.keywords[0]))
        if isinstance(node.func, ast.Attribute):
            return self._method(node, node.func, span)
        if not isinstance(node.func, ast.Name):
            raise ExpressionError("only functions of the library can be called", span)
        name = node.func.id
        if name in VERBS:
            return self._past(name, node, span)
        if name not in FUNCTIONS:
            raise ExpressionError(f"unknown function {name!r}", self._span(node.func), function_cure(name))
        check_count(name, len(node.args), span)
        return Call(span, name, self._nodes_of(node.args))

    def _method(self, node: ast.Call, function: ast.Attribute, span: Span) -> Node:
        name, end = function.attr, self._span(function).end
        place = Span(end - len(name), end)
        _refuse_dunder(name, place)
        if name not in METHODS:
            cure = nearest(name, METHODS) or f"text has: {', '.join(METHODS)}"
            raise ExpressionError(f"unknown method {name!r}", place, cure)
        check_count(name, len(node.args) + 1, span)
        arguments = self._nodes_of([function.value, *node.args])
        if name in PATTERNS:
            check_pattern(arguments[1], name)
        return Call(span, name, arguments)

    def _past(self, verb: Any, node: ast.Call, span: Span) -> Fold:
        if self._fold:
            raise ExpressionError(f"{verb}(…) inside {self._fold}(…): questions about the past do not nest", span)
        kind = node.args[0] if node.args else None
        if not isinstance(kind, ast.Name) or kind.id not in PASTS:
            written = self._span(kind) if kind else span
            raise ExpressionError(
                f"{verb}(…) asks about one of {', '.join(PASTS)}", written, f"write {verb}(action, …)"
            )
        self._fold = verb
        inside = list(map(self._node, node.args[1:]))
        self._fold = None
        value = inside.pop(0) if verb == "total" and inside else None
        if len(inside) > 1 or (verb == "total" and value is None):
            takes = (
                "a kind of event, a value and one condition" if verb == "total" else "a kind of event and one condition"
            )
            raise ExpressionError(f"{verb}(…) takes {takes}", span)
        window = self._window(verb, node)
        return Fold(span, verb, kind.id, inside[0] if inside else None, value, *window)  # type: ignore[arg-type]

    def _window(self, verb: str, node: ast.Call) -> tuple[Node | None, Fold | None]:
        """Read ``within=`` and ``since=``."""
        within: Node | None = None
        since: Fold | None = None
        known = ("within",) if verb == "must_follow" else ("within", "since")
        for keyword in node.keywords:
            name, place = keyword.arg or "**", self._span(keyword)
            if name not in known:
                cure = nearest(name, known) or f"{verb}(…) takes {' and '.join(f'{one}=' for one in known)}"
                raise ExpressionError(f"unknown keyword {name!r}", place, cure)
            if name == "within":
                within = self._node(keyword.value)
            else:
                begin = self._node(keyword.value)
                if not isinstance(begin, Fold) or begin.verb != "last" or begin.within or begin.since:
                    cure = "write since=last(message, …), without a window of its own"
                    raise ExpressionError("since= names the event before which nothing counts", place, cure)
                since = begin
        return within, since

    _READERS: ClassVar[dict[type, Callable[[_Parser, Any, Span], Node]]] = {
        ast.Constant: _constant,
        ast.Name: _name,
        ast.Attribute: _attribute,
        ast.Subscript: _subscript,
        ast.UnaryOp: _unary,
        ast.BinOp: _binary,
        ast.Compare: _compare,
        ast.BoolOp: _logic,
        ast.IfExp: _choice,
        ast.List: _listing,
        ast.Tuple: _listing,
        ast.Set: _listing,
        ast.Dict: _table,
        ast.ListComp: _each,
        ast.SetComp: _each,
        ast.GeneratorExp: _each,
        ast.Call: _call,
    }


def _refuse_dunder(name: str, span: Span) -> None:
    if name.startswith("__"):
        raise ExpressionError(
            f"{name!r} is not allowed in an expression: names do not begin with two underscores", span
        )


_SYNTAX_CURES: Final = {
    "escape sequence": 'write the backslash twice, or the text as r"…"',
    "never closed": "close it; and quote the expression where it stands inside { }, or a comma ends it",
    "cannot assign": "compare with ==",
    "Maybe you meant '=='": "compare with ==",
}
_ARITHMETIC: Final[dict[type, str]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
}
_COMPARISONS: Final[dict[type, str]] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
_FORBIDDEN: Final[dict[type, str]] = {
    ast.Lambda: "a lambda",
    ast.NamedExpr: "an assignment (:=)",
    ast.JoinedStr: "an f-string",
    ast.Await: "await",
    ast.Yield: "yield",
    ast.YieldFrom: "yield from",
    ast.Starred: "a starred value",
    ast.DictComp: "an object comprehension",
    ast.Slice: "a slice",
}
