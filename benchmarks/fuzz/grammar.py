"""Hostile expressions: grown from a grammar of the language, or made of seeds that are spoiled or put together."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

from benchmarks.fuzz.hostile import WORDS, spoiled

SEEDS: Final = Path(__file__).parent / "seeds" / "expressions.txt"
_MAX_MADE: Final = 4_100  # a little more than the parser lets through


@cache
def seeds() -> tuple[str, ...]:
    """Give the seed expressions, one a line."""
    lines = SEEDS.read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))


def make(random: Random) -> str:
    """Make an expression: grown from the grammar, a seed spoiled, or two seeds put together."""
    how = random.random()
    if how < 0.35:
        text = grown(random, random.randint(1, 6))
    elif how < 0.8:
        text = spoiled(random, random.choice(seeds()), WORDS)
    elif how < 0.9:
        joint = random.choice((" and ", " or ", " + ", " < ", ", ", " if ", "[", ".", " for x in ", ""))
        text = joint.join((random.choice(seeds()), random.choice((*seeds(), *WORDS))))
    else:
        text = _overgrown(random)
    if random.random() < 0.15:
        text = spoiled(random, text, WORDS)
    return text[:_MAX_MADE]


def grown(random: Random, depth: int, kind: str = "") -> str:
    """Grow an expression: a (N)umber, (S)tring, (L)ist, (T)ruth or an(Y) value, now and then of the wrong kind."""
    if not kind or random.random() < _WRONG:
        kind = random.choice("NSLTTTY")
    if depth <= 0 or random.random() < 0.1:
        return random.choice(_LEAVES[kind] + _LEAVES["Y"])
    form = random.choice(_FORMS[kind])
    return _SLOT.sub(lambda slot: grown(random, depth - random.randint(1, 3), slot.group(1)), form)


def _overgrown(random: Random) -> str:
    """Make one of too many parts, too deep, or too long."""
    many = random.choice((10, 59, 61, 200, 900, 1500))
    shape = random.choice(_OVERGROWN)
    return shape(many, random.choice(seeds()))


_WRONG: Final = 0.04
_SLOT: Final = re.compile(r"<([NSLTY])>")
_LEAVES: Final[dict[str, tuple[str, ...]]] = {
    "N": ("call.args.a", "params.p", "step", "0", "1", "-2", "2.5", "10 ** 20", "elapsed_s", "run.seed"),
    "S": ("call.args.b", "call.tool", "tool.effect", "params.text", "agent", "'a'", "''", "r'\\b'"),
    "L": ("call.args.c", "params.list", "[]", "[1, 'a']", "{1, 1.0, True}"),
    "T": ("True", "False", "exists(call.args.a)", "call.args.a", "exists(call.args.x.y)"),
    "Y": ("call.args.a", "call.args", "params.object.a", "None", "params.object"),
}
_FORMS: Final[dict[str, tuple[str, ...]]] = {
    "N": (
        "(<N> + <N>)",
        "(<N> - <N>)",
        "(<N> * <N>)",
        "(<N> / <N>)",
        "(<N> // <N>)",
        "(<N> % <N>)",
        "(<N>) ** 2",
        "(<N>) ** 64",
        "(<N>) ** -0.5",
        "-(<N>)",
        "(<N> if <T> else <N>)",
        "len(<Y>)",
        "sum(<L>)",
        "min(<N>, <N>)",
        "max(<L>)",
        "round(<N>, <N>)",
        "int(<Y>)",
        "float(<Y>)",
        "abs(<N>)",
        "exp(<N>)",
        "log(<N>)",
        "sqrt(<N>)",
        "parse_time(<S>)",
        "seconds_between(<S>, <S>)",
        "(<L>)[<N>]",
        "default(<N>, <N>)",
        "count(action, call.args.a == now.call.args.a)",
        "count(action, call.args == now.call.args, within=3)",
        "count(result, call.args.c != now.call.args.c, within='5 s')",
        "count(action, call.args.a < now.call.args.a)",
        "count(message, role == 'user')",
        "total(action, call.args.a)",
        "total(action, call.args.a, call.args.b == now.call.args.b)",
        "count(action, since=last(message))",
        "last(action, call.args.c == now.call.args.c).call.args.a",
    ),
    "S": (
        "(<S> + <S>)",
        "(<S> if <T> else <S>)",
        "str(<N>)",
        "text(<Y>)",
        "(<S>).lower()",
        "(<S>).upper()",
        "(<S>).strip()",
        "(<S>)[0]",
        "first(message, role == <S>).text",
        "last(message).text",
    ),
    "L": (
        "(<L> + <L>)",
        "[<N>, <N>]",
        "[<Y>, <S>]",
        "[[<N>]]",
        "{<S>, <N>}",
        "[x for x in <L>]",
        "[x for x in <L> if x == <Y>]",
        "{x for x in <L>}",
        "[[y for y in <L>] for x in <L>]",
        "sorted(<L>)",
        "unique(<L>)",
        "items(<Y>)",
        "(<S>).split(<S>)",
        "source(<Y>)",
    ),
    "T": (
        "(<T> and <T>)",
        "(<T> or <T>)",
        "(not <T>)",
        "(<N> < <N>)",
        "(<N> <= <N> < <N>)",
        "(<Y> == <Y>)",
        "(<L> == <L>)",
        "(<Y> != <N>)",
        "(<Y> in <L>)",
        "(<S> not in <S>)",
        "(<T> if <T> else <T>)",
        "any(x == <Y> for x in <L>)",
        "all(<T> for x in <L>)",
        "any([<T>, <T>])",
        "exists(<Y>)",
        "bool(<Y>)",
        "default(<T>, <T>)",
        "(<S>).matches('(?i)^a+')",
        "(<S>).matches(params.text)",
        "(<S>).contains(<S>)",
        "(<S>).startswith(<S>)",
        "happened(action, call.args == now.call.args)",
        "happened(result, result == now.call.args.a)",
        "happened(action, call.args.a in now.call.args.c)",
        "happened(message, text == <S>)",
        "must_follow(result, call.args.a == now.call.args.a)",
    ),
    "Y": (
        "<N>",
        "<S>",
        "<L>",
        "<T>",
        "{'a': <Y>}",
        "(<Y>).a",
        "(<L>)[0]",
        "json(<S>)",
        "last(result).result",
        "default(<Y>, <Y>)",
    ),
}
_OVERGROWN: Final[tuple[Any, ...]] = (
    lambda many, text: "(" * many + text + ")" * many,
    lambda many, text: "[" * many + "]" * many,
    lambda many, text: "not " * many + text,
    lambda many, text: "-" * many + "1",
    lambda many, text: " and ".join([text] * many),
    lambda many, text: " + ".join(["call.args.b"] * many),
    lambda many, text: "call" + ".args" * many,
    lambda many, text: "call.args.c" + "[0]" * many,
    lambda many, text: "call.args.b" + ".lower()" * many,
    lambda many, text: " < ".join(["call.args.a"] * many),
    lambda many, text: "'" + "x" * many + "'",
    lambda many, text: "9" * many,
    lambda many, text: f"call.args.b.matches('{'(a|' * many}{')' * many}')",
    lambda many, text: f"call.args.b.matches('{'a{1,9}' * (many // 10)}')",
    lambda many, text: "[x for x in " * min(many, 300) + "call.args.c" + "]" * min(many, 300),
    lambda many, text: "any(any(any(x == y for y in call.args.c) for x in call.args.c) for z in call.args.c)",
)
