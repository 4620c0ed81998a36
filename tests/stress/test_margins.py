"""How near a run came to breaking a rule, heard by whoever asks."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from harness import Harness
from harness.door.trial import Trials
from harness.registry.load import load
from harness.stress.schedule import Schedule
from harness.stress.search.signature import signature, weight

RULES = """
registry: till
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: AT-MOST
    on: action
    tool: pay
    require: call.args.cents <= 100
    severity: high
    otherwise: observe
  - id: ENOUGH-IF-BIG
    on: action
    tool: pay
    when: call.args.cents > 50
    require: call.args.cents > 60
    severity: high
    otherwise: observe
  - id: NO-NUMBER
    on: action
    tool: pay
    require: not happened(action, call.tool == "look")
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "till.yaml"))


@APP.tool(effect="write")
def pay(cents: int) -> str:
    """Pay."""
    return "paid"


@APP.agent
def agent(amounts: list[int]) -> None:
    """Pay some amounts."""
    for cents in amounts:
        pay(cents)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 200), max_size=5))
def test_the_smallest_margin_of_each_rule_is_heard(amounts: list[int]) -> None:
    """Also where the rule holds, only of steps that the rule speaks of, and negative just where it is violated."""
    seen = Trials(APP, agent, measures=True).run(Schedule(), {"amounts": amounts}).seen
    big = [cents for cents in amounts if cents > 50]
    expected = ({"AT-MOST": 100 - max(amounts)} if amounts else {}) | ({"ENOUGH-IF-BIG": min(big) - 60} if big else {})
    assert seen.margins == expected
    assert ("AT-MOST" in seen.rules) == (expected.get("AT-MOST", 0) < 0)


def test_nobody_hears_who_does_not_ask() -> None:
    """A trial has no margins by itself."""
    assert Trials(APP, agent).run(Schedule(), {"amounts": [5]}).seen.margins == {}


def test_nearness_is_a_feature() -> None:
    """A run that comes nearer to a boundary shows something new, which is worth more than another call."""
    trials = Trials(APP, agent, measures=True)
    far, near = (signature(trials.run(Schedule(), {"amounts": [cents]}).seen) for cents in (10, 49))
    assert near - far == {one for one in near if one[0] == "near"}
    assert weight(near - far) > 1
