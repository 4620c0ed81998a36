"""What is stated of the trust in agents."""

from __future__ import annotations

import pytest

from harness.errors import RegistryError
from harness.registry.load import load
from harness.registry.publish import publish
from harness.registry.registry import Registry
from harness.registry.trust import FALL, RECOVER, Terms

HEAD = "registry: shop\nversion: 1\ndefault: allow\ntools: {look: {effect: read}, pay: {effect: write}}\nagents:\n"


def shop(trust: str) -> Registry:
    """Load a registry with the trust in one agent."""
    return load(f"{HEAD}  clerk: {{trust: {trust}}}\n", "shop.yaml")


def test_trust_begins_and_moves_as_stated() -> None:
    """What is left out is as documented; a fall that is stated replaces that of its severity only."""
    assert shop("{}").trust == {"clerk": Terms(1.0, FALL, RECOVER, "refusals")}
    stated = shop("{start: 0.5, fall: {low: 0.1}, recover: 0.05, counts: violations}").trust["clerk"]
    assert stated == Terms(0.5, FALL | {"low": 0.1}, 0.05, "violations")
    assert load(HEAD + "  clerk:\n", "shop.yaml").trust == {}


def test_every_tier_is_made_of_rules() -> None:
    """They speak of their agent alone while it is trusted less; the tools of a tier are not granted by it."""
    registry = shop("{tiers: [{below: 0.5, may: [look], writes: block, budget: {calls: 5}}, {below: 0.25, may: []}]}")
    assert [(rule.id, rule.otherwise) for rule in registry.invariants] == [
        ("AGENT-clerk-BELOW-0.5-MAY", "block"),
        ("AGENT-clerk-BELOW-0.5-WRITES", "block"),
        ("AGENT-clerk-BELOW-0.5-CALLS", "block"),
        ("AGENT-clerk-BELOW-0.25-MAY", "block"),
    ]
    assert all(rule.when and "agent == 'clerk'" in rule.when.text for rule in registry.invariants)
    assert not any(rule.grants for rule in registry.invariants)


def test_terms_are_part_of_what_a_registry_means() -> None:
    """Another recovery is another registry; written out and loaded again it is the same one."""
    tiers = "tiers: [{below: 0.5, may: [look]}]"
    one, other = shop(f"{{recover: 0.01, {tiers}}}"), shop(f"{{recover: 0.002, {tiers}}}")
    assert one.digest != other.digest
    assert load(publish(one), "again.yaml").digest == one.digest


@pytest.mark.parametrize(
    ("trust", "said"),
    [
        ("{recover: 0.3}", "recover: 0.3 gives back at once what a fall of 0.02 takes"),
        ("{fall: {low: 0.001}}", "recover: 0.01 gives back at once what a fall of 0.001 takes"),
        ("{tiers: [{below: 0.5, may: []}, {below: 0.5, writes: block}]}", "two tiers begin at the same trust"),
        ("{tiers: [{below: 0.5, may: [lok]}]}", "no declared tool is called 'lok'"),
        ("{tiers: [{below: 0.5}]}", "below"),
        ("{start: 2}", "2 is greater than the maximum of 1"),
        ("{speed: 2}", "unknown key 'speed'"),
    ],
)
def test_mistakes_are_told(trust: str, said: str) -> None:
    """Trust that recovers as fast as it falls, tiers that say nothing or the same, unknown tools and words."""
    with pytest.raises(RegistryError, match=said):
        shop(trust)


def test_trust_is_a_number_of_the_language() -> None:
    """A rule may speak of it, and a definition may not be called like it."""
    rule = "invariants: [{id: T, on: action, when: trust < 0.5, require: tool.effect == 'read'}]\n"
    assert load(f"{HEAD}  clerk: {{trust: {{}}}}\n{rule}", "shop.yaml").invariant("T")
    with pytest.raises(RegistryError, match="hides what 'trust' means"):
        load(f"{HEAD}  clerk: {{trust: {{}}}}\ndefine: {{trust: call.args}}\n{rule}", "shop.yaml")
    with pytest.raises(RegistryError, match="never equal"):
        load(f"{HEAD}  clerk:\n{rule.replace('trust < 0.5', 'trust == call.tool')}", "shop.yaml")
