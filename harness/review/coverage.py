"""Which parts of a rule ever decided anything on stored traces.

The truth values that ``and``, ``or`` and ``not`` join in a guard or a requirement are its parts. Where a rule is asked,
a part decides if its opposite would have turned the answer, the other parts being as they were (the condition of
MC/DC). A part that never decided might as well not be there, as far as these traces show.

Each part is asked as a rule of its own, by the same checker. A part is not seen to decide where it is not asked on its
own: on failed calls if it does not mention ``failed``, on model calls if it does not mention ``call.surface``. The
messages of one event are taken together. Not shown: that what decided, decided rightly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from harness.assertion.interface import Checker
from harness.registry.invariant import Expression, Invariant
from harness.registry.registry import Registry
from harness.registry.tree import Logic, Node, Unary
from harness.registry.write import write
from harness.trace.event import Event
from harness.trace.verdict import Judgement, Truth

_BEHIND: Final = "\x00"  # stands in no id of a rule


class Part(NamedTuple):
    """One truth value of a guard (``when``) or a requirement (``require``), its text, and its place in the file."""

    rule: str
    of: str
    text: str
    place: str


class Tree(NamedTuple):
    """How the parts of an expression are joined: ``and``, ``or``, ``not``, or the number of a part."""

    operator: str
    inner: tuple[Tree, ...] = ()
    number: int = -1


class Coverage:
    """Count, over many traces, how often each part decided that its expression was true, and that it was false."""

    def __init__(self, registry: Registry) -> None:
        self.parts: list[Part] = []
        self.true: Counter[int] = Counter()
        self.false: Counter[int] = Counter()
        self._asked: dict[tuple[str, str], Tree] = {}
        self._numbers: dict[str, int] = {}
        rules: list[Invariant] = []
        for rule in registry.invariants:
            for of, expression in _expressions(rule):
                self._asked[rule.id, of] = self._read(rule, of, expression, expression.tree, rules)
        self._registry = replace(registry, invariants=tuple(rules)) if rules else None

    def add(self, events: Iterable[Event], run: Mapping[str, Any] | None = None) -> None:
        """Count one trace. O(judging the trace by one rule for each part)."""
        if self._registry is None:
            return
        checker = Checker(self._registry, run)
        for event in events:
            self._count(checker.judge(event))
        self._count(checker.finish())

    def _read(self, rule: Invariant, of: str, expression: Expression, node: Node, rules: list[Invariant]) -> Tree:
        if isinstance(node, Logic):
            return Tree(node.operator, tuple(self._read(rule, of, expression, part, rules) for part in node.parts))
        if isinstance(node, Unary) and node.operator == "not":
            return Tree("not", (self._read(rule, of, expression, node.operand, rules),))
        number = len(self.parts)
        at = expression.at.mistake("", start=node.span.start, end=node.span.end)
        self.parts.append(Part(rule.id, of, write(node), f"{at.file}:{at.line}"))
        probe = f"{rule.id}{_BEHIND}{number}"
        self._numbers[probe] = number
        asked = Expression(expression.text, node, expression.at)
        rules.append(replace(rule, id=probe, when=rule.when if of == "require" else None, require=asked, says=None))
        return Tree("part", number=number)

    def _count(self, judgement: Judgement) -> None:
        if not judgement.rules:
            return
        truths: dict[int, Truth] = {self._numbers[rule]: "holds" for rule in judgement.rules if rule in self._numbers}
        for verdict in judgement.verdicts:
            if verdict.rule in self._numbers:
                truths[self._numbers[verdict.rule]] = verdict.truth
        spoke = {(self.parts[number].rule, self.parts[number].of) for number in truths}
        for key in spoke:
            tree = self._asked[key]
            answer = _value(tree, truths)
            for number in _numbers(tree):
                turned = _value(tree, truths | {number: _opposite(truths.get(number, "unknown"))})
                if "unknown" not in (answer, turned) and answer != turned:
                    (self.true if answer == "holds" else self.false)[number] += 1


def _expressions(rule: Invariant) -> Iterator[tuple[str, Expression]]:
    if rule.when is not None:
        yield "when", rule.when
    if isinstance(rule.require, Expression):
        yield "require", rule.require


def _numbers(tree: Tree) -> Iterator[int]:
    if tree.operator == "part":
        yield tree.number
    for inner in tree.inner:
        yield from _numbers(inner)


def _value(tree: Tree, truths: Mapping[int, Truth]) -> Truth:
    if tree.operator == "part":
        return truths.get(tree.number, "unknown")
    values = [_value(inner, truths) for inner in tree.inner]
    if tree.operator == "not":
        return _opposite(values[0])
    decisive: Truth = "holds" if tree.operator == "or" else "violated"
    if decisive in values:
        return decisive
    return "unknown" if "unknown" in values else _opposite(decisive)


def _opposite(truth: Truth) -> Truth:
    return {"holds": "violated", "violated": "holds", "unknown": "unknown"}[truth]  # type: ignore[return-value]
