"""Which calls a plan strikes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.faults.file import load_faults, plan_of
from harness.faults.plan import KINDS, Aim, Plan, Target


def _plan(inject: str, seed: int = 7) -> Plan:
    return load_faults(f"faults: t\nseed: {seed}\ninject:\n  - {inject}\n", "t.yaml")


def _struck(plan: Plan, targets: list[Target]) -> list[list[str]]:
    aim = Aim(plan)
    return [[strike.fault.name for strike in aim.strikes(target)] for target in targets]


PAY = [Target("tool", "pay", {"cents": cents}) for cents in (1, 20, 3, 40, 5)]


@pytest.mark.parametrize(
    ("inject", "expected"),
    [
        ("{fault: timeout}", [0, 1, 2, 3, 4]),
        ("{fault: timeout, tool: pay, nth: 2}", [1]),
        ("{fault: timeout, tool: 'p*', nth: [1, 5, 9]}", [0, 4]),
        ("{fault: timeout, spare: 2}", [0, 2, 3, 4]),
        ("{fault: timeout, nth: [1, 3], spare: [1, 2]}", [2]),
        ("{fault: timeout, when: call.args.cents > 10}", [1, 3]),
        ("{fault: timeout, when: call.args.cents > 10, nth: 2}", [3]),
        ("{fault: timeout, when: call.args.euros > 10}", []),
        ("{fault: timeout, tool: refund}", []),
        ("{fault: timeout, agent: billing}", []),
        ("{fault: H}", []),
    ],
)
def test_a_fault_strikes_the_calls_that_fit(inject: str, expected: list[int]) -> None:
    """Tool, agent, condition and number decide; numbers count the calls that fit, and a condition needs its data."""
    assert [place for place, names in enumerate(_struck(_plan(inject), PAY)) if names] == expected


def test_what_a_fault_strikes_follows_from_its_kind() -> None:
    """Families have surfaces; what a service does to any client it does to one of a model, and a cycle hands back."""
    model, message = Target("model", "openai:responses", {}), Target("message", "send", {"to": "ann"})
    handoff = Target("handoff", "handoff", {"to": "ann"})
    services = {"timeout", "reset", "rate_limit", "error", "drop", "commit_then_timeout", "delay"}
    for kind, family in KINDS.items():
        hit = [bool(_struck(_plan(f"{{fault: {kind}}}"), [one])[0]) for one in (PAY[0], model, message, handoff)]
        on_model = family in ("request", "answer") or kind in services
        assert hit == [family == "service", on_model, family == "delivery", kind == "MC"]


@given(st.integers(0, 1000), st.integers(1, 40))
def test_chance_is_the_seed_and_nothing_else(seed: int, calls: int) -> None:
    """Two runs of a plan strike the same calls, and draw the same from their chance."""
    plan = _plan("{fault: corrupt, chance: 0.5}", seed)

    def told() -> list[tuple[int, float]]:
        aim = Aim(plan)
        return [(call, one.chance.random()) for call in range(calls) for one in aim.strikes(Target("tool", "look", {}))]

    assert told() == told()


def test_a_fault_less_moves_no_other() -> None:
    """The chance of a fault hangs on its own name alone."""
    both = load_faults(
        "faults: t\ninject:\n  - {name: a, fault: delay, chance: 0.5}\n  - {name: b, fault: corrupt, chance: 0.5}\n", ""
    )
    targets = PAY * 20

    def draws(plan: Plan) -> list[Any]:
        aim = Aim(plan)
        return [
            [(one.fault.name, one.chance.random()) for one in aim.strikes(target) if one.fault.name == "b"]
            for target in targets
        ]

    assert draws(both) == draws(Plan(both.name, both.faults[1:], both.seed))
    assert any(draws(both))


def test_a_plan_is_stated_as_its_own_file() -> None:
    """What a header keeps of a plan means the same plan."""
    import json

    plan = _plan("{fault: delay, tool: [a, 'b*'], agent: x, nth: [1, 3], chance: 0.5, strength: {delay_ms: 5}}")
    again = load_faults(json.dumps(plan.stated()), "again.yaml")
    assert again.stated() == plan.stated()
    assert _struck(again, PAY) == _struck(plan, PAY)


def _shares(chance: float) -> Callable[[int], bool]:
    return lambda struck: abs(struck / 2000 - chance) < 0.05


@pytest.mark.parametrize("chance", [0.1, 0.5, 0.9])
def test_a_chance_is_a_share_of_calls(chance: float) -> None:
    """Of many calls about as many are struck as the plan says."""
    struck = _struck(_plan(f"{{fault: timeout, chance: {chance}}}"), [Target("tool", "x", {})] * 2000)
    assert _shares(chance)(sum(map(bool, struck)))


@given(st.sets(st.integers(1, 30)), st.integers(0, 100))
def test_what_is_spared_moves_no_other(spare: set[int], seed: int) -> None:
    """A plan that spares some calls strikes the others as it would have, and says so when it is stated."""
    whole = _plan("{fault: corrupt, chance: 0.5}", seed)
    less = Plan(whole.name, (replace(whole.faults[0], spare=tuple(spare)),), seed)

    def told(plan: Plan) -> list[tuple[int, float]]:
        aim = Aim(plan)
        return [(one.nth, one.chance.random()) for _ in range(30) for one in aim.strikes(PAY[0])]

    assert told(less) == [one for one in told(whole) if one[0] not in spare]
    assert plan_of(less.stated()) == less
