"""What is wrong with a plan or a routine, and where it is written, whether in a file or in code."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

from harness.errors import Mistake, PlanError
from harness.registry.document import DocumentError, Written, read
from harness.registry.json_schema import mistakes_in_schema

Level = Literal["error", "warning"]
Path = tuple[str | int, ...]


class Flaw(NamedTuple):
    """One thing wrong; only what is free of errors is run."""

    level: Level
    mistake: Mistake

    def __str__(self) -> str:
        return str(self.mistake).replace(self.mistake.message, f"{self.level}  {self.mistake.message}", 1)


class Places:
    """Find where a part is written: in a document, or, for what code has given, under ``name`` and its path."""

    def __init__(self, name: str, document: Written | None) -> None:
        self._name, self._document = name, document

    def flaw(self, path: Path, message: str, cure: str = "", *, level: Level = "error", of_name: bool = False) -> Flaw:
        """Make a flaw of what stands at a path, or with ``of_name`` of the last name of it."""
        if self._document is None:
            return Flaw(level, Mistake(self._spelled(path), 0, 0, message, cure=cure))
        return Flaw(level, _place(self._document, path, of_name=of_name).mistake(message, cure))

    def flaws_of_schema(self, path: Path, schema: Any) -> Iterator[Flaw]:
        """Yield what is wrong with a JSON Schema at a path: its form, its units, misspelt keywords."""
        if self._document is not None:
            yield from (Flaw("error", one) for one in mistakes_in_schema(_below(self._document, path)))
            return
        try:
            found = list(mistakes_in_schema(read(json.dumps(schema), "")))
        except DocumentError as error:
            found = [error.mistake]
        yield from (self.flaw(path, one.message, one.cure) for one in found)

    def _spelled(self, path: Path) -> str:
        steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
        return f"{self._name}{f': {steps[1:]}' if steps else ''}"


def refuse_errors(flaws: Iterable[Flaw]) -> None:
    """Raise PlanError with every error among some flaws, each once, in the order of the lines."""
    errors = dict.fromkeys(one.mistake for one in flaws if one.level == "error")
    if errors:
        raise PlanError(in_order(errors))


def in_order(mistakes: Iterable[Mistake]) -> tuple[Mistake, ...]:
    """Put mistakes in the order of their lines; those without one stay as they are, first."""
    return tuple(sorted(mistakes, key=lambda one: (one.line, one.column)))


def _place(document: Written, path: Path, *, of_name: bool) -> Written:
    """Give what is written at a path or nearest above it; where that is no scalar, or a name is meant, its name."""
    node = place = document
    for step in path:
        below = _step(node, step)
        if below is None:
            break
        by_name = of_name or below.value is None
        place = node.keys.get(str(step), below) if by_name else below
        node = below
    return place


def _below(document: Written, path: Path) -> Written:
    node = document
    for step in path:
        node = _step(node, step) or node
    return node


def _step(node: Written, step: str | int) -> Written | None:
    """Go one step down; of a list of names, to the one that is meant."""
    if node.items is not None:
        if isinstance(step, int):
            return node.items[step] if step < len(node.items) else None
        return next((item for item in node.items if item.value == step), None)
    return (node.entries or {}).get(str(step))
