"""The loop as a machine: what is accepted, what is locked, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from harness.adapters.registries import load_registry
from harness.converge.ground import Ground
from harness.converge.loop import Convergence, Gone, Loop, Proposed, Silent
from harness.converge.loop.ask import Ask
from harness.converge.loop.gradient import Gradient
from harness.errors import UsageError
from harness.registry.load import load
from harness.registry.solve.checker import check_certificate
from harness.trace.verdict import Move

DRIVING = load_registry("driving_degradation")
FAR = DRIVING.bind(perception_m=90)

MIXED = """\
registry: mixed
version: 1.0.0
default: allow
artifacts:
  mix:
    schema:
      type: object
      required: [a, b, mode]
      properties:
        a: {type: number, minimum: 0, maximum: 10}
        b: {type: integer, minimum: 0, maximum: 10}
        mode: {enum: [slow, fast]}
invariants:
  - {id: SUM, title: enough of both, on: artifact, artifact: mix, require: artifact.a + artifact.b >= 6}
  - {id: CAP, title: not too much of a, on: artifact, artifact: mix, require: artifact.a * artifact.a <= 9}
  - {id: FAST, title: few b, on: artifact, artifact: mix, require: artifact.mode == "slow" or artifact.b <= 4}
  - {id: GAP, title: b is above a, on: artifact, artifact: mix, require: artifact.b > artifact.a}
"""
MIX = Ground(load(MIXED, "mixed.yaml"), "mix")


def led(loop: Loop, proposals: Iterable[Any]) -> Convergence:
    """Lead a loop with these proposals, one after another, until it ends."""
    turn, rest = loop.start(), iter(proposals)
    while isinstance(turn, Ask):
        turn = loop.hear(Proposed(next(rest)))
    return turn


def following(ask: Ask) -> dict[str, Any]:
    """Propose what the first gradient says, or else something in the middle."""
    if ask.accepted is None:
        return {"v_kmh": 50}
    step = ask.gradients[0].steps[0]
    return {"v_kmh": step.boundary}


def test_a_paradox_is_proven_before_anything_is_proposed() -> None:
    """At 30 m the two rules are irreconcilable: no proposal is asked for, and the certificate can be followed."""
    loop = Loop(Ground(DRIVING, "driving_plan"))
    end = loop.start()
    assert isinstance(end, Convergence)
    assert (end.end, end.conflict, end.rounds) == ("infeasible", ("FORWARD-BRAKING", "REAR-DECELERATION"), ())
    assert loop.ground.problem is not None
    assert check_certificate(loop.ground.problem, end.certificate) == ""


def test_locks_protect_rules_and_not_values() -> None:
    """At 90 m from v = 50, which meets one rule, the loop goes on to a v that meets both; a frozen v would not."""
    loop = Loop(Ground(FAR, "driving_plan"))
    turn = loop.start()
    asked: list[Ask] = []
    while isinstance(turn, Ask):
        asked.append(turn)
        turn = loop.hear(Proposed(following(turn)))
    assert (turn.end, turn.value) == ("converged", {"v_kmh": 84})
    assert asked[1].locked == ("FORWARD-BRAKING",)


def test_what_breaks_a_lock_is_not_accepted() -> None:
    """A candidate that trades one met rule for another is told which it broke, and the accepted one stands."""
    loop = Loop(Ground(FAR, "driving_plan"))
    loop.start()
    loop.hear(Proposed({"v_kmh": 50}))
    ask = loop.hear(Proposed({"v_kmh": 150}))
    assert isinstance(ask, Ask)
    assert (ask.accepted, ask.locked) == ({"v_kmh": 50}, ("FORWARD-BRAKING",))
    assert [one.anchor for one in ask.broken] == ["FORWARD-BRAKING"]
    assert "It breaks what was met before" in ask.prompt
    assert not loop.rounds[-1].accepted


def test_running_out_of_tries_proves_nothing() -> None:
    """A loop that stays short of a rule that can be met is exhausted, and says so."""
    end = led(Loop(Ground(FAR, "driving_plan"), tries=3), [{"v_kmh": 50}, {"v_kmh": 51}, {"v_kmh": 52}])
    assert (end.end, end.value, end.accepted) == ("exhausted", None, {"v_kmh": 52})
    assert end.why == "REAR-DECELERATION not met in 3 tries, which proves nothing"
    assert end.certificate is None


@pytest.mark.parametrize(("values", "period"), [([50, 50], 1), ([50, 20, 50], 2), ([50, 51, 52, 51, 50], 4)])
def test_going_round_is_named(values: list[int], period: int) -> None:
    """The shortest period with which the last candidate came again is told to the proposer and at the end."""
    end = led(Loop(Ground(FAR, "driving_plan"), tries=len(values)), [{"v_kmh": value} for value in values])
    assert end.oscillation is not None
    assert end.oscillation.period == period
    assert len(end.oscillation.candidates) == period


@pytest.mark.parametrize(
    ("proposed", "fault"),
    [
        ("At 90 km/h all is well.", "a JSON object is wanted"),
        (None, "a JSON object is wanted"),
        ([{"v_kmh": 90}], "a JSON object is wanted"),
        ({}, "'v_kmh' is a required property"),
        ({"v_kmh": "90"}, "'90' is not of type 'number'"),
        ({"v_kmh": 1e9}, "greater than the maximum"),
        ({"v_kmh": float("nan")}, "nan has no JSON form"),
        ({"v_kmh": float("inf")}, "inf has no JSON form"),
        ({"v_kmh": object()}, "object"),
    ],
)
def test_what_is_no_artifact_costs_a_try_and_changes_nothing(proposed: Any, fault: str) -> None:
    """Prose, wrong types and values out of bounds are told as such; the state of the loop is as before."""
    loop = Loop(Ground(FAR, "driving_plan"))
    loop.start()
    loop.hear(Proposed({"v_kmh": 50}))
    ask = loop.hear(Proposed(proposed))
    assert isinstance(ask, Ask)
    assert fault in ask.fault
    assert (ask.accepted, ask.locked, ask.round) == ({"v_kmh": 50}, ("FORWARD-BRAKING",), 3)
    assert ask.gradients[0].anchor == "REAR-DECELERATION"


def test_silence_costs_a_try_and_a_stop_ends_the_loop() -> None:
    """What a proposer raised is told to it; who cannot go on is escalated."""
    loop = Loop(Ground(FAR, "driving_plan"))
    loop.start()
    ask = loop.hear(Silent("TimeoutError: 30 s"))
    assert isinstance(ask, Ask)
    assert (ask.round, ask.fault) == (2, "TimeoutError: 30 s")
    end = loop.hear(Gone("a rule has stopped it"))
    assert isinstance(end, Convergence)
    assert (end.end, end.why) == ("escalated", "a rule has stopped it")


def test_what_is_given_cannot_be_changed() -> None:
    """A constant is put in where it is missing, and a candidate that changes it is none."""
    ground = Ground(MIX.registry, "mix", {"mode": "fast"})
    assert ground.judge({"a": 2.5, "b": 4}).candidate == {"a": 2.5, "b": 4, "mode": "fast"}
    assert "cannot be changed" in ground.judge({"a": 2.5, "b": 4, "mode": "slow"}).fault
    assert led(Loop(ground), [{"a": 2.5, "b": 4}]).end == "converged"


def test_what_is_given_can_make_it_infeasible() -> None:
    """The solver counts what is given: with b = 2 there is no sum of 6."""
    end = Loop(Ground(MIX.registry, "mix", {"b": 2})).start()
    assert isinstance(end, Convergence)
    assert end.end == "infeasible"
    assert set(end.conflict) <= {"SUM", "CAP", "GAP"}


@pytest.mark.parametrize(
    ("name", "given_fields"),
    [("nothing", {}), ("mix", {"b": 2.5}), ("mix", {"mode": "idle"}), ("mix", {"mod": "fast"})],
)
def test_a_ground_that_cannot_be_is_refused(name: str, given_fields: dict[str, Any]) -> None:
    """An artifact that no rule is on, or a constant that the schema does not allow, is an error before anything."""
    with pytest.raises(UsageError):
        Ground(MIX.registry, name, given_fields)
    with pytest.raises(UsageError, match="0 tries"):
        Loop(MIX, tries=0)


def test_rules_that_the_solver_cannot_read_still_converge() -> None:
    """A rule on a text is left out of the problem: the loop judges it all the same, and does not promise a solution."""
    text = MIXED.replace("mode: {enum: [slow, fast]}", "mode: {type: string}")
    ground = Ground(load(text, "mixed.yaml"), "mix")
    assert ground.problem is not None
    assert [one.name for one in ground.problem.constraints] == ["SUM", "CAP", "GAP"]
    assert "mix.mode: text is no variable" in ground.unread
    loop = Loop(ground)
    ask = loop.start()
    assert isinstance(ask, Ask)
    assert loop.outlook == "undecided"
    ask = loop.hear(Proposed({"a": 2.0, "b": 1, "mode": "slow"}))
    assert isinstance(ask, Ask)
    assert [one.anchor for one in ask.gradients] == ["SUM", "GAP"]
    end = loop.hear(Proposed({"a": 2.0, "b": 5, "mode": "slow"}))
    assert isinstance(end, Convergence)
    assert end.end == "converged"


def test_what_the_readable_rules_rule_out_is_infeasible() -> None:
    """A certificate for some of the rules is one for all of them."""
    text = MIXED.replace("mode: {enum: [slow, fast]}", "mode: {type: string}").replace(">= 6", ">= 14")
    end = Loop(Ground(load(text, "mixed.yaml"), "mix")).start()
    assert isinstance(end, Convergence)
    assert (end.end, end.conflict) == ("infeasible", ("SUM", "CAP"))


mixes = st.fixed_dictionaries(
    {
        "a": st.floats(-1, 11) | st.integers(-1, 11),
        "b": st.integers(-1, 11),
        "mode": st.sampled_from(["slow", "fast", "idle"]),
    }
)


def holding(candidate: dict[str, Any]) -> set[str]:
    """Say which rules hold of a mix, written a second time by hand."""
    a, b = candidate["a"], candidate["b"]
    told = {"SUM": a + b >= 6, "CAP": a * a <= 9, "FAST": candidate["mode"] == "slow" or b <= 4, "GAP": b > a}
    return {name for name, holds in told.items() if holds}


@given(st.lists(mixes | st.just("prose"), min_size=1, max_size=8))
def test_no_accepted_candidate_breaks_a_locked_rule(proposals: list[Any]) -> None:
    """Whatever is proposed, what the accepted candidates meet only grows, and only all of it converges."""
    loop = Loop(MIX, tries=len(proposals), budget=None, explain=False)
    met: set[str] = set()
    turn = loop.start()
    for proposed in proposals:
        if not isinstance(turn, Ask):
            break
        turn = loop.hear(Proposed(proposed))
        if loop.rounds[-1].accepted:
            now = holding(proposed)
            assert now >= met
            met = now
        assert set(loop.locked) == met
    assert isinstance(turn, Convergence)
    assert (turn.end == "converged") == (len(met) == 4)


@given(st.lists(mixes | st.just("prose"), min_size=2, max_size=6), st.integers(0, 5))
def test_a_loop_goes_on_where_it_was_left(proposals: list[Any], at: int) -> None:
    """Its state as JSON, taken after any round, is all that is needed to come to the same end."""
    whole, first = (Loop(MIX, len(proposals), None, explain=False) for _ in range(2))
    ends: list[Ask | Convergence] = []
    for loop, told in ((whole, proposals), (first, proposals[:at])):
        turn = loop.start()
        for proposed in told:
            if isinstance(turn, Ask):
                turn = loop.hear(Proposed(proposed))
        ends.append(turn)
    if isinstance(ends[1], Ask):
        second = Loop(MIX, len(proposals), None, explain=False)
        turn = second.go_on(first.state())
        assert isinstance(turn, Ask)
        assert (turn.accepted, turn.locked, turn.round) == (ends[1].accepted, ends[1].locked, ends[1].round)
        for proposed in proposals[at:]:
            if isinstance(turn, Ask):
                turn = second.hear(Proposed(proposed))
        assert isinstance(turn, Convergence)
        assert isinstance(ends[0], Convergence)
        assert (turn.end, turn.value, turn.locked) == (ends[0].end, ends[0].value, ends[0].locked)
        assert turn.oscillation == ends[0].oscillation


def test_a_proposer_cannot_reach_into_the_loop() -> None:
    """What it changes in place are copies: rounds, rules and constants are as they were."""
    ground = Ground(MIX.registry, "mix", {"mode": "slow"})
    loop = Loop(ground)
    ask = loop.start()
    for proposed in ({"a": 1, "b": 2}, {"a": 1, "b": 3}, {"a": 9, "b": 1}):
        assert isinstance(ask, Ask)
        ask = loop.hear(Proposed(proposed))
        assert isinstance(ask, Ask)
        assert ask.last is not None
        assert ask.accepted is not None
        ask.last["a"] = ask.accepted["a"] = 7
        ask.schema["properties"].clear()
        ask.given["mode"] = "fast"  # type: ignore[index]
    assert loop.rounds[0].candidate == {"a": 1, "b": 2, "mode": "slow"}
    assert (loop.rounds[2].candidate, ground.given) == ({"a": 9, "b": 1, "mode": "slow"}, {"mode": "slow"})
    assert ground.judge({"a": 1, "b": "2"}).fault


def test_a_state_of_other_rules_is_refused() -> None:
    """A loop does not go on under rules that it did not begin with."""
    state = Loop(Ground(DRIVING, "driving_plan")).state()
    with pytest.raises(UsageError, match="other rules"):
        Loop(Ground(FAR, "driving_plan")).go_on(state)


def test_the_prompt_holds_what_is_needed_and_is_the_same_every_time() -> None:
    """Rules, what is locked, the way on and what repeats are in the text that a model is given."""
    loops = [Loop(Ground(FAR, "driving_plan")) for _ in range(2)]
    texts: list[str] = []
    for loop in loops:
        loop.start()
        loop.hear(Proposed({"v_kmh": 50}))
        ask = loop.hear(Proposed({"v_kmh": 50}))
        assert isinstance(ask, Ask)
        texts.append(ask.prompt)
    assert texts[0] == texts[1]
    for said in ("increase by 34 to 84", "Keep meeting: FORWARD-BRAKING", "the same again", "REAR-DECELERATION"):
        assert said in texts[0]


PLAIN = """\
registry: plain
version: 1.0.0
default: allow
parameters: {least: 3}
artifacts:
  week:
    schema:
      type: object
      required: [early, night, on_call]
      properties:
        early: {type: integer, minimum: 0, maximum: 20}
        night: {type: integer, minimum: 0, maximum: 20}
        on_call: {type: boolean}
invariants:
  - {id: EARLY, on: artifact, artifact: week, require: artifact.early >= params.least}
  - {id: NIGHT, on: artifact, artifact: week, when: artifact.on_call, require: artifact.night == artifact.early}
  - {id: CALL, on: artifact, artifact: week, require: artifact.on_call}
  - {id: FORM, on: artifact, artifact: week, schema: {artifact: {required: [night]}}}
"""


def test_rules_without_a_title_are_told_as_they_are_written() -> None:
    """A model reads the requirement and its guard, and nothing else of the registry's file."""
    loop = Loop(Ground(load(PLAIN, "plain.yaml"), "week"))
    ask = loop.start()
    assert isinstance(ask, Ask)
    assert ask.prompt.splitlines()[3:] == [
        "- EARLY: artifact.early >= params.least",
        "- NIGHT: artifact.night == artifact.early, when artifact.on_call",
        "- CALL: artifact.on_call",
        '- FORM: {"required": ["night"]}',
    ]
    ask = loop.hear(Proposed({"early": 1, "night": 1, "on_call": True}))
    assert isinstance(ask, Ask)
    assert "- EARLY: artifact.early >= params.least" in ask.prompt.split("Go on from")[1]


def test_what_a_model_is_to_copy_is_json() -> None:
    """True and a text in quotes of Python would be no JSON, and cost the next try."""
    loop = Loop(Ground(load(PLAIN, "plain.yaml"), "week"))
    loop.start()
    ask = loop.hear(Proposed({"early": 1, "night": 1, "on_call": True}))
    assert isinstance(ask, Ask)
    assert ask.gradients[0].jump is not None
    assert f"this would do: {json.dumps(ask.gradients[0].jump)}" in ask.prompt
    choice = Gradient("CALL", "somebody", {}, steps=(Move("artifact.on_call", "choose", one_of=(True, "it's")),))
    assert str(choice).endswith("""one way: on_call: choose true or "it's\"""")


class Leg(BaseModel):
    """What an agent with structured output gives."""

    night: int


@dataclass
class Week:
    """The same as a dataclass, with a model inside."""

    early: int
    leg: Leg


def test_a_dataclass_or_a_pydantic_model_is_its_fields() -> None:
    """The structured output of an agent is proposed as it is, and costs no try."""
    rules = load(
        "{registry: r, version: 1.0.0, default: allow, artifacts: {week: {schema: {type: object}}},"
        " invariants: [{id: EARLY, on: artifact, artifact: week, require: artifact.early >= artifact.leg.night}]}",
        "r.yaml",
    )
    end = led(Loop(Ground(rules, "week")), [Week(2, Leg(night=3)), Week(3, Leg(night=3))])
    assert (end.end, end.value, len(end.rounds)) == ("converged", {"early": 3, "leg": {"night": 3}}, 2)
