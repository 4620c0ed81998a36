"""What the worker of one node sees: the keys the node has declared, its rules, and how its last tries failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from harness.converge.plan.plan import Node, Schema, copied
from harness.converge.spelling import as_json
from harness.registry.invariant import Invariant
from harness.registry.registry import Registry


class Law(NamedTuple):
    """A rule as a worker is told of it; of the registry it comes from nothing else can be reached."""

    artifact: str
    id: str
    title: str
    requires: str

    def __str__(self) -> str:
        return f"{self.artifact}: {self.id}: {self.title or self.requires}"


def laws_of(registry: Registry | None, artifacts: tuple[str, ...]) -> tuple[Law, ...]:
    """Give the rules of a registry on some artifacts."""
    rules = () if registry is None else registry.invariants
    return tuple(_law(rule) for rule in rules if rule.on == "artifact" and rule.artifact in artifacts)


class View(Mapping[str, Any]):
    """The values of a node's declared keys, read-only; all else it holds is the node's own too.

    The values are copies: whatever a worker does to them, no other node sees it. ``writes`` maps the keys that are to
    be written to their JSON Schemas, ``failed`` says why each earlier try was none.
    """

    __slots__ = ("_values", "failed", "instructions", "name", "rules", "writes")

    def __init__(
        self, node: Node, values: Mapping[str, Any], rules: tuple[Law, ...] = (), failed: tuple[str, ...] = ()
    ) -> None:
        self.name, self.instructions = node.name, node.instructions
        self.rules, self.failed = rules, failed
        self.writes: dict[str, Schema] = copied(node.outputs)
        self._values: dict[str, Any] = copied({key: values[key] for key in node.inputs})

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"View({self.name!r}, {self._values!r})"

    @property
    def prompt(self) -> str:
        """The view as text for a model. O(size)."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        if self.instructions:
            yield self.instructions
        for key, value in self._values.items():
            yield f"{key}: {as_json(value)}"
        if self.writes:
            yield "Answer with one JSON object, nothing else, with exactly these keys:"
            for key, schema in self.writes.items():
                yield f"- {key}" if schema is None else f"- {key}, which fits the JSON Schema {as_json(schema)}"
        if self.rules:
            yield "It has to meet every one of these rules:"
            yield from (f"- {rule}" for rule in self.rules)
        if self.failed:
            yield "Earlier tries failed:"
            yield from (f"- {why}" for why in self.failed)


def _law(rule: Invariant) -> Law:
    return Law(rule.artifact, rule.id, rule.title, rule.demand)
