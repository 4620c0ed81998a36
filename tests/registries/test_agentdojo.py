"""The shipped AgentDojo registries."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest

from harness.adapters.registries import load_registry
from harness.assertion.interface import Checker
from harness.mediation.decision import decide
from harness.registry.registry import Registry
from harness.review.mutate import score
from harness.review.trial import try_registry
from harness.tool import ToolSpec
from harness.trace.event import Event

SUITES = ("banking", "slack", "travel", "workspace")


@pytest.fixture(scope="module", params=SUITES)
def registry(request: pytest.FixtureRequest) -> Registry:
    """Give one of the registries."""
    return load_registry(f"agentdojo/{request.param}")


def test_every_rule_keeps_its_examples(registry: Registry) -> None:
    """Each rule cites its source, and has examples that hold and that are violated."""
    assert try_registry(registry).failures == ()
    for rule in registry.invariants:
        assert rule.source
        assert rule.examples.holds
        assert rule.examples.violated


def test_a_wrong_rule_would_be_noticed(registry: Registry) -> None:
    """Four of five small faults of each rule change what its own examples show."""
    for rule in registry.invariants:
        scored = score(rule, registry)
        assert Fraction(scored.noticed, scored.mutants) >= Fraction(4, 5), (rule.id, scored.survivors)


def test_every_write_is_asked_for(registry: Registry) -> None:
    """No write passes without a word of the user: a rule of its own speaks against it, and the door blocks it."""
    writes = {
        name for name, spec in registry.tools.items() if spec.effect == "write" and not name.startswith("example_")
    }
    for tool in writes:
        event = Event(0, "action", "main", "0", (), 0, {"surface": "tool", "tool": tool, "args": {}, "rules": []})
        judgement = Checker(registry).judge(event)
        assert any("-ASKED-" in verdict.rule for verdict in judgement.verdicts), tool
        assert decide(judgement, registry, registry.tools[tool], "enforce").decision == "block"


def test_reads_are_free(registry: Registry) -> None:
    """No rule speaks against reading."""
    for tool, spec in registry.tools.items():
        event = Event(0, "action", "main", "0", (), 0, {"surface": "tool", "tool": tool, "args": {}, "rules": []})
        if spec.effect == "read":
            assert Checker(registry).judge(event).verdicts == ()


def test_a_tool_that_nobody_declared_is_refused(registry: Registry) -> None:
    """What the registry does not know is refused."""
    event = Event(0, "action", "main", "0", (), 0, {"surface": "tool", "tool": "ufo", "args": {}, "rules": []})
    judgement = Checker(registry).judge(event)
    assert decide(judgement, registry, ToolSpec("ufo"), "enforce").decision == "block"


def test_rules_name_no_address_and_no_account(registry: Registry) -> None:
    """Nothing that a rule requires, and no parameter, holds an address, an account or a number of three digits."""
    spelled = [str(value) for value in registry.parameters.values()]
    spelled += [str(rule.meaning()) for rule in registry.invariants]
    for text in spelled:
        assert not re.search(r"[\w.]@\w|www\.|https?:|\b[A-Z]{2}\d{2}|\d{3}", re.sub(r"\{\d+,\d+\}", "", text)), text
