"""Hostile registry files: load them, and judge a short run by those that load; nothing else may happen.

A file may be refused with ``RegistryError``, or load. Anything else that is raised, any audit event, and any file that
takes more than 100 ms is a fault. What loads is linted too, without a bound of time.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

from benchmarks.fuzz.campaign import main
from benchmarks.fuzz.expressions import story
from benchmarks.fuzz.grammar import grown
from benchmarks.fuzz.grammar import seeds as expressions
from benchmarks.fuzz.hostile import WORDS, spoiled
from benchmarks.fuzz.tripwire import Laps
from harness.assertion.interface import Checker
from harness.errors import RegistryError, UsageError
from harness.registry.document import read
from harness.registry.load import load
from harness.review.lint.lint import lint

SEEDS: Final = Path(__file__).parent / "seeds" / "documents"
_BASES: Final = 3  # files that a file may take over

PIECES: Final = (
    "&a ",
    "*a",
    "<<: *a",
    "!!python/object/apply:os.system [true]",
    "!!python/name:os.system",
    "!!binary aGk=",
    "!<tag:yaml.org,2002:int> 1",
    "! x",
    "%YAML 1.1\n---\n",
    "%TAG ! tag:a,2000:\n---\n",
    "---\n",
    "...\n",
    "? [a, b]\n: c\n",
    "? |\n  a\n: b\n",
    "{" * 50,
    "[" * 50,
    "[" * 5000,
    "- " * 50,
    "- " * 3000,
    "{a: " * 45 + "1" + "}" * 45,
    "a: " * 3,
    "\n  " * 30,
    "|\n",
    ">-\n",
    "|9\n",
    "|+2\n  a\n",
    ">\n\n\n",
    "'",
    '"',
    '"\\x41\\u0041\\U0001F600\\ud800"',
    '"\\0"',
    "# ",
    "\t",
    "\ufeff",
    "\x85",
    "\u2028",
    "\x00",
    "\r",
    ".inf",
    ".nan",
    "1e999",
    "9" * 90,
    "0x1F",
    "0o17",
    "1_000",
    "12:30:45",
    "2024-05-15",
    "yes",
    "on",
    "~",
    "null",
    "true",
    "-0",
    "id: X\n",
    "invariants:\n",
    "tools:\n",
    "extends: [base]\n",
    "extends: [self]\n",
    "extends: [nothing]\n",
    "override: true\n",
    "{$ref: '#'}",
    "{$ref: 'http://localhost/x'}",
    "{$ref: 'file:///etc/passwd'}",
    "{pattern: '(a+)+$'}",
    "{pattern: '['}",
    "{type: array, uniqueItems: true}",
    "{format: regex, minLength: 99999999999}",
    "{$id: x, $dynamicRef: '#y'}",
    "{$schema: 'http://json-schema.org/draft-04/schema#'}",
    "{allOf: [{$ref: '#'}]}",
    "{not: {not: {not: {}}}}",
)
_VALUES: Final[tuple[Any, ...]] = (
    None,
    True,
    0,
    -1,
    1.5,
    2**70,
    "",
    "x",
    "*",
    "[",
    "pay",
    "X" * 500,
    [],
    {},
    [None],
    [[]],
    {"": 1},
    {"a": {"b": [1]}},
    {"value": 1, "unit": "s"},
    {"type": "object"},
)


@cache
def seeds() -> tuple[str, ...]:
    """Give the seed files."""
    return tuple(file.read_text(encoding="utf-8") for file in sorted(SEEDS.glob("*.yaml")))


def make(random: Random) -> str:
    """Make a file: a seed with its text spoiled, with values of its data replaced, or one rule grown."""
    how = random.random()
    if how < 0.4:
        return spoiled(random, random.choice(seeds()), (*PIECES, *WORDS))
    if how < 0.5:
        return _shuffled(random, random.choice(seeds()))
    if how < 0.85:
        return _replaced(random, random.choice(seeds()))
    rules = "".join(_rule(random, number) for number in range(random.choice((1, 1, 3, 20))))
    return f"registry: grown\nversion: 1\ndefault: {random.choice(('allow', 'refuse', 'x'))}\ninvariants:\n{rules}"


def _shuffled(random: Random, text: str) -> str:
    """Drop, double, move and indent lines."""
    lines = text.split("\n")
    for _ in range(random.randint(1, 5)):
        at, to = random.randrange(len(lines)), random.randrange(len(lines))
        line = lines.pop(at) if random.random() < 0.6 else lines[at]
        blanks = " " * random.choice((0, 0, 1, 2, 4))
        lines.insert(to, blanks + (line if random.random() < 0.5 else line.strip()))
        if random.random() < 0.3:
            del lines[random.randrange(len(lines))]
    return "\n".join(lines)


def _replaced(random: Random, text: str) -> str:
    """Put other values, keys and expressions into the data of a file, and write it as JSON, which is YAML too."""
    data = read(text, "seed.yaml").plain()
    for _ in range(random.randint(1, 3)):
        data = _changed(random, data)
    return json.dumps(data, indent=random.choice((None, 1)), ensure_ascii=random.random() < 0.5)


def _changed(random: Random, data: Any) -> Any:
    if random.random() < 0.15 or not isinstance(data, dict | list) or not data:
        choice = random.random()
        if choice < 0.4:
            return random.choice(_VALUES)
        if choice < 0.8:
            return grown(random, 3) if random.random() < 0.5 else random.choice(expressions())
        return spoiled(random, data, WORDS) if isinstance(data, str) else [data]
    if isinstance(data, list):
        at = random.randrange(len(data))
        items = [_changed(random, item) if index == at else item for index, item in enumerate(data)]
        return items + items[at : at + 1] if random.random() < 0.1 else items
    key = random.choice(list(data))
    changed = {**data, key: _changed(random, data[key])}
    if random.random() < 0.1:
        changed[random.choice((*data, "tool", "when", "schema", "require", "$ref", "x"))] = changed.pop(key)
    return changed


def _rule(random: Random, number: int) -> str:
    on = random.choice(("action", "action", "result", "message", "end"))
    fields = {"id": f"G{number}", "on": on, "require": grown(random, random.randint(1, 5))}
    if random.random() < 0.3:
        fields["when"] = grown(random, 3)
    if random.random() < 0.3:
        fields["says"] = f"{{{grown(random, 2)}}}"
    return f"- {json.dumps(fields)}\n"


def attack(text: str, random: Random, laps: Laps) -> str:
    """Load a file, and judge a run by it if it loads; give what came of it."""
    try:
        registry = load(text, "fuzz.yaml", read=_base)
    except RegistryError as error:
        str(error)
        laps.once()
        return "refused"
    checker = Checker(registry, {"seed": 1})
    registry.digest  # noqa: B018 - worked out when it is first asked for
    told = story(random)
    laps.once()
    for event in told:
        checker.judge(event)
        laps.again()
    checker.finish()
    laps.again()
    for finding in lint(registry):
        str(finding)
    laps.apart()
    return "loaded"


def _base(name: str) -> str:
    if name in ("base", "self"):
        return seeds()[len(name) % _BASES]
    raise UsageError("no such registry", where=name)


if __name__ == "__main__":
    main("fuzz_documents", make, attack, default_count=20_000)
