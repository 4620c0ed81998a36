"""Hostile expressions: parse, check, compile, judge hostile data by them, and see that nothing else happens.

Each case is made from the seed and its number alone, so that ``--only NUMBER`` shows it again. An expression may be
refused with its place, or answer; anything raised besides ``ExpressionError``, any audit event, any attribute looked
up on a value, and any case of more than 100 ms is a fault.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from random import Random
from typing import Any, Final

from benchmarks.fuzz.campaign import main
from benchmarks.fuzz.grammar import make
from benchmarks.fuzz.hostile import VALUES, arguments
from benchmarks.fuzz.tripwire import Laps
from harness.assertion.interface import Checker
from harness.registry.complaint import ExpressionError
from harness.registry.context import Context
from harness.registry.document import Source, Written
from harness.registry.enclose import enclose
from harness.registry.explain import Explanation
from harness.registry.invariant import Expression, Invariant
from harness.registry.load import load
from harness.registry.parse import parse
from harness.registry.registry import Registry
from harness.registry.resolve import resolve
from harness.registry.template import Template, read_template
from harness.registry.tree import Node
from harness.registry.values import Undefined
from harness.registry.write import write
from harness.trace.event import Event

_HOST: Final = """\
registry: fuzz
version: 1
default: allow
unknown: block
parameters: {p: 2, text: "a+", list: [1, 2, "a"], object: {value: {a: 1}}}
invariants:
  - {id: FUZZ, on: action, require: "True"}
"""
_TYPED: Final = """\
tools:
  pay: {effect: write, arguments: {type: object, properties: {a: {type: number}, b: {type: string}, c: {type: array}}}}
"""


@cache
def _host(*, typed: bool) -> Registry:
    return load(_HOST + _TYPED * typed, "fuzz.yaml")


def attack(text: str, random: Random, laps: Laps) -> str:
    """Put an expression through everything that is done with one, on hostile data; give what came of it."""
    try:
        tree = parse(text)
    except ExpressionError as error:
        _written(text).mistake(error.message, error.cure, start=error.span.start, end=error.span.end)
        return "refused"
    write(tree)
    enclose(tree, {})
    host = _host(typed=random.random() < 0.3)
    rule = _rule(text, tree, random)
    mistakes = list(resolve(rule, Context(host.parameters, host.tools, frozenset(host.stated), host.default)))
    laps.once()
    # judged even where it is refused for its names: the meanings may not rely on the check
    for wrong in (False, True) if mistakes else (False,):
        names = _names(random, wrong=wrong)
        try:
            Explanation(text, names).value(tree)
        except Undefined:
            pass
        laps.again()
    if mistakes:
        return "misnamed"
    return _judged(replace(host, invariants=(rule,)), random, laps)


def _judged(registry: Registry, random: Random, laps: Laps) -> str:
    told = story(random)
    laps.again()
    for on in ("action", "result", "failed"):
        registry.program.group(on, "tool", "pay")
    laps.once()
    registry.program.group("action", "tool", "other")
    checker = Checker(registry, {"seed": 1})
    laps.apart()
    verdicts = 0
    for event in told:
        verdicts += len(checker.judge(event).verdicts)
        laps.again()
    return "judged" if verdicts + len(checker.finish().verdicts) else "held"


def _template(text: str) -> Template | None:
    try:
        return read_template(f"{text} {{{text}}}")
    except ExpressionError:
        return None  # most of them hold braces


def _written(text: str) -> Written:
    lines = tuple(text.split("\n"))
    return Written(Source("fuzz.yaml", lines), 0, 0, (len(lines) - 1, len(lines[-1])), value=text)


def _rule(text: str, tree: Node, random: Random) -> Invariant:
    at = _written(text)
    expression = Expression(text, tree, at)
    (host,) = _host(typed=False).invariants
    if random.random() < 0.2:
        return replace(host, when=expression, at=at)
    says = _template(text)
    return replace(
        host, require=expression, says=says, at=at, on=random.choice(("action", "action", "result", "message", "end"))
    )


def _names(random: Random, *, wrong: bool) -> dict[str, Any]:
    """Give the names of a step; ``wrong`` ones have any value where a record should be."""
    if wrong:
        return {name: random.choice(VALUES) for name in ("call", "tool", "params", "step", "run", "now", "x", "result")}
    call = {"tool": "pay", "args": arguments(random), "id": "1", "surface": "tool"}
    return {
        "call": call,
        "tool": {"effect": "write"},
        "params": _host(typed=False).parameters,
        "step": 3,
        "agent": "main",
    }


def story(random: Random) -> list[Event]:
    """Give the events of a short run: messages, calls of two tools, outcomes of every kind."""
    events: list[Event] = []

    def tell(kind: Any, body: dict[str, Any]) -> None:
        events.append(Event(len(events), kind, "main", "0", (), len(events) * 10**9, body))

    for role in ("user", "assistant"):
        text = random.choice([value for value in VALUES if type(value) is str])
        tell("message", {"message": {"role": role, "content": text}})
    for _ in range(3):
        tool = random.choice(("pay", "pay", "other"))
        tell("action", {"surface": "tool", "tool": tool, "args": arguments(random), "rules": []})
        outcome = random.choice(({"ok": random.choice(VALUES)}, {"failed": {"error": {}}}, {"unknown": {}}, None))
        if outcome is not None:
            tell("observation", {"action": len(events) - 1, **outcome})
    return events


if __name__ == "__main__":
    main("fuzz_expressions", make, attack, default_count=200_000)
