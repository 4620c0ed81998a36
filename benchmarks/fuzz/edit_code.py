"""Random changes of an agent's source."""

from __future__ import annotations

import ast
from collections.abc import Callable
from random import Random
from typing import Any


def unchanged(source: str) -> str:
    """Give a source as it is spelled after an edit, so that line numbers agree."""
    return ast.unparse(ast.parse(source))


def mutated(source: str, random: Random) -> tuple[str, str]:
    """Change one thing in the function ``main``; give the kind of change and the new source."""
    while True:
        tree = ast.parse(source)
        entry = next(node for node in tree.body if isinstance(node, FUNCTIONS) and node.name == "main")
        name = random.choice(list(CHANGES))
        if CHANGES[name](entry, random):
            changed = ast.unparse(ast.fix_missing_locations(tree))
            if changed != source:
                return name, changed


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def _constant(entry: Any, random: Random) -> bool:
    nodes = [node for node in ast.walk(entry) if isinstance(node, ast.Constant)]
    node = random.choice(nodes)
    if isinstance(node.value, bool):
        node.value = not node.value
    elif isinstance(node.value, int | float):
        node.value += random.choice((-1, 1, 2))
    elif isinstance(node.value, str):
        node.value = random.choice((node.value + "x", node.value[1:], node.value.upper(), "ä/~" + node.value))
    else:
        node.value = 0
    return True


def _blocks(entry: Any) -> list[list[ast.stmt]]:
    blocks = (getattr(node, field, None) for node in ast.walk(entry) for field in ("body", "orelse"))
    return [block for block in blocks if isinstance(block, list) and block and isinstance(block[0], ast.stmt)]


def _drop(entry: Any, random: Random) -> bool:
    block = random.choice(_blocks(entry))
    block[random.randrange(len(block))] = ast.Pass()
    return True


def _repeat(entry: Any, random: Random) -> bool:
    block = random.choice(_blocks(entry))
    place = random.randrange(len(block))
    block.insert(place, block[place])
    return True


def _swap(entry: Any, random: Random) -> bool:
    block = random.choice(_blocks(entry))
    if len(block) < 2:
        return False
    place = random.randrange(len(block) - 1)
    block[place : place + 2] = reversed(block[place : place + 2])
    return True


def _drop_argument(entry: Any, random: Random) -> bool:
    calls = [node for node in ast.walk(entry) if isinstance(node, ast.Call) and (node.keywords or node.args)]
    call = random.choice(calls)
    arguments: list[Any] = random.choice([part for part in (call.keywords, call.args) if part])
    arguments.pop(random.randrange(len(arguments)))
    return True


def _negate(entry: Any, random: Random) -> bool:
    tests = [node for node in ast.walk(entry) if isinstance(node, ast.If)]
    if not tests:
        return False
    node = random.choice(tests)
    node.test = ast.UnaryOp(ast.Not(), node.test)
    return True


CHANGES: dict[str, Callable[[Any, Random], bool]] = {
    "constant": _constant,
    "drop statement": _drop,
    "repeat statement": _repeat,
    "swap statements": _swap,
    "drop argument": _drop_argument,
    "negate test": _negate,
}
