"""A tool graph as one frozen value: which facts each tool needs, which it gives, and at what cost.

A fact is a name and, while a route runs, a JSON value. A plain weighted graph is the special case in which every arc
has one need and one gift. Costs are whole numbers of millionths, so that sums and comparisons are exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from harness.determinism.canonical import encode
from harness.tool import ToolSpec

UNIT: Final = 1_000_000
"""The cost 1, in millionths."""


@dataclass(frozen=True, slots=True)
class Need:
    """Ask for at least ``least`` of some facts: one fact, one of several, or a quorum."""

    of: tuple[str, ...]
    least: int = 1


@dataclass(frozen=True, slots=True)
class Source:
    """Say where a value comes from: ``path`` into the value of ``fact``, or without a fact the ``constant`` itself."""

    fact: str | None = None
    path: tuple[str | int, ...] = ()
    constant: Any = field(default=None, hash=False)


@dataclass(frozen=True, slots=True)
class Arc:
    """One way to facts: a call of ``tool``, or without a tool a conclusion, which nothing can fail.

    All ``needs`` have to be met. ``cost`` is the base weight in millionths. ``args`` binds the tool's arguments;
    ``results`` says which part of the result each fact is (the whole where a fact is not named).
    """

    tool: str | None
    needs: tuple[Need, ...]
    gives: tuple[str, ...]
    cost: int = UNIT
    args: tuple[tuple[str, Source], ...] = ()
    results: tuple[tuple[str, tuple[str | int, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Goal:
    """What can be asked for by name, as an agent asks for a tool.

    ``arguments`` is the JSON Schema of what the caller hands in, each argument a fact of its name; ``returns`` the fact
    whose value is given back, the first of the needs where it is not stated.
    """

    name: str
    needs: tuple[Need, ...]
    arguments: dict[str, Any] | None = field(default=None, hash=False)
    returns: str | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """How a graph is travelled; times are milliseconds, ``cost_cap`` millionths.

    A transient failure is retried ``retries`` times, after ``wait_ms`` × ``factor`` ** n, at most ``longest_ms``. A
    tool that stays down opens its breaker for ``cool_ms``. ``parallel`` is how many calls of one route may be under
    way at once where the agent is asynchronous. ``refusal`` says what becomes of a call that a rule blocks: the route
    stops, or goes around it.
    """

    retries: int = 2
    wait_ms: int = 200
    factor: int = 2
    longest_ms: int = 10_000
    cool_ms: int = 30_000
    parallel: int = 8
    deadline_ms: int | None = None
    cost_cap: int | None = None
    refusal: str = "stop"  # or "reroute"


@dataclass(frozen=True)
class Graph:
    """Hold what a ``graph:`` means.

    ``start`` are the facts that callers hand in; ``goals`` are ordered, the most wanted first. ``tools`` are the
    declarations of every tool of the graph, those that undo and probe included. ``clean`` names, for a tool, the
    errors which say that nothing has happened; ``undo_args`` binds the arguments of tools that only undo.
    ``monitors`` are the settings of what is watched while a session runs, as JSON data by the monitor's name.
    """

    name: str
    arcs: tuple[Arc, ...]
    start: tuple[str, ...]
    goals: Mapping[str, Goal]
    tools: Mapping[str, ToolSpec]
    policy: Policy = Policy()
    clean: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    undo_args: Mapping[str, tuple[tuple[str, Source], ...]] = field(default_factory=lambda: MappingProxyType({}))
    monitors: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def meaning(self) -> dict[str, Any]:
        """Give what the graph says as JSON data, but for its tools: what a digest is taken of. O(size)."""
        return {
            "arcs": sorted((meaning_of(arc) for arc in self.arcs), key=encode),
            "start": sorted(self.start),
            "goals": [[goal.name, _of_needs(goal.needs), goal.arguments, goal.returns] for goal in self.goals.values()],
            "policy": {one.name: getattr(self.policy, one.name) for one in fields(Policy)},
            "clean": {tool: sorted(errors) for tool, errors in self.clean.items()},
            "undo_args": {tool: _of_args(args) for tool, args in self.undo_args.items()},
            "monitors": dict(self.monitors),
        }


def exact(cost: float | str | Decimal) -> int:
    """Give a cost in millionths; ValueError for one that is no number, or finer than a millionth."""
    scaled = Decimal(str(cost)) * UNIT
    if scaled != scaled.to_integral_value():
        raise ValueError(f"a cost of {cost} is finer than a millionth")
    return int(scaled)


def shown(cost: int) -> float | int:
    """Give a cost in millionths as the number a reader knows."""
    return cost // UNIT if cost % UNIT == 0 else float(Decimal(cost) / UNIT)


def told(arc: Arc) -> str:
    """Name an arc for a reader: its tool, what it needs and what it gives."""
    needs = (f"{need.least} of {' '.join(need.of)}" if len(need.of) != 1 else need.of[0] for need in arc.needs)
    return f"{arc.tool or 'a join'}: {', '.join(needs) or 'nothing'} → {', '.join(arc.gives)}"


def meaning_of(arc: Arc) -> dict[str, Any]:
    """Give what an arc says as JSON data."""
    return {
        "tool": arc.tool,
        "needs": _of_needs(arc.needs),
        "gives": sorted(arc.gives),
        "cost": arc.cost,
        "args": _of_args(arc.args),
        "results": {fact: list(path) for fact, path in arc.results},
    }


def _of_needs(needs: tuple[Need, ...]) -> list[list[Any]]:
    return [[need.least, *need.of] for need in needs]


def _of_args(args: tuple[tuple[str, Source], ...]) -> dict[str, Any]:
    return {name: {"is": one.constant} if one.fact is None else [one.fact, *one.path] for name, one in args}
