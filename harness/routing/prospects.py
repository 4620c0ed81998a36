"""What can be had from here: which tools stand, at what weight, and the routes that are left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from math import comb
from typing import Any, Final

from harness.routing.calls import Call
from harness.routing.deadlock import Barred, deadlock
from harness.routing.graph import Goal, Graph, shown
from harness.routing.health.store import standing
from harness.routing.holdings import Holdings
from harness.routing.orders import Health
from harness.routing.planner import Planner, Route

_MOST_CHOICES: Final = 512  # sets of writes that are looked at before one of so many is given up
_MS: Final = 1_000_000


class Prospects:
    """Plan for one route: from what it holds, with the tools as it knows them. Times are the route's own.

    ``goals`` are those that may be asked about. A tool that is barred until a time is free again after it.
    """

    def __init__(self, graph: Graph, goals: Mapping[str, Goal], holdings: Holdings, planner: Planner) -> None:
        self._graph, self._goals, self._holdings, self._planner = graph, goals, holdings, planner
        self._weights = planner.weights()
        self._weighed: set[str] = set()
        self.barred: dict[str, Barred] = {}
        self.probing: set[str] = set()
        self.spent = 0

    # --- the tools ---------------------------------------------------------------------------------------------------

    def take(self, health: Health, now: int) -> None:
        """Weigh the tools by what is known of their health."""
        self.admit(now)
        for tool in sorted(self._weighed | (health.keys() & self._graph.tools.keys())):
            known = standing(health, tool, now)
            self._weights.scale(tool, known.factor)
            self.probing = self.probing | {tool} if known.probe else self.probing - {tool}
            if known.until is not None:
                self._keep_barred(tool, known.until)
        self._weighed = set(health)

    def _keep_barred(self, tool: str, until: int) -> None:
        """Bar a tool that the store says is down; one that is barred stays so for its own reason, and no shorter."""
        before = self.barred.get(tool, Barred("its breaker is open, or its quota is used up", until))
        self.bar(tool, before._replace(until=max(until, before.until or until)))

    def bar(self, tool: str, barred: Barred) -> None:
        """Take a tool out of every route; for good if it is so already."""
        before = self.barred.get(tool)
        if before is None or before.until is not None:
            self.barred[tool] = barred
            self._weights.bar(tool)

    def fell(self, tool: str, why: str, now: int) -> None:
        """Bar a tool that stays down, and all of its failure domain, until it may have recovered."""
        until, domain = now + self._graph.policy.cool_ms * _MS, self._graph.tools[tool].domain
        for name, spec in self._graph.tools.items():
            if name == tool:
                self.bar(name, Barred(why, until))
            elif domain is not None and spec.domain == domain:
                self.bar(name, Barred(f"{tool} of its domain is down", until))

    def served(self, tool: str) -> None:
        """End the trial of a tool that has served, and of its failure domain."""
        domain = self._graph.tools[tool].domain
        self.probing = {
            name
            for name in self.probing
            if name != tool and (domain is None or self._graph.tools[name].domain != domain)
        }

    def admit(self, now: int) -> None:
        """Let tools be used again whose time has come."""
        for tool in [tool for tool, one in self.barred.items() if one.until is not None and one.until <= now]:
            del self.barred[tool]
            self._weights.admit(tool)

    def next_up(self) -> int | None:
        """Give when the first of the barred tools may be up again, None where none will be."""
        return min((one.until for one in self.barred.values() if one.until is not None), default=None)

    def weight(self, arc: int) -> int:
        """Give what a call of an arc costs now, in millionths; its base cost where it is barred."""
        weight = self._weights[arc]
        return self._graph.arcs[arc].cost if weight is None else weight

    # --- routes ------------------------------------------------------------------------------------------------------

    def best(self, goal: str, under_way: Iterable[Call] = (), *, capped: bool = True) -> Route | None:
        """Plan from the facts held and those of calls under way, so that nothing committed is left over.

        A route above the cost cap is none, unless ``capped`` is false.
        """
        holdings = self._holdings
        held = {fact: holdings.support.get(fact, 0) for fact in holdings.facts}
        required = holdings.committed
        for call in under_way:
            arc = self._graph.arcs[call.arc]
            rests = holdings.rests(call.used) | call.bit
            held |= {fact: rests for fact in arc.gives if fact not in held}
            required |= call.bit
        return self._planned(goal, held, required, capped=capped)

    def best_without_some(self, goal: str) -> tuple[Route, int] | None:
        """Plan a route for which some committed writes have to be taken back: the fewest, then the cheapest route."""
        holdings = self._holdings
        undoable = [write.bit for write in holdings.standing(holdings.undoable(self._graph.tools))]
        for count in range(1, len(undoable) + 1):
            few = comb(len(undoable), count) <= _MOST_CHOICES
            found: tuple[Route, int] | None = None
            for bits in combinations(undoable, count) if few else [tuple(undoable[:count])]:
                given_up = sum(bits)
                supports = ((fact, holdings.support.get(fact, 0)) for fact in holdings.facts)
                held = {fact: support for fact, support in supports if not support & given_up}
                route = self._planned(goal, held, holdings.committed & ~given_up)
                if route is not None and (found is None or route.cost < found[0].cost):
                    found = route, given_up
            if found is not None:
                return found
        return None

    def deadlock(self, goal: str, why: str) -> dict[str, Any]:
        """Give why there is no route, and what could be had instead, as JSON data."""
        holdings = self._holdings
        committed = [write.tool for write in holdings.writes]
        known = deadlock(self._graph, self._goals[goal], holdings.facts, self.barred, committed, why)
        return known | self._too_dear(goal) | {"goals": self.menu(goal)}

    def _too_dear(self, goal: str) -> dict[str, Any]:
        """Give the route that only the cost cap forbids, where there is one."""
        cap = self._graph.policy.cost_cap
        route = None if cap is None else self.best(goal, capped=False)
        if cap is None or route is None or self.spent + route.cost <= cap:
            return {}
        told = {"cost": shown(route.cost), "cost_cap": shown(cap), "path": self.path(route.arcs)}
        return {"too_dear": told | {"spent": shown(self.spent)}}

    def menu(self, instead_of: str) -> list[dict[str, Any]]:
        """Give the other goals that can be had, with their cost and what would be taken back for them."""
        menu = []
        for goal in self._goals:
            found, given_up = self.best(goal), 0
            if found is None and (other := self.best_without_some(goal)) is not None:
                found, given_up = other
            if goal != instead_of and found is not None:
                undo = [write.tool for write in self._holdings.standing(given_up)]
                menu.append({"cost": shown(found.cost), "goal": goal, "path": self.path(found.arcs), "undo": undo})
        return menu

    def path(self, arcs: Iterable[int]) -> list[str]:
        """Give the tools of some arcs."""
        return [tool for index in arcs if (tool := self._graph.arcs[index].tool) is not None]

    def _planned(self, goal: str, held: Mapping[str, int], required: int, *, capped: bool = True) -> Route | None:
        route = self._planner.plan(self._goals[goal].needs, held, self._weights, required)
        cap = self._graph.policy.cost_cap if capped else None
        return None if route is None or (cap is not None and self.spent + route.cost > cap) else route
