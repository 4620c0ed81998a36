"""Where the boxes of a picture go: in layers from left to right, with few arrows that cross.

After Sugiyama, Tagawa and Toda, "Methods for Visual Understanding of Hierarchical System Structures" (1981): arrows
that lead back are left aside, every box stands right of all that lead to it, an arrow over several layers passes each
of them at a point of its own, each layer is ordered by where its neighbours stand, and then moved towards them.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import networkx as nx

_ACROSS: Final = 84.0
_BETWEEN: Final = 26.0
_SWEEPS: Final = 12

Point = tuple[float, float]
Ends = tuple[str, str]


class Box(NamedTuple):
    """A box by its centre and its size, in pixels."""

    x: float
    y: float
    width: float
    height: float


class Layout(NamedTuple):
    """Where everything goes: boxes by name, and for an arrow over several layers the points that it passes."""

    boxes: dict[str, Box]
    bends: dict[Ends, tuple[Point, ...]]
    back: frozenset[Ends]


def laid_out(sizes: Mapping[str, Point], arrows: Sequence[Ends]) -> Layout:
    """Lay out boxes of these sizes (width, height), equal ones equally. O(sweeps × (arrows × layers they pass)²)."""
    import networkx as nx  # imported here: 96 ms that only a drawing needs

    graph = nx.DiGraph()
    graph.add_nodes_from(sizes)
    graph.add_edges_from((source, target) for source, target in arrows if source != target)
    back = _back(graph)
    graph.remove_edges_from(back)
    layer = {name: at for at, names in enumerate(nx.topological_generations(graph)) for name in names}
    chains = _with_points(graph, layer)
    order = _ordered(graph, layer)
    across = _columns(order, sizes)
    down = _heights(graph, order, sizes)
    boxes = {name: Box(across[layer[name]], down[name], *size) for name, size in sizes.items()}
    bends = {ends: tuple((across[layer[one]], down[one]) for one in chain) for ends, chain in chains.items()}
    return Layout(boxes, bends, frozenset(back))


def _back(graph: nx.DiGraph) -> list[Ends]:
    """Give arrows without which there is no cycle: those that a walk from the sources finds to lead back."""
    import networkx as nx

    walked = nx.DiGraph()
    walked.add_nodes_from(sorted(graph, key=lambda name: graph.in_degree(name) > 0))  # a stable sort: roots first
    walked.add_edges_from(graph.edges)
    back, behind = list[Ends](), set[str]()
    for source, target, how in nx.dfs_labeled_edges(walked):
        if how == "forward":
            behind.add(target)
        elif how == "reverse":
            behind.remove(target)
        elif target in behind:
            back.append((source, target))
    return back


def _with_points(graph: nx.DiGraph, layer: dict[str, int]) -> dict[Ends, list[str]]:
    """Divide each arrow over several layers by a point in each; the points of each such arrow."""
    chains: dict[Ends, list[str]] = {}
    for source, target in list(graph.edges):
        between = range(layer[source] + 1, layer[target])
        if not between:
            continue
        chain = [f"{source}\0{target}\0{at}" for at in between]
        graph.remove_edge(source, target)
        layer.update(zip(chain, between, strict=True))
        graph.add_edges_from(zip([source, *chain], [*chain, target], strict=True))
        chains[source, target] = chain
    return chains


def _ordered(graph: nx.DiGraph, layer: Mapping[str, int]) -> list[list[str]]:
    """Order each layer, so that few arrows cross; the best of some sweeps to the right and back."""
    order: list[list[str]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for name, at in layer.items():
        order[at].append(name)
    best, least = [list(names) for names in order], _crossings(graph, order)
    for sweep in range(_SWEEPS):
        forth = sweep % 2 == 0
        for names in order[1:] if forth else order[-2::-1]:
            place = {name: at for other in order for at, name in enumerate(other)}
            near = graph.pred if forth else graph.succ
            names.sort(key=lambda name: _mean([place[one] for one in near[name]], place[name]))
        crossings = _crossings(graph, order)
        if crossings < least:
            best, least = [list(names) for names in order], crossings
    return best


def _crossings(graph: nx.DiGraph, order: Sequence[Sequence[str]]) -> int:
    """Count the pairs of arrows that cross between neighbouring layers. O(arrows²) at worst, of few steps each."""
    found = 0
    for names, after in pairwise(order):
        place = {name: at for at, name in enumerate(after)}
        ends = list[int]()
        for name in names:
            targets = [place[target] for target in graph.succ[name]]
            found += sum(len(ends) - bisect_right(ends, target) for target in targets)
            for target in targets:
                insort(ends, target)
    return found


def _columns(order: Sequence[Sequence[str]], sizes: Mapping[str, Point]) -> list[float]:
    """Give the middle of each layer's column."""
    middles, edge = list[float](), 0.0
    for names in order:
        width = max((sizes[name][0] for name in names if name in sizes), default=0.0)
        middles.append(edge + width / 2)
        edge += width + _ACROSS
    return middles


def _heights(graph: nx.DiGraph, order: Sequence[Sequence[str]], sizes: Mapping[str, Point]) -> dict[str, float]:
    """Move each layer towards its neighbours, in its order and without overlaps."""
    down: dict[str, float] = {}
    for names in order:
        edge = 0.0
        for name in names:
            down[name] = edge + _height(name, sizes) / 2
            edge = down[name] + _height(name, sizes) / 2 + _BETWEEN
        for name in names:
            down[name] -= edge / 2
    for sweep in range(_SWEEPS):
        for names in order if sweep % 2 == 0 else reversed(order):
            wanted = [
                _mean([down[one] for one in (*graph.pred[name], *graph.succ[name])], down[name]) for name in names
            ]
            placed = list[float]()
            for at, name in enumerate(names):
                apart = (_height(name, sizes) + _height(names[at - 1], sizes)) / 2 + _BETWEEN if at else 0.0
                placed.append(max(wanted[at], placed[at - 1] + apart) if at else wanted[at])
            shift = _mean([want - got for want, got in zip(wanted, placed, strict=True)], 0.0)
            down.update({name: got + shift for name, got in zip(names, placed, strict=True)})
    return down


def _height(name: str, sizes: Mapping[str, Point]) -> float:
    return sizes[name][1] if name in sizes else 0.0


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
