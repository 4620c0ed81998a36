"""What is said of each agent and tool beforehand, against what a checker says of calls."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.adapters.registries import load_registry
from harness.assertion.interface import Checker
from harness.mediation.decision import Decision, decide
from harness.registry.load import load
from harness.registry.registry import Registry
from harness.review.policy import ANY_TOOL, ANYBODY, MODELS, Access, policies
from harness.tool import ToolSpec
from harness.trace.event import Event
from tests.review.registries import SHIPPED

TEXT = """
registry: shop
version: 1
default: refuse
rollout: {CLOSE: 10 %}
tools:
  look: {effect: read}
  pay: {effect: write, arguments: {properties: {cents: {type: integer}}}}
  close: {effect: write}
agents:
  clerk:
    may: [look, {tool: pay, args: {properties: {cents: {maximum: 50}}}}]
    budget: [{calls: 2}]
    trust: {tiers: [{below: 0.5, may: [look]}, {below: 1, writes: escalate}]}
  boss:
invariants:
  - {id: LIMIT, on: action, tool: pay, require: call.args.cents <= 100, otherwise: block, who: ann}
  - {id: ASK, on: action, tool: pay, when: agent == "boss", require: "False", otherwise: escalate}
  - {id: CLOSE, on: action, tool: close, require: agent != "boss", otherwise: block}
  - {id: CLEAN, on: result, tool: look, require: result != "secret", otherwise: block}
"""
SHOP = load(TEXT, "shop.yaml")


def told(agent: str) -> dict[str, Access]:
    """Give the policy of an agent of the shop, by tool."""
    (policy,) = policies(SHOP, agent)
    return {one.tool: one for one in policy.tools}


def test_what_is_refused_is_refused_by_somebody() -> None:
    """A tool that is not granted, one that nothing speaks of, an agent that is not declared."""
    assert {name: (one.access, one.by) for name, one in told("clerk").items()} == {
        "look": ("allowed", ""),
        "pay": ("allowed", ""),
        "close": ("refused", "AGENT-clerk-MAY"),
        ANY_TOOL: ("refused", "DEFAULT-REFUSE"),
        MODELS: ("allowed", ""),
    }
    assert {name: one.by for name, one in told("stranger").items() if one.access == "refused"} == {
        **dict.fromkeys(("look", "pay", "close"), "AGENT-DECLARED"),
        ANY_TOOL: "DEFAULT-REFUSE",
    }
    assert (told("boss")["pay"].access, told("boss")["pay"].by) == ("asked", "ASK")
    assert told("boss")["close"].access == "allowed"  # the rule is enforced in a tenth of conversations only


def test_every_rule_that_may_speak_is_listed() -> None:
    """With what it does and in which share; those of other agents, and those that always hold, are not."""
    rules = {name: [rule.rule for rule in one.rules] for name, one in told("clerk").items()}
    budget = ["AGENT-clerk-CALLS"]
    assert rules["look"] == ["CLEAN", *budget]
    assert rules["pay"] == [
        *("LIMIT", "AGENT-clerk-ARGS-pay", *budget, "AGENT-clerk-BELOW-0.5-MAY", "AGENT-clerk-BELOW-1-WRITES")
    ]
    limit, *_ = told("boss")["pay"].rules
    assert (limit.does, limit.percent, limit.who, limit.on) == ("block", 100.0, "ann", "action")
    (close,) = told("boss")["close"].rules
    assert close.percent == 10.0


def decided(registry: Registry, agent: str, tool: str, args: dict[str, Any]) -> Decision:
    """Decide on the first call of a run."""
    checker = Checker(registry, {"agent": agent})
    body = {"surface": "tool", "tool": tool, "args": args, "rules": []}
    judgement = checker.judge(Event(0, "action", agent, "0", (), 0, body))
    spec = registry.tools.get(tool, ToolSpec(tool))
    return decide(judgement, registry, spec, "enforce", registry.observed_in("z"))


def agree(registry: Registry, agent: str, tool: str, args: dict[str, Any]) -> None:
    """Compare what a call comes to with what was said of its tool beforehand."""
    (policy,) = policies(registry, agent)
    known = {one.tool: one for one in policy.tools}
    said = known.get(tool, known[ANY_TOOL])
    decision = decided(registry, agent, tool, args)
    if said.access == "refused":
        assert decision.decision == "block"
    elif said.access == "asked":
        assert decision.decision in ("block", "escalate")
    if decision.rule and decision.rule != said.by:
        assert decision.rule in [rule.rule for rule in said.rules] or said.access == "refused"
    if not said.rules and said.access == "allowed":
        assert decision.decision == "allow"


@given(
    st.sampled_from(["clerk", "boss", "stranger"]),
    st.sampled_from(["look", "pay", "close", "ufo"]),
    st.fixed_dictionaries({}, optional={"cents": st.integers(-5, 200) | st.just("5")}),
)
def test_a_checker_says_the_same_of_any_call(agent: str, tool: str, args: dict[str, Any]) -> None:
    """What is refused beforehand is blocked whatever its arguments, and only what is listed stops a call."""
    agree(SHOP, agent, tool, args)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_so_it_is_for_the_registries_that_are_shipped(path: Path) -> None:
    """Each tool that they name, and one that they do not."""
    registry = load_registry(path)
    for agent, tool in product([*registry.agents, "main"], [*registry.tools, "ufo"]):
        agree(registry, agent, tool, {})
    assert policies(registry)[0].agent in {*registry.agents, ANYBODY}
