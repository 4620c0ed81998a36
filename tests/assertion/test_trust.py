"""The trust in agents: a fold over the events of a run."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.assertion.interface import Checker
from harness.assertion.trust import Standing
from harness.ports import Approval
from harness.registry.invariant import SEVERITIES
from harness.registry.load import load
from harness.registry.registry import Registry
from harness.registry.trust import Terms
from harness.run.inputs import Answer, Call, Complete, Effects, Propose
from harness.run.session import SessionMachine
from harness.tool import ToolSpec
from harness.trace.codec import Header
from harness.trace.event import Event
from harness.trace.outcome import Failed, Ok, Outcome
from harness.trace.reader import Reader
from harness.trace.verdict import Verdict

TEXT = """
registry: shop
version: 1.0.0
default: refuse
tools: {look: {effect: read}, pay: {effect: write, arguments: {properties: {cents: {type: integer}}}}}
agents:
  clerk:
    trust:
      {more}
      tiers:
        - {below: 0.8, writes: escalate}
        - {below: 0.5, may: [look], budget: {calls: 2, within: 3}}
  other:
invariants:
  - {id: LIMIT, on: action, tool: pay, require: call.args.cents <= 100, severity: high, otherwise: block}
  - {id: ROUND, on: action, tool: pay, require: call.args.cents % 2 == 0, severity: low, otherwise: warn}
  - {id: ODD, on: result, tool: look, require: result != "secret", severity: critical, otherwise: block}
"""
PAY, LOOK = ToolSpec("pay"), ToolSpec("look", effect="read")
SHELF = Ok("a shelf")


def rules(more: str = "recover: 0.01") -> Registry:
    """Load the rules, with other terms."""
    return load(TEXT.replace("{more}", more), "shop.yaml")


class Run:
    """A session's machine, and all that it has written."""

    def __init__(self, registry: Registry | None = None, **options: Any) -> None:
        self.registry = registry or rules()
        self.machine = SessionMachine(Header({"agent": "clerk"}, {}), self.registry, **options)
        self.lines = self.machine.header_line

    def step(self, said: Any) -> Effects:
        effects = self.machine.step(said)
        self.lines += effects.lines
        return effects

    def pay(self, cents: int) -> Effects:
        return self.step(Propose(0, Call("tool", "pay", {"cents": cents}, PAY)))

    def look(self, outcome: Outcome = SHELF, agent: str = "") -> Effects:
        effects = self.step(Propose(0, Call("tool", "look", {}, LOOK), agent=agent))
        return effects if effects.refused else self.step(Complete(0, effects.action, outcome))

    def events(self) -> list[Event]:
        return list(Reader(self.lines.splitlines(keepends=True)))

    @property
    def trust(self) -> float:
        """What a checker that is given the trace makes of it."""
        checker = Checker(self.registry, {"agent": "clerk"})
        for event in self.events():
            checker.judge(event)
        return checker.trust_in("clerk")

    @property
    def falls(self) -> list[dict[str, Any]]:
        return [one.body["data"] for one in self.events() if one.kind == "state" and one.body["machine"] == "trust"]


steps = st.lists(st.sampled_from(["clean", *SEVERITIES]), max_size=60)
shares = st.integers(0, 100).map(lambda percent: percent / 100)


@given(shares, st.fixed_dictionaries(dict.fromkeys(SEVERITIES, shares)), shares, steps)
def test_it_is_a_clamped_sum(start: float, fall: dict[str, float], recover: float, said: list[str]) -> None:
    """Each step moves it by what is stated, exactly, and never out of [0, 1]; other agents keep theirs."""
    standing = Standing({"a": Terms(start, fall, recover)})
    hundredths = round(100 * start)
    for one in said:
        if one == "clean":
            standing.clean("a")
            hundredths = min(hundredths + round(100 * recover), 100)
        else:
            standing.refused("a", "R", one)  # type: ignore[arg-type]
            hundredths = max(hundredths - round(100 * fall[one]), 0)
        assert standing.of("a") == hundredths / 100
    assert standing.of("b") == 1.0
    assert all(fall.now < fall.was for fall in standing.taken_up())
    assert standing.taken_up() == []


@given(st.lists(st.sampled_from(SEVERITIES), min_size=1, max_size=5))
def test_a_step_that_violates_several_rules_falls_by_the_gravest(against: list[Any]) -> None:
    """Where violations count, the others add nothing, and what holds or is unknown costs nothing."""
    standing = Standing({"a": Terms(counts="violations"), "b": Terms()})
    verdicts = [Verdict(f"R{at}", "violated", severity) for at, severity in enumerate(against)]
    standing.violated("a", [*verdicts, Verdict("U", "unknown", "critical")])
    standing.violated("b", verdicts)
    standing.refused("a", "R0", "critical")
    assert standing.of("a") == pytest.approx(1 - max(Terms().fall[one] for one in against))
    assert standing.of("b") == 1.0


def test_it_falls_fast_and_recovers_slowly() -> None:
    """What one refusal takes, twenty-five steps that went well give back; one that failed gives nothing back."""
    run = Run()
    assert run.pay(500).refused
    assert run.trust == 0.75
    for _ in range(24):
        run.look()
    run.look(Failed({"message": "dark"}))
    assert run.trust == 0.99
    run.look()
    run.look()
    assert run.trust == 1.0


def test_below_a_threshold_less_is_allowed() -> None:
    """Writes are asked about, then only some tools are left, and few calls; verdicts show the trust they rest on."""
    run = Run()
    run.pay(500)
    asked = run.pay(50)
    assert asked.question is not None
    assert asked.question.rule == "AGENT-clerk-BELOW-0.8-WRITES"
    assert run.events()[-2].body["values"]["trust"] == 0.75
    assert not run.step(Answer(1, asked.action, Approval(True, "boss"))).refused
    run.step(Complete(1, asked.action, Ok("paid")))
    assert run.trust == 0.75  # with a person's yes it costs nothing, but it was no clean step either
    run.pay(500)
    refused = run.pay(500).refused
    assert refused is not None
    assert run.trust == 0.25
    refused = run.pay(2).refused
    assert refused is not None
    assert refused.rule == "AGENT-clerk-BELOW-0.5-MAY"
    assert "while it is trusted less than 0.5" in refused.alternative
    assert refused.values["trust"] == 0.25
    run.look(agent="other")
    run.look()
    run.look()
    refused = run.look().refused
    assert refused is not None
    assert refused.rule == "AGENT-clerk-BELOW-0.5-CALLS-WITHIN-3"


def test_every_fall_stands_in_the_trace() -> None:
    """Whose, by which rule, from where to where; a result that is withheld counts like a call that is blocked."""
    run = Run()
    run.pay(500)
    assert run.look(Ok("secret")).refused
    assert run.falls == [
        {"rule": "LIMIT", "trust": 0.75, "was": 1.0},
        {"rule": "ODD", "trust": 0.25, "was": 0.75},
    ]


def test_a_no_counts_and_another_agent_does_not() -> None:
    """Whoever asks a person for what the person refuses loses trust; nothing is held against others."""
    run = Run()
    run.pay(500)
    asked = run.pay(50)
    refused = run.step(Answer(1, asked.action, Approval(False, "boss"))).refused
    assert refused is not None
    assert run.trust == 0.5
    assert run.falls[-1] == {"rule": "AGENT-clerk-BELOW-0.8-WRITES", "trust": 0.5, "was": 0.75}


def test_what_is_only_observed_costs_nothing_unless_it_is_said() -> None:
    """In shadow mode, and by a rule that warns; with ``counts: violations`` both do."""
    for mode in ("shadow", "enforce"):
        run = Run(mode=mode)
        run.step(Complete(0, run.pay(5).action, Ok("paid")))
        assert run.trust == 1.0
    run = Run(mode="shadow")
    run.pay(500)
    assert run.trust == 1.0
    run = Run(rules("counts: violations"), mode="shadow")
    run.pay(501)
    run.step(Complete(0, run.pay(5).action, Ok("paid")))
    assert run.trust == 0.73
    assert [fall["rule"] for fall in run.falls] == ["LIMIT", "ROUND"]
