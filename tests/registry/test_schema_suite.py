"""The fast validator of JSON Schemas against the reference, ``jsonschema``.

``schema_suite/draft2020-12.json`` holds the cases of the official JSON-Schema-Test-Suite that every implementation
must pass, as they ship with jsonschema 4.26.0 (MIT, see LICENSE there), in one file. Left out are ``refRemote``, five
groups of ``dynamicRef`` and ``vocabulary``: they need documents from a server, and here nothing is fetched.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from harness.assertion.interface import Checker
from harness.registry.fault import fault
from harness.registry.load import load
from harness.registry.program import validator
from harness.trace.event import Event

SUITE = json.loads((Path(__file__).parent / "schema_suite" / "draft2020-12.json").read_text())

# where the two disagree, schema and instance, what the reference says and what the fast one says, and why
DIFFERENCES = [
    ({"pattern": "b$"}, "b\n", True, False, "in ECMA 262, which the standard names, $ is the very end"),
    ({"pattern": r"^\d$"}, "੧", True, False, "in ECMA 262 a digit is one of 0 to 9"),
    ({"pattern": r"^\w$"}, "é", True, False, "in ECMA 262 a word has ASCII letters only"),
    ({"pattern": r"^\s$"}, "\x1c", True, False, "in ECMA 262 a file separator is no blank"),
    ({"multipleOf": 0.1}, 0.3, False, True, "0.3 is three times 0.1 in decimals, not in floats"),
    ({"multipleOf": 0.01}, 19.99, False, True, "an amount of money is a multiple of a cent"),
    (
        {"multipleOf": 5},
        -2.027405362685877e16,
        False,
        True,
        "what is written ends in 70, the float behind it in 68",
    ),
    ({"maximum": 1e30}, 10**30 + 1, True, False, "1e30 means 10 to the power of 30, not the float next to it"),
    ({"dependencies": {"a": ["b"]}}, {"a": 1}, True, False, "an older draft's keyword, still heeded"),
]

names = st.sampled_from(["a", "b", "c", "é", "a~/b"])
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-4, 4),
    st.integers(-(2**70), 2**70),
    st.sampled_from([0.0, -0.0, 1.0, 0.5, 2.5, 1e16, 2.0**53, 1e300]),
    st.text(st.sampled_from("abz1é😀"), max_size=4),
)
instances = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4), max_leaves=8
)
types = st.sampled_from(["null", "boolean", "object", "array", "number", "string", "integer"])
counts = st.integers(0, 3)
bounds = st.integers(-4, 4) | st.sampled_from([0.5, 1.0, 1e16])
patterns = st.sampled_from(["^a", "b$", "^[a-z]+$", "a|b", ".", "^$", "[0-9]", "^.{2}$", "é"])


def keywords(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Give schemas of up to four keywords over smaller schemas."""
    several = st.lists(inner, min_size=1, max_size=3)
    known: dict[str, st.SearchStrategy[Any]] = {
        "type": types | st.lists(types, min_size=1, max_size=3, unique=True),
        "enum": st.lists(instances, min_size=1, max_size=4),
        "const": instances,
        "multipleOf": st.integers(1, 5),
        "pattern": patterns,
        "uniqueItems": st.booleans(),
        "required": st.lists(names, max_size=3, unique=True),
        "dependentRequired": st.dictionaries(names, st.lists(names, max_size=2, unique=True), max_size=2),
        "properties": st.dictionaries(names, inner, max_size=3),
        "patternProperties": st.dictionaries(patterns, inner, max_size=2),
        "dependentSchemas": st.dictionaries(names, inner, max_size=2),
    }
    known |= dict.fromkeys(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"], bounds)
    known |= dict.fromkeys(["prefixItems", "allOf", "anyOf", "oneOf"], several)
    known |= dict.fromkeys(["items", "contains", "not", "if", "then", "else", "propertyNames"], inner)
    known |= dict.fromkeys(["additionalProperties", "unevaluatedProperties", "unevaluatedItems"], inner)
    for what in ("Length", "Items", "Properties", "Contains"):
        known |= {f"min{what}": counts, f"max{what}": counts}
    chosen = st.lists(st.sampled_from(sorted(known)), max_size=4, unique=True)
    return chosen.flatmap(lambda some: st.fixed_dictionaries({name: known[name] for name in some}))


schemas = st.recursive(st.booleans() | st.fixed_dictionaries({"type": types}), keywords, max_leaves=6)


@pytest.mark.parametrize("keyword", sorted(SUITE))
def test_the_official_cases_are_answered_as_the_suite_says(keyword: str) -> None:
    """Every case of every required keyword, and the reference says the same."""
    for group in SUITE[keyword]:
        fast, reference = validator(group["schema"]), Draft202012Validator(group["schema"])
        for case in group["tests"]:
            said = fast.is_valid(case["data"]), reference.is_valid(case["data"])
            assert said == (case["valid"],) * 2, f"{group['description']}: {case['description']}"


def test_the_suite_is_whole() -> None:
    """Nothing was lost on the way: 44 keywords, 1,208 cases, of which 491 are invalid."""
    cases = [case for groups in SUITE.values() for group in groups for case in group["tests"]]
    assert (len(SUITE), len(cases), sum(not case["valid"] for case in cases)) == (44, 1208, 491)


@settings(max_examples=300, deadline=None)
@given(schemas, st.lists(instances, min_size=1, max_size=5))
def test_random_schemas_are_answered_as_by_the_reference(schema: Any, some: list[Any]) -> None:
    """What fits and what does not is the same."""
    fast, reference = validator(schema), Draft202012Validator(schema)
    for instance in some:
        assert fast.is_valid(instance) == reference.is_valid(instance)


@pytest.mark.parametrize(("schema", "instance", "reference", "fast", "why"), DIFFERENCES)
def test_where_the_two_disagree_is_known(schema: Any, instance: Any, reference: bool, fast: bool, why: str) -> None:
    """Each difference stands here with its reason; in all of them the fast one is nearer to the standard."""
    said = Draft202012Validator(schema).is_valid(instance), validator(schema).is_valid(instance)
    assert said == (reference, fast), why


@pytest.mark.parametrize("pattern", ["(?=a)a", r"(a)\1", "(?<!a)b", "[a-z"])
def test_a_pattern_that_cannot_be_matched_in_linear_time_is_refused(pattern: str) -> None:
    """Looking round and referring back are an error when the schema is compiled, not a slow match later."""
    with pytest.raises(ValueError, match="regex"):
        validator({"pattern": pattern})


@pytest.mark.parametrize("reference", ["https://example.org/schema", "file:///etc/passwd", "other.json"])
def test_nothing_is_fetched(reference: str) -> None:
    """A schema elsewhere is an error, not a request."""
    with pytest.raises(ValueError, match=r"[Rr]etriev|not present"):
        validator({"$ref": reference})


def test_a_deep_instance_is_no_crash() -> None:
    """The reference runs out of stack on six hundred levels; here they are answered."""
    deep: list[Any] = []
    for _ in range(600):
        deep = [deep]
    schema = {"type": "array", "items": {"$ref": "#"}}
    assert validator(schema).is_valid(deep)
    with pytest.raises(RecursionError):
        Draft202012Validator(schema).is_valid(deep)


@settings(max_examples=100, deadline=None)
@given(schemas, instances)
def test_a_fault_is_told_as_by_the_reference(schema: Any, instance: Any) -> None:
    """Place, part and message are those of the reference's best match; none where the data fit."""
    told = fault(validator(schema), schema, instance)
    best = best_match(Draft202012Validator(schema).iter_errors(instance))
    assert told == (best and (tuple(best.absolute_path), best.instance, best.message))


@pytest.mark.parametrize(("schema", "instance", "why"), [(one[0], one[1], one[4]) for one in DIFFERENCES if one[2]])
def test_what_the_reference_does_not_find_is_told_by_the_fast_one(schema: Any, instance: Any, why: str) -> None:
    """Where only the fast validator says no, its own message stands in the verdict."""
    told = fault(validator(schema), schema, instance)
    assert told, why
    assert told == ((), instance, next(validator(schema).iter_errors(instance)).message)


def test_a_verdict_shows_the_reference_s_place_and_message() -> None:
    """The values and the reason of a violated rule name the part that is wrong, by its JSON pointer."""
    schema = {"properties": {"a/b": {"prefixItems": [{"type": "integer"}]}}}
    rule = f"{{id: SHAPE, on: action, tool: pay, otherwise: block, schema: {json.dumps({'arguments': schema})}}}"
    registry = load(f"registry: r\nversion: 1\ndefault: allow\ninvariants: [{rule}]\n", "r.yaml")
    body = {"surface": "tool", "tool": "pay", "args": {"a/b": ["five"]}, "rules": []}
    (verdict,) = Checker(registry).judge(Event(0, "action", "main", "0", (), 0, body)).verdicts
    assert verdict.values == {"call.args/a~1b/0": "five"}
    assert verdict.reason == "call.args/a~1b/0: 'five' is not of type 'integer'"
