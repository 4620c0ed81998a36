"""What a registry takes over, and what it changes of it."""

from __future__ import annotations

import pytest

from harness.errors import RegistryError
from harness.registry.load import load
from harness.registry.registry import Registry

BASE = """registry: base
version: 1
default: refuse
parameters: {limit: {value: 5, unit: step, narrower: lower}, other: 1}
tools: {pay: {effect: write, trust: untrusted, idempotent: false}}
agents: {clerk: {may: [pay]}}
artifacts: {plan: {schema: {type: object, properties: {cost: {type: number}}}}}
invariants:
- {id: A, on: action, require: step < params.limit, severity: high, otherwise: block}
- {id: B, on: end, require: 'True', otherwise: warn}
"""
OTHER = BASE.replace("base", "other").replace("value: 5", "value: 6").replace("clerk: {may: [pay]}", "clerk: {may: []}")
TEXTS = {
    "base": BASE,
    "left": "registry: left\nversion: 1\ndefault: refuse\nextends: [base]\n",
    "right": "registry: right\nversion: 1\ndefault: refuse\nextends: [base]\n",
    "other": OTHER.replace("id: A", "id: C").replace("id: B", "id: D").replace("{cost:", "{price:"),
}


def extended(text: str, bases: str = "base") -> Registry:
    """Load a registry that extends others; its own text begins in line 5."""
    head = f"registry: shop\nversion: 1\ndefault: refuse\nextends: [{bases}]\n"
    return load(head + text, "shop.yaml", read=TEXTS.__getitem__)


def mistakes(text: str, bases: str = "base") -> list[str]:
    """Give the mistakes of such a registry."""
    with pytest.raises(RegistryError) as caught:
        extended(text, bases)
    return [f"{one.file}:{one.line} {one.message} | {one.cure}" for one in caught.value.mistakes]


def test_everything_is_taken_over() -> None:
    """Rules, parameters, tools, agents, artifacts, and what is stated of them; once, along however many ways."""
    for registry in (extended(""), extended("", "left, right")):
        base = load(BASE, "base")
        assert [rule.meaning() for rule in registry.invariants] == [rule.meaning() for rule in base.invariants]
        assert (registry.parameters, registry.about) == (base.parameters, base.about)
        assert (registry.tools, registry.agents, registry.artifacts) == (base.tools, base.agents, base.artifacts)
        assert registry.overrides == ()
        assert load(registry.to_yaml(), "again.yaml").digest == registry.digest


def test_every_change_is_made_in_the_open_and_kept_on_record() -> None:
    """With the places before and now, and the reason where one is asked for."""
    registry = extended("""parameters: {limit: {value: 9, override: true}}
tools: {pay: {idempotent: false, undo: pay, effect: write}}
agents: {clerk: {may: [], override: true}}
drop: [B: the run may end as it likes]
invariants:
- {id: A, on: action, require: step < 3, severity: low, otherwise: block, override: true, weakens: a trial}
""")
    assert [tuple(one) for one in registry.overrides] == [
        ("parameter", "limit", "base:4", "shop.yaml:5", ""),
        ("agent", "clerk", "base:6", "shop.yaml:7", ""),
        ("dropped", "B", "base:10", "shop.yaml:8", "the run may end as it likes"),
        ("rule", "A", "base:9", "shop.yaml:10", "a trial"),
    ]
    assert registry.parameters == {"limit": 9, "other": 1}
    assert registry.agents == {"clerk": {"may": []}}
    assert [rule.id for rule in registry.invariants] == ["A", "AGENT-clerk-MAY", "AGENT-DECLARED"]
    assert load(registry.to_yaml(), "again.yaml").digest == registry.digest


def test_a_stricter_word_on_a_tool_is_a_change_too() -> None:
    """What was unknown may be said, what was said may only get stricter."""
    text = "tools: {pay: {trust: trusted, effect: read}}\n"
    cure = "what is taken over of a tool may only get stricter"
    assert mistakes(text) == [
        f"shop.yaml:5 pay: trust is 'trusted' here and 'untrusted' in base:5 | {cure}",
        f"shop.yaml:5 pay: effect is 'read' here and 'write' in base:5 | {cure}",
    ]
    safe = BASE.replace("effect: write", "effect: read")
    strict = load(
        "registry: s\nversion: 1\ndefault: refuse\nextends: [safe]\ntools: {pay: {effect: write}}\n",
        "shop.yaml",
        read={"safe": safe}.__getitem__,
    )
    assert strict.tools["pay"].effect == "write"
    assert [tuple(one) for one in strict.overrides] == [("tool", "pay: effect", "safe:5", "shop.yaml:5", "")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("parameters: {limit: 9}\n", "the parameter 'limit' is taken by base:4 | write {value: …, override: true}"),
        ("parameters: {limit: {value: 9}}\n", "the parameter 'limit' is taken by base:4"),
        ("parameters: {limt: {value: 9, override: true}}\n", "no extended registry has the parameter 'limt'"),
        ("agents: {clerk: {may: []}}\n", "the agent 'clerk' is taken by base:6 | write override: true to replace it"),
        ("drop: [C: why]\n", "nothing to drop: no extended registry has the rule 'C'"),
        ("drop: [A: ]\n", "expected text, got nothing"),
        ("drop: [A]\n", "expected an object, got 'A'"),
        (
            "invariants: [{id: A, on: end, require: 'True', override: true}]\n",
            "'A' is weaker than in base:9: otherwise: observe instead of block, severity: medium instead of high",
        ),
        (
            "invariants: [{id: A, on: end, require: 'True', severity: high, otherwise: escalate, override: true}]\n",
            "otherwise: escalate instead of block | write weakens: with the reason",
        ),
        (
            "invariants: [{id: B, on: end, require: 'True', otherwise: block, override: true, weakens: no}]\n",
            "'B' is not weaker than in base:10",
        ),
        ("invariants: [{id: B, on: end, require: 'True', weakens: x}]\n", "'weakens' needs override: true"),
        ("invariants: [{id: BB, on: end, require: 'True', override: true}]\n", "nothing to override"),
    ],
)
def test_what_is_changed_without_saying_so_is_a_mistake(text: str, message: str) -> None:
    """At the line of the change, with the place of what is changed."""
    assert any(message in said for said in mistakes(text))


def test_a_dropped_rule_may_be_stated_anew() -> None:
    """What is left out is no longer there to be overridden."""
    assert [
        rule.id for rule in extended("drop: [A: x]\ninvariants: [{id: A, on: end, require: 'False'}]\n").invariants
    ][:2] == ["B", "A"]


def test_bases_that_say_different_things_are_not_joined() -> None:
    """Each part that two bases state differently is named."""
    found = "\n".join(mistakes("", "base, other"))
    for part in ("parameters.limit", "agents.clerk", "artifacts.plan"):
        assert f"shop.yaml:4 {part} of 'other' is another one in base:" in found
