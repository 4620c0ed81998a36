"""Instability from token probabilities: the published vectors and the laws of the measures."""

from __future__ import annotations

from math import log
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.statistics.instability import Strength, divergence, entropy, normalised, series, strength

SURE, SPLIT = {"a": 0.9, "b": 0.1}, {"a": 0.5, "b": 0.5}

DISTRIBUTIONS = st.dictionaries(st.sampled_from("abcdef"), st.floats(-30, 0), min_size=1).map(
    lambda logprobs: normalised(list(logprobs.items()))
)


def near(value: float) -> Any:
    """Compare to the six places of the vectors."""
    return pytest.approx(value, abs=5e-7)


def test_the_vectors() -> None:
    """Equal distributions diverge by 0, those without a common token by ln 2; the others as published."""
    assert divergence(SURE, SURE) == 0
    assert divergence({"a": 1.0}, {"b": 1.0}) == near(0.693147)
    assert divergence(SURE, SPLIT) == near(0.101749)
    assert entropy(SURE) == near(0.325083)
    assert entropy({"a": 1.0, "b": 0.0}) == 0


def test_top_k_is_made_to_sum_to_one() -> None:
    """Alternatives keep their ratios, those of one text count as one, and one that is next to impossible is 0."""
    found = normalised([("a", log(0.45)), ("b", log(0.05)), ("c", -9999.0)])
    assert found == {"a": near(0.9), "b": near(0.1), "c": 0}
    assert normalised([("a", log(0.2)), ("a", log(0.2))]) == {"a": near(1)}


def test_the_series_its_strength_and_its_position() -> None:
    """I_t adds the jump from the token before to λ times the entropy; the first token has no jump."""
    tokens = [SURE, SPLIT, SPLIT, SURE]
    wanted = [0.325083, 0.101749 + log(2), log(2), 0.101749 + 0.325083]
    assert series(tokens) == [near(value) for value in wanted]
    assert series(tokens, 0) == [near(value) for value in (0, 0.101749, 0, 0.101749)]
    mean = (2 * 0.325083 + 2 * log(2)) / 4
    assert strength(tokens) == Strength(near(0.101749 + log(2)), 0.5, near(mean))
    assert strength(tokens, 0).position == 0.5  # the first of equals


def test_a_reply_without_tokens_has_none() -> None:
    """There is no strength of nothing."""
    with pytest.raises(ValueError, match="without tokens"):
        strength([])


@given(DISTRIBUTIONS, DISTRIBUTIONS)
def test_the_divergence_is_symmetric_and_bounded(p: dict[str, float], q: dict[str, float]) -> None:
    """The divergence lies between 0 and ln 2 and does not depend on the order; so does entropy, up to ln k."""
    assert 0 <= divergence(p, q) <= log(2) + 1e-12
    assert divergence(p, q) == pytest.approx(divergence(q, p), abs=1e-12)
    assert -1e-12 <= entropy(p) <= log(len(p)) + 1e-12
    by_definition = sum(
        share * log(share / ((p.get(token, 0) + q.get(token, 0)) / 2)) / 2
        for one in (p, q)
        for token, share in one.items()
        if share > 0
    )
    assert divergence(p, q) == pytest.approx(by_definition, abs=1e-9)
