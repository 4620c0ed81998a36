"""What harness finds of the published cases, number by number, out of the registries that it ships."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any, Final

from harness.adapters.registries import load_registry
from harness.converge.ground import Ground
from harness.converge.loop.gradient import gradients, slack
from harness.registry.registry import Registry
from harness.registry.solve.boundary import boundary
from harness.registry.solve.checker import certainly
from harness.registry.solve.coding import told
from harness.registry.solve.decide import Feasible, decide
from harness.registry.solve.extract import extract
from harness.registry.solve.mus import all_muses
from harness.registry.solve.problem import Problem
from harness.registry.solve.relax import Relaxation, relax

from .asking import verdict_of
from .published import TIMES

Found = dict[str, Any]

CASES: Final[Mapping[str, tuple[str, str, Mapping[str, Any]]]] = {
    "driving 30": ("driving_degradation", "driving_plan", {}),
    "driving 90": ("driving_degradation", "driving_plan", {"perception_m": 90}),
    "reactor 120": ("flow_reactor", "operating_point", {}),
    "reactor 180": ("flow_reactor", "operating_point", {"tau_max_s": 180}),
    "replicas": ("replicas", "deployment", {}),
    "replicas 2250": ("replicas", "deployment", {"budget_usd": 2250}),
}
"""Every case: its registry, the artifact, and the parameters that are not as they stand there."""


@cache
def registry_of(case: str) -> Registry:
    """Load the registry of a case, with its parameters."""
    name, _, parameters = CASES[case]
    registry = load_registry(name)
    return replace(registry, parameters={**registry.parameters, **parameters})


def found(case: str) -> Found:
    """Give all that harness says of a case, by the names of the facts."""
    problem = extract(registry_of(case), CASES[case][1])
    decision = decide(problem)
    return {"verdict": verdict_of(decision)} | _MEASURED[case](problem)


def _conflict(problem: Problem) -> str:
    """Give the minimal sets of rules in conflict: there is one, or the answer is not the one that is expected."""
    every = all_muses(problem, decide, certainly)
    return " or ".join(" ".join(sorted(one.names)) for one in every.subsets) if every.complete else "not complete"


def _relaxed(problem: Problem, case: str, names: Iterable[str]) -> Mapping[str, Relaxation]:
    about = registry_of(case).about
    bounds = {name: (Fraction(repr(about[name].low)), Fraction(repr(about[name].high))) for name in names}
    return {name: relax(problem, name, decide, ends) for name, ends in bounds.items()}


def _values(freed: Mapping[str, Relaxation]) -> Found:
    return {name: math.nan if one.feasible_at is None else float(one.feasible_at) for name, one in freed.items()}


def _inside(problem: Problem, name: str, fixed: Mapping[str, Fraction] | None = None) -> tuple[float, float]:
    """Give the one stretch of a field that is possible."""
    stretches = [one for one in boundary(problem, name, decide, fixed) if one.state == "in"]
    if len(stretches) != 1:
        return math.nan, math.nan
    return float(stretches[0].low), float(stretches[0].high)


def _driving_30(problem: Problem) -> Found:
    ground = Ground(registry_of("driving 30"), "driving_plan")
    judged = ground.judge({"v_kmh": 90})
    (way,) = gradients(ground, judged, judged.satisfied)
    names = ("perception_m", "friction", "decel_max_mps2", "window_s", "v0_kmh")
    return {
        "conflict": _conflict(problem),
        "fastest": _inside(problem.only(frozenset({"FORWARD-BRAKING"})), "v_kmh")[1],
        "slowest": _inside(problem.only(frozenset({"REAR-DECELERATION"})), "v_kmh")[0],
        **_values(_relaxed(problem, "driving 30", names)),
        "too fast at 90 by": way.alone[0].distance,
        "room behind at 90": slack(ground, judged.candidate, "REAR-DECELERATION", "v_kmh")[0],
    }


def _driving_90(problem: Problem) -> Found:
    low, high = _inside(problem, "v_kmh")
    return {"slowest": low, "fastest": high}


def _reactor_120(problem: Problem) -> Found:
    freed = _relaxed(problem, "reactor 120", ("tau_max_s", "impurity_max", "conversion_min"))
    degrees = {f"{name} degrees": float(one.witness[0]) for name, one in freed.items() if one.witness}
    point = freed["tau_max_s"].witness
    rate = math.nan if point is None else _of_point(float(point[0]), float(point[1]))["rate"]
    return {"conflict": _conflict(problem), **_values(freed), **degrees, "tau_max_s rate": rate}


def _reactor_180(problem: Problem) -> Found:
    ends = {tau: _inside(problem, "temperature_c", {"tau_s": Fraction(tau)}) for tau in TIMES}
    coldest = {f"coldest at {tau}": low for tau, (low, _) in ends.items()}
    return coldest | {f"hottest at {tau}": high for tau, (_, high) in ends.items()} | _of_point(97.0, 175.0)


def _of_point(degrees: float, tau: float) -> Found:
    """Give what the rules work out of a point: limits that it cannot meet make every one of them say so."""
    registry = registry_of("reactor 180")
    strict = {"conversion_min": 1, "production_min_kg_d": 1000}
    strict |= {"impurity_max": 0, "cooling_w": 0, "pressure_max_pa": 0}
    ground = Ground(replace(registry, parameters=registry.parameters | strict), "operating_point")
    judged = ground.judge({"temperature_c": degrees, "tau_s": tau})
    values = {name: value for one in judged.verdicts for name, value in one.values.items()}
    worked_out = ("conversion", "impurity", "production_kg_d", "heat_w", "pressure_pa")
    return {name: values[name] for name in worked_out} | {"rate": -math.log(1 - values["conversion"]) / tau}


def _replicas(problem: Problem) -> Found:
    freed = _relaxed(problem, "replicas", ("budget_usd", "replicas_min"))
    return {"conflict": _conflict(problem), **_values(freed)}


def _replicas_2250(problem: Problem) -> Found:
    decision = decide(problem)
    assert isinstance(decision, Feasible)
    return {"replicas": told(problem.variables[0], decision.point[0])}


_MEASURED: Final[Mapping[str, Callable[[Problem], Found]]] = {
    "driving 30": _driving_30,
    "driving 90": _driving_90,
    "reactor 120": _reactor_120,
    "reactor 180": _reactor_180,
    "replicas": _replicas,
    "replicas 2250": _replicas_2250,
}
