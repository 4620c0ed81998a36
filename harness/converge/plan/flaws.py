"""What is wrong with a plan, all of it at once, before anything is done.

Not checked: whether a worker keeps to its instructions, and whether a value will fit its schema; that is seen when it
is written. Of two schemas only what both of them say of the same part is compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from harness.converge.plan.flaw import Flaw, Places
from harness.converge.plan.match import mismatches
from harness.converge.plan.plan import Node, Plan, Schema
from harness.registry.complaint import nearest
from harness.registry.registry import Registry


def flaws_of_plan(plan: Plan, registry: Registry | None = None, *, whole: bool = True) -> Iterator[Flaw]:
    """Yield what is wrong with a plan; without a registry it is not known which artifacts there are.

    ``whole`` says that no node is missing because it could not be read; only then can names be missed.
    O(nodes + edges + size of the schemas).
    """
    places = Places(f"plan {plan.name}", plan.written)
    if whole and not plan.nodes:
        yield places.flaw(("nodes",), "the plan has no nodes", "state at least one under 'nodes:'")
    for key, schema in plan.inputs.items():
        yield from _flaws_of_schema(places, ("given", key), schema)
    for name, count in Counter(node.name for node in plan.nodes).items():
        if count > 1:
            yield places.flaw(("nodes", name), f"{count} nodes are called {name!r}", "give each a name of its own")
    artifacts = None if registry is None else registry.artifacts
    for node in plan.nodes:
        yield from _flaws_of_node(places, node, artifacts)
    yield from _flaws_of_writers(places, plan)
    if whole:
        yield from _flaws_of_names(places, plan)
        yield from _flaws_of_cycles(places, plan)
    yield from _flaws_of_schemas(places, plan, artifacts or {})


def _flaws_of_node(places: Places, node: Node, artifacts: Mapping[str, Schema] | None) -> Iterator[Flaw]:
    at = ("nodes", node.name)
    if not node.name:
        yield places.flaw(at, "a node without a name", "name it: its events carry the name")
    if node.tries < 1:
        yield places.flaw((*at, "tries"), f"tries: {node.tries} is never", "write at least 1")
    for what, stated in (("reads", node.inputs), ("writes", node.outputs)):
        for key, schema in stated.items():
            yield from _flaws_of_schema(places, (*at, what, key), schema)
    for name in node.rules:
        if artifacts is not None and name not in artifacts:
            cure = nearest(name, artifacts) or f"declared artifacts: {', '.join(sorted(artifacts)) or 'none'}"
            yield places.flaw((*at, "rules", name), f"no declared artifact is called {name!r}", cure)
        if name not in node.outputs:
            said = f"{node.name} does not write {name!r}, so that there is nothing for its rules to judge"
            yield places.flaw((*at, "rules", name), said, f"write the artifact under its name: writes: [{name}]")


def _flaws_of_schema(places: Places, path: tuple[str, ...], schema: Schema) -> Iterator[Flaw]:
    if schema is not None:
        yield from places.flaws_of_schema(path, schema)


def _flaws_of_writers(places: Places, plan: Plan) -> Iterator[Flaw]:
    writers = dict.fromkeys(plan.inputs, "whoever pursues the plan")
    for node in plan.nodes:
        for key in node.outputs:
            if key in writers:
                said = f"{key!r} is written twice: by {writers[key]} and by {node.name}"
                cure = "give each value a key of its own"
                yield places.flaw(("nodes", node.name, "writes", key), said, cure, of_name=True)
            writers.setdefault(key, node.name)


def _flaws_of_names(places: Places, plan: Plan) -> Iterator[Flaw]:
    """Yield names of keys and nodes that are not there, and keys that are there for nobody."""
    written = {key for node in plan.nodes for key in node.outputs}
    known = {*plan.inputs, *written}
    read = {key for node in plan.nodes for key in node.inputs}
    for node in plan.nodes:
        for key in node.inputs:
            if key not in known:
                cure = nearest(key, known) or f"let a node write it, or hand it in: given: [{key}]"
                yield places.flaw(("nodes", node.name, "reads", key), f"nobody writes or hands in {key!r}", cure)
        for name in node.after:
            if name not in plan.by_name:
                cure = nearest(name, plan.by_name) or f"nodes: {', '.join(sorted(plan.by_name))}"
                yield places.flaw(("nodes", node.name, "after", name), f"there is no node {name!r}", cure)
    for key in plan.results:
        if key not in written:
            said = f"{key!r} is handed in, and no result" if key in known else f"no node writes the result {key!r}"
            yield places.flaw(("results", key), said, nearest(key, written) or "let a node write it")
    last = {node.name for node in plan.nodes if not plan.after[node.name]}
    for node in plan.nodes:
        for key in node.outputs:
            if key not in read and key not in plan.results and (plan.results or node.name not in last):
                cure = "leave it out, let a node read it, or name it under results:"
                path = ("nodes", node.name, "writes", key)
                yield places.flaw(path, f"nobody reads {key!r}", cure, level="warning", of_name=True)
    for key in plan.inputs:
        if key not in read:
            yield places.flaw(("given", key), f"nobody reads {key!r}", "leave it out", level="warning", of_name=True)


def _flaws_of_cycles(places: Places, plan: Plan) -> Iterator[Flaw]:
    """Yield one cycle of each group of nodes that wait for each other: a shortest one through its first node."""
    import networkx as nx  # imported here: 96 ms that only plans need

    graph = plan.graph()
    for group in sorted(map(sorted, nx.strongly_connected_components(graph))):
        first = group[0]
        if len(group) == 1 and first not in graph[first]:
            continue
        inside = nx.DiGraph()  # not graph.subgraph, whose order hangs on the hash seed
        inside.add_nodes_from(group)
        inside.add_edges_from((one, other) for one in group for other in sorted(graph[one]) if other in set(group))
        ways = [nx.shortest_path(inside, step, first) for step in inside[first]]
        cycle = [first, *min(ways, key=len)]
        cure = "break it: one of them has to do without what another writes"
        said = f"nodes that wait for each other: {' → '.join(cycle)}"
        yield places.flaw(("nodes", first), said, cure, of_name=True)


def _flaws_of_schemas(places: Places, plan: Plan, artifacts: Mapping[str, Schema]) -> Iterator[Flaw]:
    """Yield readers that ask for something else than what is written or handed in."""
    promised = {key: ("what is handed in", schema) for key, schema in plan.inputs.items()}
    for node in plan.nodes:
        for key, schema in node.outputs.items():
            promised.setdefault(key, (node.name, artifacts.get(key) if schema is None else schema))
    for node in plan.nodes:
        for key, asked in node.inputs.items():
            writer, schema = promised.get(key, ("", None))
            for where, said, cure in mismatches(schema, asked):
                told = f"{key}{where}: {writer} and {node.name} differ: {said}"
                yield places.flaw(("nodes", node.name, "reads", key), told, cure, of_name=True)
