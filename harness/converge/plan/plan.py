"""A plan: a task as nodes, each of which reads and writes keys it has declared, and sees nothing else.

An edge goes from whoever writes a key to whoever reads it; ``after`` adds edges along which nothing is handed on. What
is wrong with a plan is told by ``plan_flaws``; a plan that nobody has checked may have cycles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Self, TypeVar, cast

from harness.determinism import canonical
from harness.errors import UsageError
from harness.registry.document import Written

TRIES: Final = 3  # of a node, before it is given up

Data = TypeVar("Data")
Schema = dict[str, Any] | bool | None
Keys = Mapping[str, Schema]


@dataclass(frozen=True)
class Node:
    """One part of a plan: what its worker is told, reads and writes.

    ``reads`` and ``writes`` are names of keys, or map them to JSON Schemas (None where nothing is promised). ``rules``
    are artifacts of the registry among the keys it writes, whose rules the worker is shown. ``after`` are nodes that
    have to be finished before, besides those that write what is read. ``tries`` bounds the calls of the worker.
    NotRecordable for a schema that is no JSON.
    """

    name: str
    instructions: str = ""
    reads: Keys | Iterable[str] = field(default=(), hash=False)
    writes: Keys | Iterable[str] = field(default=(), hash=False)
    rules: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    tries: int = TRIES

    def __post_init__(self) -> None:
        for name, value in (("reads", keys(self.reads)), ("writes", keys(self.writes))):
            object.__setattr__(self, name, value)
        for name in ("rules", "after"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    @property
    def inputs(self) -> dict[str, Schema]:
        """The keys it reads, each with what it asks of them."""
        return cast("dict[str, Schema]", self.reads)  # as __post_init__ has left it

    @property
    def outputs(self) -> dict[str, Schema]:
        """The keys it writes, each with what it promises of them."""
        return cast("dict[str, Schema]", self.writes)  # the same

    def facts(self) -> dict[str, Any]:
        """Give it as JSON data, in the form of a plan's file, without its name."""
        said = {"reads": self.inputs, "writes": self.outputs, "rules": list(self.rules), "after": list(self.after)}
        said = {key: value for key, value in said.items() if value}
        return {"instructions": self.instructions, **said, "tries": self.tries}


@dataclass(frozen=True)
class Plan:
    """A task as a graph of nodes; frozen, equal where it means the same.

    ``given`` are the keys that whoever pursues it hands in, ``results`` those it is pursued for; without them, what the
    last nodes write. ``written`` is the document it was read from.
    """

    name: str
    nodes: tuple[Node, ...]
    given: Keys | Iterable[str] = field(default=(), hash=False)
    results: tuple[str, ...] = ()
    written: Written | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", tuple(self.nodes))
        object.__setattr__(self, "given", keys(self.given))
        object.__setattr__(self, "results", tuple(self.results))

    @property
    def inputs(self) -> dict[str, Schema]:
        """The keys that are handed in, each with what is asked of them."""
        return cast("dict[str, Schema]", self.given)  # as __post_init__ has left it

    @cached_property
    def by_name(self) -> dict[str, Node]:
        """The nodes by name."""
        return {node.name: node for node in self.nodes}

    @cached_property
    def before(self) -> dict[str, tuple[str, ...]]:
        """For each node the nodes it waits for, by name; what nobody writes, and nodes that are not there, left out."""
        writer = {key: node.name for node in reversed(self.nodes) for key in node.outputs}
        return {
            node.name: tuple(
                sorted({writer[key] for key in node.inputs if key in writer} | (self.by_name.keys() & set(node.after)))
            )
            for node in self.nodes
        }

    @cached_property
    def after(self) -> dict[str, tuple[str, ...]]:
        """For each node those that wait for it, by name."""
        found: dict[str, list[str]] = {name: [] for name in sorted(self.by_name)}
        for name in sorted(self.by_name):
            for before in self.before[name]:
                found[before].append(name)
        return {name: tuple(those) for name, those in found.items()}

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The names of the nodes, each behind all it waits for, ties by name; for a plan without cycles.

        O((nodes + edges) · log nodes).
        """
        import networkx as nx  # imported here: 96 ms that only plans need

        return tuple(nx.lexicographical_topological_sort(self.graph()))

    @cached_property
    def wanted(self) -> tuple[str, ...]:
        """The keys it is pursued for."""
        last = (self.by_name[name] for name, later in self.after.items() if not later)
        return self.results or tuple(sorted(key for node in last for key in node.outputs))

    def graph(self) -> Any:
        """Give the nodes and edges as a networkx.DiGraph."""
        import networkx as nx

        graph = nx.DiGraph()
        graph.add_nodes_from(sorted(self.by_name))
        graph.add_edges_from((before, name) for name in sorted(self.by_name) for before in self.before[name])
        return graph

    def facts(self) -> dict[str, Any]:
        """Give it as JSON data, in the form of a file."""
        said: dict[str, Any] = {"plan": self.name, "nodes": {node.name: node.facts() for node in self.nodes}}
        said |= {"given": self.inputs} if self.inputs else {}
        return said | ({"results": list(self.results)} if self.results else {})

    @classmethod
    def of(cls, data: Mapping[str, Any], written: Written | None = None) -> Self:
        """Make a plan of JSON data that has the form of a file, as ``facts`` gives it."""
        nodes = (Node(name, **(said or {})) for name, said in data["nodes"].items())
        return cls(data["plan"], tuple(nodes), data.get("given", ()), tuple(data.get("results", ())), written)


def keys(stated: Keys | Iterable[str]) -> dict[str, Schema]:
    """Give keys as a mapping of their own to schemas; UsageError for a text, which is no list of names."""
    if isinstance(stated, str):
        raise UsageError(f"{stated!r} is no list of keys", cure=f"write [{stated!r}]")
    found = dict(stated) if isinstance(stated, Mapping) else dict.fromkeys(stated)
    return {key: copied(schema) for key, schema in found.items()}


def copied(value: Data) -> Data:
    """Give a copy of JSON data that shares nothing with it, in its order; NotRecordable for anything else. O(size)."""
    return cast("Data", canonical.decode(canonical.encode_as_is(value)))
