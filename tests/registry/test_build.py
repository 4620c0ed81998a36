"""Registries made in code."""

from __future__ import annotations

from keyword import kwlist
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import harness
from harness.assertion.interface import Checker
from harness.errors import NotRecordable, RegistryError
from harness.registry.build import build_registry, invariant
from harness.registry.load import load
from harness.registry.story import ROLES
from harness.review.stories import events_of

TOOLS = {
    "pay": {
        "effect": "write",
        "arguments": {"type": "object", "properties": {"cents": {"type": "integer", "unit": "cent"}}},
    },
    "look": {"effect": "read"},
}
LIMIT = {"value": 5, "unit": "cent", "narrower": "lower"}


def mistakes(error: RegistryError) -> list[tuple[str, int, str, str]]:
    """Give the places and texts of what is wrong."""
    return [(one.file, one.line, one.message, one.source) for one in error.mistakes]


def test_a_registry_made_in_code_is_the_one_of_a_file() -> None:
    """The same digest as the same registry as YAML; both judge alike."""
    rule = harness.invariant(
        "PAY",
        on="action",
        tool="pay",
        require="call.args.cents <= params.limit",
        otherwise="block",
        says="At most {params.limit}.",
        examples={"holds": [[{"pay": {"cents": 5}}]], "violated": [[{"pay": {"cents": 6}}]]},
    )
    made = harness.build_registry(
        "shop", "1", default="refuse", parameters={"limit": LIMIT}, tools=TOOLS, invariants=[rule]
    )
    written = load(
        """registry: shop
version: 1
default: refuse
parameters: {limit: {value: 5, unit: cent, narrower: lower}}
tools:
  pay: {effect: write, arguments: {type: object, properties: {cents: {type: integer, unit: cent}}}}
  look: {effect: read}
invariants:
- id: PAY
  on: action
  tool: pay
  require: call.args.cents <= params.limit
  otherwise: block
  says: At most {params.limit}.
  examples: {holds: [[{pay: {cents: 5}}]], violated: [[{pay: {cents: 6}}]]}
""",
        "shop.yaml",
    )
    assert (made.digest, made.invariants[0].examples) == (written.digest, written.invariants[0].examples)
    assert made.to_yaml() == written.to_yaml()
    assert made.bind(limit=3).digest == written.bind(limit=3).digest
    (event,) = events_of(({"pay": {"cents": 6}},))
    assert Checker(made).judge(event) == Checker(written).judge(event)


def test_a_mistake_names_the_line_of_the_call() -> None:
    """Of the rule where that is wrong, of the registry where a name of the rule is unknown in it."""
    with pytest.raises(RegistryError) as caught:
        invariant("A", on="action", require="call.args.cents <", otherwise="blok")  # type: ignore[arg-type]
    here = Path(__file__)
    lines = here.read_text(encoding="utf-8").split("\n")
    found = mistakes(caught.value)
    assert {(file, lines[line - 1].strip().split("(")[0]) for file, line, _, _ in found} == {(__file__, "invariant")}
    assert {text.strip() for _, _, _, text in found} == {"blok"}
    wrong = invariant("A", on="action", tool="pay", require="call.args.cent <= params.limt")
    with pytest.raises(RegistryError) as caught:
        build_registry("r", "1", default="refuse", parameters={"limit": LIMIT}, tools=TOOLS, invariants=[wrong])
    found = mistakes(caught.value)
    assert [message for *_, message, _ in found] == [
        "unknown field 'call.args.cent' of tool 'pay'",
        "unknown field 'params.limt'",
    ]
    assert all(lines[line - 1].strip().startswith("wrong = invariant") for _, line, _, _ in found)
    assert "call.args.cent <= params.limt\n              ^^^^" in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"parameters": {"limit": {"value": 5, "unit": "cnt"}}}, "unknown unit 'cnt'"),
        ({"tools": {"pay": {"efect": "write"}}}, "unknown key 'efect'"),
        ({"agents": {"a": {"may": ["pai"]}}}, "no declared tool is called 'pai'"),
        ({"invariants": []}, "the registry has no invariants"),
        ({"invariants": [invariant("A", on="end", require="True")] * 2}, "the id 'A' is there twice"),
        ({"default": "maybe"}, "expected refuse or allow"),
    ],
)
def test_a_registry_is_checked_like_a_file(arguments: dict[str, Any], message: str) -> None:
    """Every part, with the same messages."""
    stated: dict[str, Any] = {
        "default": "refuse",
        "tools": TOOLS,
        "invariants": [invariant("B", on="end", require="1 < 2")],
    }
    with pytest.raises(RegistryError) as caught:
        build_registry("r", "1", **(stated | arguments))
    assert message in str(caught.value)


def test_what_is_no_json_is_refused() -> None:
    """A parameter that no file could hold."""
    with pytest.raises(NotRecordable):
        build_registry("r", "1", default="allow", parameters={"p": object()})


def test_rules_of_a_file_may_be_taken_into_a_registry_made_in_code() -> None:
    """An invariant is an invariant, wherever it comes from; and the app takes such a registry as it takes a path."""
    written = load(
        "registry: r\nversion: 1\ndefault: allow\ninvariants: [{id: A, on: end, require: step < 9}]\n", "r.yaml"
    )
    made = build_registry("r", "1", default="allow", invariants=written.invariants)
    assert made.digest == written.digest
    assert made.invariants[0].place == "r.yaml:4"
    assert harness.Harness(made).registry.digest == made.digest


taken = (*ROLES, *kwlist, "result", "failed")  # a word of the language is no name in an expression
names = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True).filter(lambda name: name not in taken)
numbers = st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00{}"), min_size=1, max_size=30)
units = st.sampled_from([None, "s", "USD", "km/h"])


@st.composite
def registries(draw: st.DrawFn) -> Any:
    """Draw a registry of all parts, made in code."""
    known = draw(st.dictionaries(names, numbers, min_size=1, max_size=3))
    unit = draw(units)
    parameters: dict[str, Any] = {
        name: draw(st.sampled_from([value, {"value": value, "narrower": "lower"}, {"value": value, "source": "x"}]))
        for name, value in known.items()
    }
    if unit:
        parameters["timed"] = {"value": 1, "unit": unit, "bind": "free", "range": {"min": 0}}
    tools = {name: {"effect": draw(st.sampled_from(["read", "write"]))} for name in draw(st.sets(names, min_size=1))}
    args = {"type": "object", "properties": {"amount": {"type": "number", "unit": "USD"}}}
    tools["spend"] = {"effect": "write", "arguments": args}
    parameter = draw(st.sampled_from(sorted(known)))
    agent = draw(texts)
    budget: list[Any] = [{"calls": draw(st.integers(0, 9)), "within": draw(st.sampled_from([3, "1 min"]))}]
    budget.append({"amount": draw(st.integers(0, 9)), "tokens": "5k"})
    may = [draw(st.sampled_from(sorted(tools))), {"tool": "spend*", "args": {"maxProperties": 3}}]
    rules = [
        invariant("A", on="action", require=f"count(action) < params.{parameter}", says=draw(texts), title=draw(texts)),
        invariant(
            "B",
            on="action",
            tool="spend",
            require="call.args.amount < 5",
            otherwise="rewrite",
            rewrite={"args.amount": f"params.{parameter}"},
        ),
        invariant("C", on="artifact", artifact="plan", require="artifact.cost <= 5", source=draw(texts)),
        invariant("D", on="artifact", artifact="plan", schema={"artifact": {"required": ["cost"]}}),
    ]
    return build_registry(
        draw(names),
        "1.0",
        default=draw(st.sampled_from(["refuse", "allow"])),
        parameters=parameters,
        tools=tools,
        agents={agent: {"may": may, "budget": budget}},
        artifacts={"plan": {"schema": {"type": "object", "properties": {"cost": {"type": "number"}}}}},
        invariants=draw(st.permutations(rules)),
    )


@given(registries())
def test_what_is_written_loads_to_the_same(made: Any) -> None:
    """The law: equal digest, equal declarations, and writing again gives the same text."""
    text = made.to_yaml()
    again = load(text, "again.yaml")
    assert again.digest == made.digest
    assert (again.about, again.agents, again.artifacts) == (made.about, made.agents, made.artifacts)
    assert [rule.meaning() for rule in again.invariants] == [rule.meaning() for rule in made.invariants]
    assert again.to_yaml() == text
