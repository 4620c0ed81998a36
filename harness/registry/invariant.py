"""What a registry holds: invariants, as frozen values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from harness.registry.document import Written
from harness.registry.template import Hole, Template
from harness.registry.tree import Node, outline
from harness.tool import ToolSpec
from harness.trace.verdict import Response, Severity

Occasion = Literal["action", "result", "message", "artifact", "route", "surface", "end"]

SEVERITIES: Final[tuple[Severity, ...]] = ("info", "low", "medium", "high", "critical")
# the mildest first; what a person may still refuse is milder than what is refused
RESPONSES: Final[tuple[Response, ...]] = ("observe", "warn", "rewrite", "escalate", "block")


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression: its text, its tree, and where it is written.

    ``uses`` are the definitions that stand in the text by name and in the tree written out.
    """

    text: str
    tree: Node
    at: Written = field(compare=False)
    uses: frozenset[str] = field(default=frozenset(), compare=False)


@dataclass(frozen=True, slots=True)
class Shape:
    """A JSON Schema (Draft 2020-12) that the arguments or the result of a call, or an artifact, must fit."""

    part: Literal["arguments", "result", "artifact"]
    schema: dict[str, Any] | bool = field(hash=False)


Story = tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Examples:
    """Stories that are a rule's tests: at the last line of each the rule must speak, and hold or be violated."""

    holds: tuple[Story, ...] = ()
    violated: tuple[Story, ...] = ()


@dataclass(frozen=True, slots=True)
class ExampleStage:
    """What the examples of a file rest on: the tools they may call, the values of parameters, the names of agents.

    These are the file's own, whatever a registry that takes a rule over says; the tools include those that are there
    for examples only.
    """

    tools: Mapping[str, ToolSpec]
    parameters: Mapping[str, Any]
    agents: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Invariant:
    """One rule: on which occasion and for which tools it speaks, what it requires, and what happens otherwise.

    ``tools`` are names or globs, empty for any; ``artifact`` is the one that is spoken of. ``rewrite`` gives the new
    value of each named argument. ``who`` may decide otherwise. ``at`` is where the rule is written. A rule that nobody
    wrote, because it follows from what is stated of an agent, is ``derived``; ``grants`` are the names and globs of the
    tools it lets an agent use. ``stage`` is what its examples rest on, None for those of the registry it is in.
    """

    id: str
    on: Occasion
    require: Expression | Shape
    at: Written = field(compare=False)
    title: str = ""
    tools: tuple[str, ...] = ()
    artifact: str = ""
    when: Expression | None = None
    severity: Severity = "medium"
    otherwise: Response = "observe"
    rewrite: tuple[tuple[str, Expression], ...] = ()
    says: Template | None = None
    who: str = ""
    retryable: bool = False
    source: str = ""
    examples: Examples = field(default=Examples(), hash=False)
    derived: bool = field(default=False, compare=False)
    grants: tuple[str, ...] = ()
    stage: ExampleStage | None = field(default=None, compare=False, repr=False)

    def meaning(self) -> dict[str, Any]:
        """Give everything that can change a verdict or what an agent is told, as JSON data."""
        require = self.require
        parts = {
            "artifact": self.artifact,
            "rewrite": {place: outline(expression.tree) for place, expression in self.rewrite},
            "grants": list(self.grants),
            "who": self.who,
        }
        return {
            "id": self.id,
            "on": self.on,
            "tools": list(self.tools),
            "when": outline(self.when.tree) if self.when else None,
            "require": {require.part: require.schema} if isinstance(require, Shape) else outline(require.tree),
            "severity": self.severity,
            "otherwise": self.otherwise,
            "says": self.says.spoken if self.says else None,
            "retryable": self.retryable,
        } | {name: value for name, value in parts.items() if value}

    @property
    def place(self) -> str:
        """Where the rule is written, as file and line."""
        return self.at.place

    @property
    def demand(self) -> str:
        """What it requires, and when, as it is written."""
        require = self.require
        asked = require.text if isinstance(require, Expression) else json.dumps(require.schema, ensure_ascii=False)
        return f"{asked}, when {self.when.text}" if self.when else asked

    def uses(self) -> frozenset[str]:
        """Give the definitions that the rule uses, and those that these use."""
        expressions = [self.when, self.require, *(expression for _, expression in self.rewrite)]
        used = [one.uses for one in expressions if isinstance(one, Expression)]
        used += [piece.uses for piece in self.says.pieces if isinstance(piece, Hole)] if self.says else []
        return frozenset[str]().union(*used)

    def trees(self) -> list[Node]:
        """Give every tree of the rule: guard, requirement, what it rewrites to, and the holes of what it says."""
        trees = [self.when.tree] if self.when else []
        if isinstance(self.require, Expression):
            trees.append(self.require.tree)
        trees += [expression.tree for _, expression in self.rewrite]
        if self.says:
            trees += [piece.tree for piece in self.says.pieces if isinstance(piece, Hole)]
        return trees
