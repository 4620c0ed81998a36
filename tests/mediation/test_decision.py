"""From a judgement to what is done."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.mediation.decision import ALLOW, Decision, decide
from harness.registry.load import load
from harness.registry.registry import Registry
from harness.tool import ToolSpec
from harness.trace.verdict import Judgement, Verdict

WRITE, READ = ToolSpec("pay"), ToolSpec("look", effect="read")


def registry(unknown: str = "block_writes") -> Registry:
    """Load two rules."""
    return load(
        f"registry: r\nversion: 1\ndefault: allow\nunknown: {unknown}\ninvariants:\n"
        "- {id: A, on: action, title: Not too much, require: 'True', retryable: true}\n"
        "- {id: B, on: action, require: 'True'}\n",
        "r.yaml",
    )


def decided(
    *verdicts: Verdict, unknown: str = "block_writes", spec: ToolSpec = WRITE, mode: Any = "enforce"
) -> Decision:
    """Decide on some verdicts."""
    return decide(Judgement((), verdicts), registry(unknown), spec, mode)


def test_a_violated_rule_that_blocks_blocks() -> None:
    """The decision carries the rule, its title and distance, its advice, and whether to try again."""
    verdict = Verdict("A", "violated", "high", "Pay less.", "block", margin=-3)
    assert decided(verdict) == Decision("block", "A", "Not too much (by 3)", "Pay less.", True)


@pytest.mark.parametrize("mode", ["shadow", "warn"])
def test_only_enforce_blocks(mode: str) -> None:
    """In the other modes everything is allowed."""
    assert decided(Verdict("A", "violated", otherwise="block"), mode=mode) == ALLOW


@pytest.mark.parametrize("otherwise", ["observe", "warn"])
def test_a_rule_that_only_watches_never_blocks(otherwise: Any) -> None:
    """Neither violated nor unknown."""
    assert decided(Verdict("A", "violated", otherwise=otherwise), Verdict("B", "unknown", otherwise=otherwise)) == ALLOW


@pytest.mark.parametrize(
    ("unknown", "spec", "decision"),
    [
        ("block_writes", WRITE, "block"),
        ("block_writes", READ, "allow"),
        ("block", READ, "block"),
        ("allow", WRITE, "allow"),
    ],
)
def test_what_an_unknown_does_is_the_registrys_word(unknown: str, spec: ToolSpec, decision: str) -> None:
    """By default it blocks writes and lets reads pass."""
    verdict = Verdict("A", "unknown", otherwise="block", reason="no field 'a'")
    found = decided(verdict, unknown=unknown, spec=spec)
    assert found.decision == decision
    assert (found == ALLOW) == (decision == "allow")
    assert decision == "allow" or "no field 'a'" in found.reason


def test_block_goes_before_escalate_and_the_severe_before_the_mild() -> None:
    """A definite violation goes before what is unknown; equals go by their order."""
    escalate = Verdict("A", "violated", "critical", otherwise="escalate")
    mild, severe = (
        Verdict("A", "violated", "low", otherwise="block"),
        Verdict("B", "violated", "high", otherwise="block"),
    )
    unknown = Verdict("A", "unknown", "critical", otherwise="block")
    assert decided(escalate).decision == "escalate"
    assert decided(escalate, mild).decision == "block"
    assert decided(mild, severe).rule == "B"
    assert decided(unknown, severe).rule == "B"
    assert decided(Verdict("B", "violated", otherwise="block"), Verdict("A", "violated", otherwise="block")).rule == "B"


verdicts = st.builds(
    Verdict,
    st.sampled_from(["A", "B"]),
    st.sampled_from(["violated", "unknown"]),
    st.sampled_from(["info", "low", "medium", "high", "critical"]),
    otherwise=st.sampled_from(["observe", "warn", "block", "escalate"]),
)


@given(st.lists(verdicts, max_size=5), verdicts)
def test_one_more_verdict_never_loosens_a_decision(before: list[Verdict], one: Verdict) -> None:
    """From allow over escalate to block there is only one way."""
    order = ["allow", "escalate", "block"]
    assert order.index(decided(*before, one).decision) >= order.index(decided(*before).decision)


def test_a_question_names_every_rule_against_the_call() -> None:
    """Whoever allows a call allows all that speaks against it, so all of it is told."""
    one = Verdict("A", "violated", "high", otherwise="escalate", margin=-3)
    other = Verdict("B", "violated", otherwise="escalate")
    decision = decided(other, one)
    assert (decision.rule, decision.decision) == ("A", "escalate")
    assert decision.reason == "Not too much (by 3); also B: the rule is violated"
