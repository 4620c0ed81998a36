"""Changes of a plan while it is pursued (2511.11332): what is finished or under way stays as it is."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

from harness.converge.plan.flaw import Flaw, Places
from harness.converge.plan.plan import Node, Plan
from harness.registry.complaint import nearest

Edge = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """Add, remove or replace nodes, and link or unlink two of them; ``why`` is kept in the trace.

    A link lets the second node wait for the first one. Edges along which keys are handed on follow from what the nodes
    read and write: replace the node to change them.
    """

    add: tuple[Node, ...] = ()
    remove: tuple[str, ...] = ()
    replace: tuple[Node, ...] = ()
    link: tuple[Edge, ...] = ()
    unlink: tuple[Edge, ...] = ()
    why: str = ""

    def facts(self) -> dict[str, Any]:
        """Give it as JSON data, without what it does not do."""
        said = {
            "add": {node.name: node.facts() for node in self.add},
            "remove": list(self.remove),
            "replace": {node.name: node.facts() for node in self.replace},
            "link": [list(edge) for edge in self.link],
            "unlink": [list(edge) for edge in self.unlink],
            "why": self.why,
        }
        return {key: value for key, value in said.items() if value}


def changed(plan: Plan, change: Change) -> Plan:
    """Give the plan that a change makes of another one; whether it may be made, and is whole, is for others to say."""
    nodes = [node for node in plan.nodes if node.name not in change.remove]
    news = {node.name: node for node in change.replace}
    nodes = [*(news.get(node.name, node) for node in nodes), *change.add]
    made = [_linked(node, change) for node in nodes]
    return Plan(plan.name, tuple(made), plan.inputs, plan.results)


def refusals(plan: Plan, change: Change, frozen: Collection[str]) -> Iterator[Flaw]:
    """Yield why a change may not be made of a plan whose ``frozen`` nodes are finished or under way.

    What the changed plan lacks is told by ``flaws_of_plan``.
    """
    places = Places(f"change of {plan.name}", None)
    named = [*change.remove, *(node.name for node in change.replace), *(name for _, name in _edges(change))]
    later = {node.name for node in change.add}
    for name in dict.fromkeys([*named, *(name for name, _ in _edges(change))]):
        if name not in plan.by_name and name not in later:
            yield places.flaw((name,), f"there is no node {name!r}", nearest(name, plan.by_name))
    for name in dict.fromkeys(named):
        if name in frozen:
            cure = "add a node that does what is still to be done"
            yield places.flaw((name,), f"{name} is finished or under way, and stays as it is", cure)
    for node in change.replace:
        if plan.by_name.get(node.name) == node:
            yield places.flaw((node.name,), f"{node.name} is replaced by itself: its tries are used up", "")
    for first, second in change.unlink:
        if second in plan.by_name and first not in plan.by_name[second].after:
            cure = "an edge along which a key is handed on goes with the key: replace the node"
            yield places.flaw((second,), f"{second} is not linked to {first}", cure)
    if not change.facts().keys() - {"why"}:
        yield places.flaw((), "nothing is changed")


def _edges(change: Change) -> tuple[Edge, ...]:
    return (*change.link, *change.unlink)


def _linked(node: Node, change: Change) -> Node:
    after = [name for name in node.after if (name, node.name) not in change.unlink and name not in change.remove]
    after += [first for first, second in change.link if second == node.name]
    linked = tuple(dict.fromkeys(after))
    return node if linked == node.after else replace(node, after=linked)
