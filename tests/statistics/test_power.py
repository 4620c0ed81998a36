"""How many runs until a change can be seen."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.statistics.gate import Answer, gate
from harness.statistics.paired import mcnemar
from harness.statistics.power import (
    gate_power,
    gate_runs_needed,
    paired_power,
    pairs_needed,
    runs_needed,
    unpaired_power,
)


@given(st.integers(1, 12), st.floats(0.01, 0.5), st.floats(0.01, 0.5))
@settings(max_examples=15, deadline=None)  # scipy is imported on the way
def test_paired_power_is_the_sum_over_all_outcomes(pairs: int, lost: float, gained: float) -> None:
    """Every number of lost and gained pairs, by its probability, where McNemar's test rejects."""
    same = 1 - lost - gained
    expected = sum(
        math.comb(pairs, one)
        * math.comb(pairs - one, other)
        * lost**one
        * gained**other
        * max(0, same) ** (pairs - one - other)
        for one in range(pairs + 1)
        for other in range(pairs + 1 - one)
        if mcnemar(one, other) <= 0.05
    )
    assert paired_power(lost, gained, pairs) == pytest.approx(expected, abs=1e-9)


@given(
    st.integers(1, 14),
    st.floats(0.01, 0.5),
    st.floats(0.01, 0.5),
    st.sampled_from(["worse", "better or equal", "inconclusive"]),
    st.sampled_from([0.05, 0.2]),
)
@settings(max_examples=15, deadline=None)
def test_power_of_the_gate_is_the_sum_over_all_outcomes(
    runs: int, lost: float, gained: float, answer: Answer, margin: float
) -> None:
    """Every number of lost and gained runs, by its probability, where the gate itself has that answer."""
    same = max(0.0, 1 - lost - gained)
    expected = sum(
        math.comb(runs, one) * math.comb(runs - one, other) * lost**one * gained**other * same ** (runs - one - other)
        for one in range(runs + 1)
        for other in range(runs + 1 - one)
        if gate([-1] * one + [1] * other + [0] * (runs - one - other), 0.1, margin).answer == answer
    )
    assert gate_power(answer, lost, gained, runs, 0.1, margin) == pytest.approx(expected, abs=1e-9)


def test_the_gate_has_the_power_that_was_planned() -> None:
    """Where nothing is gained or changes, that is certain: six runs that are lost, 82 that stay."""
    assert gate_runs_needed("worse", 1, 0) == 6
    assert gate_runs_needed("better or equal", 1e-9, 0) == 82
    runs = gate_runs_needed("worse", 0.2, 0.05)
    assert gate_power("worse", 0.2, 0.05, runs) >= 0.8


def test_a_plan_has_the_power_it_names() -> None:
    """One pair, or one run, less has not."""
    pairs, runs = pairs_needed(0.1, 0.02), runs_needed(0.9, 0.88)
    assert paired_power(0.1, 0.02, pairs) >= 0.8 > paired_power(0.1, 0.02, pairs - 1)
    assert unpaired_power(0.9, 0.88, runs) >= 0.8 > unpaired_power(0.9, 0.88, runs - 1)
    assert pairs_needed(0.03, 0.01) < runs_needed(0.9, 0.88) / 3  # the same tasks twice are worth much more


def test_nothing_to_see_has_the_power_of_the_level() -> None:
    """Where as much is lost as gained the test rejects in no more than alpha."""
    assert 0.03 < paired_power(0.2, 0.2, 500) <= 0.05
    assert unpaired_power(0.7, 0.7, 500) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: paired_power(0.8, 0.3, 10), "shares of 0.8 lost"),
        (lambda: paired_power(0, 0, 10), "shares of 0 lost"),
        (lambda: paired_power(0.1, 0, 0), "0 pairs"),
        (lambda: paired_power(0.1, 0, 5, 1), "an alpha of 1"),
        (lambda: pairs_needed(0.1, 0.1), "nothing changes"),
        (lambda: pairs_needed(0.1, 0.2, power=1), "a power of 1"),
        (lambda: runs_needed(0.5, 0.5), "nothing changes"),
        (lambda: runs_needed(0.5, 0.5001), "more than 1,000,000 runs"),
        (lambda: unpaired_power(0.5, 1.2, 5), "a share of 1.2"),
        (lambda: unpaired_power(0.5, 0.6, 1), "1 runs"),
        (lambda: gate_power("worse", 0.5, 0.1, 0), "0 runs"),
        (lambda: gate_runs_needed("worse", 0.1, 0.1), "more than 10,000 runs"),
    ],
)
def test_what_cannot_be_planned_is_refused(call: object, reason: str) -> None:
    """UsageError says what it is."""
    with pytest.raises(UsageError, match=reason):
        call()  # type: ignore[operator]
