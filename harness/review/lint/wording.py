"""Expressions that are likely to mean something else than they say: patterns, letter case, fractions, loose fields.

These are notes, from the form of an expression and the names in it. Not verified: what the data look like.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from harness.registry.invariant import Invariant
from harness.registry.program import can_be_true
from harness.registry.registry import Registry
from harness.registry.tree import (
    Binary,
    Call,
    Compare,
    Constant,
    Field,
    Fold,
    Listing,
    Name,
    Node,
    children,
    dotted,
    walk,
)
from harness.registry.write import write
from harness.review.lint.diagnostic import Diagnostic, diagnostic
from harness.review.lint.scene import Stage
from harness.review.lint.speaking import texts

Told = tuple[str, Node, str, str]

_MONEY_UNITS: Final = frozenset(["USD", "EUR", "GBP", "JPY", "CHF", "CNY", "INR", "CAD", "AUD"])
_MONEY: Final = re.compile(r"(^|_)(amount|price|total|balance|refund|fee|usd|eur|gbp)(_|$)")
_WORD: Final = re.compile(r"[a-z]{2,}")
_ESCAPED: Final = re.compile(r"\\.|\[[^\]]*\]|\(\?[^):]*[:)]|\{[^}]*\}")


def wording(rule: Invariant, stage: Stage) -> Iterator[Diagnostic]:
    """Yield what reads like a slip in a rule's guard and requirement."""
    units = _units(stage.registry)
    for key, tree, start in texts(rule):
        if key == "says":
            continue
        told = [*_patterns(tree), *_cases(tree), *_fractions(tree, units, stage.registry)]
        told += _loose(tree, rule, stage)
        for check, node, said, cure in told:
            begin, end = node.span
            yield diagnostic(check, rule.id, rule.at.find([key]), said, cure, start=start + begin, end=start + end)


def _patterns(tree: Node) -> Iterator[Told]:
    for node in walk(tree):
        if isinstance(node, Call) and node.function == "matches" and isinstance(node.arguments[1], Constant):
            pattern = re.sub(r"^\(\?[a-z]+\)", "", str(node.arguments[1].value))
            if pattern.startswith(".*") or re.search(r"(^|[^\\])\.\*$", pattern):
                cure = "leave .* out; ^ and $ tie a pattern to the ends"
                yield (
                    "idle-pattern",
                    node.arguments[1],
                    "a pattern is searched anywhere: .* at an end says nothing",
                    cure,
                )


def _cases(tree: Node) -> Iterator[Told]:
    for node in walk(tree):
        if isinstance(node, Call) and node.function in _SEARCHES and isinstance(node.arguments[1], Constant):
            yield from _case(node.arguments[0], node.arguments[1], node.function)
        elif isinstance(node, Compare) and len(node.operators) == 1 and node.operators[0] in ("==", "!=", "in"):
            left, right = node.operands
            words = right.items if isinstance(right, Listing) else (right,)
            for one, word in [*((left, word) for word in words), (right, left)]:
                if isinstance(word, Constant) and type(word.value) is str:
                    yield from _folded(one, word, word.value)


def _case(text: Node, word: Constant, function: str) -> Iterator[Told]:
    """Tell of words in small letters that are looked for in what people write, and of letters that cannot be there."""
    said = str(word.value)
    insensitive = function == "matches" and re.match(r"\(\?[a-z]*i", said)
    plain = _ESCAPED.sub(" ", said) if function == "matches" else said
    if insensitive:
        return
    found = list(_folded(text, word, plain))
    yield from found
    spoken = (isinstance(text, Field) and text.name == "text") or (isinstance(text, Name) and text.name == "text")
    if not found and spoken and _WORD.search(plain) and plain == plain.lower():
        cure = "begin the pattern with (?i)" if function == "matches" else "ask text.lower()…"
        example = _WORD.search(plain)
        assert example is not None
        yield "letter-case", word, f"{example.group().capitalize()!r} is not found by this", cure


def _folded(text: Node, word: Node, said: str) -> Iterator[Told]:
    if isinstance(text, Call) and text.function in ("lower", "upper"):
        folded = said.lower() if text.function == "lower" else said.upper()
        if folded != said:
            letters = "small" if text.function == "lower" else "capital"
            yield (
                "letter-case",
                word,
                f"{write(text)} has {letters} letters only: this is never there",
                f"write {folded!r}",
            )


def _fractions(tree: Node, units: Mapping[str, str], registry: Registry) -> Iterator[Told]:
    for node in walk(tree):
        if not isinstance(node, Compare):
            continue
        for operator, one, other in zip(node.operators, node.operands, node.operands[1:], strict=False):
            fraction = next((side for side in (one, other) if _is_fraction(side, registry)), None)
            if fraction is None:
                continue
            if operator in ("==", "!="):
                cure = "compare rounded numbers, or a distance: abs(a - b) < 0.005"
                yield "float-equality", node, f"{write(fraction)} is a fraction, and fractions are rarely equal", cure
            elif _is_money(one, units) or _is_money(other, units):
                yield "money-as-float", node, f"an amount of money is compared with {write(fraction)}", "count in cents"


def _is_fraction(node: Node, registry: Registry) -> bool:
    if isinstance(node, Call) and node.function in ("round", "int"):
        return False
    if isinstance(node, Binary):
        return node.operator == "/" or any(_is_fraction(side, registry) for side in (node.left, node.right))
    value = node.value if isinstance(node, Constant) else registry.parameters.get(dotted(node).removeprefix("params."))
    return type(value) is float and not value.is_integer()


def _is_money(node: Node, units: Mapping[str, str]) -> bool:
    name = dotted(node)
    return units.get(name, "") in _MONEY_UNITS or bool(_MONEY.search(name.rpartition(".")[2].lower()))


def _units(registry: Registry) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, place in registry.places.items():
        if key.startswith("parameters.") and "unit" in (place.entries or {}):
            found[f"params.{key.removeprefix('parameters.')}"] = str(place.find(["unit"]).value)
    return found


def _loose(tree: Node, rule: Invariant, stage: Stage) -> Iterator[Told]:
    """Tell of fields of results and arguments of declared tools that have no schema to check them by."""
    seen: set[str] = set()
    for owner, node in _fields(tree, None):
        name = dotted(node.of)
        what = "result" if name == "result" or _of_past(node.of) == "result" else "arguments"
        tools = sorted(_without_schema(what, owner, rule, stage))
        if tools and write(node) not in seen:
            seen.add(write(node))
            has = "result schema" if what == "result" else "schema of arguments"
            said = f"{write(node)} is not checked: {', '.join(tools)} declare{'s' * (len(tools) == 1)} no {has}"
            yield "unchecked-field", node, said, f"declare {'result: {schema: …}' if what == 'result' else 'arguments'}"


def _fields(node: Node, owner: Fold | None) -> Iterator[tuple[Fold | None, Field]]:
    """Yield the fields of results and arguments, and the question whose event they belong to."""
    if isinstance(node, Field):
        past = _fold_of(node.of)
        if dotted(node.of) in ("result", "call.args", "now.result", "now.call.args") or _of_past(node.of):
            present = dotted(node.of).startswith("now.")
            yield past or (None if present else owner), node
    inner = node if isinstance(node, Fold) else owner
    for child in children(node):
        yield from _fields(child, inner)


def _fold_of(node: Node) -> Fold | None:
    while isinstance(node, Field):
        node = node.of
    return node if isinstance(node, Fold) else None


def _of_past(node: Node) -> str:
    """Name the part of a past event: ``last(…).result`` or ``last(…).call.args``."""
    if isinstance(node, Field) and isinstance(node.of, Fold) and node.name == "result":
        return "result"
    if isinstance(node, Field) and node.name == "args" and isinstance(node.of, Field) and isinstance(node.of.of, Fold):
        return "arguments"
    return ""


def _without_schema(what: str, owner: Fold | None, rule: Invariant, stage: Stage) -> Iterator[str]:
    registry = stage.registry
    for name, spec in registry.tools.items():
        if owner is not None:
            condition = owner.condition
            concerned = condition is None or can_be_true(condition, spec, registry.parameters)
        else:
            concerned = any(scene.spec is spec for scene in stage.scenes(rule))
        if concerned and (spec.result if what == "result" else spec.arguments) is None:
            yield name


_SEARCHES: Final = ("matches", "contains", "startswith", "endswith")
