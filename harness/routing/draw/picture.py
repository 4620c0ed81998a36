"""A tool graph as nodes and arrows, with what routes did marked on them.

Several arrows into a box mean that any one of them will do. Where more is needed they meet in a *gate* first, which
says how many: ``all``, ``any`` or ``3 of 5``. A fact has a node of its own, unless it is called like the only tool
that gives it. Costs stand on the arrow into what they have to be paid for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from harness.routing.draw.trip import How, Trip
from harness.routing.draw.way import all_needs, way_taken
from harness.routing.graph import Arc, Goal, Graph, Need, shown
from harness.tool import ToolSpec

Kind = Literal["start", "tool", "fact", "gate", "goal"]
State = Literal["", "served", "failed", "undone"]

_SAID: dict[How, str] = {
    "served": "✓ {}",
    "failed": "✕ {} failed",
    "unknown": "? {} no answer",
    "refused": "✕ {} refused",
    "undone": "↶ {} undone",
    "undoes": "✓ {} undoes",
    "open": "… {}",
}


_ENDS: dict[bool | None, tuple[str, State]] = {
    None: ("not ended", ""),
    True: ("✓ served", "served"),
    False: ("✕ not served", "failed"),
}


class Node(NamedTuple):
    """One node: ``label`` and ``below`` are written in it, ``state`` is what a run did, ``title`` tells it in full."""

    name: str
    kind: Kind
    label: str
    below: str = ""
    state: State = ""
    title: str = ""


class Arrow(NamedTuple):
    """One arrow between two nodes, by their names; ``taken`` says that a route went along it."""

    source: str
    target: str
    label: str = ""
    taken: bool = False


class Picture(NamedTuple):
    """What is to be drawn; ``says`` is the whole of it in a sentence, for those who do not see it."""

    title: str
    says: str
    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]


def picture_of(graph: Graph, trips: Sequence[Trip] = ()) -> Picture:
    """Give a graph with what some routes did: the calls numbered in their order. O(arcs × calls)."""
    sketch = _Sketch(graph, trips)
    for fact in graph.start:
        sketch.fact(fact)
    for index, arc in enumerate(graph.arcs):
        sketch.arc(index, arc)
    for goal in graph.goals.values():
        sketch.goal(goal)
    says = " ".join([f"The graph {graph.name}.", *map(_told, trips)])
    return Picture(graph.name, says, tuple(sketch.nodes.values()), tuple(sketch.arrows.values()))


def picture_of_calls(trips: Sequence[Trip]) -> Picture:
    """Give what some routes called, one call after the other, where the graph they went through is not known."""
    nodes, arrows = list[Node](), list[Arrow]()
    for at, trip in enumerate(trips):
        before = ""
        for number, call in enumerate(trip.calls, start=1):
            name = f"call {at} {number}"
            nodes.append(Node(name, "tool", call.tool, _said(call.how, [number]), _state({call.how}), call.tool))
            arrows += [Arrow(before, name, taken=True)] if before else []
            before = name
        nodes.append(Node(f"goal {at}", "goal", trip.goal, *_ENDS[trip.served]))
        arrows += [Arrow(before, f"goal {at}", taken=True)] if before else []
    return Picture("what was called", " ".join(map(_told, trips)), tuple(nodes), tuple(arrows))


class _Sketch:
    """A picture that is being made; ``nodes`` are by name, ``arrows`` by their ends."""

    def __init__(self, graph: Graph, trips: Sequence[Trip]) -> None:
        self.nodes: dict[str, Node] = {}
        self.arrows: dict[tuple[str, str], Arrow] = {}
        self._graph = graph
        self._calls = [call for trip in trips for call in trip.calls]
        self._boxes = _boxes(graph.arcs)
        self._givers: dict[str, set[str]] = {}
        for index, arc in enumerate(graph.arcs):
            for fact in arc.gives:
                self._givers.setdefault(fact, set()).add(self._boxes[index] if arc.tool is not None else "")
        self._wanted = {fact for needs in all_needs(graph) for need in needs for fact in need.of}
        self._goals = {
            goal.name: fact
            for goal in graph.goals.values()
            for fact in (_one_fact(goal.needs),)
            if fact == goal.name and fact not in graph.start
        }
        self._taken = way_taken(graph, [call.tool for call in self._calls if call.how == "served"])

    def arc(self, index: int, arc: Arc) -> None:
        """Draw one way to facts: a tool's box, or for a conclusion only the arrows into the fact."""
        cost = "" if arc.tool is None and not arc.cost else f"{shown(arc.cost):g}"
        taken = self._taken.arcs.get(index)
        if arc.tool is None:
            for fact in arc.gives:
                self._needs(arc.needs, self.fact(fact), cost, taken)
            return
        box = self._box(index, arc.tool, "" if arc.needs else cost)
        self._needs(arc.needs, box, cost, taken)
        for fact in arc.gives:
            if fact in self._wanted and (node := self.fact(fact)) != box:
                self._arrow(box, node, "", taken is not None)

    def goal(self, goal: Goal) -> None:
        """Draw a goal, unless it is there as the fact of its name."""
        if goal.name in self._goals:
            self.fact(goal.name)
            return
        served = self._taken.meets(goal.needs)
        node = self._node(
            f"goal {goal.name}", "goal", goal.name, title=f"the goal {goal.name}", served=served is not None
        )
        self._needs(goal.needs, node, "", served)

    def fact(self, fact: str) -> str:
        """Give the node that stands for a fact, drawn if it is not yet."""
        givers = self._givers.get(fact, set())
        if fact in self._goals:
            served = fact in self._taken.held
            return self._node(f"fact {fact}", "goal", fact, title=f"the goal {fact}", served=served)
        if fact in self._graph.start or not givers:
            return self._node(f"fact {fact}", "start", fact, title=f"the fact {fact}, handed in")
        if givers == {f"tool {fact}"}:
            return f"tool {fact}"
        return self._node(f"fact {fact}", "fact", fact, title=f"the fact {fact}")

    def _box(self, index: int, tool: str, cost: str) -> str:
        spec = self._graph.tools[tool]
        numbers: dict[How, list[int]] = {}
        for number, call in enumerate(self._calls, start=1):
            if call.tool == tool:
                numbers.setdefault(call.how, []).append(number)
        writes = [] if spec.effect == "read" else ["write, undoable" if spec.undo else "write"]
        below = " · ".join(filter(None, [*writes, cost, *(_said(how, at) for how, at in numbers.items())]))
        node = Node(self._boxes[index], "tool", tool, below, _state(numbers.keys()), _about(spec))
        return self.nodes.setdefault(node.name, node).name

    def _needs(self, needs: tuple[Need, ...], target: str, cost: str, taken: frozenset[str] | None) -> None:
        """Draw the arrows of some needs into a node, by way of a gate where one arrow is not enough."""
        if len(needs) == 1 and needs[0].least == 1:
            self._facts(needs[0].of, target, cost, taken)
        elif len(needs) == 1:
            gate = self._gate(f"{needs[0].least} of {len(needs[0].of)}", needs, target, cost, taken)
            self._facts(needs[0].of, gate, "", taken)
        elif needs:
            gate = self._gate("all", needs, target, cost, taken)
            for need in needs:
                if len(need.of) == 1:
                    self._facts(need.of, gate, "", taken)
                else:
                    said = "any" if need.least == 1 else f"{need.least} of {len(need.of)}"
                    self._facts(need.of, self._gate(said, (need,), gate, "", taken), "", taken)

    def _gate(self, said: str, needs: tuple[Need, ...], target: str, cost: str, taken: frozenset[str] | None) -> str:
        asked = ", and ".join(map(_asked, needs))
        gate = self._node(f"gate {asked}", "gate", said, title=asked)
        self._arrow(gate, target, cost, taken is not None)
        return gate

    def _facts(self, facts: Iterable[str], target: str, cost: str, taken: frozenset[str] | None) -> None:
        for fact in facts:
            self._arrow(self.fact(fact), target, cost, taken is not None and fact in taken)

    def _node(self, name: str, kind: Kind, label: str, *, title: str, served: bool = False) -> str:
        node = Node(name, kind, label, "✓ reached", "served", title) if served else Node(name, kind, label, title=title)
        return self.nodes.setdefault(name, node).name

    def _arrow(self, source: str, target: str, label: str, taken: bool) -> None:
        before = self.arrows.get((source, target), Arrow(source, target, label))
        self.arrows[source, target] = before._replace(taken=before.taken or taken)


def _boxes(arcs: Sequence[Arc]) -> list[str]:
    """Name the box of each arc: one for all of a tool whose arrows can stand side by side, else one for each."""
    ways: dict[str, list[Arc]] = {}
    for arc in arcs:
        ways.setdefault(arc.tool or "", []).append(arc)
    apart = {tool for tool, of in ways.items() if len(of) > 1 and any(not _side_by_side(arc, of[0]) for arc in of)}
    return [f"tool {arc.tool} {at}" if arc.tool in apart else f"tool {arc.tool}" for at, arc in enumerate(arcs)]


def _side_by_side(arc: Arc, other: Arc) -> bool:
    return len(arc.needs) == 1 and arc.needs[0].least == 1 and set(arc.gives) == set(other.gives)


def _asked(need: Need) -> str:
    """Say a need in words."""
    if len(need.of) == 1:
        return need.of[0]
    return f"{'any' if need.least == 1 else f'{need.least} of {len(need.of)}'} of {', '.join(need.of)}"


def _one_fact(needs: tuple[Need, ...]) -> str | None:
    return needs[0].of[0] if len(needs) == 1 and len(needs[0].of) == 1 else None


def _state(hows: Iterable[How]) -> State:
    """Give the state of a tool whose calls ended in these ways."""
    found = set(hows)
    if found & {"served", "undoes"}:
        return "served"
    return "undone" if "undone" in found else "failed" if found - {"open"} else ""


def _said(how: How, numbers: Sequence[int]) -> str:
    return _SAID[how].format(", ".join(map(str, numbers)))


def _about(spec: ToolSpec) -> str:
    """Tell what a tool declares, in full."""
    more = [f"a {spec.effect}"]
    more += [f"{name} {value}" for name in ("undo", "probe", "domain") if (value := getattr(spec, name))]
    return f"{spec.name}: {', '.join(more)}"


def _told(trip: Trip) -> str:
    """Tell a route in a sentence."""
    calls = ", ".join(f"{call.tool} {call.how}" for call in trip.calls) or "nothing was called"
    end = {None: "", True: " It was served.", False: " It was not served."}[trip.served]
    return f"On the way to {trip.goal}: {calls}.{end}"
