"""Hostile pieces: words that want out of the language, data that no tool should return, texts that are no text."""

from __future__ import annotations

from random import Random
from typing import Any, Final

from benchmarks.fuzz.tripwire import Trap, TrapText

LONG: Final = 100_000
DEEP: Final = 900

WORDS: Final = (
    "__class__",
    "__import__('os')",
    "().__class__.__bases__[0].__subclasses__()",
    "call.__init__.__globals__",
    "＿＿class＿＿",
    "call.args.ａ",
    "open('/etc/passwd')",
    "eval('1')",
    "exec",
    "globals()",
    "getattr(call, 'x')",
    "lambda: 1",
    "(lambda x: x)(1)",
    "(y := 1)",
    "f'{call}'",
    "f'{call.__class__}'",
    "b'x'",
    "1j",
    "...",
    "*call.args",
    "**call.args",
    "await x",
    "(yield)",
    "[x async for x in y]",
    "{x: y for x in y}",
    "{**call}",
    "x[1:2]",
    "call is None",
    "import os",
    "print",
    "None",
    "True",
    "nan",
    "inf",
    "1e999",
    "-1e999",
    "1e-999",
    "0x" + "f" * 80,
    "9" * 60,
    "9" * 5000,
    "2 ** 64",
    "2 ** 2 ** 2",
    "(2 ** 64) ** 64",
    "10 ** 64 * 10 ** 64",
    "'a' * 99",
    "[0] * 99",
    "1 / 0",
    "1 // 0.0",
    "1 % 0",
    "-0.0",
    "1_000",
    "0777",
    "'\\ud800'",
    "'\\N{BULLET}'",
    "'\\x00'",
    "'\\d'",
    "r'\\d'",
    "'''a'''",
    "'a' 'b'",
    "\ud800",
    "\x00",
    "\x0c",
    "\ufeff",
    "\u2028",
    "\u202e",
    "é" * 20,
    "𝒸all",
    "ﬁeld",
    "# comment",
    "\\\n",
    "\n",
    "\r",
    "\t",
    ";",
    "@",
    "~",
    "->",
    "!=",
    "<>",
    "==",
    "<=",
    "and",
    "or",
    "not",
    "in",
    "if",
    "else",
    "for",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    ".",
    "'",
    '"',
    "now",
    "now.call.args.a",
    "params",
    "params.text",
    "source(call.args.a)",
    "json(call.args.b)",
    "parse_time(call.args.b)",
    "text(call.args)",
    "sorted(call.args.c)",
    "unique(call.args.c)",
    "happened(action)",
    "count(action, call.args == now.call.args)",
    "last(result).result",
    "first(message).text",
    "total(action, call.args.a)",
    "within=0",
    "within='9999999999999999999 d'",
    "within=10 ** 9",
    "since=last(message)",
    "must_follow(result)",
    ".matches('(a+)+$')",
    ".matches('(?i)((((((((((x{1,99}){1,9}))))))))))')",
    ".matches('[')",
    ".matches(params.text)",
    ".split('')",
    ".split(',')",
    ".lower()",
    ".format(call)",
    ".__len__()",
)


def _nested(depth: int) -> Any:
    value: Any = []
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


# what an argument or a result may be; made once, never changed by a case
VALUES: Final[tuple[Any, ...]] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    2.5,
    -0.0,
    1e308,
    5e-324,
    2**53 + 1,
    2**255,
    10**300,
    "",
    "a",
    "Yes!",
    "1",
    "NaN",
    "Infinity",
    "1e400",
    "9" * 80,
    "2024-05-15T15:00:00",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "\ud800",
    "\x00\uffff",
    "İ" * 50,
    '{"a": 1}',
    "[" * 2000,
    '{"a":' * 2000,
    "a" * LONG,
    "a," * (LONG // 2),
    "é\n" * (LONG // 2),
    [],
    {},
    [None, True, 1, 1.0, "1", [], {}],
    [1, "a"],
    list(range(2000)),
    [[number] for number in range(1200)],
    [0.1] * 500,
    {"a": 1, "b": "a", "c": [1, 2, 3]},
    {"a": {"a": {"a": {}}}},
    {str(number): number for number in range(500)},
    _nested(40),
    _nested(DEEP),
    Trap(a=1),
    TrapText("a"),
)

MANGLED: Final = (
    "\ud800",
    "\x00",
    "\x0b",
    "\x85",
    "\u2028",
    "\ufeff",
    "\u202e",
    "𝕒",
    "é",
    "\t",
    "\r\n",
    "\n\n",
    " " * 50,
)


def arguments(random: Random) -> dict[str, Any]:
    """Give the arguments of a call."""
    return {name: random.choice(VALUES) for name in "abc" if random.random() < 0.9}


def spoiled(random: Random, text: str, words: tuple[str, ...]) -> str:
    """Change a text in a few places: cut, double, swap, insert a hostile word or a character that is none."""
    for _ in range(random.choice((1, 1, 2, 3, 6))):
        begin = random.randint(0, len(text))
        end = min(len(text), begin + random.choice((0, 1, 1, 4, 20)))
        inserted = _inserted(random, text, text[begin:end], words)
        text = text[:begin] + inserted + text[end:]
    return text


def _inserted(random: Random, text: str, piece: str, words: tuple[str, ...]) -> str:
    how = random.randrange(6)
    if how == 0:
        return ""
    if how == 1:
        return random.choice(words)
    if how == 2:
        return random.choice(MANGLED)
    if how == 3:
        return piece * random.choice((2, 3, 40))
    if how == 4:
        return chr(random.choice((random.randrange(0x80), random.randrange(0x110000))))
    return text[random.randint(0, len(text)) :][:30]
