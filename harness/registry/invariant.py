"""What a registry holds: invariants, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from harness.registry.document import Written
from harness.registry.template import Hole, Template
from harness.registry.tree import Node, outline
from harness.trace.verdict import Response, Severity

Occasion = Literal["action", "result", "message", "end"]

SEVERITIES: Final[tuple[Severity, ...]] = ("info", "low", "medium", "high", "critical")


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression: its text, its tree, and where it is written."""

    text: str
    tree: Node
    at: Written = field(compare=False)


@dataclass(frozen=True, slots=True)
class Shape:
    """A JSON Schema (Draft 2020-12) that the arguments or the result of a call must fit."""

    part: Literal["arguments", "result"]
    schema: dict[str, Any] | bool = field(hash=False)


Story = tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Examples:
    """Stories that are a rule's tests: at the last line of each the rule must speak, and hold or be violated."""

    holds: tuple[Story, ...] = ()
    violated: tuple[Story, ...] = ()


@dataclass(frozen=True, slots=True)
class Invariant:
    """One rule: on which occasion and for which tools it speaks, what it requires, and what happens otherwise.

    ``tools`` are names or globs, empty for any. ``at`` is where the rule is written.
    """

    id: str
    on: Occasion
    require: Expression | Shape
    at: Written = field(compare=False)
    title: str = ""
    tools: tuple[str, ...] = ()
    when: Expression | None = None
    severity: Severity = "medium"
    otherwise: Response = "observe"
    says: Template | None = None
    retryable: bool = False
    source: str = ""
    examples: Examples = field(default=Examples(), hash=False)

    def meaning(self) -> dict[str, Any]:
        """Give everything that can change a verdict or what an agent is told, as JSON data."""
        require = self.require
        return {
            "id": self.id,
            "on": self.on,
            "tools": list(self.tools),
            "when": outline(self.when.tree) if self.when else None,
            "require": {require.part: require.schema} if isinstance(require, Shape) else outline(require.tree),
            "severity": self.severity,
            "otherwise": self.otherwise,
            "says": self.says.text if self.says else None,
            "retryable": self.retryable,
        }

    @property
    def place(self) -> str:
        """Where the rule is written, as file and line."""
        return self.at.place

    def trees(self) -> list[Node]:
        """Give every tree of the rule: guard, requirement, and the holes of what it says."""
        trees = [self.when.tree] if self.when else []
        if isinstance(self.require, Expression):
            trees.append(self.require.tree)
        if self.says:
            trees += [piece.tree for piece in self.says.pieces if isinstance(piece, Hole)]
        return trees
