"""What a service does to its callers."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.determinism import canonical
from harness.faults.file import load_faults
from harness.faults.plan import KINDS, Aim, Fault, Strike, Target
from harness.faults.service import Effect, changed, effect_of, leaves_of, other_than
from harness.trace.diff import first_difference
from harness.trace.outcome import Failed, Ok, Unknown
from tests.strategies import json_values

SERVICE = sorted(kind for kind, family in KINDS.items() if family == "service")
ORDER = {"order": "W-77", "lines": [{"sku": "mug", "cents": 900}, {"sku": "tea", "cents": 450}], "paid": True}


def _strikes(*inject: str, seed: int = 7) -> list[Strike]:
    lines = "".join(f"  - {one}\n" for one in inject)
    plan = load_faults(f"faults: t\nseed: {seed}\ninject:\n{lines}", "t.yaml")
    return list(Aim(plan).strikes(Target("tool", "pay", {})))


def _effect(*inject: str, seed: int = 7) -> Effect:
    return effect_of(_strikes(*inject, seed=seed))


@pytest.mark.parametrize(
    ("kind", "outcome", "happened"),
    [("timeout", Unknown, None), ("drop", Unknown, None), ("reset", Failed, False), ("rate_limit", Failed, False)],
)
def test_what_never_arrives_does_not_happen(kind: str, outcome: type, happened: bool | None) -> None:
    """A request that is lost on its way is performed by nobody; whether the caller can know is another matter."""
    instead = _effect(f"{{fault: {kind}}}").instead
    assert isinstance(instead, outcome)
    if isinstance(instead, Failed):
        assert instead.error["happened"] is happened
        assert instead.retryable


def test_a_commit_then_timeout_happens_and_is_not_told() -> None:
    """The effect is performed, and the caller is left in doubt, whatever came of it."""
    effect = _effect("{fault: commit_then_timeout}")
    assert effect.instead is None
    assert isinstance(effect.came(Ok("paid")), Unknown)
    assert isinstance(effect.came(Failed({"type": "x", "message": "y"})), Unknown)


def test_delays_add_up_and_duplicates_are_deliveries() -> None:
    """Several faults of one call all count; the outcome stays what it was."""
    effect = _effect("{fault: delay, strength: {delay_ms: 30}}", "{fault: delay}", "{fault: duplicate}")
    assert (effect.delay_ms, effect.times, effect.instead) == (1030, 2, None)
    assert effect.came(Ok(ORDER)) == Ok(ORDER)


@pytest.mark.parametrize(
    "kind", ["partial", "corrupt", "schema_mismatch", "empty", "near_duplicate", "inject", "collide"]
)
@pytest.mark.parametrize("seed", range(5))
def test_a_changed_result_is_another_one(kind: str, seed: int) -> None:
    """Each kind leaves a difference that can be pointed at, and the clean result as it was."""
    clean = copy.deepcopy(ORDER)
    came = _effect(f"{{fault: {kind}}}", seed=seed).came(Ok(clean))
    assert isinstance(came, Ok)
    assert first_difference(ORDER, came.value) is not None
    assert clean == ORDER


def test_lists_are_shuffled_and_cut() -> None:
    """The longest list of a result is what retrieval gave; its items stay what they are."""
    found = {"query": "mug", "hits": ["a", "b", "c", "d"], "pages": [1]}
    shuffled = _effect("{fault: shuffle}").came(Ok(found))
    assert isinstance(shuffled, Ok)
    assert shuffled.value["hits"] != found["hits"]
    assert sorted(shuffled.value["hits"]) == found["hits"]
    assert _effect("{fault: truncate, strength: {keep: 2}}").came(Ok(found)) == Ok({**found, "hits": ["a", "b"]})


def test_a_stale_result_is_one_that_came_before() -> None:
    """The last other result of the tool comes again; the first call has none, and so the fault is inert."""
    effect = _effect("{fault: stale}")
    assert effect.came(Ok("in stock: 3"), ["in stock: 5", "in stock: 4"]) == Ok("in stock: 4")
    assert effect.came(Ok("in stock: 3"), []) == Ok("in stock: 3")


@given(json_values, st.sampled_from(SERVICE), st.integers(0, 99))
def test_any_result_can_be_struck_and_the_same_way_again(value: Any, kind: str, seed: int) -> None:
    """Whatever the result, a fault gives an outcome that is JSON, the same for the same seed."""
    before = copy.deepcopy(value)
    once, again = (_effect(f"{{fault: {kind}}}", seed=seed).came(Ok(value), ["old"]) for _ in range(2))
    assert once == again
    assert value == before


@given(json_values, st.randoms(use_true_random=False))
def test_a_slip_keeps_the_type_and_never_the_value(value: Any, chance: Any) -> None:
    """Another value of the same type is another value."""
    for _, leaf in leaves_of(value):
        assume(leaf is not None)
        other = other_than(leaf, chance)
        assert type(other) is type(leaf)
        canonical.encode(other)
        assert other != leaf


@pytest.mark.parametrize(
    ("strength", "comes"),
    [
        ({"at": "/items/1/state", "value": "gone"}, {"items": [{"state": "here"}, {"state": "gone"}]}),
        ({"at": "", "value": 7}, 7),
        ({"at": "/items/9", "value": 7}, None),
        ({"at": "/items"}, None),
        ({}, None),
    ],
)
def test_a_variant_is_what_was_said(strength: dict[str, Any], comes: Any) -> None:
    """Another value at the place that is named; where there is no such place, or nothing was said, nothing changes."""
    result = {"items": [{"state": "here"}, {"state": "here"}]}
    strike = Strike(Fault("f", "variant", strength=strength), Random(0))
    assert changed(strike, Ok(result)) == Ok(result if comes is None else comes)
