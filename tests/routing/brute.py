"""Every route of a small graph, by trying all sets of arcs and of held facts; nothing is shared with the search."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any, NamedTuple

from harness.routing.graph import Arc, Graph, Need


class Found(NamedTuple):
    """A route and what it is ordered by."""

    key: tuple[Any, ...]
    arcs: frozenset[int]
    leaves: frozenset[str]


def met(needs: Iterable[Need], facts: set[str]) -> bool:
    """Say whether facts meet all needs."""
    return all(len(facts & set(need.of)) >= need.least for need in needs)


def reached(arcs: Iterable[Arc], facts: Iterable[str], never: Iterable[str] = ()) -> set[str]:
    """Give all facts that arcs lead to; some are never made."""
    known, rest = set(facts), list(arcs)
    while ready := [arc for arc in rest if met(arc.needs, known)]:
        known |= {fact for arc in ready for fact in arc.gives} - set(never)
        rest = [arc for arc in rest if arc not in ready]
    return known


def relevant(graph: Graph, needs: tuple[Need, ...]) -> list[int]:
    """Give the arcs that some needs can ever ask for."""
    wanted = {fact for need in needs for fact in need.of}
    while True:
        arcs = [at for at, arc in enumerate(graph.arcs) if wanted & set(arc.gives)]
        more = wanted | {fact for at in arcs for need in graph.arcs[at].needs for fact in need.of}
        if more == wanted:
            return arcs
        wanted = more


def subsets(items: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    """Give all subsets."""
    listed = list(items)
    for size in range(len(listed) + 1):
        yield from combinations(listed, size)


def routes(
    graph: Graph, needs: tuple[Need, ...], held: Mapping[str, int], weights: Mapping[int, int | None], required: int = 0
) -> Iterator[Found]:
    """Give all routes: of no arc and no leaf of them could the goal do without, and no held fact is made again."""
    arcs = relevant(graph, needs)
    plain = _is_plain(needs) and all(_is_plain(graph.arcs[at].needs) and len(graph.arcs[at].gives) == 1 for at in arcs)
    usable = [at for at in arcs if weights[at] is not None and not set(graph.arcs[at].gives) <= set(held)]
    asked = {fact for need in [*needs, *(need for at in arcs for need in graph.arcs[at].needs)] for fact in need.of}
    for chosen in subsets(usable):
        if not met(needs, reached((graph.arcs[at] for at in chosen), held, held)):
            continue
        for leaves in subsets(sorted(set(held) & asked)):
            if required & ~_union(held[leaf] for leaf in leaves) or not _needs_all(graph, needs, chosen, leaves, held):
                continue
            yield Found(_key(graph, chosen, leaves, weights, plain=plain), frozenset(chosen), frozenset(leaves))


def best(*args: Any) -> Found | None:
    """Give the best route, None where there is none; of several with the same arcs, any."""
    return min(routes(*args), key=lambda found: found.key, default=None)


def _union(masks: Iterable[int]) -> int:
    union = 0
    for mask in masks:
        union |= mask
    return union


def _needs_all(
    graph: Graph, needs: tuple[Need, ...], arcs: tuple[int, ...], leaves: tuple[str, ...], held: Mapping[str, int]
) -> bool:
    def serve(some: Iterable[int], facts: Iterable[str]) -> bool:
        return met(needs, reached((graph.arcs[at] for at in some), facts, held))

    return (
        serve(arcs, leaves)
        and not any(serve(set(arcs) - {at}, leaves) for at in arcs)
        and not any(serve(arcs, set(leaves) - {leaf}) for leaf in leaves)
    )


def _key(
    graph: Graph, arcs: tuple[int, ...], leaves: tuple[str, ...], weights: Mapping[int, int | None], *, plain: bool
) -> tuple[Any, ...]:
    if plain:
        arcs = _along(graph, arcs, leaves)
    named = [graph.arcs[at].tool or graph.arcs[at].gives[0] for at in arcs]
    calls = sum(graph.arcs[at].tool is not None for at in arcs)
    cost = sum(weights[at] or 0 for at in arcs)
    return cost, calls, len(arcs), named if plain else sorted(named), arcs if plain else tuple(sorted(arcs))


def _along(graph: Graph, arcs: tuple[int, ...], leaves: tuple[str, ...]) -> tuple[int, ...]:
    after = {graph.arcs[at].needs[0].of[0]: at for at in arcs}
    (here,), path = leaves, []
    while here in after:
        path.append(after[here])
        (here,) = graph.arcs[after[here]].gives
    return tuple(path)


def _is_plain(needs: tuple[Need, ...]) -> bool:
    return len(needs) == 1 and len(needs[0].of) == 1 and needs[0].least == 1
