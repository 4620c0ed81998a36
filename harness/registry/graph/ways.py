"""What a ``graph:`` states, as arcs, goals and a policy, with what is wrong with each part taken by itself.

The data is what the schema lets through. A part that cannot be read is left out, so that the rest can be checked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any, Final, NamedTuple

from harness.registry.graph.path import path_of
from harness.registry.graph.values import UNIT, Arc, Goal, Need, Policy, exact, told
from harness.tool import ToolSpec

Path = tuple[str | int, ...]
_BINDS: Final = frozenset({"args", "clean"})


class Flaw(NamedTuple):
    """One thing wrong with a graph: the path to it from the registry's root, what it is, and the likely cure.

    ``of_name`` tells that the last name of the path is wrong, and not what stands there.
    """

    path: Path
    message: str
    cure: str = ""
    of_name: bool = False


class Way(NamedTuple):
    """An arc, and where it and its needs are written; ``args`` is what is stated of its arguments, if anything is."""

    arc: Arc
    at: Path
    at_needs: Path
    args: Mapping[str, Any] | None = None


class Stated:
    """Read a graph's data; ``flaws`` grows with each part that is read. ``tools`` are all known declarations."""

    def __init__(self, data: Mapping[str, Any], tools: Mapping[str, ToolSpec]) -> None:
        self.flaws: list[Flaw] = []
        self._data, self._tools = data, tools
        self._entries = {
            name: said if isinstance(said, list) else [said] for name, said in data.get("tools", {}).items()
        }
        self._by_edge = {edge[1] for edge in data.get("edges", ())} - set(self._goal_data())

    def ways(self) -> list[Way]:
        """Give the arcs in the order they are written: of tools, joins and edges, then those that tools state."""
        found = list(
            chain(
                chain.from_iterable(self._ways_of(tool, said) for tool, said in self._entries.items()),
                (self._join(fact, said) for fact, said in self._data.get("joins", {}).items()),
                self._edges(),
                self._declared(),
            )
        )
        seen: set[str] = set()
        for way in found:
            if (said := told(way.arc)) in seen:
                self._wrong(way.at, f"this stands twice: {said}", "leave one of them out")
            seen.add(said)
        return found

    def bindings(self) -> dict[str, Mapping[str, Any]]:
        """Give the arguments stated for tools that give no facts, such as those that only undo."""
        return {tool: said[0].get("args", {}) for tool, said in self._entries.items() if self._only_binds(tool, said)}

    def goals(self) -> dict[str, Goal]:
        """Give the goals, the most wanted first."""
        goals = {}
        for name, said in self._goal_data().items():
            more = {} if isinstance(said, list) else said
            needs = self._needs(more.get("needs", said), self.place_of_needs(name))
            goals[name] = Goal(name, needs, more.get("arguments"), more.get("returns", _first_fact(needs)))
        if isinstance(self._data.get("goals"), list):
            self._repeated(self._data["goals"], ("graph", "goals"))
        if not goals:
            self._wrong(("graph",), "the graph has no goals", "write goals: {NAME: [FACT]}")
        return goals

    def place_of(self, goal: str) -> Path:
        """Give where a goal is written."""
        said = self._data["goals"]
        return ("graph", "goals", said.index(goal) if isinstance(said, list) else goal)

    def place_of_needs(self, goal: str) -> Path:
        """Give where the needs of a goal are written."""
        at = self.place_of(goal)
        return (*at, "needs") if isinstance(self._goal_data()[goal], dict) else at

    def start(self, ways: Iterable[Way], goals: Mapping[str, Goal]) -> tuple[str, ...]:
        """Give the facts that callers hand in: those that are stated, or else where edges begin."""
        if "start" in self._data:
            self._repeated(self._data["start"], ("graph", "start"))
            return tuple(dict.fromkeys(self._data["start"]))
        given = {fact for way in ways for fact in way.arc.gives} | self._tools.keys()
        given |= {name for goal in goals.values() for name in arguments_of(goal)}
        return tuple(dict.fromkeys(edge[0] for edge in self._data.get("edges", ()) if edge[0] not in given))

    def clean(self) -> dict[str, tuple[str, ...]]:
        """Give the errors of tools that say that nothing has happened."""
        said = {tool: [name for way in ways for name in way.get("clean", ())] for tool, ways in self._entries.items()}
        return {tool: tuple(dict.fromkeys(names)) for tool, names in said.items() if names}

    def policy(self) -> Policy:
        """Give the policy."""
        said = dict(self._data.get("policy", {}))
        if "cost_cap" in said:
            said["cost_cap"] = self._cost(said["cost_cap"], ("graph", "policy", "cost_cap"))
        return Policy(**said)

    def _goal_data(self) -> dict[str, Any]:
        said = self._data.get("goals", {})
        return said if isinstance(said, dict) else {name: [name] for name in said}

    def _only_binds(self, tool: str, said: list[Any]) -> bool:
        """Tell whether an entry says how a tool is called, and not what for."""
        gives = tool in self._tools and self._tools[tool].gives
        return len(said) == 1 and said[0].keys() <= _BINDS and not gives

    def _ways_of(self, tool: str, said: list[Any]) -> Iterable[Way]:
        if self._only_binds(tool, said):
            return
        for index, one in enumerate(said):
            at: Path = ("graph", "tools", tool)
            at = (*at, index) if isinstance(self._data["tools"][tool], list) else at
            spec = self._tools.get(tool, ToolSpec(tool))
            gives = one.get("gives", list(spec.gives))
            if not gives:
                self._wrong(at, f"{tool} gives nothing", "write gives: [FACT]")
                continue
            self._repeated(gives, (*at, "gives"))
            needs = self._needs(one.get("needs", list(spec.needs)), (*at, "needs"))
            cost = self._call_cost(one.get("cost", spec.cost), (*at, "cost"))
            arc = Arc(tool, needs, tuple(dict.fromkeys(gives)), cost)
            yield Way(replace(arc, results=self._results(gives, at)), at, (*at, "needs"), one.get("args"))

    def _join(self, fact: str, said: Any) -> Way:
        at: Path = ("graph", "joins", fact)
        if isinstance(said, list):
            return Way(Arc(None, self._needs(said, at), (fact,), 0), at, at)
        at_needs = (*at, "needs")
        cost = self._join_cost(said.get("cost", 0), (*at, "cost"))
        return Way(Arc(None, self._needs(said["needs"], at_needs), (fact,), cost), at, at_needs)

    def _edges(self) -> Iterable[Way]:
        goals = self._goal_data()
        first: dict[tuple[str, str], int] = {}
        for index, (before, node, cost) in enumerate(self._data.get("edges", ())):
            at: Path = ("graph", "edges", index)
            if first.setdefault((before, node), index) != index:
                self._wrong(at, f"the edge from {before} to {node} stands twice", "leave one of them out")
                continue
            needs = (Need((before,)),)
            if node in goals:
                yield Way(Arc(None, needs, (node,), self._join_cost(cost, (*at, 2))), at, at)
            else:
                args = self._entries[node][0].get("args") if node in self._entries else None
                yield Way(Arc(node, needs, (node,), self._call_cost(cost, (*at, 2))), at, at, args)

    def _declared(self) -> Iterable[Way]:
        """Give the arcs of tools that say themselves what they give, and of which the graph says nothing else."""
        for tool, spec in self._tools.items():
            if spec.gives and tool not in self._entries and tool not in self._by_edge:
                at: Path = ("tools", tool)
                needs = self._needs(list(spec.needs), (*at, "needs"))
                cost = self._call_cost(spec.cost, (*at, "cost"))
                yield Way(Arc(tool, needs, spec.gives, cost), at, (*at, "needs"))

    def _needs(self, said: list[Any], at: Path) -> tuple[Need, ...]:
        needs = tuple(self._need(one, (*at, index)) for index, one in enumerate(said))
        self._repeated([need.of[0] for need in needs if len(need.of) == 1], at)
        return needs

    def _need(self, said: Any, at: Path) -> Need:
        if isinstance(said, str):
            return Need((said,))
        names, least = said.get("any", said.get("of", [])), said.get("least", 1)
        if set(said) not in ({"any"}, {"least", "of"}):
            self._wrong(at, "not a need", "write a fact, {any: [FACT, FACT]}, or {least: N, of: [FACT, FACT, FACT]}")
        elif least > len(set(names)):
            self._wrong(at, f"{least} of {len(set(names))} facts cannot be met", "ask for fewer, or list more facts")
        self._repeated(names, at)
        return Need(tuple(dict.fromkeys(names)), least)

    def _results(self, gives: Any, at: Path) -> tuple[tuple[str, Path], ...]:
        found = []
        for fact, text in gives.items() if isinstance(gives, dict) else ():
            path = () if text is None else path_of(text)
            if path is None:
                cure = "write the way into the result, such as receipt.id or items[0]; leave it empty for the whole"
                self._wrong((*at, "gives", fact), f"{text!r} is no path into a result", cure)
            elif path:
                found.append((fact, path))
        return tuple(found)

    def _call_cost(self, said: Any, at: Path) -> int:
        cost = self._cost(said, at)
        if cost > 0:
            return cost
        self._wrong(at, f"a cost of {said}: a call costs more than 0", "only joins are free; write 0.000001 or more")
        return UNIT

    def _join_cost(self, said: Any, at: Path) -> int:
        cost = self._cost(said, at)
        if cost < 0:
            self._wrong(at, f"a cost of {said}: costs are not below 0")
        return max(cost, 0)

    def _cost(self, said: Any, at: Path) -> int:
        try:
            return exact(said)
        except ArithmeticError:
            self._wrong(at, f"a cost of {said} is no number", "write one of at most 6 places")
        except ValueError:
            self._wrong(at, f"a cost of {said} is finer than a millionth", "round it to 6 places")
        return UNIT

    def _repeated(self, names: Iterable[str], at: Path) -> None:
        for name, times in Counter(list(names)).items():
            if times > 1:
                self._wrong(at, f"{name!r} stands here twice", "leave one of them out")

    def _wrong(self, at: Path, message: str, cure: str = "") -> None:
        self.flaws.append(Flaw(at, message, cure))


def arguments_of(goal: Goal) -> dict[str, Any]:
    """Give the facts that a caller of a goal hands in as arguments, each with its schema."""
    properties = (goal.arguments or {}).get("properties", {})
    return properties if isinstance(properties, dict) else {}


def certain(needs: Iterable[Need]) -> tuple[str, ...]:
    """Give the facts that are held whenever some needs are met."""
    return tuple(fact for need in needs if need.least >= len(need.of) for fact in need.of)


def _first_fact(needs: tuple[Need, ...]) -> str | None:
    return next(iter(certain(needs[:1])), None)
