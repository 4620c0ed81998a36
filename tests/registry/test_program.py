"""Which rules can speak of which step."""

from __future__ import annotations

import pytest

from harness.registry.load import load
from harness.registry.registry import Registry


def registry(rules: str, default: str = "allow") -> Registry:
    """Load rules for two tools."""
    tools = "tools: {pay: {effect: write}, get_order: {effect: read}}\n"
    return load(f"registry: r\nversion: 1\ndefault: {default}\n{tools}invariants:\n{rules}", "r.yaml")


def speaking(rule: str, on: str = "action", surface: str = "tool", tool: str = "pay") -> bool:
    """Tell whether a rule can speak of a step."""
    return bool(registry(f"- {{id: A, {rule}}}\n").program.group(on, surface, tool).rules)


@pytest.mark.parametrize(
    ("rule", "tool", "speaks"),
    [
        ("on: action, require: 'True'", "pay", True),
        ("on: action, tool: pay, require: 'True'", "pay", True),
        ("on: action, tool: pay, require: 'True'", "get_order", False),
        ("on: action, tool: 'get_*', require: 'True'", "get_order", True),
        ("on: action, tool: [pay, 'get_*'], require: 'True'", "get_order", True),
        ("on: action, when: tool.effect == 'write', require: 'True'", "get_order", False),
        ("on: action, when: tool.effect == 'write', require: 'True'", "undeclared", True),
        ("on: action, when: call.tool == 'pay' and call.args.a > 5, require: 'True'", "get_order", False),
        ("on: action, when: call.tool == 'pay' and call.args.a > 5, require: 'True'", "pay", True),
        ("on: result, require: 'True'", "pay", False),
    ],
)
def test_a_rule_that_cannot_speak_of_a_tool_costs_nothing_there(rule: str, tool: str, speaks: bool) -> None:
    """Names, globs and guards on the tool are decided once, before any step."""
    assert speaking(rule, tool=tool) is speaks


def test_model_calls_are_spoken_of_by_name_only() -> None:
    """A rule without a tool means tool calls; ``call.surface`` or a matching name includes the model."""
    assert not speaking("on: action, require: 'True'", surface="model", tool="openai.chat")
    assert speaking("on: action, when: call.surface == 'model', require: 'True'", surface="model", tool="openai.chat")
    rule = "- {id: A, on: action, tool: 'openai.*', require: 'True'}\n"
    loaded = load(f"registry: r\nversion: 1\ndefault: allow\ninvariants:\n{rule}", "r.yaml")
    assert loaded.program.group("action", "model", "openai.chat").rules
    assert not speaking("on: action, tool: '*', require: 'True'", surface="model", tool="openai.chat")
    assert speaking("on: action, tool: '*', when: call.surface != '', require: 'True'", surface="model", tool="o.chat")


def test_rules_on_results_speak_of_failures_only_where_they_say_so() -> None:
    """A rule about a result has nothing to say where there is none."""
    assert not speaking("on: result, require: result == 1", on="failed")
    assert speaking("on: result, require: not failed", on="failed")
    assert speaking("on: result, require: not failed", on="result")


def test_a_tool_is_spoken_of_when_declared_or_named() -> None:
    """A rule for every tool names none."""
    guards = ["tool: '*'", "when: tool.effect == 'read'", "tool: 'a*'"]
    rules = "".join(f"- {{id: R{at}, on: action, {guard}, require: 'True'}}\n" for at, guard in enumerate(guards))
    loaded = load(f"registry: r\nversion: 1\ndefault: refuse\ninvariants:\n{rules}", "r.yaml")
    assert [loaded.program.speaks_of(tool) for tool in ("apple", "pear")] == [True, False]
    assert registry("- {id: A, on: end, require: 'True'}\n").program.speaks_of("pay")


def test_nothing_is_remembered_that_no_rule_asks_for() -> None:
    """There is a monitor for each different question, and none where nothing is asked."""
    assert registry("- {id: A, on: action, require: call.args.a > 5}\n").program.plans == ()
    asked = "- id: A\n  on: action\n  require: count(action) < 3 and not happened(result, call.surface == 'model')\n"
    again = "- {id: B, on: action, require: count( action ) < 5}\n"
    plans = registry(asked + again).program.plans
    assert [(plan.verb, plan.past, plan.any_surface) for plan in plans] == [
        ("count", "action", False),
        ("happened", "result", True),
    ]
    assert not any(plan.keeps_names for plan in plans)
    assert registry("- {id: A, on: action, require: last(action).result == 1}\n").program.plans[0].keeps_names
