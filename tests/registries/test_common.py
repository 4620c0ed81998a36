"""The common registries: complete, noticed if wrong, taken over by others, and quiet on runs that went well."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from harness.adapters.registries import load_registry
from harness.adapters.transcripts.tau import conversations
from harness.assertion.interface import Checker
from harness.errors import RegistryError
from harness.registry.load import load
from harness.registry.registry import Registry
from harness.review.mutate import score
from harness.review.trial import try_registry
from harness.trace.event import Event
from tests.real_data import airline_transcripts

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "registries" / "common"
NAMES = sorted(file.stem for file in FOLDER.glob("*.yaml"))
QUIET = [name for name in NAMES if name != "read_only"]  # that one is for runs that only look


def common(name: str) -> Registry:
    """Load one of them."""
    return load_registry(FOLDER / f"{name}.yaml")


def judged(registry: Registry, *calls: tuple[str, dict[str, object], object]) -> list[str]:
    """Give the rules that do not hold at the last of some calls, each with its result."""
    checker = Checker(registry)
    found: list[str] = []
    for at, (tool, args, result) in enumerate(calls):
        body = {"surface": "tool", "tool": tool, "args": args, "rules": []}
        judgement = checker.judge(Event(2 * at, "action", "main", "0", (), at, body))
        found = [verdict.rule for verdict in judgement.verdicts]
        checker.judge(Event(2 * at + 1, "observation", "main", "0", (), at, {"action": 2 * at, "ok": result}))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_is_complete(name: str) -> None:
    """A title, advice, a source, and examples that hold and that violate; examples show what they say."""
    registry = common(name)
    for rule in registry.invariants:
        assert all((rule.title, rule.says, rule.source, rule.examples.holds, rule.examples.violated)), rule.id
    assert try_registry(registry).failures == ()


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_rule_would_be_noticed(name: str) -> None:
    """Four of five small faults of each rule change what its own examples show."""
    registry = common(name)
    for rule in registry.invariants:
        scored = score(rule, registry)
        assert Fraction(scored.noticed, scored.mutants) >= Fraction(4, 5), (rule.id, scored.survivors)


def test_all_can_be_taken_over_at_once() -> None:
    """A registry that extends all of them loads, and their examples still show what they say."""
    bases = ", ".join(f"common/{name}" for name in NAMES)
    text = f"registry: all\nversion: 1\ndefault: refuse\nextends: [{bases}]\ntools: {{pay: {{effect: write}}}}\n"
    registry = load(text, "all.yaml", read=lambda base: (ROOT / "registries" / f"{base}.yaml").read_text())
    assert len(registry.invariants) == sum(len(common(name).invariants) for name in NAMES)
    assert try_registry(registry).failures == ()
    assert set(registry.tools) == {"pay"}


def test_all_can_be_written_out_with_their_examples() -> None:
    """Their stages say nothing against each other."""
    registry = load_registry(*(FOLDER / f"{name}.yaml" for name in NAMES))
    again = load(registry.to_yaml(), "all.yaml")
    assert again.digest == registry.digest
    assert [rule.examples for rule in again.invariants] == [rule.examples for rule in registry.invariants]
    assert try_registry(again).failures == ()


def test_no_two_rules_have_the_same_id() -> None:
    """Otherwise they could not be extended together."""
    ids = [rule.id for name in NAMES for rule in common(name).invariants]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", QUIET)
def test_a_tool_that_nobody_declared_is_never_unknown(name: str) -> None:
    """Whatever the arguments and results are, each rule can tell."""
    registry = common(name)
    calls = [("go", {}, None), ("go", {"to": ["a", 5, None, {"b": []}]}, {"usage": {"total_tokens": "many"}})]
    checker = Checker(registry)
    for at, (tool, args, result) in enumerate(calls):
        body = {"surface": "tool", "tool": tool, "args": args, "rules": []}
        said = [Event(2 * at, "action", "main", "0", (), at, body)]
        said.append(Event(2 * at + 1, "observation", "main", "0", (), at, {"action": 2 * at, "ok": result}))
        for event in said:
            assert [one for one in checker.judge(event).verdicts if one.truth == "unknown"] == []


def test_the_page_s_registry_does_what_it_says() -> None:
    """The example of ``docs/common.md`` loads, and a rule of each registry it extends speaks."""
    page = (ROOT / "docs" / "common.md").read_text()
    (text,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    registry = load(text, "shop.yaml", read=lambda base: (ROOT / "registries" / f"{base}.yaml").read_text())
    pay = ("refund", {"cents": 5}, "done")
    assert judged(registry, pay) == ["IMPACT-APPROVED"]
    assert judged(registry, pay, pay) == ["WRITE-ONCE", "IMPACT-APPROVED"]
    assert judged(registry, *[("find_order", {}, "none")] * 5) == ["SAME-CALL"]
    assert judged(registry, ("refund", {"cents": 20001}, "done")) == ["IMPACT-APPROVED", "REFUND-LIMIT"]
    assert judged(registry, ("find_ordr", {}, "none")) == ["DEFAULT-REFUSE"]


def test_the_page_lists_every_rule_s_registry_and_parameters() -> None:
    """Each registry has its line, with each of its parameters; a number stands there with its value."""
    page = (ROOT / "docs" / "common.md").read_text()
    for name in NAMES:
        (line,) = [line for line in page.splitlines() if line.startswith(f"| `common/{name}`")]
        for parameter, value in common(name).parameters.items():
            shown = f"`{parameter}` {value:,}" if isinstance(value, int) else f"`{parameter}`"
            assert shown in line


def test_a_rule_of_the_same_id_must_say_that_it_overrides() -> None:
    """A registry that extends one of them cannot replace a rule by accident."""
    text = "registry: r\nversion: 1\ndefault: allow\nextends: [common/effects]\n"
    rule = "invariants: [{id: WRITE-ONCE, on: action, require: 'True'}]\n"
    with pytest.raises(RegistryError, match="override"):
        load(text + rule, "r.yaml", read=lambda base: (ROOT / "registries" / f"{base}.yaml").read_text())


@pytest.mark.parametrize("name", QUIET)
def test_no_solved_run_of_the_airline_is_blocked(name: str) -> None:
    """Of the 58 recorded runs that solved their task, no call is blocked and at most one run asks a person."""
    registry = replace(common(name), tools=common(name).tools | load_registry("airline").tools)
    solved = [one for one in conversations(airline_transcripts()) if one.label["reward"] == 1]
    assert len(solved) == 58
    asked = set()
    for number, one in enumerate(solved):
        checker = Checker(registry)
        for event in one.events:
            for verdict in checker.judge(event).verdicts:
                assert verdict.otherwise != "block", (number, verdict)
                asked |= {number} if verdict.otherwise == "escalate" else set()
    assert len(asked) <= 1
