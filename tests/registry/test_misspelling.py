"""No misspelt name of a registry becomes a rule that silently never fires."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from harness.adapters.registries import load_registry
from harness.errors import RegistryError
from harness.registry.complaint import ExpressionError
from harness.registry.context import Context
from harness.registry.invariant import Expression, Invariant
from harness.registry.library import METHODS
from harness.registry.load import load
from harness.registry.parse import parse
from harness.registry.registry import Registry
from harness.registry.resolve import resolve
from harness.registry.tree import Call, Compare, Constant, Each, Field, Fold, Listing, Name, Node, dotted, walk
from harness.registry.write import write

FOLDER = Path(__file__).parents[2] / "registries"
SHIPPED = [FOLDER / "airline.yaml", FOLDER / "demo.yaml"]


class Word(NamedTuple):
    """A name in an expression: what it names, and its characters ``start`` up to ``end``."""

    what: str
    name: str
    start: int
    end: int


def words(tree: Node, text: str) -> Iterator[Word]:
    """Yield the names in an expression that can be misspelt; the keys of data that nobody declares are none."""
    bound = {node.name for node in walk(tree) if isinstance(node, Each)}
    for node in walk(tree):
        start, end = node.span
        match node:
            case Field() if text[:end].endswith(f".{node.name}"):
                what = "parameter" if dotted(node.of) == "params" else "field"
                yield Word(what, node.name, end - len(node.name), end)
            case Name() if node.name not in bound:
                yield Word("name", node.name, start, end)
            case Call() if node.function not in METHODS:
                yield Word("function", node.function, start, start + len(node.function))
            case Call():
                at = text.index(f".{node.function}(", node.arguments[0].span.end) + 1
                yield Word("method", node.function, at, at + len(node.function))
            case Fold():
                yield Word("function", node.verb, start, start + len(node.verb))
            case Compare() if any(dotted(one) in ("call.tool", "now.call.tool") for one in node.operands):
                for one in node.operands:
                    for item in one.items if isinstance(one, Listing) else (one,):
                        if isinstance(item, Constant):
                            yield Word("tool", item.value, item.span.start + 1, item.span.end - 1)


def misspelt(name: str, chance: random.Random) -> str:
    """Leave out, double, exchange or change one letter."""
    at = chance.randrange(1, len(name))
    letter = chance.choice("abcdefghijklmnopqrstuvwxyz")
    ways = [
        name[:at] + name[at + 1 :],
        name[:at] + name[at] + name[at:],
        name[: at - 1] + name[at] + name[at - 1] + name[at + 1 :],
        name[:at] + letter + name[at + 1 :],
    ]
    return chance.choice([way for way in ways if way != name] or [name + letter])


def complaints(registry: Registry, rule: Invariant, part: str, text: str) -> list[str]:
    """Give what is said of a rule with another text in one part."""
    old = getattr(rule, part)
    try:
        tree = parse(text)
    except ExpressionError as error:
        return [f"{error.message} | {error.cure}"]
    changed: Any = replace(rule, **{part: Expression(text, tree, old.at)})
    context = Context(
        registry.parameters,
        registry.tools,
        frozenset(registry.stated),
        registry.default,
        registry.about,
        frozenset(registry.agents),
        registry.artifacts,
    )
    return [f"{one.message} | {one.cure}" for one in resolve(changed, context)]


@pytest.mark.parametrize(("path", "share"), [(SHIPPED[0], 0.2), (SHIPPED[1], 1)], ids=["airline", "demo"])
def test_a_misspelt_name_of_an_expression_is_found(path: Path, share: float) -> None:
    """Names of the rules, one in five by chance, misspelt: a mistake, which nearly always suggests the right name.

    What goes unnoticed are fields of data that no schema declares.
    """
    registry, chance = load_registry(path), random.Random(7)
    tried: Counter[tuple[str, bool, bool]] = Counter()
    for rule in registry.invariants:
        for part in ("when", "require"):
            expression = getattr(rule, part)
            if not isinstance(expression, Expression):
                continue
            if expression.uses:  # its definitions written out: misspelt names of theirs have tests of their own
                whole = write(expression.tree)
                expression = Expression(whole, parse(whole), expression.at)
            for word in dict.fromkeys(words(expression.tree, expression.text)):
                if len(word.name) < 3 or chance.random() > share:
                    continue
                wrong = misspelt(word.name, chance)
                text = expression.text[: word.start] + wrong + expression.text[word.end :]
                said = complaints(registry, rule, part, text)
                tried[word.what, bool(said), any(word.name in one for one in said)] += 1
    kinds = {what for what, *_ in tried}
    assert kinds >= {"name", "function", "field", "parameter"}
    assert not [what for what, found, _ in tried if not found and what != "field"]
    fields = {
        found: sum(count for (what, one, _), count in tried.items() if (what, one) == ("field", found))
        for found in (True, False)
    }
    assert fields[False] <= 0.03 * fields[True]
    noticed = sum(count for (_, found, _), count in tried.items() if found)
    named = sum(count for (_, found, right), count in tried.items() if found and right)
    assert named >= 0.97 * noticed


SHOP = """registry: shop
version: 1.0.0
title: A shop
default: refuse
unknown: block
parameters:
  limit: {value: 5, unit: cent, source: page one, narrower: lower, range: {min: 1}}
tools:
  account:
    effect: read
    result: {format: json, schema: {type: object, properties: {holder: {type: string}}}}
  payment:
    effect: write
    idempotent: false
    undo: refunding
    arguments: {type: object, properties: {cents: {type: integer, unit: cent}}, additionalProperties: false}
  refunding: {}
agents:
  clerk: {may: [account, {tool: payment, args: {type: object}}], budget: {calls: 5, tool: payment, within: 1 min}}
artifacts:
  receipt: {schema: {type: object, properties: {total: {type: number}}}}
invariants:
- id: ONE
  title: One
  on: action
  tool: payment
  when: agent == "clerk"
  require: call.args.cents < params.limit and happened(result, result.holder == "you")
  severity: high
  otherwise: rewrite
  rewrite: {args.cents: "5"}
  says: at most {params.limit}
  retryable: true
  source: page two
  examples:
    holds: [[{payment: {cents: 5}, result: {}}]]
    violated: [[{payment: {cents: 5}}]]
- {id: TWO, on: artifact, artifact: receipt, require: artifact.total < 3}
- {id: THREE, on: result, tool: account, schema: {result: {type: object}}}
"""
# names that are made up here, and text; the rest is checked
FREE = {
    *("shop", "A", "One", "ONE", "TWO", "THREE", "page", "two", "one", "you", "at", "most", "min", "1", "args"),
    "and",  # Python's own words are syntax
    *("holder", "properties", "args", "type", "integer", "string", "additionalProperties", "total", "true", "false"),
}


def places() -> Iterator[tuple[str, int]]:
    """Yield the words of the registry that may not be misspelt, each at each place where it stands."""
    for found in re.finditer(r"[A-Za-z_]{3,}", SHOP):
        if found[0] not in FREE and not 0 < SHOP.index("holds:") - 4 < found.start() < SHOP.index("- {id: TWO"):
            yield found[0], found.start()


def test_the_whole_registry_is_one() -> None:
    """The registry of the next test has no mistake of its own."""
    assert load(SHOP, "shop.yaml").invariants


@pytest.mark.parametrize(("name", "start"), list(places()))
def test_every_misspelt_word_of_a_file_is_found(name: str, start: int) -> None:
    """Keywords, tools, agents, artifacts, parameters, units and fields: an error that suggests the right word."""
    wrong = misspelt(name, random.Random(start))
    with pytest.raises(RegistryError) as caught:
        load(SHOP[:start] + wrong + SHOP[start + len(name) :], "shop.yaml")
    assert name in str(caught.value)
