"""The best route to a goal from the facts held now: Dijkstra's algorithm where a route is a path, else a derivation.

A route is a set of arcs that can be run in some order, and of held facts (its leaves), such that without any one of
them the goal is not served. Its cost counts each arc once. A fact that is held is not made again. The best route has
the least cost; then the fewest calls; then the fewest arcs; then the least names, along the route where every arc that
can matter to the goal is plain, else sorted; then the arcs that the graph lists first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from harness.routing.derive import Task, derive
from harness.routing.graph import Graph, Need
from harness.routing.problem import Net, Problem, compiled, name_of
from harness.routing.reach import Reach
from harness.routing.search import best_path
from harness.routing.weights import BARRED, Change, Weights

BUDGET: Final = 300_000
"""The work that one plan may take where the best route is hard to prove: about half a second."""


class Route(NamedTuple):
    """A route to a goal.

    ``arcs`` are indices into the graph's, in an order in which they can be run: along a path, else always the one of
    the least name that can be. Costs are in millionths; ``at_least`` is a proven lower bound on the cost of every
    route, the cost itself where this one is proven best. ``leaves`` are the held facts that it rests on, sorted.
    """

    arcs: tuple[int, ...]
    cost: int
    at_least: int
    leaves: tuple[str, ...] = ()


class _Question(NamedTuple):
    needs: tuple[Need, ...]
    held: dict[str, int]
    required: int


class _Kept(NamedTuple):
    """The last answer under some weights, and how many changes they had seen."""

    planner: Planner
    question: _Question
    route: Route | None
    changes: int


class Planner:
    """Plan routes over one graph. What a goal needs of the graph is compiled once; may be shared by threads.

    ``budget`` bounds the work of one plan, where the best derivation is hard to prove, in arcs and facts looked at.
    """

    def __init__(self, graph: Graph, *, budget: int = BUDGET) -> None:
        self.graph = graph
        self._budget = budget
        self._weights = Weights(graph)
        self._names = tuple(map(name_of, graph.arcs))
        self._givers: dict[str, list[int]] = {}
        for at, arc in enumerate(graph.arcs):
            for fact in dict.fromkeys(arc.gives):
                self._givers.setdefault(fact, []).append(at)
        self._problems: dict[tuple[Need, ...], Problem] = {}

    def weights(self) -> Weights:
        """Give fresh weights of the graph: every factor 1, nothing barred."""
        return self._weights.copy()

    def plan(
        self, needs: tuple[Need, ...], held: Mapping[str, int], weights: Weights, required: int = 0
    ) -> Route | None:
        """Give the best route from the facts held to some needs; None where there is none.

        ``held`` gives each fact's support, a mask of committed writes; the supports of the route's leaves together
        have to cover ``required``. Where the budget ends first, the best route found is given, with ``at_least`` below
        its cost; a hard search that has to cover something may then end with None too.
        """
        question = _Question(needs, dict(held), required)
        kept = weights.kept
        if isinstance(kept, _Kept) and kept.planner is self and kept.question == question:
            changes = weights.since(kept.changes)
            if changes is not None and (not changes or _harmless(kept.route, changes)):
                route = kept.route and self._recosted(kept.route, weights)
                weights.kept = kept._replace(route=route, changes=weights.changes)
                return route
        route = self._searched(question, weights)
        weights.kept = _Kept(self, question, route, weights.changes)
        return route

    def reached(self, held: Iterable[str], weights: Weights, needs: tuple[Need, ...]) -> frozenset[str]:
        """Give what can matter to some needs and is held, or can be had from what is held."""
        problem = self.problem(needs)
        net = _with_leaves(problem.net, [problem.facts[fact] for fact in held if fact in problem.facts])
        barred = {at + 1 for at, arc in enumerate(problem.arcs) if weights[arc] is None}
        known = Reach(net, (arc for arc in range(1, len(net.waits)) if arc not in barred)).trail
        names = list(problem.facts)
        return frozenset(names[fact] for fact in known)

    def problem(self, needs: tuple[Need, ...]) -> Problem:
        """Give what some needs ask of the graph."""
        found = self._problems.get(needs)
        if found is None:
            found = self._problems[needs] = compiled(self.graph, self._names, self._givers, needs)
        return found

    def _searched(self, question: _Question, weights: Weights) -> Route | None:
        problem = self.problem(question.needs)
        held = {problem.facts[fact]: mask for fact, mask in question.held.items() if fact in problem.facts}
        plain = problem.plain
        if plain is None:
            return self._derived(problem, question, weights)
        enough = [fact for fact, mask in held.items() if mask & question.required == question.required]
        if plain.goal in held:
            return Route((), 0, 0, question.needs[0].of) if plain.goal in enough else None
        arcs = best_path(plain, weights.steps, enough, held)
        if arcs is None:
            return None
        cost = weights.cost(sum(weights.steps[arc] for arc in arcs))
        return Route(tuple(arcs), cost, cost, self.graph.arcs[arcs[0]].needs[0].of)

    def _derived(self, problem: Problem, question: _Question, weights: Weights) -> Route | None:
        held = sorted(fact for fact in question.held if fact in problem.facts)
        net = _with_leaves(problem.net, [problem.facts[fact] for fact in held])
        first = len(problem.arcs) + 1
        leaves = range(first, first + len(held))
        shift, ties = _ties([self._names[at] for at in problem.arcs])
        steps = [weights.steps[at] for at in problem.arcs]
        prices = {
            number + 1: (step << shift) + tie
            for number, (step, tie) in enumerate(zip(steps, ties, strict=True))
            if step < BARRED
        }
        bits = [1 << at for at in range(question.required.bit_length()) if question.required >> at & 1]
        masks = [question.held[fact] for fact in held]
        cover = tuple(frozenset(leaf for leaf, mask in zip(leaves, masks, strict=True) if mask & bit) for bit in bits)
        found = derive(Task(net, prices, leaves, cover, shift, self._budget))
        if found is None:
            return None
        used = [arc for arc in found.arcs if arc >= first]
        arcs = self._in_order(problem, net, used, [arc for arc in found.arcs if arc < first])
        costs = weights.cost(found.price >> shift), weights.cost(found.least >> shift)
        return Route(arcs, *costs, tuple(held[leaf - first] for leaf in sorted(used)))

    def _in_order(self, problem: Problem, net: Net, leaves: Iterable[int], arcs: Iterable[int]) -> tuple[int, ...]:
        """Order the arcs of a derivation: of those whose needs are met, always the one of the least name."""
        waiting = sorted(arcs, key=lambda arc: (self._names[problem.arcs[arc - 1]], arc))
        reach, ordered = Reach(net, leaves), list[int]()
        while waiting:
            arc = next(arc for arc in waiting if reach.ready(arc))
            waiting.remove(arc)
            reach.use(arc)
            ordered.append(problem.arcs[arc - 1])
        return tuple(ordered)

    def _recosted(self, route: Route, weights: Weights) -> Route:
        cost = weights.cost(sum(weights.steps[arc] for arc in route.arcs))
        return route._replace(cost=cost, at_least=route.at_least + cost - route.cost)


def _harmless(route: Route | None, changes: Sequence[Change]) -> bool:
    """Say whether a route stays the best through some changes of weights, without looking for another.

    Let one arc's weight change, and no other. If the arc is off the route and rises, the route costs what it did and
    no route costs less than it did. If it is on the route and falls, the route falls by all of it, and no route by
    more, as each counts an arc once. Calls, arcs and names do not change, so the order up to names stays too; a lower
    bound holds again after falling as the route did. Where there was no route, a rise makes none. Several changes are
    so many single ones, one after the other.
    """
    on = frozenset(route.arcs if route else ())
    return all((change.after < change.before) == (change.arc in on) for change in changes)


def _with_leaves(net: Net, held: Sequence[int]) -> Net:
    """Give a net in which held facts are given by leaves only: arcs after the others, without needs."""
    known = frozenset(held)
    gives = [
        gifts if known.isdisjoint(gifts) else tuple(fact for fact in gifts if fact not in known) for gifts in net.gives
    ]
    return net._replace(
        asks=[*net.asks, *([] for _ in held)],
        waits=[*net.waits, *(0 for _ in held)],
        gives=[*gives, *((fact,) for fact in held)],
    )


def _ties(names: Sequence[str]) -> tuple[int, list[int]]:
    """Give each arc a number, so that of sets of equally many arcs the least sum has the least sorted names.

    The sorted list that comes first is the one with more of the least name on which two differ. So a name is a digit,
    the least name the highest digit, and having more of it makes the sum less; the same again with the arcs
    themselves, where a name is of several. Also gives how many bits all the numbers together may take.
    """
    ranks = {name: rank for rank, name in enumerate(sorted(set(names)))}
    digit = max(Counter(names).values(), default=0).bit_length()
    top, count = digit * len(ranks), len(names)
    room = count + count.bit_length() if digit > 1 else 0
    ties = [((1 << top) - (1 << top - digit * (ranks[name] + 1))) << room for name in names]
    if room:
        ties = [tie + (1 << count) - (1 << count - 1 - at) for at, tie in enumerate(ties)]
    return top + room + count.bit_length(), ties
