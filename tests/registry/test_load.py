"""A registry from its text, or all its mistakes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import RegistryError, UsageError
from harness.registry.load import load
from harness.registry.registry import Registry

HEAD = "registry: shop\nversion: 1.0.0\ndefault: refuse\n"
RULE = "- {id: A, on: action, require: call.tool == 'pay'}\n"
TOOLS = """tools:
  pay:
    arguments: {type: object, properties: {cents: {type: integer}, to: {type: object, properties: {iban: {}}}}}
    result: {format: json, schema: {type: object, properties: {status: {type: string}}}}
  look: {effect: read, arguments: {type: object, properties: {id: {}}}}
"""


def rules(text: str) -> Registry:
    """Load a registry of some tools and rules."""
    return load(
        f"{HEAD}{TOOLS}parameters: {{limit: 5, name: {{value: x, source: none}}}}\ninvariants:\n{text}", "shop.yaml"
    )


def mistakes(text: str) -> list[str]:
    """Give the mistakes of a registry as they are shown."""
    with pytest.raises(RegistryError) as caught:
        load(text, "shop.yaml")
    return [str(mistake) for mistake in caught.value.mistakes]


def mistakes_of(rule: str) -> list[str]:
    """Give the messages of a single rule's mistakes."""
    with pytest.raises(RegistryError) as caught:
        rules(f"- {{id: A, {rule}}}\n")
    return [mistake.message for mistake in caught.value.mistakes]


def test_a_registry_is_what_its_file_says() -> None:
    """Every part of the file is found in the value."""
    registry = rules(
        """- id: PAY-LIMIT
  title: Not too much
  on: action
  tool: [pay, "lo*"]
  when: call.tool == "pay"
  require: call.args.cents <= params.limit
  severity: high
  otherwise: escalate
  says: "{call.args.cents} is more than {params.limit}"
  retryable: true
  source: page 3
  examples:
    holds: [[{pay: {cents: 5}}]]
    violated: [[{pay: {cents: 6}}]]
"""
    )
    assert (registry.name, registry.version, registry.default, registry.unknown) == (
        "shop",
        "1.0.0",
        "refuse",
        "block_writes",
    )
    assert registry.parameters == {"limit": 5, "name": "x"}
    assert (registry.tools["pay"].effect, registry.tools["pay"].result_format, registry.tools["look"].effect) == (
        "write",
        "json",
        "read",
    )
    rule = registry.invariants[0]
    assert (rule.id, rule.title, rule.on, rule.tools, rule.severity) == (
        "PAY-LIMIT",
        "Not too much",
        "action",
        ("pay", "lo*"),
        "high",
    )
    assert (rule.otherwise, rule.retryable, rule.source) == ("escalate", True, "page 3")
    assert rule.examples.violated == (({"pay": {"cents": 6}},),)
    assert rule.place == "shop.yaml:11"


def test_a_mistake_shows_the_line_and_the_nearest_name() -> None:
    """File, line, column, the line itself, a caret under the wrong characters, and the cure."""
    text = f"{HEAD}{TOOLS}invariants:\n- id: A\n  on: action\n  tool: pay\n  require: call.args.cent <= 5\n"
    (shown,) = mistakes(text)
    assert shown == (
        "shop.yaml:13:22  unknown field 'call.args.cent' of tool 'pay'\n"
        "    require: call.args.cent <= 5\n"
        "                       ^^^^\n"
        "    did you mean 'cents'?  (pay has: cents, to)"
    )


def test_all_mistakes_are_told_at_once() -> None:
    """Broken keys, types, expressions and names in one file are one error with a line for each, in order."""
    text = (
        f"{HEAD}titel: x\n{TOOLS}invariants:\n"
        "- {id: A, on: action, tool: pai, require: call.args.cents > 0}\n"
        "- {id: B, on: action, require: 'call.tool =='}\n"
        "- {id: C, on: actoin, require: 'True'}\n"
        "- {id: D, on: action, require: params.limt > 0, severity: hihg}\n"
        "- {id: E, on: action, require: cal.tool == 'x'}\n"
    )
    with pytest.raises(RegistryError) as caught:
        load(text, "shop.yaml")
    assert [mistake.line for mistake in caught.value.mistakes] == [4, 11, 12, 13, 14, 15]
    assert str(caught.value).endswith("6 mistakes in 1 file; nothing was loaded")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        (HEAD, "the registry has no invariants"),
        (HEAD + "invariants: []\n", "the registry has no invariants"),
        ("hello", "expected an object, got 'hello'"),
        ("registry: a\nversion: 1\ninvariants:\n" + RULE, "the key 'default' is missing"),
        (HEAD + "invarients:\n" + RULE, "unknown key 'invarients'"),
        (HEAD + "invariants:\n- {id: 5, on: action, require: 'True'}\n", "id: expected text, got 5"),
        (
            HEAD + "invariants:\n- {id: A, on: action, require: 'True', retryable: yes}\n",
            "expected true or false, got 'yes'",
        ),
        (HEAD + "invariants:\n" + RULE + RULE, "the id 'A' stands here twice"),
        (HEAD + "default: allow\n", "the key 'default' stands here twice"),
        (
            HEAD + "invariants:\n- {id: A, on: action}\n",
            "exactly one of 'require' and 'schema'; this one states neither",
        ),
        (HEAD + "invariants:\n- {id: A, on: action, require: x, schema: {arguments: {}}}\n", "this one states both"),
        (
            HEAD + "invariants:\n- {id: A, on: action, require: 'True', otherwise: rewrite}\n",
            "it is not stated what the call is rewritten to",
        ),
        (HEAD + "invariants:\n- {id: A, on: action, schema: {arguments: {type: objekt}}}\n", "not a JSON Schema"),
        (HEAD + "invariants:\n- {id: A, on: action, schema: {arguments: {pattern: '('}}}\n", "not a JSON Schema"),
        (HEAD + "invariants:\n- {id: A, on: action, schema: {arguments: {$ref: 'http://a/b'}}}\n", "not a JSON Schema"),
        (HEAD + "invariants:\n- {id: A, on: result, schema: {arguments: {}}}\n", "checked on: action"),
        (HEAD + "invariants:\n- {id: A, on: message, tool: pay, require: 'True'}\n", "speaks of no tool"),
        (HEAD + "invariants:\n- {id: A, on: action, require: 'True', override: true}\n", "nothing to override"),
        (HEAD + "invariants:\n- {id: 'A B', on: action, require: 'True'}\n", "is not a name"),
        (HEAD + "parameters: {a: {unit: x}}\ninvariants:\n" + RULE, "the key 'value' is missing"),
        (HEAD + "tools: {pay: {effect: maybe}}\ninvariants:\n" + RULE, "expected read or write, got 'maybe'"),
        (HEAD + "tools: {pay: {undo: unpay}}\ninvariants:\n" + RULE, "undo of pay is the unknown tool 'unpay'"),
        (HEAD + "extends: [base]\ninvariants:\n" + RULE, "cannot extend 'base'"),
    ],
)
def test_each_broken_file_gives_one_clear_mistake(text: str, message: str) -> None:
    """What is wrong is said once, in words, and nothing is loaded."""
    (shown,) = mistakes(text)
    assert message in shown


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("on: action, require: call.__class__ == 1", "'__class__' is not allowed"),
        ("on: action, require: '(lambda: 1)()'", "only functions of the library"),
        ("on: action, require: opne('x')", "unknown function 'opne'"),
        ("on: action, require: amount > 5", "unknown name 'amount'"),
        ("on: action, require: 'result.status == 1'", "there is no 'result' here"),
        ("on: message, require: 'call.tool == \"pay\"'", "there is no 'call' here"),
        ("on: action, require: params.limt > 5", "unknown field 'params.limt'"),
        ("on: action, require: tool.efect == 'read'", "unknown field 'tool.efect'"),
        ("on: action, require: call.arguments.cents > 5", "unknown field 'call.arguments'"),
        ("on: action, require: call.tool == 'pai'", "unknown tool 'pai'"),
        ("on: action, require: \"call.tool in ['pay', 'lok']\"", "unknown tool 'lok'"),
        ("on: action, require: \"happened(action, call.tool == 'lok')\"", "unknown tool 'lok'"),
        ("on: action, tool: refnd, require: 'True'", "no declared tool is called 'refnd'"),
        ("on: action, tool: pay, require: call.args.cent > 5", "unknown field 'call.args.cent' of tool 'pay'"),
        (
            "on: action, when: call.tool == 'pay', require: call.args.cent > 5",
            "unknown field 'call.args.cent' of tool 'pay'",
        ),
        ("on: action, tool: pay, require: call.args.to.ibn == 'x'", "unknown field 'call.args.to.ibn' of tool 'pay'"),
        ("on: action, require: call.args.sum > 5", "of tools 'pay' and 'look'"),
        ("on: result, tool: pay, require: result.state == 'ok'", "unknown field 'result.state' of tool 'pay'"),
        (
            "on: action, require: \"last(result, call.tool == 'pay').result.state == 'ok'\"",
            "unknown field '….state' of tool 'pay'",
        ),
        ("on: action, require: \"happened(action, call.tool == 'pay' and call.args.cent > 1)\"", "of tool 'pay'"),
        ("on: action, tool: pay, require: call.args.cents > 'five'", "cannot order a number and text by >"),
        ("on: action, tool: pay, require: call.args.cents", "expected true or false, got a number"),
        ("on: action, require: call.tool == 5", "text is never equal to a number"),
        ("on: action, require: len(call.args) and True", "expected true or false, got a number"),
        ("on: action, require: call == now", "call is no value by itself"),
        ("on: action, require: call.tool.name == 'pay'", "text has no field 'name'"),
        ("on: action, require: call.tool.lower == 'pay'", "text has no field 'lower'"),
        ("on: action, require: any(call == 1 for call in call.args.l)", "the name 'call' means something else here"),
        ("on: action, require: step + 'a' == 'b'", "cannot add a number and text"),
        ("on: action, require: 'true'", "unknown name 'true'"),
        ("on: action, require: 'True', says: 'pay {params.limt}'", "unknown field 'params.limt'"),
        ("on: action, require: 'True', says: 'pay {'", "a brace without its partner"),
        ("on: action, require: 'True', examples: {holds: [[{pya: {}}]]}", "unknown tool 'pya'"),
        ("on: action, require: 'True', examples: {holds: [[{user: 5}]]}", "expected the text of a message"),
        ("on: action, require: 'True', examples: {holds: [[{pay: {}, look: {}}]]}", "one message, or one call"),
        ("on: action, require: 'True', examples: {holds: [[{pay: 5}]]}", "expected the arguments of a call"),
        ("on: route, require: route.goals == 'paid'", "unknown field 'route.goals'"),
        ("on: route, require: route.data.n == 1", "unknown field 'route.data'"),
        ("on: route, require: route.does != 'rerout'", "a route never does 'rerout'"),
        ("on: route, require: \"route.does in ['plan', 'reply']\"", "a route never does 'reply'"),
        (
            "on: action, require: \"happened(route, now.call.tool == 'pay' and route.does == 'ends')\"",
            "never does 'ends'",
        ),
        ("on: route, require: route.tool == 'pai'", "unknown tool 'pai'"),
        ("on: route, tool: pai, require: 'True'", "no declared tool is called 'pai'"),
        ("on: route, require: route.after == 'x'", "a number is never equal to text"),
        ("on: route, require: route.served > 1", "cannot order"),
        ("on: route, require: call.tool == 'pay'", "there is no 'call' here"),
        ("on: action, require: seq > 1", "there is no 'seq' here"),
        ('on: action, require: "happened(action, seq > 1)"', "there is no 'seq' here"),
        ("on: route, require: 'True', otherwise: block", "there is nothing left to block"),
        ("on: route, require: 'True', otherwise: escalate", "there is nothing left to escalate"),
        ("on: route, require: 'True', otherwise: rewrite", "there is nothing left to rewrite"),
    ],
)
def test_a_rule_that_could_silently_fail_is_a_mistake(rule: str, message: str) -> None:
    """Unknown names, fields, tools and types that cannot fit are found when the registry is loaded."""
    found = mistakes_of(rule)
    assert any(message in mistake for mistake in found), found


@pytest.mark.parametrize(
    "rule",
    [
        "on: action, require: \"call.surface == 'tool' or call.tool == 'some.model'\"",
        "on: action, when: \"call.tool != 'look'\", require: call.args.cents > 0",
        "on: action, require: exists(last(action)) and exists(call.args.id)",
        "on: result, require: not failed or step > 3",
        "on: message, require: all(one.tool == 'pay' for one in message.tool_calls)",
        "on: end, require: count(result) < params.limit and run.seed == 0",
        "on: route, tool: pay, require: tool.effect == 'read' or route.cost < 5, otherwise: warn",
        "on: route, when: route.does == 'end', require: 'all(one != route.tool for one in route.path)'",
        "on: result, when: exists(call.serves) and failed, require: 'must_follow(route, route.after == now.seq)'",
        "on: action, require: call.args.to == None or len(call.args.to) > 1",
    ],
)
def test_sound_rules_are_not_complained_of(rule: str) -> None:
    """Nothing is a mistake that may make sense for some call."""
    assert rules(f"- {{id: A, {rule}}}\n").invariants[0].id == "A"


def library(name: str) -> str:
    """Give the text of one of a few registries that extend each other."""
    rule = "invariants:\n- {{id: {}, on: action, require: params.limit > {}}}\n"
    texts = {
        "base": HEAD + "parameters: {limit: 1}\ntools: {pay: {effect: write}}\n" + rule.format("BASE", 0),
        "other": HEAD + "parameters: {limit: 1}\n" + rule.format("BASE", 1),
        "loop": HEAD + "extends: [loop]\n",
    }
    if name not in texts:
        raise UsageError(f"there is no registry {name!r}", cure="known: base, other, loop")
    return texts[name]


def extended(text: str) -> Registry:
    """Load a registry that extends others."""
    return load(HEAD + text, "shop.yaml", read=library)


def test_what_is_extended_comes_first() -> None:
    """Rules and tools of the base stand before the registry's own, and its parameters may be bound anew."""
    parameters = "parameters: {limit: {value: 7, override: true}}\n"
    registry = extended(f"extends: [base]\n{parameters}tools: {{look: {{}}}}\ninvariants:\n{RULE}")
    assert [rule.id for rule in registry.invariants] == ["BASE", "A"]
    assert list(registry.tools) == ["pay", "look"]
    assert registry.parameters == {"limit": 7}


def test_a_rule_is_replaced_only_by_saying_so() -> None:
    """The same id is a mistake; with ``override: true`` it takes the place of the base's rule."""
    with pytest.raises(RegistryError, match="the id 'BASE' is taken by base:7"):
        extended("extends: [base]\ninvariants:\n- {id: BASE, on: action, require: 'False'}\n")
    registry = extended("extends: [base]\ninvariants:\n- {id: BASE, on: action, require: 'False', override: true}\n")
    assert [rule.require.text for rule in registry.invariants] == ["False"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("[loop]", "extends itself"),
        ("[base, other]", "is another one in base:7"),
        ("[nowhere]", "there is no registry 'nowhere'"),
    ],
)
def test_bases_that_cannot_be_joined_are_mistakes(names: str, message: str) -> None:
    """Circles, contradictions and missing files are reported at the line that names them."""
    with pytest.raises(RegistryError, match=message):
        extended(f"extends: {names}\n")


WORDS = st.sampled_from(["A", "action", "refuse", "call.tool == 'pay'", "pay", "block", "{call.tool}", "", "read", "["])
KEYS = [
    "id",
    "on",
    "require",
    "tool",
    "when",
    "says",
    "schema",
    "examples",
    "holds",
    "effect",
    "arguments",
    "result",
    "value",
    "override",
]
WILD = st.recursive(
    WORDS | st.none() | st.booleans() | st.integers(-5, 5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=20,
)
PARTS = ["registry", "version", "default", "unknown", "tools", "parameters", "invariants", "extends", "title"]


@given(
    st.dictionaries(st.sampled_from(PARTS), WILD | st.lists(st.dictionaries(st.sampled_from(KEYS), WILD), max_size=3))
)
@settings(max_examples=80, deadline=None)
def test_any_document_is_a_registry_or_a_list_of_mistakes(value: dict[str, Any]) -> None:
    """However a file is put together, loading it ends in a registry or in a RegistryError with places."""
    text = json.dumps({"registry": "a", "version": "1", "default": "refuse", **value})
    try:
        assert load(text, "f.yaml").invariants
    except RegistryError as error:
        assert all(mistake.line >= 1 for mistake in error.mistakes)


def test_a_pattern_that_python_would_warn_of_is_no_matter() -> None:
    """Patterns are matched by another engine; Python's warnings would be errors to some, and read files to be told."""
    schema = '{type: object, properties: {a: {type: string, pattern: "[a||b]"}}}'
    text = f"{HEAD}invariants:\n- {{id: A, on: action, schema: {{arguments: {schema}}}}}\n"
    assert load(text, "f.yaml").invariants
