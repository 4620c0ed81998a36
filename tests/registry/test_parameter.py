"""Parameters that a caller may bind."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.assertion.interface import Checker
from harness.errors import NotRecordable, RegistryError
from harness.registry.load import load
from harness.registry.parameter import span
from harness.registry.registry import Registry
from harness.review.stories import events_of

HEAD = "registry: shop\nversion: 1\ndefault: allow\nparameters:\n"
RULES = """invariants:
- {id: A, on: action, require: call.args.a <= params.limit}
- {id: B, on: action, require: "call.args.b.matches(params.pattern)"}
- {id: C, on: action, require: "count(action, within=params.window) < 9"}
"""
STATED = """  limit: {value: 100, narrower: lower, range: {min: 0, max: 200}}
  least: {value: 2, bind: narrow, narrower: higher}
  names: {value: [a, 1, b], narrower: subset}
  pattern: {value: "^x", bind: free}
  window: {value: 5, bind: free}
  share: {value: 0.5, bind: free, range: {max: 1}}
  fixed: {value: 1, bind: "no"}
  bare: 1
"""
SHOP = load(HEAD + STATED + RULES, "shop.yaml")


def refused(**values: Any) -> str:
    """Give what is said of values that may not be bound."""
    with pytest.raises(RegistryError) as caught:
        SHOP.bind(**values)
    return str(caught.value)


@given(st.integers(-50, 250) | st.floats(-50, 250))
def test_only_narrower_values_are_bound(value: float) -> None:
    """A bound limit is at most the stated one and in its range, the registry another one, the rules the same."""
    if 0 <= value <= 100:
        bound = SHOP.bind(limit=value)
        assert bound.parameters == SHOP.parameters | {"limit": value}
        assert (bound.digest == SHOP.digest) == (repr(value) == "100")
        assert bound.invariants == SHOP.invariants
    else:
        assert "wider" in refused(limit=value) or "below" in refused(limit=value) or "above" in refused(limit=value)


def test_binding_again_never_widens() -> None:
    """What is bound is the new limit; what is bound is written out, with what is stated besides."""
    bound = SHOP.bind(limit=50, least=3)
    assert bound.bind(limit=50) == bound
    with pytest.raises(RegistryError, match="limit=60 is wider than 50"):
        bound.bind(limit=60)
    again = load(bound.to_yaml(), "again.yaml")
    assert (again.digest, again.about) == (bound.digest, SHOP.about)
    assert SHOP.bind() is SHOP


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"limit": 101}, "shop.yaml:5:10  limit=101 is wider than 100"),
        ({"limit": -1}, "limit=-1 is below 0"),
        ({"limit": "9"}, "limit='9' is text, and the parameter is a number"),
        ({"limit": True}, "limit=True is true or false, and the parameter is a number"),
        ({"least": 1}, "a caller may bind at least 2"),
        ({"names": ["a", "c"]}, "a caller may bind only what is in ['a', 1, 'b']"),
        ({"names": [True]}, "is wider"),
        ({"names": "a"}, "is text, and the parameter is a list"),
        ({"share": 2}, "share=2 is above 1"),
        ({"fixed": 0}, "the parameter 'fixed' may not be bound"),
        ({"bare": 0}, "declare it with bind: free, or narrower: lower | higher | subset"),
        ({"limt": 1}, "there is no parameter 'limt' to bind\n    did you mean 'limit'?"),
        ({"pattern": "("}, "params.pattern is no regular expression"),
        ({"window": 0}, "within= 0 is neither a number of steps nor a duration"),
        ({"limit": 101, "limt": 1, "bare": 2}, "3 mistakes in 1 file"),
    ],
)
def test_what_may_not_be_bound_is_said(values: dict[str, Any], message: str) -> None:
    """All at once, at the place of the parameter, and the rules are checked against what is bound."""
    assert message in refused(**values)


def test_what_may_be_bound() -> None:
    """Free parameters within their range, subsets, the same value."""
    bound = SHOP.bind(names=["b"], pattern="^y", window=7, share=-4, least=2.5)
    assert bound.parameters["names"] == ["b"]
    assert (bound.parameters["pattern"], bound.parameters["share"], bound.parameters["least"]) == ("^y", -4, 2.5)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1: 2}])
def test_what_is_no_json_is_not_bound(value: Any) -> None:
    """A value that no trace could hold."""
    with pytest.raises(NotRecordable):
        SHOP.bind(share=value)


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ("{value: 1, bind: narrow}", "it is not stated which values are narrower"),
        ("{value: 1, bind: free, narrower: lower}", "'narrower' needs bind: narrow"),
        ("{value: a, narrower: lower}", "narrower: lower is for a number"),
        ("{value: 1, narrower: subset}", "narrower: subset is for a list"),
        ("{value: 1, narrower: down}", "narrower: expected lower or higher or subset, got 'down'"),
        ("{value: 1, bind: fre}", "did you mean 'free'?"),
        ("{value: 9, bind: free, range: {max: 5}}", "the value itself is above 5"),
        ("{value: a, bind: free, range: {max: 5}}", "the value itself is no number"),
        ("{value: 1, range: {mx: 5}}", "did you mean 'max'?"),
    ],
)
def test_what_does_not_fit_together_is_a_mistake(stated: str, message: str) -> None:
    """At the part that is wrong."""
    with pytest.raises(RegistryError) as caught:
        load(f"{HEAD}  p: {stated}\ninvariants: [{{id: A, on: end, require: 'True'}}]\n", "shop.yaml")
    assert message in str(caught.value)


WHOLE = "  crew: {value: 3, bind: free, whole: true, range: {min: 1, max: 9.0}}\n"


def test_a_whole_parameter_is_bound_to_whole_numbers() -> None:
    """A fraction is refused, 4.0 is no fraction, and the digest does not depend on the declaration."""
    registry = load(HEAD + STATED + WHOLE + RULES, "r.yaml")
    assert registry.about["crew"].whole
    assert not registry.about["share"].whole
    assert registry.digest == load(HEAD + STATED + WHOLE.replace(", whole: true", "") + RULES, "r.yaml").digest
    assert registry.bind(crew=5).parameters["crew"] == 5
    assert registry.bind(crew=4.0).parameters["crew"] == 4
    with pytest.raises(RegistryError, match=r"crew=4.5 is no whole number") as caught:
        registry.bind(crew=4.5)
    assert "the parameter is declared whole: true" in str(caught.value)
    assert load(registry.to_yaml(), "again.yaml").about["crew"] == registry.about["crew"]


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ("{value: 1.5, whole: true}", "1.5 is no whole number"),
        ("{value: 1, bind: free, whole: true, range: {min: 0.5}}", "0.5 is no whole number"),
        ("{value: 1, bind: free, whole: true, range: {min: 0, max: 9.5}}", "round it, or leave 'whole' out"),
        ("{value: a, whole: true}", "only numbers are whole"),
        ("{value: true, whole: true}", "only numbers are whole"),
        ("{value: 1, whole: yes please}", "whole: expected true or false, got 'yes please'"),
    ],
)
def test_what_is_declared_whole_is_whole(stated: str, message: str) -> None:
    """Its value, and the ends of its range, at their places."""
    with pytest.raises(RegistryError) as caught:
        load(f"{HEAD}  p: {stated}\ninvariants: [{{id: A, on: end, require: 'True'}}]\n", "shop.yaml")
    assert message in str(caught.value)


def test_a_limit_that_is_bound_is_the_one_that_judges() -> None:
    """The registry is another one, compiled anew."""

    def verdicts(registry: Registry) -> int:
        (event,) = events_of(({"pay": {"a": 70, "b": "x"}},))
        return len(Checker(registry).judge(event).verdicts)

    assert (verdicts(SHOP), verdicts(SHOP.bind(limit=60))) == (0, 1)


@pytest.mark.parametrize(
    ("name", "ends"),
    [("limit", (0, 100)), ("least", (2, None)), ("share", (None, 1)), ("fixed", (1, 1)), ("window", (None, None))],
)
def test_the_span_of_what_may_be_bound(name: str, ends: tuple[float | None, float | None]) -> None:
    """From its range and what is narrower; a constant has no span, and None is no end."""
    registry = load(HEAD + STATED + RULES, "r.yaml")
    assert span(registry.about[name], registry.parameters[name]) == ends


def test_the_weight_of_a_parameter() -> None:
    """It is 1 unless something else is stated, and never below 0."""
    stated = STATED.replace("bind: free, range: {max: 1}", "bind: free, range: {max: 1}, weight: 2.5")
    registry = load(HEAD + stated + RULES, "r.yaml")
    assert (registry.about["share"].weight, registry.about["limit"].weight) == (2.5, 1)
    with pytest.raises(RegistryError, match="weight"):
        load(HEAD + stated.replace("weight: 2.5", "weight: -1") + RULES, "r.yaml")
