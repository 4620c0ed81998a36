"""Check the names, types and units of a rule before it judges anything.

A misspelt tool, parameter or field must not become a rule that silently never fires. Checked are names, fields against
the declared schemas, names of tools and agents that ``call.tool`` and ``agent`` are compared with, and types and units
wherever they are known. Not checked is whether a rule can ever hold or be violated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from harness.errors import Mistake
from harness.registry.complaint import nearest
from harness.registry.context import Context, Env, names_anywhere, names_of_step, tools_cure
from harness.registry.document import Written
from harness.registry.infer import Inference
from harness.registry.invariant import Expression, Invariant
from harness.registry.kinds import (
    ANY,
    TRUTH,
    Kind,
    NoFieldError,
    field_of,
)
from harness.registry.template import Hole
from harness.registry.tree import (
    Node,
    mentions,
)


def resolve(rule: Invariant, context: Context) -> Iterator[Mistake]:
    """Yield every mistake of a rule's names and types."""
    yield from _patterns(rule, context)
    env = names_of_step(rule, context)
    if rule.when:
        yield from _expression(rule.when.at, rule.when.tree, rule.when.text, env, context, TRUTH)
    if isinstance(rule.require, Expression):
        yield from _expression(rule.require.at, rule.require.tree, rule.require.text, env, context, TRUTH)
    for place, expression in rule.rewrite:
        yield from _rewrite(rule, place, expression, env, context)
    if rule.says:
        at = rule.at.find(["says"])
        for piece in rule.says.pieces:
            if isinstance(piece, Hole):
                yield from _expression(at, piece.tree, piece.text, env, context, ANY, piece.start)


def _patterns(rule: Invariant, context: Context) -> Iterator[Mistake]:
    written = rule.at.find(["tool"])
    for place, pattern in zip(written.items or (written,), rule.tools, strict=False):
        if context.declared and not any(fnmatchcase(name, pattern) for name in context.declared):
            yield place.mistake(f"no declared tool is called {pattern!r}", tools_cure(pattern, context))


def _rewrite(rule: Invariant, place: str, expression: Expression, env: Env, context: Context) -> Iterator[Mistake]:
    """Check that a rewritten argument exists, and that its new value fits."""
    argument = env["call"]
    try:
        for name in ("args", *place.split(".")[1:]):
            argument = field_of(argument, name)
    except NoFieldError as error:
        cure = nearest(name, error.known) or f"known: {', '.join(error.known)}"
        written = rule.at.find(["rewrite"])
        yield written.keys.get(place, written).mistake(f"unknown argument {place!r}", cure)
        return
    yield from _expression(expression.at, expression.tree, expression.text, env, context, argument)


def _expression(
    at: Written, tree: Node, text: str, env: Env, context: Context, wanted: Kind, start: int = 0
) -> Iterator[Mistake]:
    resolver = Inference(context, text, tree, any_tool=mentions(tree, "call.surface"))
    resolver.expect(tree, env, wanted)
    yield from _told(resolver, at, text, context, start)


def _told(resolver: Inference, at: Written, text: str, context: Context, start: int) -> Iterator[Mistake]:
    """Yield what was found in a text; what is wrong with a definition itself is told there and not at its use."""
    for message, cure, first, last in resolver.found:
        name = text[first:last].removeprefix("now.")
        own = list(_definition(name, context)) if name in context.definitions else []
        within = f", in what {name} stands for here" if name in context.definitions else ""
        yield from own or [at.mistake(f"{message}{within}", cure, start=start + first, end=start + last)]


def _definition(name: str, context: Context) -> Iterator[Mistake]:
    """Yield what is wrong with a definition wherever it is used: that of the occasion where it is least."""
    one = context.definitions[name]
    tries = []
    for env in names_anywhere(context):
        resolver = Inference(context, one.text, one.tree, any_tool=True)
        resolver.kind(one.tree, env)
        tries.append(resolver)
    least = min(tries, key=lambda resolver: len(resolver.found))
    yield from _told(least, one.at, one.text, context, 0)


def unused(context: Context, rules: Iterable[Invariant]) -> Iterator[Mistake]:
    """Yield what is wrong with the definitions that no rule uses, which are checked with the rules otherwise."""
    used = frozenset[str]().union(*(rule.uses() for rule in rules))
    for name in context.definitions:
        if name not in used:
            yield from _definition(name, context)
