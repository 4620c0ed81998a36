"""What a graph wants watched: the settings of its monitors, and what is wrong with them.

A setting that speaks of a tool or of an argument that is not there would be silent for ever, so it is a mistake. Not
checked: arguments, where some tool in question declares none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from harness.registry.budget import AMOUNT_CURE, amount_of
from harness.registry.complaint import nearest
from harness.registry.graph.values import Graph
from harness.registry.graph.ways import Flaw, Path, arguments_of
from harness.tool import ToolSpec

_AT: Final[Path] = ("graph", "monitors")
_SEVERAL: Final = ("budget", "risk")
_BY_TOOL: Final = ("rate", "latency")


def monitors_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """Give settings in one form: budgets and risks as lists, and every limit as a number."""
    found = {name: said[name] or {} for name in sorted(said)}
    for name in _SEVERAL:
        if name in said:
            found[name] = [one | _limit(one) for one in _listed(said[name])]
    return found


def flaws_of_monitors(said: Mapping[str, Any], graph: Graph, tools: Mapping[str, ToolSpec]) -> Iterator[Flaw]:
    """Yield what is wrong with the monitors of a graph; ``tools`` are all that a call can be of, goals included."""
    for name in _BY_TOOL:
        for tool in said.get(name, {}):
            if tool not in graph.tools:
                cure = nearest(tool, graph.tools) or f"it has: {', '.join(graph.tools)}"
                yield Flaw((*_AT, name, tool), f"the graph has no tool {tool!r}", cure, of_name=True)
    for name in _SEVERAL:
        for index, one in enumerate(_listed(said.get(name, []))):
            at = (*_AT, name, index) if isinstance(said[name], list) else (*_AT, name)
            yield from _flaws_of_tools(one.get("tools", ()), (*at, "tools"), tools)
            yield from _flaws_of_limit(one, at)
            arguments = _arguments(one.get("tools", tools), graph, tools)
            for path, place, of_name in _watched(name, one):
                argument = path.partition(".")[0]
                if arguments is not None and argument not in arguments:
                    cure = nearest(argument, arguments) or f"arguments: {', '.join(sorted(arguments)) or 'none'}"
                    yield Flaw((*at, *place), f"{name}: no tool takes {path!r}", cure, of_name=of_name)


def _listed(said: Any) -> list[dict[str, Any]]:
    return [one or {} for one in (said if isinstance(said, list) else [said])]


def _limit(one: Mapping[str, Any]) -> dict[str, Any]:
    limit = amount_of(one["limit"]) if "limit" in one else None
    return {} if limit is None else {"limit": int(limit) if limit == int(limit) else float(limit)}


def _flaws_of_limit(one: Mapping[str, Any], at: Path) -> Iterator[Flaw]:
    if "limit" in one and not amount_of(one["limit"]):
        yield Flaw((*at, "limit"), f"budget: a limit of {one['limit']!r} is nothing to spend", AMOUNT_CURE)


def _flaws_of_tools(names: Iterable[str], at: Path, tools: Collection[str]) -> Iterator[Flaw]:
    for index, tool in enumerate(names):
        if tool not in tools:
            yield Flaw((*at, index), f"no tool is called {tool!r}", nearest(tool, tools))


def _watched(name: str, one: Mapping[str, Any]) -> Iterator[tuple[str, Path, bool]]:
    """Yield the paths of the arguments that a setting looks at, and where they are written."""
    if name == "budget" and one["of"] not in ("calls", "tokens"):
        yield one["of"], ("of",), False
    if name == "risk":
        if "amount" in one:
            yield one["amount"], ("amount",), False
        elif "flags" not in one:
            yield "amount", (), True
        for path in one.get("flags", {}):
            yield path, ("flags", path), True


def _arguments(names: Iterable[str], graph: Graph, tools: Mapping[str, ToolSpec]) -> set[str] | None:
    """Give the arguments that some tools take; None where one of them does not say."""
    found: set[str] = set()
    for name in names:
        goal = graph.goals.get(name)
        if goal is not None:
            found |= {*arguments_of(goal), *graph.start}
        else:
            properties = (tools[name].arguments or {}).get("properties") if name in tools else None
            if not isinstance(properties, dict):
                return None
            found |= properties.keys()
    return found
