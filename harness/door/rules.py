"""The part of an app that holds the rules in force: what a registry declares, joined with what code declares.

They are exchanged as one: a session takes them as they are when it begins (``pinned``), and keeps them.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Self, cast

from harness.adapters.registries import load_registry
from harness.door.current import session_var
from harness.errors import UsageError
from harness.registry.graph.assemble import as_tool
from harness.registry.graph.values import Graph
from harness.registry.registry import Registry
from harness.routing.health.declared import limits_of
from harness.routing.health.store import Health
from harness.tool import ToolSpec

if TYPE_CHECKING:
    from harness.door.app import Harness
    from harness.door.roads import Roads

NO_RULES: Final = Registry("none", "0", "allow", "allow", {}, {}, (), "", {}, {})
"""What an app without a registry checks by: nothing, and it says so in every trace."""

# what of an app depends on its rules, and is exchanged with them
_OF_RULES: Final = ("bound", "files", "health", "_declared", "_joined")


class _Joined:
    """What follows from rules and the code's tools together, once it is asked for: the same for all who share both."""

    registry: Registry | None = None
    graph: Graph | None = None
    roads: Roads | None = None

    def forget(self) -> None:
        """Let it follow anew."""
        self.registry = self.graph = self.roads = None


class Rules:
    """What an app checks by. Safe in threads as far as ``reload`` and ``pinned`` go."""

    def __init__(self, registry: str | Path | Registry | Sequence[str | Path] | None, bound: dict[str, Any]) -> None:
        self._changing = Lock()
        self._origins: dict[str, tuple[list[str], dict[str, Any]]] = {}  # of rules that were in force, by digest
        self.bound = bound
        declared, self.files = _load(registry)
        self._declared = declared.bind(**bound)
        self.health = Health(limits_of(self._declared.graph))
        self._tools: dict[str, ToolSpec] = {}
        self._goals: dict[str, Any] = {}
        self._joined = _Joined()

    @property
    def registry(self) -> Registry:
        """The rules and tools in force: what the registry declares, joined with the tools declared in code."""
        joined = self._joined
        if joined.registry is None:
            registry = self._declared.with_tools(self._tools.values())
            graph = registry.graph if not self._goals else self._graph_of_goals(registry)
            if graph is not None and self._goals:
                goals = [as_tool(goal, graph) for goal in graph.goals.values()]
                registry = self._declared.with_tools([*self._tools.values(), *goals])
            joined.graph, joined.registry = graph, registry
        return joined.registry

    @property
    def graph(self) -> Graph | None:
        """The tool graph in force, None where neither the registry nor code declares one."""
        joined = self._joined
        return joined.graph if joined.registry is not None or self.registry else None

    def _graph_of_goals(self, registry: Registry) -> Graph:
        """Give the graph of the goals that code declares, and of every tool that says what it gives."""
        from harness.routing.declare import graph_of_tools

        if registry.graph is not None:
            first = next(iter(self._goals))
            raise UsageError(
                f"the goal {first} is declared in code, and {registry.name} has a graph", cure="declare all goals there"
            )
        name = registry.name if registry.name != NO_RULES.name else "declared in code"
        return graph_of_tools(registry.tools.values(), goals=self._goals, name=name)

    @property
    def roads(self) -> Roads:
        """The tool graph joined with the functions of its tools; UsageError where there is none, or it does not fit."""
        from harness.door.roads import Roads  # stands above this module: it calls an app's tools

        graph = self.graph
        if graph is None:
            cure = "give the registry one under graph:, see docs/graph.md, or declare goals with @app.goal(needs=[…])"
            raise UsageError("there is no tool graph", cure=cure)
        if self._joined.roads is None:
            self._joined.roads = Roads(cast("Harness", self), graph)
        return self._joined.roads

    def with_registry(self, *names: str | Path, parameters: Mapping[str, Any] | None = None) -> Self:
        """Give this app, its tools included, under other rules, or under the same ones with other parameters bound."""
        other, bound = copy.copy(self), dict(parameters or {})
        if names:
            other._declared, other.files = _load(names)
        other.bound = bound if names else self.bound | bound
        other._exchange(other._declared.bind(**bound))
        return other

    def pinned(self) -> Self:
        """Give this app as it is now, for a session that keeps its rules whatever is reloaded later."""
        with self._changing:
            return copy.copy(self)

    def reload(
        self,
        registry: str | Path | Registry | Sequence[str | Path],
        *,
        parameters: Mapping[str, Any] | None = None,
    ) -> Registry:
        """Put other rules in force for the sessions that begin from now on, and give those that were in force before.

        A session keeps the rules it began with, and its trace names them. ``parameters`` are those bound to the new
        rules, the app's own if none are given. RegistryError and UsageError leave everything as it was. Safe in
        threads; the rules that come back roll it back.
        """
        declared, files = _load(registry)
        other, bound = copy.copy(self), self.bound
        if isinstance(registry, Registry):
            files, bound = self._origins.get(registry.digest, (files, bound))
        other.bound = bound if parameters is None else dict(parameters)
        other.files = files
        other._exchange(declared.bind(**other.bound))
        assert other.registry  # joined with the code's tools now, so that what does not go together is told here
        with self._changing:
            before = self._declared
            self._origins[before.digest] = self.files, self.bound
            for name in _OF_RULES:
                setattr(self, name, getattr(other, name))
        return before

    def _exchange(self, declared: Registry) -> None:
        """Put what is declared in the place of what was; what sessions know of the tools stays while its limits do."""
        self._declared, self._joined = declared, _Joined()
        limits = limits_of(declared.graph)
        if limits != self.health.limits:
            self.health = Health(limits)

    def with_tools_of(self, names: Collection[str]) -> Self:
        """Give this app without the tools that code declares under other names, as it was before they were declared."""
        if self._tools.keys() <= set(names):
            return self
        other = copy.copy(self)
        other._tools = {name: spec for name, spec in self._tools.items() if name in names}
        other._joined = _Joined()
        return other

    def spec(self, declared: ToolSpec) -> ToolSpec:
        """Give the declaration of a tool in force: what code declares, as the registry narrows it."""
        registry = self._joined.registry or self.registry
        return registry.tools.get(declared.name, declared)

    def narrowed(self, declared: ToolSpec) -> ToolSpec:
        """Give the declaration that a server makes of a tool, with the word of the session's registry in its place."""
        session = session_var.get()
        registry = (self if session is None else session.app).registry
        return replace(declared, **registry.stated.get(declared.name, {}))

    def _declare(self, spec: ToolSpec) -> None:
        known = self._tools.get(spec.name)
        if known is not None and known != spec:
            raise UsageError(f"two different tools are named {spec.name!r}", cure="give one of them name=…")
        self._tools[spec.name] = spec
        self._joined.forget()


def _load(registry: str | Path | Registry | Sequence[str | Path] | None) -> tuple[Registry, list[str]]:
    if registry is None:
        return NO_RULES, []
    if isinstance(registry, Registry):
        return registry, []
    names = [registry] if isinstance(registry, str | Path) else list(registry)
    return load_registry(*names), [str(name) for name in names]
