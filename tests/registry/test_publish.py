"""Registries written out as YAML again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from harness.adapters.registries import load_registry
from harness.registry.load import load
from harness.registry.publish import facts_of, publish
from harness.registry.registry import join
from harness.registry.schema import SCHEMA
from harness.tool import ToolSpec

FOLDER = Path(__file__).parents[2] / "registries"
SHIPPED = sorted(FOLDER.rglob("*.yaml"))
RULE = "invariants:\n- {id: A, on: action, require: 'True'}\n"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_published_registry_means_the_same(path: Path) -> None:
    """The law: equal digest, equal examples, sources and titles, and publishing again gives the same text."""
    shipped = load_registry(path)
    text = publish(shipped)
    again = load(text, "again.yaml")
    assert again.digest == shipped.digest
    told = [[(rule.title, rule.source, rule.examples) for rule in one.invariants] for one in (shipped, again)]
    assert told[0] == told[1]
    assert again.stated == shipped.stated
    assert publish(again) == text
    Draft202012Validator(SCHEMA).validate(facts_of(shipped))


def test_what_is_extended_and_joined_is_written_out() -> None:
    """No ``extends`` is left; the rules, parameters and tools of all are there, units and sources too."""
    base = (
        "registry: base\nversion: 1\ndefault: allow\nparameters: {p: {value: 1, unit: s, source: x}, q: {value: {}}}\n"
    )
    texts = {"base": base + RULE}
    top = "registry: top\nversion: 1.10\ndefault: refuse\nextends: [base]\ntools: {pay: , look: {effect: write}}\n"
    rule = "invariants:\n- {id: B, on: action, tool: pay, require: call.args.a < params.p}\n"
    one = load(top + rule, "top.yaml", read=texts.__getitem__)
    two = load(base.replace("base", "other") + "unknown: block\n" + RULE.replace("A", "C"), "two.yaml")
    for registry in (one, join([one, two])):
        text = publish(registry)
        assert load(text, "again.yaml").digest == registry.digest
        assert "extends" not in text
        assert load(text, "again.yaml").stated == registry.stated
        assert yaml.safe_load(text)["parameters"]["p"] == {"value": 1, "unit": "s", "source": "x"}


def test_what_code_declares_is_written_too() -> None:
    """Every field of a tool's declaration, and parameters that no file names."""
    schema = {"type": "object", "properties": {"a": {"type": "number"}}}
    spec = ToolSpec(
        *("pay", "read", True, schema, {"type": "string"}, "json", "a", "bare", "bare", "trusted"),
        *(("x",), ("y",), 2.5, "bank", 100, "payment"),
    )
    registry = load("registry: r\nversion: 1\ndefault: allow\n" + RULE, "r.yaml").with_tools([spec, ToolSpec("bare")])
    registry = replace(registry, parameters={"table": {"a": [1, 1.0, True, None]}, "one": 1e22})
    again = load(publish(registry), "again.yaml")
    assert again.digest == registry.digest
    assert again.tools["pay"] == spec


values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
    | st.sampled_from(
        ["on", "yes", "1e5", "0o17", "~", "null", "2024-05-15", "- a", "a: b", "# c", " a ", "=", "a  b"]
    ),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abcé on:#-' \"\n", max_size=9), inner),
    max_leaves=8,
)


@given(values, st.text("ab {}'\"\\\n#:\t", max_size=120))
def test_any_value_and_any_text_survive(value: Any, said: str) -> None:
    """As a parameter, as the argument of an example, and as what a rule says; words such as on stay words."""
    registry = load("registry: r\nversion: 1\ndefault: allow\n" + RULE, "r.yaml")
    (rule,) = registry.invariants
    examples = replace(rule.examples, holds=(({"pay": {"a": value}},),))
    changed = replace(rule, title=said or "x", examples=examples)
    registry = replace(registry, parameters={"p": value}, invariants=(changed,))
    again = load(publish(registry), "again.yaml")
    assert again.digest == registry.digest
    assert again.invariants[0].title == changed.title
    assert repr(again.invariants[0].examples) == repr(examples)
