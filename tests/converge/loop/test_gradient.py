"""The way back: what a failed rule says, and the nearest values that keep what is locked."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.adapters.registries import load_registry
from harness.converge.ground import Ground
from harness.converge.loop.gradient import Gradient, gradients, slack
from harness.registry.load import load

NEAR = Ground(load_registry("driving_degradation"), "driving_plan")
FAR = Ground(NEAR.registry.bind(perception_m=90), "driving_plan")
REACTOR = Ground(load_registry("flow_reactor").bind(tau_max_s=180), "operating_point")

BOX = """\
registry: box
version: 1.0.0
default: allow
artifacts:
  box:
    schema:
      type: object
      required: [x, y, color]
      properties:
        x: {type: number, minimum: 0, maximum: 10}
        y: {type: number, minimum: 0, maximum: 10}
        color: {enum: [red, green, blue]}
invariants:
  - {id: WIDE, on: artifact, artifact: box, require: artifact.x * artifact.y >= 12}
  - {id: FLAT, on: artifact, artifact: box, require: artifact.x + artifact.y <= 8}
  - {id: COLD, on: artifact, artifact: box, require: artifact.color != "red"}
"""
BOXES = Ground(load(BOX, "box.yaml"), "box")


def only(ground: Ground, candidate: dict[str, object], *locked: str) -> Gradient:
    """Give the one gradient of a candidate."""
    (found,) = gradients(ground, ground.judge(candidate), frozenset(locked))
    return found


def test_the_published_distances() -> None:
    """At v = 90 and 30 m the speed has to fall by more than 34.7896; the other rule leaves 6.0 to fall."""
    found = only(NEAR, {"v_kmh": 90}, "REAR-DECELERATION")
    assert found.anchor == "FORWARD-BRAKING"
    assert found.steps == ()
    assert found.against == ("REAR-DECELERATION",)
    (alone,) = found.alone
    assert alone.direction == "decrease"
    assert alone.distance == pytest.approx(34.7896, abs=5e-5)
    assert alone.boundary == pytest.approx(55.2104, abs=5e-5)
    assert slack(NEAR, {"v_kmh": 90}, "REAR-DECELERATION", "v_kmh") == (6.0, None)


def test_a_step_keeps_what_is_locked() -> None:
    """From v = 50 at 90 m the nearest value that both rules hold of is 84, and 95.63 from above."""
    (step,) = only(FAR, {"v_kmh": 50}, "FORWARD-BRAKING").steps
    assert (step.direction, step.distance, step.boundary) == ("increase", 34, 84)
    (step,) = only(FAR, {"v_kmh": 120}, "REAR-DECELERATION").steps
    assert step.boundary == pytest.approx(95.6272764, abs=1e-6)
    assert FAR.judge({"v_kmh": step.boundary}).satisfied == {"FORWARD-BRAKING", "REAR-DECELERATION"}


def test_several_fields_may_have_to_change() -> None:
    """Where no field alone will do, an artifact that meets the rule and all that is locked is told."""
    found = only(BOXES, {"x": 1, "y": 1, "color": "blue"}, "FLAT", "COLD")
    assert (found.anchor, found.steps, found.against) == ("WIDE", (), ())
    assert found.jump is not None
    assert BOXES.judge(found.jump).satisfied == {"WIDE", "FLAT", "COLD"}
    assert found.jump["color"] in ("green", "blue")


def test_a_choice_is_told_by_its_values() -> None:
    """Of a listed field the values that will do are named."""
    (step,) = only(BOXES, {"x": 4, "y": 4, "color": "red"}, "WIDE", "FLAT").steps
    assert (step.field, step.direction, step.one_of) == ("artifact.color", "choose", ("green", "blue"))


def test_a_real_problem_of_the_process_industry() -> None:
    """From T = 90 and 175 s the reactor needs T in [96.8671, 97.7245]; the step leads just there."""
    judged = REACTOR.judge({"temperature_c": 90, "tau_s": 175})
    found = gradients(REACTOR, judged, judged.satisfied)
    steps = [step for one in found for step in one.steps if step.field == "artifact.temperature_c"]
    assert [step.direction for step in steps] == ["increase"]
    assert steps[0].boundary == pytest.approx(96.867132, abs=1e-5)


@given(st.floats(0, 10), st.floats(0, 10), st.sampled_from(["red", "green", "blue"]))
def test_every_step_and_jump_has_been_tried(x: float, y: float, color: str) -> None:
    """After any step that is told, the failed rule holds and no locked one is broken; nothing nearer by 1e-6 does."""
    candidate = {"x": x, "y": y, "color": color}
    judged = BOXES.judge(candidate)
    for found in gradients(BOXES, judged, judged.satisfied):
        wanted = judged.satisfied | {found.anchor}
        for step in found.steps:
            name = step.field.removeprefix("artifact.")
            if step.direction == "choose":
                assert all(BOXES.judge(candidate | {name: one}).satisfied >= wanted for one in step.one_of)
                continue
            assert step.boundary is not None
            assert BOXES.judge(candidate | {name: step.boundary}).satisfied >= wanted
            now = float(candidate[name])  # type: ignore[arg-type]
            for part in (0.25, 0.5, 0.75, 1 - 1e-6):
                between = now + (step.boundary - now) * part
                if abs(step.boundary - now) > 1e-6:
                    assert not BOXES.judge(candidate | {name: between}).satisfied >= wanted
        if found.jump is not None:
            assert BOXES.judge(found.jump).satisfied >= wanted
        json.dumps(found.facts())
        assert found.anchor in str(found)


def test_without_the_solver_the_steps_of_the_verdict_are_kept_that_break_nothing() -> None:
    """Where no rule can be solved, a field having no bounds, the steps told are those that have been tried."""
    text = BOX.replace("x: {type: number, minimum: 0, maximum: 10}", "x: {type: number}")
    text = text.replace('artifact.color != "red"', 'artifact.color != "red" and artifact.x < 100')
    ground = Ground(load(text, "box.yaml"), "box")
    assert ground.problem is None
    found = only(ground, {"x": 1.5, "y": 5, "color": "blue"}, "FLAT", "COLD")
    assert found.anchor == "WIDE"
    assert [one.field for one in found.steps] == ["artifact.x"]
    assert slack(ground, {"x": 2, "y": 5, "color": "blue"}, "FLAT", "x") == pytest.approx((math.nan,) * 2, nan_ok=True)
