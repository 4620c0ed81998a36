"""What examples rest on, and that it stays theirs."""

from __future__ import annotations

import pytest

from harness.errors import RegistryError
from harness.registry.load import load
from harness.registry.registry import Registry
from harness.review.mutate import score
from harness.review.stories import alone, on_stage
from harness.review.trial import try_registry

BASE = """registry: base
version: 1
default: allow
parameters: {limit: {value: 50, narrower: lower}, day: monday}
stage:
  parameters: {limit: 2}
  tools: {look: {effect: read}, pay: {effect: write, undo: back}, back: {effect: write}}
invariants:
- id: FEW
  on: action
  tool: "*"
  when: tool.effect == "write"
  require: count(action, tool.effect == "write") < params.limit
  examples:
    holds: [[{look: }, {look: }, {look: }, {pay: }, {pay: }]]
    violated: [[{pay: }, {pay: }, {look: }, {pay: }]]
"""
SHOP = "registry: shop\nversion: 1\ndefault: refuse\nextends: [base]\n"
BUY = "{id: BUY, on: action, tool: buy, require: call.args.n < params.limit, examples: {holds: [[{buy: {n: 6}}]]}}"


def shop(text: str = "") -> Registry:
    """Load a registry that extends the base."""
    return load(SHOP + text, "shop.yaml", read=lambda _: BASE)


def mistakes(text: str) -> list[str]:
    """Give the mistakes of a registry, with their lines and cures."""
    with pytest.raises(RegistryError) as caught:
        load(text, "base.yaml")
    return [f"{one.line} {one.message} | {one.cure}" for one in caught.value.mistakes]


def test_the_tools_of_a_stage_are_no_tools_of_the_registry() -> None:
    """They are neither declared nor part of the digest, here or where the rules are taken over."""
    head, _, tail = BASE.partition("stage:\n")
    bare = load(head + "invariants:\n" + tail.partition("invariants:\n")[2], "base.yaml")
    registry = load(BASE, "base.yaml")
    assert (registry.tools, registry.stated, registry.parameters["limit"]) == ({}, {}, 50)
    assert registry.digest == bare.digest
    assert try_registry(bare).failures != ()
    assert set(shop("tools: {buy: }\n").tools) == {"buy"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "parameters: {limit: {value: 7, override: true}}\n",
        "tools: {sell: {effect: write}}\n",
        "agents: {clerk: {may: ['*']}}\n",
    ],
)
def test_examples_show_the_same_where_their_rule_is_taken_over(text: str) -> None:
    """Whatever limits, tools and agents the registry has that takes it over, and however it is written out again."""
    registry = shop(text)
    again = load(registry.to_yaml(), "again.yaml")
    assert again.digest == registry.digest
    for one in (registry, again):
        assert try_registry(one).failures == ()
        assert score(one.invariants[0], one).share == score(load(BASE, "b").invariants[0], load(BASE, "b")).share == 1


def test_a_rule_is_judged_by_the_registry_it_is_in() -> None:
    """The stage is for its examples: elsewhere the value in force and the declared tools count."""
    registry = shop("parameters: {limit: {value: 7, override: true}}\ntools: {buy: }\n")
    one = alone(registry.invariants[0], registry)
    assert (one.parameters["limit"], set(one.tools)) == (7, {"buy"})
    assert (on_stage(one).parameters["limit"], set(on_stage(one).tools)) == (2, {"look", "pay", "back"})


def test_written_out_are_the_examples_that_mean_the_same() -> None:
    """What two rules need differently is written for the first; the other one loses its examples."""
    limit = "parameters: {limit: {value: 7, override: true}}\ntools: {buy: }\n"
    again = load(shop(f"{limit}invariants: [{BUY}]\n").to_yaml(), "again.yaml")
    assert [bool(rule.examples.holds) for rule in again.invariants] == [True, False]
    assert try_registry(again).failures == ()
    other = load(shop("tools: {pay: {effect: read}}\n").to_yaml(), "again.yaml")
    assert not other.invariants[0].examples.holds


def test_what_is_wrong_with_a_stage_is_told() -> None:
    """Unknown tools in examples, tools declared twice, unknown parameters and tools, other types: with the cure."""
    assert mistakes(BASE.replace("{look: }, {look: }, {look: }", "{lok: }")) == [
        "15 unknown tool 'lok' | did you mean 'look'?"
    ]
    assert mistakes(BASE.replace("undo: back", "undo: bak")) == [
        "7 undo of pay is the unknown tool 'bak' | did you mean 'back'?"
    ]
    assert mistakes(BASE.replace("{limit: 2}", "{limt: 2}")) == [
        "6 there is no parameter 'limt' | did you mean 'limit'?"
    ]
    assert mistakes(BASE.replace("{limit: 2}", "{limit: two}")) == [
        "6 limit: 'two' is of another type than 50 | give the plain value"
    ]
    assert mistakes(BASE + "tools: {pay: }\n") == [
        "7 the tool 'pay' is declared in base.yaml:17 | leave it out of 'stage'"
    ]
    assert mistakes(BASE.replace("look: {effect: read}", "look: {effect: reed}")) == [
        "7 effect: expected read or write, got 'reed' | did you mean 'read'?"
    ]
