"""What is one step simpler."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.faults.file import load_faults, plan_of
from harness.faults.plan import KINDS as ALL_KINDS
from harness.faults.plan import Aim, Fault, Plan, Target
from harness.stress.schedule import Change, Schedule, Turn
from harness.stress.seen import Made, Seen, Struck
from harness.stress.small.reduce import KINDS, Case, shorter, simpler_cases, simpler_elements, simpler_values

leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(
    leaves | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=3), inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
    ),
    max_leaves=8,
)


def weight(value: Any) -> tuple[Fraction | int, ...]:
    """Weigh a value: its parts, then how long its broken numbers are, then their sizes, then signs and truths."""
    if isinstance(value, bool):
        return 0, 0, 0, int(value)
    if isinstance(value, int):
        return 0, 0, abs(value), int(value < 0)
    if isinstance(value, float):
        return 0, 0 if value.is_integer() else len(repr(value)), Fraction(abs(value)), int(value < 0)
    if isinstance(value, str | bytes):
        return len(value), 0, 0, 0
    parts = [weight(one) for one in (value.values() if isinstance(value, dict) else value or ())]
    return (len(parts) + sum(one[0] for one in parts), *(sum(one[at] for one in parts) for at in (1, 2, 3)))


@given(values)
def test_a_step_leads_down(value: Any) -> None:
    """Every simpler value weighs less and is of the same type, so no way down is endless."""
    for other in simpler_values(value):
        assert weight(other) < weight(value)
        assert type(other) is type(value)


@given(st.lists(st.integers(), max_size=12))
def test_shorter_ones_leave_out_neighbours(items: list[int]) -> None:
    """Each is the list without a run of its items, and every single item is left out in one of them."""
    without_a_run = [[*items[:a], *items[b:]] for a, b in combinations(range(len(items) + 1), 2)]
    found = list(shorter(items))
    assert all(one in without_a_run for one in found)
    assert all(items[:place] + items[place + 1 :] in found for place in range(len(items)))


def seen(*calls: str, struck: dict[int, str] | None = None) -> Seen:
    """Give what is seen of a run that called some tools in order, with the faults that struck them by name."""
    made = [
        Made(10 + place, "tool", tool, "main", calls[: place + 1].count(tool), {"at": place}, "ok")
        for place, tool in enumerate(calls)
    ]
    hit = [Struck(name, "error", 10 + place, True) for place, name in (struck or {}).items()]
    return Seen(tuple(made), (), tuple(hit), "returned", None)


def test_a_fault_anywhere_comes_to_strike_one_call() -> None:
    """Of all calls that a broad fault struck, each alone is aimed at by its tool and its number there."""
    run = seen("look", "pay", "pay", struck={0: "f", 1: "f", 2: "f"})
    found = list(simpler_elements(Fault("f", "error", agents=("m*",), chance=0.9), 0, run))
    assert found[:3] == [
        Fault("f", "error", (tool,), nth=(nth,)) for tool, nth in (("look", 1), ("pay", 1), ("pay", 2))
    ]
    assert Fault("f", "error", ("pay",)) in found
    assert Fault("f", "error", ("pay",), nth=(1, 2)) in found
    assert Fault("f", "error", agents=("m*",), chance=0.9, nth=(1, 3)) in found


def test_a_spared_call_is_one_that_is_not_aimed_at() -> None:
    """A fault that spares a call of all it fits strikes the others by their numbers."""
    found = list(simpler_elements(Fault("f", "error", ("pay",), spare=(1,)), 0, seen("pay", "pay", struck={1: "f"})))
    assert found[0] == Fault("f", "error", ("pay",), nth=(2,))


def test_a_condition_goes_away() -> None:
    """What a fault struck because of a condition is struck by number instead."""
    (fault,) = plan_of(
        {"faults": "x", "inject": [{"fault": "error", "tool": "pay", "when": "call.args.at > 1"}]}
    ).faults
    found = list(simpler_elements(fault, 0, seen("look", "pay", "pay", struck={2: fault.name})))
    assert found[0] == Fault("error-1", "error", ("pay",), nth=(2,))


def test_a_kind_is_simpler_only_for_services() -> None:
    """Every kind of service has its place in the order; those of conversations are left as they are."""
    assert sorted(KINDS) == sorted(kind for kind, family in ALL_KINDS.items() if family == "service")
    assert [one.kind for one in simpler_elements(Fault("f", "empty", nth=(1,)), 0, seen())] == ["error", "timeout"]
    assert list(simpler_elements(Fault("f", "H", ("gpt",), nth=(1,)), 0, seen())) == []


@pytest.mark.parametrize(
    ("kind", "strength"),
    [("duplicate", {"times": 5}), ("delay", {"delay_ms": 400}), ("error", {"status": 503}), ("inject", {"text": "ab"})],
)
def test_strengths_stay_ones_that_a_plan_may_have(kind: str, strength: dict[str, Any]) -> None:
    """Each simpler strength is taken by the reader of plans, and one is left out."""
    weaker = [
        one for one in simpler_elements(Fault("f", kind, nth=(1,), strength=strength), 0, seen()) if one.kind == kind
    ]
    assert Fault("f", kind, nth=(1,)) in weaker
    for fault in weaker:
        load_faults(str({"faults": "x", "inject": [Plan("x", (fault,)).stated()["inject"][0]]}), "x.yaml")


def test_what_a_tool_may_give_stays_as_it_is() -> None:
    """A variant was made to fit the schema of the tool; a simpler value need not."""
    fault = Fault("f", "variant", ("pay",), nth=(1,), strength={"at": "/cents", "value": 5})
    assert all(one.kind != "variant" for one in simpler_elements(fault, 0, seen()))


names = st.sampled_from(["look", "pay"])
schedules = st.builds(
    Schedule,
    st.lists(
        st.builds(
            Fault,
            st.sampled_from(["f", "g", "h"]),
            st.sampled_from(["error", "duplicate", "corrupt", "TSE"]),
            st.sampled_from([("*",), ("p*",), ("pay",), ("look", "pay")]),
            st.sampled_from([("*",), ("main",)]),
            st.lists(st.integers(1, 4), max_size=3, unique=True).map(sorted).map(tuple),
            st.sampled_from([1.0, 0.5]),
        ),
        max_size=3,
        unique_by=lambda fault: fault.name,
    ).map(tuple),
    st.lists(st.builds(Turn, st.integers(0, 9), st.integers(0, 3)), max_size=3).map(tuple),
    st.lists(st.builds(Change, st.just("/a"), st.integers(-9, 9)), max_size=2).map(tuple),
    st.integers(0, 2),
)


def made_under(schedule: Schedule, calls: tuple[str, ...]) -> Seen:
    """Tell what a schedule strikes of some calls, by the aim that live runs use."""
    aim, hit = Aim(Plan("x", schedule.faults, schedule.seed)), []
    for place, tool in enumerate(calls):
        for strike in aim.strikes(Target("tool", tool, {"at": place})):
            hit.append(Struck(strike.fault.name, strike.fault.kind, 10 + place, True))
    return seen(*calls)._replace(struck=tuple(hit))


@settings(deadline=None, max_examples=50)
@given(schedules, st.lists(names, max_size=6).map(tuple), st.randoms(use_true_random=False))
def test_no_way_down_is_endless(schedule: Schedule, calls: tuple[str, ...], chance: Any) -> None:
    """Whatever step is taken, at most a few dozen follow: not one leads back."""
    case, been = Case(schedule, {"a": 2}), set[str]()
    for _ in range(400):
        steps = list(simpler_cases(case, made_under(case.schedule, calls)))
        if not steps:
            return
        case = chance.choice(steps)
        assert str(case) not in been
        been.add(str(case))
    raise AssertionError(case)
