"""Small graphs and questions about them, drawn so that ties, cycles, alternatives and quorums are frequent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import strategies as st

from harness.routing.graph import Arc, Graph, Need
from harness.routing.planner import Planner
from harness.routing.weights import Weights

FACTS = tuple(f"f{at}" for at in range(6))
TOOLS = tuple("ABCDEFGH")
SUPPORTS = st.integers(0, 3)


class Asked(NamedTuple):
    """A graph, what is wanted and held, and the weights it is asked under."""

    graph: Graph
    needs: tuple[Need, ...]
    held: dict[str, int]
    required: int
    barred: list[str]
    factors: dict[str, int]

    def weights(self, planner: Planner) -> Weights:
        """Give the weights."""
        weights = planner.weights()
        for tool in self.barred:
            weights.bar(tool)
        for tool, factor in self.factors.items():
            weights.scale(tool, factor)
        return weights


def graph(*arcs: Arc) -> Graph:
    """Give a graph of some arcs."""
    return Graph("drawn", arcs, (), {}, {})


def arc(tool: str | None, needs: str, gives: str, cost: int = 1) -> Arc:
    """Give an arc from words: ``a b|c 2:d,e,f`` needs a, one of b and c, and two of d, e and f."""
    return Arc(tool, needed(needs), tuple(gives.split()), cost * 100_000)


def needed(words: str) -> tuple[Need, ...]:
    """Give needs from words, as ``arc`` reads them."""
    parted = [word.rpartition(":") for word in words.split()]
    return tuple(Need(tuple(of.replace("|", ",").split(",")), int(least or 1)) for least, _, of in parted)


def needs(among: Sequence[str], *, at_least: int = 0) -> st.SearchStrategy[tuple[Need, ...]]:
    """Give up to two needs of up to three facts each."""
    of = st.lists(st.sampled_from(among), min_size=1, max_size=3, unique=True).map(tuple)
    one = of.flatmap(lambda facts: st.builds(Need, st.just(facts), st.integers(1, len(facts))))
    return st.lists(one, min_size=at_least, max_size=2).map(tuple)


def arcs(
    wanted: Sequence[str], given: Sequence[str], *, plain: bool, tied: bool, joined: bool = False
) -> st.SearchStrategy[Arc]:
    """Give arcs between some facts; a conclusion may cost nothing, a call may not.

    ``tied``: calls of two tools, and all cost the same; ``joined``: with at least one need.
    """
    of = st.sampled_from(wanted).map(lambda fact: (Need((fact,)),)) if plain else needs(wanted, at_least=joined)
    gifts = st.lists(st.sampled_from(given), min_size=1, max_size=1 if plain else 2, unique=True).map(tuple)
    return st.builds(
        lambda tool, needs, gives, cost: Arc(tool, needs, gives, (cost + (tool is not None)) * 100_000),
        st.sampled_from(TOOLS[:2]) if tied else st.none() | st.sampled_from(TOOLS),
        of,
        gifts,
        st.just(0) if tied else st.integers(0, 2),
    )


def questions(*, plain: bool, tied: bool = False, arcs_at_most: int = 8) -> st.SearchStrategy[Asked]:
    """Give questions; of a plain one every arc has one need and one gift, and the goal one fact. ``tied`` as above.

    Some arcs make later facts of earlier ones, so that there often is a route, and often a long one.
    """
    forward = [arcs(FACTS[:at], FACTS[at:][:1], plain=plain, tied=tied, joined=True) for at in range(2, len(FACTS))]
    others = st.lists(arcs(FACTS, FACTS, plain=plain, tied=tied), max_size=arcs_at_most - len(forward))
    return st.builds(
        Asked,
        st.tuples(st.tuples(*forward), others).flatmap(lambda some: st.permutations([*some[0], *some[1]])).map(_graph),
        st.just((Need(FACTS[-1:]),)) if plain else needs(FACTS[4:], at_least=1),
        st.dictionaries(st.sampled_from(FACTS[:4]), SUPPORTS, min_size=1, max_size=3),
        st.sampled_from([0, 1, 2, 3]),
        st.lists(st.sampled_from(TOOLS), max_size=0 if tied else 1),
        st.dictionaries(st.sampled_from(TOOLS), st.sampled_from([500, 1500, 2000]), max_size=0 if tied else 2),
    )


def _graph(some: Sequence[Arc]) -> Graph:
    return graph(*some)
