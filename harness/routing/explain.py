"""Why a route was taken: what each step costs and why, which route is the next best, and what was not to be had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from harness.routing.graph import Need, shown
from harness.routing.planner import Planner, Route
from harness.routing.problem import name_of
from harness.routing.weights import UNSCALED, Weights


class Step(NamedTuple):
    """One arc of a route: its weight, and the base cost and factor (thousandths) that make it."""

    name: str
    weight: int
    base: int
    factor: int

    def __str__(self) -> str:
        """Tell it to a reader."""
        if self.factor == UNSCALED:
            return f"{self.name}  {shown(self.weight)}"
        return f"{self.name}  {shown(self.weight)} = {shown(self.base)} × {self.factor / UNSCALED:g}"


class Other(NamedTuple):
    """The next best route: the names of the best one that it does ``without``, and those it has ``instead``."""

    path: tuple[str, ...]
    cost: int
    without: tuple[str, ...]
    instead: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a route is the best that there is.

    ``steps`` are in run order, None where there is no route; ``missing`` are then the facts that the goal could use and
    nothing leads to. ``other`` is the best route that avoids an arc of this one. ``barred`` gives, for each tool that
    could otherwise matter to the goal, why it may not be used. Costs are in millionths.
    """

    steps: tuple[Step, ...] | None
    cost: int = 0
    at_least: int = 0
    leaves: tuple[str, ...] = ()
    other: Other | None = None
    barred: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Tell it to a reader, a line for each thing."""
        return [*self._route(), *self._rest()]

    def facts(self) -> dict[str, Any]:
        """Give it as JSON data; costs as the numbers that a reader knows."""
        said: dict[str, Any] = {"barred": dict(self.barred)}
        if self.steps is None:
            return {**said, "path": None, "missing": list(self.missing)}
        said["path"] = [step.name for step in self.steps]
        said["cost"], said["at_least"] = shown(self.cost), shown(self.at_least)
        said["from"] = list(self.leaves)
        said["steps"] = [
            {
                "name": step.name,
                "weight": shown(step.weight),
                "base": shown(step.base),
                "factor": step.factor / UNSCALED,
            }
            for step in self.steps
        ]
        said["other"] = self.other and {
            "path": list(self.other.path),
            "cost": shown(self.other.cost),
            "without": list(self.other.without),
            "instead": list(self.other.instead),
        }
        return said

    def _route(self) -> list[str]:
        if self.steps is None:
            return [f"no route: nothing leads to {', '.join(self.missing) or 'what it has to rest on'}"]
        if not self.steps:
            return ["nothing to do: the goal is reached"]
        path = " → ".join(step.name for step in self.steps)
        proven = "" if self.at_least == self.cost else f"; no route costs less than {shown(self.at_least)}"
        return [f"{path}  cost {shown(self.cost)}{proven}", *(f"    {step}" for step in self.steps)]

    def _rest(self) -> list[str]:
        said = [self._next()] if self.steps else []
        return said + [f"not to be used: {tool}{why and f' ({why})'}" for tool, why in self.barred.items()]

    def _next(self) -> str:
        other = self.other
        if other is None:
            return "no other route"
        more = f"{shown(other.cost - self.cost)} more" if other.cost > self.cost else "as much"
        differs = " instead of ".join(", ".join(names) or "nothing" for names in (other.instead, other.without))
        if not other.instead and not other.without:
            differs = "the same steps from other facts"
        return f"next best: {' → '.join(other.path)}  cost {shown(other.cost)} ({more}): {differs}"


def explain(
    planner: Planner,
    needs: tuple[Need, ...],
    held: Mapping[str, int],
    weights: Weights,
    required: int = 0,
    reasons: Mapping[str, str] | None = None,
) -> Explanation:
    """Explain the route that the same question to the planner gives.

    ``reasons`` say by tool why it is barred. Plans once more for each arc of the route. Does not say that ``other`` is
    proven to be the next best where the planner's budget ended before it was.
    """
    route = planner.plan(needs, held, weights, required)
    problem = planner.problem(needs)
    tools = {planner.graph.arcs[at].tool for at in problem.arcs}
    barred = {tool: (reasons or {}).get(tool, "") for tool in sorted(weights.barred) if tool in tools}
    if route is None:
        return Explanation(None, barred=barred, missing=_missing(planner, needs, held, weights))
    steps = tuple(_step(planner, weights, at) for at in route.arcs)
    other = _other(planner, needs, held, weights, required, route)
    return Explanation(steps, route.cost, route.at_least, route.leaves, other, barred)


def _step(planner: Planner, weights: Weights, at: int) -> Step:
    arc = planner.graph.arcs[at]
    factor = UNSCALED if arc.tool is None else weights.factor(arc.tool)
    return Step(name_of(arc), weights[at] or 0, arc.cost, factor)


def _other(
    planner: Planner,
    needs: tuple[Need, ...],
    held: Mapping[str, int],
    weights: Weights,
    required: int,
    route: Route,
) -> Other | None:
    """Give the best route that avoids at least one arc: the best of those that avoid each."""
    found = [planner.plan(needs, held, weights.without([at]), required) for at in route.arcs]
    others = [other for other in found if other is not None]
    if not others:
        return None
    least = min(others, key=lambda other: (sum(weights.steps[at] for at in other.arcs), _names(planner, other.arcs)))
    names, path = _names(planner, route.arcs), _names(planner, least.arcs)
    without, instead = (name for name in names if name not in path), (name for name in path if name not in names)
    return Other(path, least.cost, tuple(without), tuple(instead))


def _names(planner: Planner, arcs: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(name_of(planner.graph.arcs[at]) for at in arcs)


def _missing(planner: Planner, needs: tuple[Need, ...], held: Mapping[str, int], weights: Weights) -> tuple[str, ...]:
    """Give the facts of the needs that cannot be met, and that nothing leads to from what is held."""
    facts = planner.reached(held, weights, needs)
    unmet = [need for need in needs if len(facts.intersection(need.of)) < need.least]
    return tuple(sorted({fact for need in unmet for fact in need.of} - facts))
