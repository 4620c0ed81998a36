"""From what a registry states under ``graph:`` and of its tools to the graph itself, with everything wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from harness.errors import Mistake
from harness.registry.complaint import nearest
from harness.registry.document import Written
from harness.registry.graph.arguments import Arguments, Binding
from harness.registry.graph.monitors import flaws_of_monitors, monitors_of
from harness.registry.graph.reach import flaws_of_reach, relevant
from harness.registry.graph.values import Goal, Graph, Source
from harness.registry.graph.ways import Flaw, Path, Stated, Way, arguments_of, certain
from harness.tool import ToolSpec


class Assembled(NamedTuple):
    """A graph, every tool known beside it and in it, its goals among them, and what is wrong with it.

    A tool that is named in the graph only is declared by that, and may do anything: it writes. ``places`` are the paths
    where tools of the graph and goals are written.
    """

    graph: Graph
    tools: dict[str, ToolSpec]
    flaws: list[Flaw]
    places: dict[str, Path]


def assemble(
    name: str, data: Mapping[str, Any], tools: Mapping[str, ToolSpec], declared: frozenset[str] = frozenset()
) -> Assembled:
    """Assemble the graph that some data means, beside some declarations of tools.

    Where ``declared`` names any tools, the graph speaks of no others. O(size × depth) but for the search for cycles.
    """
    stated = Stated(data, tools)
    goals = stated.goals()
    ways = stated.ways()
    start = stated.start(ways, goals)
    arguments = Arguments(ways, goals.values(), tools)
    bound = [arguments.of(way) for way in ways]
    undone, bindings = _undone(bound, tools), stated.bindings()
    undo_args = _undo_args(undone, bindings, arguments, tools)
    used = [tool for way in ways if (tool := way.arc.tool) is not None]
    besides = [other for tool in used for other in _besides(tool, tools)]
    graph = Graph(
        name=name,
        arcs=tuple(way.arc for way in bound),
        start=start,
        goals=goals,
        tools={tool: tools.get(tool, ToolSpec(tool)) for tool in dict.fromkeys([*used, *besides])},
        policy=stated.policy(),
        clean=stated.clean(),
        undo_args=undo_args,
        monitors=monitors_of(data.get("monitors", {})),
    )
    known = _known(tools, graph)
    flaws = [
        *stated.flaws,
        *_flaws_of_goals(stated, goals, start, {*tools, *used}),
        *_flaws_of_tools(ways, bindings, tools, declared),
        *(one for tool, of in undone.items() if tool not in bindings for one in _flaws_of_undoing(tool, of, tools)),
        *arguments.flaws,
        *flaws_of_reach(ways, stated, goals, start),
        *flaws_of_monitors(data.get("monitors", {}), graph, known),
    ]
    places = {tool: _place_of_tool(way) for way in reversed(ways) if (tool := way.arc.tool) is not None}
    return Assembled(graph, known, flaws, places | {goal: stated.place_of(goal) for goal in goals})


def assemble_at(
    name: str, graph: Written, tools: Mapping[str, ToolSpec], places: dict[str, Written], declared: frozenset[str]
) -> tuple[Assembled, list[Mistake]]:
    """Assemble the graph of a registry, and add to ``places`` where its goals and undeclared tools are written."""
    whole = assemble(name, graph.plain(), tools, declared)
    places["graph"] = graph
    for tool in whole.tools:
        places.setdefault(f"tools.{tool}", place_of(whole.places.get(tool, ()), places))
    return whole, [
        place_of(path, places, of_name=of_name).mistake(message, cure) for path, message, cure, of_name in whole.flaws
    ]


def place_of(path: Path, places: Mapping[str, Written], *, of_name: bool = False) -> Written:
    """Give what is written at a path or nearest above it: below ``graph``, or where a tool is declared.

    A part that has a name and is no scalar is shown by its name.
    """
    tool = places.get(f"tools.{path[1]}") if path[:1] == ("tools",) else None
    if tool is not None:
        return tool
    node = above = places["graph"]
    last: str | int = ""
    for step in path[1:]:
        below = node.items[step] if node.items and type(step) is int else (node.entries or {}).get(str(step))
        if below is None:
            break
        node, above, last = below, node, step
    by_name = of_name or node.entries is not None or node.items is not None
    return above.keys.get(str(last), node) if by_name else node


def _place_of_tool(way: Way) -> Path:
    return (*way.at, 1) if way.at[:2] == ("graph", "edges") else way.at


def _besides(tool: str, tools: Mapping[str, ToolSpec]) -> Iterator[str]:
    spec = tools.get(tool, ToolSpec(tool))
    yield from (other for other in (spec.undo, spec.probe) if other is not None)


def _known(tools: Mapping[str, ToolSpec], graph: Graph) -> dict[str, ToolSpec]:
    named = {tool: spec for tool, spec in graph.tools.items() if tool not in tools}
    return {**tools, **named, **{goal.name: as_tool(goal, graph) for goal in graph.goals.values()}}


def as_tool(goal: Goal, graph: Graph) -> ToolSpec:
    """Give a goal as a tool: it writes if a tool that can serve it does."""
    tools = {graph.arcs[index].tool for index in relevant(graph.arcs, goal.needs)}
    writes = any(graph.tools[tool].effect == "write" for tool in tools if tool is not None)
    return ToolSpec(goal.name, "write" if writes else "read", idempotent=True, arguments=goal.arguments)


def _flaws_of_tools(
    ways: Sequence[Way],
    bindings: Mapping[str, Any],
    tools: Mapping[str, ToolSpec],
    declared: frozenset[str],
) -> Iterator[Flaw]:
    used = {way.arc.tool: _place_of_tool(way) for way in reversed(ways) if way.arc.tool is not None}
    for tool, at in used.items():
        if declared and tool not in declared:
            cure = nearest(tool, declared) or f"declare it: tools: {{{tool}: {{…}}}}"
            yield Flaw(at, f"no declared tool is called {tool!r}", cure)
        spec = tools.get(tool, ToolSpec(tool))
        if spec.undo is not None and spec.effect == "read":
            cure = "leave 'undo' out, or say effect: write"
            yield Flaw(("tools", tool), f"{tool} only reads: there is nothing to undo", cure)
    helpers = {other for tool in used for other in _besides(tool, tools)}
    for tool in bindings:
        if tool not in helpers and tool not in used:
            said, cure = f"{tool} gives nothing, and undoes nothing", "write gives: [FACT], or undo: with its name"
            yield Flaw(("graph", "tools", tool), said, cure)


def _flaws_of_goals(
    stated: Stated, goals: Mapping[str, Goal], start: Sequence[str], tools: Collection[str]
) -> Iterator[Flaw]:
    for name, goal in goals.items():
        at = stated.place_of(name)
        if name in tools:
            cure = f"name the goal otherwise, such as {name}_done: [{name}]"
            yield Flaw(at, f"the goal {name!r} is the name of a tool too", cure)
        held = [*certain(goal.needs), *arguments_of(goal), *start]
        if goal.returns is not None and goal.returns not in held:
            cure = nearest(goal.returns, held) or f"write one of: {', '.join(held)}"
            yield Flaw((*at, "returns"), f"{name} does not need {goal.returns!r}", cure)


def _undone(ways: Sequence[Way], tools: Mapping[str, ToolSpec]) -> dict[str, list[Way]]:
    """Give the ways that each tool undoes."""
    undone: dict[str, list[Way]] = {}
    for way in ways:
        spec = tools.get(way.arc.tool or "")
        if spec is not None and spec.undo is not None:
            undone.setdefault(spec.undo, []).append(way)
    return undone


def _flaws_of_undoing(tool: str, of: Sequence[Way], tools: Mapping[str, ToolSpec]) -> Iterator[Flaw]:
    """Yield arguments of a tool that undoes which neither the undone call nor its result has by that name."""
    spec = tools.get(tool, ToolSpec(tool))
    for way in of:
        done = tools[way.arc.tool or ""]
        passed, came = done.arguments, done.result
        if passed is None or came is None:
            continue  # what there will be is not known yet
        known = {name for name, _ in way.arc.args} | {*came.get("properties", {}), spec.idempotency_key}
        for name in (spec.arguments or {}).get("required", ()):
            if name not in known:
                said = f"{tool}, which undoes {done.name}, requires the argument {name!r}: no such argument or result"
                facts = ", ".join(dict.fromkeys((*certain(way.arc.needs), *way.arc.gives)))
                cure = f"write {tool}: {{args: {{{name}: FACT}}}} under 'tools:' of the graph; facts: {facts}"
                yield Flaw(way.at, said, cure)


def _undo_args(
    undone: Mapping[str, Sequence[Way]],
    bindings: Mapping[str, Any],
    arguments: Arguments,
    tools: Mapping[str, ToolSpec],
) -> dict[str, tuple[tuple[str, Source], ...]]:
    """Bind the arguments of tools that undo to facts, where they are stated: those there after the undone call."""
    found = {}
    for tool, of in undone.items():
        if tool in bindings:
            facts = dict.fromkeys((*certain(of[0].arc.needs), *of[0].arc.gives))
            held = tuple(fact for fact in facts if all(fact in (*certain(one.arc.needs), *one.arc.gives) for one in of))
            spec = tools.get(tool, ToolSpec(tool))
            found[tool] = arguments.bound(Binding(spec, bindings[tool], held, (), ("graph", "tools", tool, "args")))
    return found


def without_goals(tools: Mapping[str, ToolSpec], graph: Graph | None) -> dict[str, ToolSpec]:
    """Give declarations of tools without those that are goals of a graph."""
    return {name: spec for name, spec in tools.items() if graph is None or name not in graph.goals}
