"""What leads to what: edges of single-fault runs, stitched into chains and into cycles that feed themselves.

A run under one fault shows that its fault leads to an effect, under the conditions of that run. Where the effect is
itself of a kind that could be the fault of another run, the two go on from each other, if what held at the effect in
the one and at the fault in the other can hold together (arXiv 2509.26529). So cascades are found that no single run
shows, because no single workload has all of their parts.

What it does not establish: that a stitched chain or cycle happens. Conditions that nobody named are not compared, and
how strong an effect has to be to go on is not known; each is a hypothesis, to be confirmed in one run.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from harness.stress.causes.effects import Condition, Site, compatible
from harness.stress.causes.twin import Twin

LONGEST: Final = 6  # edges of a chain or a cycle
_MOST: Final = 10_000  # cycles that are looked at, before those that say the same are put together
_LAST: Final = ("violated", "ended")


class Evidence(NamedTuple):
    """The run that shows an edge: its test, the fault's name, the actions it struck, and the effect's first event."""

    test: str
    fault: str
    struck: tuple[int, ...]
    seq: int


class Edge(NamedTuple):
    """One thing leads to another: what held at the first, at the second, and in the whole test, and who shows it."""

    cause: Site
    effect: Site
    at_cause: Condition
    at_effect: Condition
    under: Condition
    shown: tuple[Evidence, ...]

    @property
    def tests(self) -> tuple[str, ...]:
        """The tests that show it, each once."""
        return tuple(dict.fromkeys(one.test for one in self.shown))


class Path(NamedTuple):
    """Edges that go on from each other. In a cycle the first goes on from the last."""

    edges: tuple[Edge, ...]

    @property
    def causes(self) -> tuple[Site, ...]:
        """Where each edge begins."""
        return tuple(edge.cause for edge in self.edges)

    @property
    def stitched(self) -> bool:
        """Whether no single test shows all of it."""
        return not frozenset.intersection(*(frozenset(edge.tests) for edge in self.edges))


class Causes(NamedTuple):
    """All that single-fault runs lead to: ``cycles`` feed themselves, ``chains`` end where a rule or the run breaks."""

    edges: tuple[Edge, ...]
    cycles: tuple[Path, ...]
    chains: tuple[Path, ...]


def causes_of(twins: Iterable[Twin], longest: int = LONGEST) -> Causes:
    """Give the edges that twins show, and what they come to when they are stitched."""
    edges = edges_of(twins)
    return Causes(edges, cycles_of(edges, longest), chains_of(edges, longest))


def edges_of(twins: Iterable[Twin]) -> tuple[Edge, ...]:
    """Give what leads to what; runs that show the same under the same conditions are put together. O(effects)."""
    shown: dict[tuple[Site, Site, Condition, Condition, Condition], list[Evidence]] = defaultdict(list)
    for twin in twins:
        for effect in twin.effects:
            assert twin.cause is not None
            evidence = Evidence(twin.test, twin.fault.name, twin.struck, effect.seq)
            shown[twin.cause, effect.site, twin.at, effect.at, twin.under].append(evidence)
    return tuple(Edge(*known, tuple(evidence)) for known, evidence in shown.items())


def goes_on(one: Edge, other: Edge) -> bool:
    """Tell whether what one edge comes to is what the other begins with, and both can hold together."""
    return (
        one.effect == other.cause and compatible(one.at_effect, other.at_cause) and compatible(one.under, other.under)
    )


def cycles_of(edges: Sequence[Edge], longest: int = LONGEST) -> tuple[Path, ...]:
    """Give the cycles of at most ``longest`` edges, shorter ones first, one for each sequence of sites.

    Any two of its edges can hold together in one test, and neighbours agree where they meet. Worst case exponential in
    ``longest``; after 10,000 cycles in the graph of edges the search ends, and some may be missing.
    """
    import networkx as nx

    graph = nx.DiGraph(_joints(edges))
    found: dict[tuple[Site, ...], Path] = {}
    for numbers in islice(nx.simple_cycles(graph, length_bound=longest), _MOST):
        path = _from_least([edges[number] for number in numbers])
        if len(set(path.causes)) == len(path.edges) and _together(path.edges):
            known = found.setdefault(path.causes, path)
            found[path.causes] = min(known, path, key=lambda one: [edge.shown for edge in one.edges])
    return tuple(sorted(found.values(), key=lambda one: (len(one.edges), one.causes)))


def _joints(edges: Sequence[Edge]) -> Iterator[tuple[int, int]]:
    """Yield the numbers of any two edges of which one goes on from the other."""
    begins: dict[Site, list[int]] = defaultdict(list)
    for number, edge in enumerate(edges):
        begins[edge.cause].append(number)
    for number, edge in enumerate(edges):
        yield from ((number, other) for other in begins.get(edge.effect, ()) if goes_on(edge, edges[other]))


def _from_least(edges: list[Edge]) -> Path:
    """Begin a cycle at the least of its sites, so that one cycle has one spelling."""
    least = min(range(len(edges)), key=lambda number: edges[number].cause)
    return Path((*edges[least:], *edges[:least]))


def _together(edges: Sequence[Edge]) -> bool:
    return all(compatible(one.under, other.under) for one in edges for other in edges)


def chains_of(edges: Sequence[Edge], longest: int = LONGEST) -> tuple[Path, ...]:
    """Give, from each site, a shortest chain to each rule and each error that no single fault there leads to.

    Chains of at most ``longest`` edges. O(edges × joints).
    """
    after: dict[int, list[int]] = defaultdict(list)
    for number, other in _joints(edges):
        after[number].append(other)
    direct = {(edge.cause, edge.effect) for edge in edges}
    found: dict[tuple[Site, Site], Path] = {}
    for path in (one for number in range(len(edges)) for one in _walks(edges, after, number, longest)):
        ends = path.edges[0].cause, path.edges[-1].effect
        known = found.get(ends)
        if ends not in direct and (known is None or len(path.edges) < len(known.edges)):
            found[ends] = path
    return tuple(sorted(found.values(), key=lambda one: (one.edges[-1].effect, len(one.edges), one.causes)))


def _walks(edges: Sequence[Edge], after: dict[int, list[int]], start: int, longest: int) -> Iterator[Path]:
    """Yield shortest ways from one edge to every edge that ends in a rule or an error."""
    seen = {start}
    ways: deque[tuple[int, ...]] = deque([(start,)])
    while ways:
        way = ways.popleft()
        if len(way) > 1 and edges[way[-1]].effect.what in _LAST:
            yield Path(tuple(edges[number] for number in way))
        for other in after[way[-1]] if len(way) < longest else ():
            if other not in seen and _together([edges[number] for number in (*way, other)]):
                seen.add(other)
                ways.append((*way, other))
