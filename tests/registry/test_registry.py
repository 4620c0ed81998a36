"""Registries as values: digests, joining, and declarations from code."""

from __future__ import annotations

from typing import Any

import pytest

from harness.errors import RegistryError
from harness.registry.load import load
from harness.registry.registry import Registry, join
from harness.tool import ToolSpec

HEAD = "registry: {}\nversion: 1\ndefault: {}\n"


def registry(body: str, name: str = "one", default: str = "allow") -> Registry:
    """Load a registry."""
    return load(HEAD.format(name, default) + body, f"{name}.yaml")


def rule(text: str, name: str = "A") -> str:
    """Write a registry of one rule."""
    return f"invariants:\n- {{id: {name}, on: action, require: '{text}'}}\n"


def test_the_digest_is_of_the_meaning() -> None:
    """Layout, comments, titles and sources do not count; a threshold does."""
    plain = registry(rule("call.args.a <= 5"))
    other = registry(
        "# a comment\ninvariants:\n- id: A\n  title: x\n  source: y\n"
        "  on: action\n  require: (call.args.a\n    <=  5)\n"
    )
    assert plain.digest == other.digest
    assert plain.digest != registry(rule("call.args.a <= 6")).digest
    assert plain.digest != registry(rule("call.args.a <= 5"), default="refuse").digest
    assert plain.digest != registry("tools: {pay: {effect: read}}\n" + rule("call.args.a <= 5")).digest


def test_joining_keeps_every_rule_in_order_and_the_stricter_words() -> None:
    """Rules, tools and parameters of both; refuse before allow, block before block_writes."""
    one = registry("parameters: {p: 1}\n" + rule("True"))
    two = registry("unknown: block\ntools: {pay: {}}\nparameters: {p: 1, q: 2}\n" + rule("False", "B"), "two", "refuse")
    joined = join([one, two])
    assert [invariant.id for invariant in joined.invariants] == ["A", "B"]
    assert (joined.default, joined.unknown, joined.parameters) == ("refuse", "block", {"p": 1, "q": 2})
    assert (joined.name, list(joined.tools)) == ("one+two", ["pay"])
    assert join([one]) is one
    assert join([one, one]).invariants == one.invariants


@pytest.mark.parametrize(
    ("one", "two", "message"),
    [
        (rule("True"), rule("False"), "the rule 'A' is another one in one.yaml:5"),
        (
            "parameters: {p: 1}\n" + rule("True"),
            "parameters: {p: 2}\n" + rule("True", "B"),
            "parameters.p is 2 here and 1 in one.yaml:4",
        ),
        (
            "tools: {t: {effect: read}}\n" + rule("True"),
            "tools: {t: {effect: write}}\n" + rule("True", "B"),
            "one.yaml:4",
        ),
    ],
)
def test_registries_that_contradict_each_other_are_not_joined(one: str, two: str, message: str) -> None:
    """Each contradiction is named with both places."""
    with pytest.raises(RegistryError, match=message):
        join([registry(one), registry(two, "two")])


def test_code_declares_what_a_registry_leaves_open() -> None:
    """Declarations from code add tools and schemas; what the registry states goes before them."""
    declared = ToolSpec("pay", effect="read", idempotent=True, undo="unpay", arguments={"properties": {"a": {}}})
    merged = registry("tools: {pay: {effect: write, impact: payment}}\n" + rule("call.args.a <= 5")).with_tools(
        [declared, ToolSpec("x")]
    )
    spec = merged.tools["pay"]
    assert (spec.effect, spec.idempotent, spec.undo, spec.impact) == ("write", True, "unpay", "payment")
    assert "x" in merged.tools


@pytest.mark.parametrize(
    ("stated", "declared"),
    [
        ("effect: read", {"effect": "write"}),
        ("idempotent: true", {"idempotent": False}),
        ("trust: trusted", {"trust": "untrusted"}),
        ("idempotency_key: a", {"idempotency_key": "b"}),
    ],
)
def test_a_registry_may_not_be_weaker_than_the_code(stated: str, declared: dict[str, Any]) -> None:
    """The contradiction is reported at the line of the tool."""
    loaded = registry(f"tools:\n  pay: {{{stated}}}\n" + rule("True"))
    with pytest.raises(RegistryError, match=r"one.yaml:5:3.*in the code"):
        loaded.with_tools([ToolSpec("pay", **declared)])


def test_fields_are_checked_again_when_code_declares_a_tool() -> None:
    """A field that the tool turns out not to have is a mistake at its place in the file."""
    loaded = registry("invariants:\n- {id: A, on: action, tool: pay, require: call.args.cent > 5}\n")
    with pytest.raises(RegistryError, match=r"one.yaml:5:53  unknown field 'call.args.cent' of tool 'pay'"):
        loaded.with_tools([ToolSpec("pay", arguments={"type": "object", "properties": {"cents": {"type": "integer"}}})])
