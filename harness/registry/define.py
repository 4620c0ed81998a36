"""Named expressions: what stands under ``define:`` is put in the place of its name before a rule is checked.

Every part of what is put in takes the span of the name it stands for, so that messages and the values of a verdict
speak of that name. A definition means what its text would mean in its place: in a question about the past it speaks of
the past event, and ``now.NAME`` of the present step. Not verified here: types and fields, which depend on the use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from graphlib import CycleError, TopologicalSorter
from keyword import iskeyword
from typing import Final, NamedTuple

from harness.errors import Mistake
from harness.registry.complaint import ExpressionError, nearest
from harness.registry.document import Written
from harness.registry.invariant import Expression, Invariant
from harness.registry.library import FUNCTIONS
from harness.registry.parse import MAX_DEPTH, MAX_LENGTH, MAX_NODES
from harness.registry.scope import NAMES, PAST_NAMES, STEP_NAMES
from harness.registry.template import Hole, Template
from harness.registry.tree import PASTS, VERBS, Each, Field, Fold, Name, Node, Span, children, dotted, rebuild, walk
from harness.registry.write import write

_OF_A_STEP: Final = frozenset(name for names in (*NAMES.values(), *PAST_NAMES.values()) for name in names) | {"now"}
_TAKEN: Final = _OF_A_STEP | {*FUNCTIONS, *VERBS, *PASTS}
_LONG: Final = MAX_NODES // 5  # fewer parts than this are never longer than a text may be


class _Definition(NamedTuple):
    """A definition with others in place, the names it uses, and what matters where it is put in."""

    tree: Node
    uses: frozenset[str]
    free: frozenset[str]
    verb: str  # of its first question about the past; empty where it asks none
    parts: int
    depth: int


def mistake_in_name(name: str, key: Written) -> Mistake | None:
    """Say why a name cannot stand for an expression."""
    if name in _TAKEN or iskeyword(name):
        return key.mistake(f"the definition {name!r} hides what {name!r} means in expressions", "choose another name")
    return None


class Definitions:
    """All definitions of a registry, each with the others in place.

    ``whole`` are those that can be put in, ``unread`` the names of those that cannot, ``mistakes`` why.
    """

    def __init__(self, written: Mapping[str, Expression | None]) -> None:
        self.mistakes: list[Mistake] = []
        self.whole: dict[str, Expression] = {}
        self._known: dict[str, _Definition] = {}
        self._words = tuple(written)
        named = {name: one for name, one in written.items() if one and not self._misnamed(one, written)}
        for name in self._in_order(named):
            try:
                self._add(name, named[name])
            except ExpressionError as error:
                self._tell(named[name].at, error)
        self.unread = frozenset(written.keys() - self.whole.keys())

    def rule(self, rule: Invariant) -> Invariant | None:
        """Give a rule with every definition in its place; None where one cannot stand where it is used."""
        before = len(self.mistakes)
        require = self._expression(rule.require) if isinstance(rule.require, Expression) else rule.require
        changed = replace(
            rule,
            when=self._expression(rule.when) if rule.when else None,
            require=require,
            rewrite=tuple((place, self._expression(one)) for place, one in rule.rewrite),
            says=self._template(rule.says, rule.at.find(["says"])) if rule.says else None,
        )
        return changed if len(self.mistakes) == before else None

    def _expression(self, expression: Expression) -> Expression:
        if not self._may_occur(expression.text):
            return expression
        put = _Putting(self._known)
        try:
            tree = put.all(expression.tree)
        except ExpressionError as error:
            self._tell(expression.at, error)
            return expression
        return replace(expression, tree=tree, uses=expression.uses | put.uses)

    def _template(self, template: Template, at: Written) -> Template:
        return replace(template, pieces=tuple(self._piece(piece, at) for piece in template.pieces))

    def _piece(self, piece: str | Hole, at: Written) -> str | Hole:
        if isinstance(piece, str) or not self._may_occur(piece.text):
            return piece
        put = _Putting(self._known)
        try:
            return replace(piece, tree=put.all(piece.tree), uses=piece.uses | put.uses)
        except ExpressionError as error:
            span = Span(error.span.start + piece.start, error.span.end + piece.start)
            self._tell(at, ExpressionError(error.message, span, error.cure))
            return piece

    def _may_occur(self, text: str) -> bool:
        return any(name in text for name in self._words)

    def _add(self, name: str, expression: Expression) -> None:
        put = _Putting(self._known)
        tree = put.all(expression.tree)
        verb = next((node.verb for node in walk(tree) if isinstance(node, Fold)), "")
        free = frozenset(one.name for one in _free(tree))
        self._known[name] = _Definition(tree, put.uses | {name}, free, verb, sum(1 for _ in walk(tree)), _depth(tree))
        self.whole[name] = replace(expression, tree=tree, uses=put.uses)

    def _misnamed(self, expression: Expression, written: Mapping[str, Expression | None]) -> bool:
        """Report names in a definition that mean nothing anywhere; what its uses bind, it cannot see."""
        wrong = [one for one in _free(expression.tree) if one.name not in written and one.name not in _OF_A_STEP]
        for one in wrong:
            cure = nearest(one.name, (*written, *sorted(_OF_A_STEP))) or "a definition cannot speak of names of its use"
            self._tell(expression.at, ExpressionError(f"unknown name {one.name!r}", one.span, cure))
        return bool(wrong)

    def _in_order(self, named: Mapping[str, Expression]) -> tuple[str, ...]:
        """Give the definitions, each behind those it uses, without those that stand for themselves."""
        below = {name: [one for one in _uses(expression.tree) if one in named] for name, expression in named.items()}
        while True:
            try:
                return tuple(TopologicalSorter(below).static_order())
            except CycleError as error:
                self._report_cycle(error.args[1][-1:0:-1], named)
                below = {name: uses for name, uses in below.items() if name not in error.args[1]}
                below = {name: [one for one in uses if one in below] for name, uses in below.items()}

    def _report_cycle(self, cycle: list[str], named: Mapping[str, Expression]) -> None:
        start = cycle.index(min(cycle, key=list(named).index))
        round_trip = [*cycle[start:], *cycle[:start], cycle[start]]
        said = f"the definition {round_trip[0]!r} stands for itself: {' → '.join(round_trip)}"
        self.mistakes.append(named[round_trip[0]].at.mistake(said, "write one of them without the others"))

    def _tell(self, at: Written, error: ExpressionError) -> None:
        self.mistakes.append(at.mistake(error.message, error.cure, start=error.span.start, end=error.span.end))


class _Putting:
    """Put definitions in the place of their names in one text; ``uses`` are all that were needed."""

    def __init__(self, known: Mapping[str, _Definition]) -> None:
        self.uses: frozenset[str] = frozenset()
        self._known = known
        self._parts = 0
        self._depth = 0
        self._bound: frozenset[str] = frozenset()
        self._asked: Fold | None = None  # the question about the past that is being looked into

    def all(self, tree: Node) -> Node:
        """Give a whole tree with definitions in place; ExpressionError where one does not fit in."""
        changed = self._node(tree)
        if self.uses and self._parts > _LONG and len(write(changed)) > MAX_LENGTH:
            raise self._too_large(f"more than {MAX_LENGTH} characters", tree.span)
        return changed

    def _node(self, node: Node) -> Node:
        self._parts += 1
        if isinstance(node, Name):
            return self._put(node.name, node.span) if self._stands_for(node.name) else node
        if isinstance(node, Field) and self._asked and dotted(node.of) == "now":
            return self._put(node.name, node.span, now=True) if node.name in self._known else node
        self._depth += 1
        if isinstance(node, Each):
            node = self._each(node)
        elif isinstance(node, Fold):
            node = self._question(node)
        else:
            node = rebuild(node, self._node)
        self._depth -= 1
        return node

    def _stands_for(self, name: str) -> bool:
        return name in self._known and name not in self._bound

    def _each(self, node: Each) -> Each:
        over, outer = self._node(node.over), self._bound
        self._bound = outer | {node.name}
        body, conditions = self._node(node.body), tuple(map(self._node, node.conditions))
        self._bound = outer
        return replace(node, over=over, body=body, conditions=conditions)

    def _question(self, node: Fold) -> Fold:
        since = self._node(node.since) if node.since else None
        assert since is None or isinstance(since, Fold)
        within = self._node(node.within) if node.within else None
        outer, self._asked = self._asked, node
        condition = self._node(node.condition) if node.condition else None
        value = self._node(node.value) if node.value else None
        self._asked = outer
        return replace(node, condition=condition, value=value, within=within, since=since)

    def _put(self, name: str, span: Span, *, now: bool = False) -> Node:
        """Give a definition as it stands at a place; ``now`` where it speaks of the present step in a question."""
        one = self._known[name]
        if one.verb and self._asked:
            said = f"{name} is {one.verb}(…), inside {self._asked.verb}(…): questions about the past do not nest"
            raise ExpressionError(said, span, f"ask it before: all(… for one in [{name}])")
        for captured in sorted(one.free & self._bound):
            said = f"{name!r} speaks of {captured!r}, which is another one inside this comprehension"
            raise ExpressionError(said, span, f"choose another name than {captured!r} for the comprehension")
        self._parts += one.parts
        if self._parts > MAX_NODES:
            raise self._too_large(f"more than {MAX_NODES} parts", span)
        if self._depth + one.depth > MAX_DEPTH:
            raise self._too_large(f"nested deeper than {MAX_DEPTH}", span)
        self.uses |= one.uses
        return _placed(one.tree, span, frozenset() if now else None)

    def _too_large(self, what: str, span: Span) -> ExpressionError:
        return ExpressionError(f"{what}, with its definitions written out; split the rule in two", span)


def _placed(node: Node, span: Span, bound: frozenset[str] | None) -> Node:
    """Give a tree that stands at one place; with ``bound`` its names of a step are those of the present one."""
    if isinstance(node, Name) and bound is not None and node.name in STEP_NAMES - bound:
        return Field(span, Name(span, "now"), node.name)
    inner = bound | {node.name} if isinstance(node, Each) and bound is not None else bound
    return replace(rebuild(node, partial(_placed, span=span, bound=inner)), span=span)


def _free(node: Node, bound: frozenset[str] = frozenset()) -> Iterator[Name]:
    """Yield the names in a tree that no comprehension of it binds."""
    if isinstance(node, Name):
        if node.name not in bound:
            yield node
    elif isinstance(node, Each):
        yield from _free(node.over, bound)
        for part in (node.body, *node.conditions):
            yield from _free(part, bound | {node.name})
    else:
        for part in children(node):
            yield from _free(part, bound)


def _uses(tree: Node) -> Iterator[str]:
    """Yield the names that may be definitions, also behind ``now.``."""
    for node in walk(tree):
        if isinstance(node, Name) or (isinstance(node, Field) and dotted(node.of) == "now"):
            yield node.name


def _depth(node: Node) -> int:
    return 1 + max(map(_depth, children(node)), default=0)
