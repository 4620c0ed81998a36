"""A tool graph joined with the functions of an app, ready to be travelled."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from harness.door.binding import call_site
from harness.door.tools import Tool
from harness.errors import UsageError
from harness.registry.graph.reach import relevant
from harness.registry.graph.ways import arguments_of, certain
from harness.routing.binding import Bindings, Unbound, constants
from harness.routing.deadlock import closure, met
from harness.routing.graph import Arc, Goal, Graph, Source
from harness.routing.planner import Planner
from harness.routing.router import Router
from harness.tool import ToolSpec
from harness.trace.value import encode_value

if TYPE_CHECKING:
    from harness.door.app import Harness


class Roads:
    """A graph made ready for travel: joined with the functions of its tools, and compiled once for an app.

    UsageError names a tool of the graph that no function stands for, and arguments that its function does not take.
    """

    def __init__(self, app: Harness, graph: Graph) -> None:
        self.app = app
        undo = {spec.undo for spec in graph.tools.values()}
        tools = {name: _taking(app, spec, undoes=name in undo) for name, spec in graph.tools.items()}
        self.graph = replace(graph, arcs=tuple(_joined(app, arc) for arc in graph.arcs), tools=tools)
        self.keyed = any(spec.idempotency_key is not None for spec in tools.values())
        self.planner, self.bindings = Planner(self.graph), Bindings(self.graph)

    def router(self, goal: Goal, facts: Mapping[str, Any], nonce: str, *, waits: bool, **first: Any) -> Router:
        """Give the machine of one route; ``waits`` tells whether the agent can wait for coroutines."""
        never = () if waits else self.asynchronous
        return Router(
            self.graph,
            goal,
            facts,
            planner=self.planner,
            bindings=self.bindings,
            nonce=nonce,
            width=self.graph.policy.parallel if waits else 1,
            forbidden=dict.fromkeys(never, "it is asynchronous, the agent is not"),
            **first,
        )

    def goal(self, name: str) -> Goal:
        """Give a goal by name; UsageError where there is none of that name."""
        if name in self.graph.goals:
            return self.graph.goals[name]
        close = get_close_matches(name, self.graph.goals, 1)
        cure = f"did you mean {close[0]!r}?" if close else f"it has: {', '.join(self.graph.goals) or 'none'}"
        raise UsageError(f"the graph has no goal {name!r}", where=self.graph.name, cure=cure)

    def facts(self, goal: Goal, given: Mapping[str, Any]) -> dict[str, Any]:
        """Give the facts a route begins with; UsageError for one that nothing needs, does not fit, or is missing."""
        needed = {fact for arc in self.graph.arcs for need in arc.needs for fact in need.of} | {*self.graph.start}
        for name in given:
            if name not in needed:
                close = get_close_matches(name, needed, 1)
                cure = f"did you mean {close[0]!r}?" if close else f"it knows: {', '.join(sorted(needed))}"
                raise UsageError(f"{goal.name}: the graph knows no fact {name!r}", cure=cure)
        arcs = self._relevant(goal)
        bound = {source.fact for arc in arcs for _, source in arc.args}
        open_ = [name for name in dict.fromkeys((*self.graph.start, *arguments_of(goal))) if name not in given]
        missing, free = [name for name in open_ if name in bound], [name for name in open_ if name not in bound]
        if missing and not met(goal.needs, closure(arcs, {*given, *free}, {})):
            raise UsageError(f"{goal.name} needs {', '.join(missing)}", cure=f"pass {missing[0]}=…")
        handed = {name: encode_value(value, f"/{name}") for name, value in given.items()}
        try:
            self.bindings.check_facts(goal, handed)
        except Unbound as error:
            cure = f"graph: goals: {goal.name}: arguments: says what it takes"
            raise UsageError(f"{goal.name}: {error}", where=self.graph.name, cure=cure) from None
        return dict.fromkeys(free) | handed

    @functools.cached_property
    def asynchronous(self) -> frozenset[str]:
        """The tools that are coroutine functions, and those that such a one undoes or probes."""
        later = {name for name in self.graph.tools if inspect.iscoroutinefunction(tool_behind(self.app, name).function)}
        return frozenset(
            name for name, spec in self.graph.tools.items() if not later.isdisjoint((name, spec.undo, spec.probe))
        )

    def asynchronous_of(self, goal: Goal) -> list[str]:
        """Give the asynchronous tools that a goal may have to call."""
        return [arc.tool for arc in self._relevant(goal) if arc.tool in self.asynchronous and arc.tool is not None]

    def _relevant(self, goal: Goal) -> list[Arc]:
        return [self.graph.arcs[index] for index in relevant(self.graph.arcs, goal.needs)]

    def takes(self, tool: str, args: Mapping[str, Any]) -> bool:
        """Tell whether arguments are what a tool declares to take."""
        try:
            self.bindings.arguments(tool, constants(args), {}, ())
        except Unbound:
            return False
        return True

    def replaceable(self, tool: str) -> int | None:
        """Give the arc of a tool for which the graph has another way to the same facts; None where it has none.

        Only a tool with one arc, whose facts are its whole result, and whose arguments say which facts it needs, can be
        asked for by its own name and be served by another.
        """
        arcs = [index for index, arc in enumerate(self.graph.arcs) if arc.tool == tool]
        if len(arcs) != 1:
            return None
        arc = self.graph.arcs[arcs[0]]
        whole = not arc.results and all(one.fact is not None and not one.path for _, one in arc.args)
        told = {one.fact for _, one in arc.args}
        known = all(set(need.of) <= told for need in arc.needs)
        others = [one for one in self.graph.arcs if one.tool != tool and set(one.gives) & set(arc.gives)]
        return arcs[0] if whole and known and others else None


def tool_behind(app: Harness, name: str) -> Tool:
    """Give the tool of an app that a name of its graph stands for; UsageError where there is none."""
    found = app.made(name)
    if found is None:
        tools = app.registry.tools
        by = next((one.name for one in tools.values() if name in (one.undo, one.probe)), "the graph")
        close = get_close_matches(name, filter(app.made, tools), 1)
        cure = f"did you mean {close[0]!r}?" if close else f"declare {name} with @app.tool"
        raise UsageError(f"{name}, which {by} names, is no tool of this app", cure=cure)
    return found[0]


def _taking(app: Harness, spec: ToolSpec, *, undoes: bool) -> ToolSpec:
    """Give the declaration of a tool; of one that ``undoes`` with what its function takes, if nothing is declared."""
    tool, key = tool_behind(app, spec.name), app.spec(spec).idempotency_key
    if key is not None and not tool.binder.takes(key):
        where = call_site(tool.function)
        raise UsageError(
            f"{spec.name} takes no {key!r}, its idempotency key", where=where, cure=f"give it a {key}=None"
        )
    parameters = tool.binder.signature.parameters.values()
    names = [one.name for one in parameters if one.kind is not one.VAR_KEYWORD]
    if not undoes or spec.arguments is not None or len(names) < len(parameters):
        return spec
    return replace(
        spec, arguments={"properties": {name: {} for name in names}, "required": sorted(tool.binder.required)}
    )


def _joined(app: Harness, arc: Arc) -> Arc:
    """Bind what an arc leaves open to the facts that are named like its function's parameters."""
    if arc.tool is None:
        return arc
    tool = tool_behind(app, arc.tool)
    parameters = tool.binder.signature.parameters
    stated, facts = dict(arc.args), certain(arc.needs)
    args = (*arc.args, *((name, Source(name)) for name in parameters if name in facts and name not in stated))
    key = app.spec(tool.spec).idempotency_key
    bound = {name for name, _ in args} | {key}
    unknown = [name for name, _ in args if not tool.binder.takes(name)]
    missing = [name for name in tool.binder.required if name not in bound]
    if unknown or missing:
        what = f"takes no {unknown[0]!r}" if unknown else f"needs {missing[0]!r}, which nothing binds"
        where, stating = call_site(tool.function), f"graph: tools: {arc.tool}: args: {{argument: fact}}"
        cure = stating if unknown or not facts else f"name it like its fact ({', '.join(facts)}), or say {stating}"
        raise UsageError(f"{arc.tool} {what}", where=where, cure=cure)
    return replace(arc, args=args)
