"""The shipped registries of constraints on one artifact: their vectors, and the problems they pose."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from harness import check_artifact
from harness.adapters.registries import load_registry
from harness.registry.registry import Registry
from harness.registry.solve.extract import extract
from harness.review.trial import try_registry
from tests.registry.solve.points import meets

FOLDER = Path(__file__).parents[2] / "registries"
ARTIFACTS = {"driving_degradation": "driving_plan", "flow_reactor": "operating_point", "replicas": "deployment"}


def loaded(name: str, **bound: Any) -> Registry:
    """Give a registry with some parameters bound."""
    return load_registry(FOLDER / f"{name}.yaml").bind(**bound)


def broken(registry: Registry, artifact: str, **fields: Any) -> set[str]:
    """Name the rules that an artifact breaks, as the registry and as its problem say."""
    said = {verdict.rule for verdict in check_artifact(artifact, fields, registry=registry).verdicts}
    solved = meets(extract(registry, artifact), fields, wary=False)
    assert said == {name for name, met in solved.items() if not met}
    return said


@pytest.mark.parametrize("name", ARTIFACTS)
def test_its_examples_show_what_they_say(name: str) -> None:
    """Every rule has a source, and examples that hold and that violate."""
    registry = loaded(name)
    trial = try_registry(registry)
    assert (trial.failures, trial.never_hold, trial.never_violated) == ((), (), ())
    assert all(rule.title and rule.says and rule.source for rule in registry.invariants)


@pytest.mark.parametrize("name", ARTIFACTS)
def test_it_poses_a_problem(name: str) -> None:
    """One constraint for each rule, over the fields of the artifact; what a caller may bind keeps its name in it."""
    registry = loaded(name)
    problem = extract(registry, ARTIFACTS[name])
    assert [one.name for one in problem.constraints] == [rule.id for rule in registry.invariants]
    fields = registry.artifacts[ARTIFACTS[name]][
        "schema" if "schema" in registry.artifacts[ARTIFACTS[name]] else "properties"
    ]
    assert [one.name for one in problem.variables] == list(fields)
    assert {f"parameter={name!r}" in repr(problem) for name, one in registry.about.items() if one.bind == "free"} == {
        True
    }


# --- driving ----------------------------------------------------------------------------------------------------------

FORWARD, REAR = "FORWARD-BRAKING", "REAR-DECELERATION"


@pytest.mark.parametrize(
    ("perception_m", "v_kmh", "expected"),
    [
        (30, 50, {REAR}),
        (30, 55.2104, {REAR}),
        (30, 55.2105, {FORWARD, REAR}),
        (30, 83.9999, {FORWARD, REAR}),
        (30, 84, {FORWARD}),
        (30, 90, {FORWARD}),
        (90, 50, {REAR}),
        (90, 83.9999, {REAR}),
        (90, 84, set()),
        (90, 90, set()),
        (90, 95.6272, set()),
        (90, 95.6273, {FORWARD}),
    ],
)
def test_the_speeds_of_a_car_with_bad_sight(perception_m: int, v_kmh: float, expected: set[str]) -> None:
    """At 30 m none is right, at 90 m those from 84 up to 95.6273 km/h."""
    assert broken(loaded("driving_degradation", perception_m=perception_m), "driving_plan", v_kmh=v_kmh) == expected


def test_no_speed_is_right_at_30_m() -> None:
    """The slower half of all speeds is too slow, the faster half too fast."""
    registry = loaded("driving_degradation")
    assert all(broken(registry, "driving_plan", v_kmh=tenth / 10 + 0.05) for tenth in range(2000))


@pytest.mark.parametrize(
    ("parameter", "short", "enough"),
    [("decel_max_mps2", 3.59942, 3.59943), ("perception_m", 69.44444, 69.44445)],
)
def test_what_one_relaxation_takes_in_driving(parameter: str, short: float, enough: float) -> None:
    """At the rear's slowest speed sight is just enough, or just not."""
    for value, expected in ((short, {FORWARD}), (enough, set())):
        registry = loaded("driving_degradation", **{parameter: value})
        slowest = 120 - registry.parameters["decel_max_mps2"] * 18
        assert broken(registry, "driving_plan", v_kmh=slowest + 1e-6) == expected


# --- the reactor ------------------------------------------------------------------------------------------------------

CONVERSION, IMPURITY, TIME = "CONVERSION-MINIMUM", "IMPURITY-LIMIT", "RESIDENCE-TIME-LIMIT"


def temperature(rate: float) -> float:
    """Give the temperature in °C at which the reaction is that fast."""
    return 72000 / (8.314 * math.log(2.5e8 / rate)) - 273.15


@pytest.mark.parametrize(
    ("tau_s", "low", "high"),
    [(158, 98.490, 98.538), (165, 97.800, 98.192), (170, 97.326, 97.955), (175, 96.867, 97.724), (180, 96.422, 97.501)],
)
def test_the_temperatures_of_the_reactor(tau_s: float, low: float, high: float) -> None:
    """Within 180 s there is a window for each time: cooler converts too little, hotter spoils too much."""
    registry, off = loaded("flow_reactor", tau_max_s=180), 0.001
    for degrees, expected in (
        (low - off, {CONVERSION}),
        (low + off, set()),
        (high - off, set()),
        (high + off, {IMPURITY}),
    ):
        assert broken(registry, "operating_point", temperature_c=degrees, tau_s=tau_s) == expected
        assert broken(loaded("flow_reactor"), "operating_point", temperature_c=degrees, tau_s=tau_s) == expected | {
            TIME
        }


def test_what_the_reactor_does_at_its_reference() -> None:
    """At 97 °C and 175 s; the values that rules compare are those of the published case, with the units put right."""
    registry = loaded(
        "flow_reactor",
        impurity_max=0.01,
        conversion_min=0.99,
        cooling_w=1,
        pressure_max_pa=1,
        production_min_kg_d=99,
    )
    judged = check_artifact("operating_point", {"temperature_c": 97, "tau_s": 175}, registry=registry)
    told = {name: value for verdict in judged.verdicts for name, value in verdict.values.items()}
    expected = {
        "conversion": 0.95125,
        "impurity": 0.01825,
        "heat_w": 34.84,
        "pressure_pa": 5266,
        "production_kg_d": 7.08,
    }
    assert {name: told[name] for name in expected} == pytest.approx(expected, rel=5e-4)
    assert temperature(0.017263) == pytest.approx(97, abs=1e-3)


@pytest.mark.parametrize(
    ("parameter", "short", "enough", "degrees"),
    [
        ("tau_max_s", 157.0522, 157.0523, 98.586),
        ("impurity_max", 0.0261753, 0.0261754, 102.93),
        ("conversion_min", 0.927097, 0.927096, 100.745),
    ],
)
def test_what_one_relaxation_takes_in_the_reactor(parameter: str, short: float, enough: float, degrees: float) -> None:
    """With the longest time allowed, the coolest point that converts enough is clean enough, or just not."""
    for value, expected in ((short, {IMPURITY}), (enough, set())):
        registry = loaded("flow_reactor", **{parameter: value})
        tau_s, least = registry.parameters["tau_max_s"], registry.parameters["conversion_min"]
        coolest = temperature(-math.log(1 - least) / tau_s) + 1e-9
        assert broken(registry, "operating_point", temperature_c=coolest, tau_s=tau_s) == expected
        assert coolest == pytest.approx(degrees, abs=6e-3)


# --- replicas ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bound", "feasible"),
    [
        ({}, []),
        ({"budget_usd": 2249}, []),
        ({"budget_usd": 2250}, [5]),
        ({"replicas_min": 3}, []),
        ({"replicas_min": 2}, [2]),
        ({"replica_usd": 240}, [5]),
    ],
)
def test_the_replicas_that_fit_a_budget(bound: dict[str, Any], feasible: list[int]) -> None:
    """Five at 450 USD do not fit 1200; they do at 2250, and two do."""
    registry = loaded("replicas", **bound)
    assert [number for number in range(30) if not broken(registry, "deployment", replicas=number)] == feasible
