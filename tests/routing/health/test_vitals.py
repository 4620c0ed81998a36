"""Vital signs and factors: exact vectors, bounds, and agreement with exact fractions."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.routing.health.vitals import (
    HOWS,
    LATENCY,
    ONE,
    RELIABILITY,
    Call,
    Quota,
    Vitals,
    joined,
    latency_factor,
    near,
    quantile,
    reliability_factor,
    room_ns,
    vitals_of,
    within,
)

MS = 1_000_000
CALLS = st.lists(
    st.builds(
        lambda began, took, how: Call(began + took, began, how),
        st.integers(0, 10**12),
        st.integers(0, 10**11),
        st.sampled_from(sorted(HOWS)),
    ),
    max_size=100,
)


def calls(served: int, failed: int = 0, took_ns: int = MS) -> Vitals:
    """Give the vital signs of so many calls that took equally long."""
    ends = ["ok"] * served + ["transient"] * failed
    return vitals_of([Call(number + took_ns, number, how) for number, how in enumerate(ends)])


def test_counts_and_quantiles() -> None:
    """Each ending is counted by itself, and latency is that of the calls that served."""
    took = [(how, took) for took, how in enumerate(["ok"] * 20 + ["transient", "permanent", "doubt", "wrong", "wrong"])]
    found = vitals_of([Call(100 + ns, 100, how) for how, ns in took])
    assert found == Vitals(25, 20, transient=1, permanent=1, doubt=1, wrong=2, p50_ns=9, p95_ns=18)
    assert found.errors == 5
    assert vitals_of([]) == Vitals()


@given(st.lists(st.integers(0, 1000), min_size=1), st.integers(1, 100))
def test_a_quantile_is_the_least_that_so_many_reach(numbers: list[int], percent: int) -> None:
    """The quantile is the least of the numbers that at least so many percent do not exceed."""
    numbers.sort()
    reach = [one for one in numbers if sum(other <= one for other in numbers) * 100 >= len(numbers) * percent]
    assert quantile(numbers, percent) == min(reach)


@pytest.mark.parametrize(
    ("took_ms", "expected_ms", "factor"),
    [
        (1, None, 1000),  # nothing is declared: not preferred for being fast
        (1000, None, 1000),
        (2500, None, 2500),
        (60_000, None, 10_000),
        (1, 100, 500),
        (70, 100, 700),
        (100, 100, 1000),
        (333, 1000, 500),
        (5000, 100, 10_000),
    ],
)
def test_the_latency_factor(took_ms: int, expected_ms: int | None, factor: int) -> None:
    """It is p95 over what is expected, within its bounds."""
    assert latency_factor(calls(5, took_ns=took_ms * MS), expected_ms, 5) == factor


@pytest.mark.parametrize(
    ("served", "failed", "factor"),
    [(5, 0, 1000), (4, 1, 1167), (8, 2, 1200), (0, 5, 3500), (50, 50, 1962), (0, 100, 50_000), (100, 0, 1000)],
)
def test_the_reliability_factor(served: int, failed: int, factor: int) -> None:
    """It is the attempts for one call that serves, two served calls added."""
    assert reliability_factor(calls(served, failed), 5) == factor


def test_few_calls_move_no_factor() -> None:
    """Below the number of calls that is enough both factors are 1, and from it on they count."""
    slow = 20_000 * MS
    assert (reliability_factor(calls(0, 4), 5), latency_factor(calls(4, took_ns=slow), None, 5)) == (ONE, ONE)
    assert reliability_factor(calls(0, 5), 5) > ONE
    assert latency_factor(calls(5, took_ns=slow), None, 5) > ONE
    assert latency_factor(calls(4, 10, took_ns=slow), None, 5) == ONE  # failures say nothing of latency


@given(CALLS, st.none() | st.integers(1, 100_000))
def test_factors_stay_within_their_bounds_and_are_exact(some: list[Call], expected_ms: int | None) -> None:
    """Both factors are the exact fraction, rounded half up and clamped to the paper's bounds."""

    def clamped(value: Fraction, bounds: tuple[int, int]) -> int:
        return max(bounds[0], min(floor(value * 1000 + Fraction(1, 2)), bounds[1]))

    vitals = vitals_of(some)
    served = sorted(call.ended_ns - call.began_ns for call in some if call.how == "ok")
    latency = latency_factor(vitals, expected_ms, 1)
    if served:
        p95 = served[ceil(Fraction(95, 100) * len(served)) - 1]
        usual = Fraction(p95, (expected_ms or 1000) * MS)
        assert latency == clamped(usual, LATENCY if expected_ms else (ONE, LATENCY[1]))
    else:
        assert latency == ONE
    expected = clamped(Fraction(len(some) + 2, len(served) + 2), RELIABILITY) if some else ONE
    assert reliability_factor(vitals, 1) == expected


@given(st.lists(st.sampled_from(["ok", "transient"]), min_size=1, max_size=99))
def test_one_more_failure_never_makes_a_tool_look_better(ends: list[str]) -> None:
    """Reliability does not fall with a failure, nor rise with a call that serves."""

    def factor(what: list[str]) -> int:
        return reliability_factor(vitals_of([Call(1, 0, how) for how in what]), 1)

    assert factor([*ends, "transient"]) >= factor(ends) >= factor([*ends, "ok"])


def test_a_quota_near_its_end() -> None:
    """A quota is near its end from 95 % on."""
    assert [near(used, Quota(100, 1)) for used in (94, 95, 100)] == [False, True, True]
    assert not near(0, Quota(1, 1))


def test_room_in_a_quota() -> None:
    """There is room as soon as the oldest of the calls that fill a quota is out of its span."""
    quota, begun = Quota(3, 100), [10, 20, 30]
    assert [within(begun, quota, now) for now in (30, 109, 110, 119, 120, 130)] == [3, 3, 2, 2, 1, 0]
    assert [room_ns(begun, quota, now) for now in (30, 109, 110)] == [80, 1, 0]


@given(st.lists(st.integers(0, 500), max_size=30), st.integers(1, 5), st.integers(1, 100), st.integers(0, 500))
def test_a_quota_never_holds_more_than_it_allows(begun: list[int], most: int, span: int, now: int) -> None:
    """After the wait there is room, and a moment earlier there was none."""
    begun, quota = sorted(one for one in begun if one <= now), Quota(most, span)
    wait = room_ns(begun, quota, now)
    inside = sum(now + wait - span < one for one in begun)
    assert inside < most
    assert wait == 0 or sum(now + wait - 1 - span < one for one in begun) >= most


def test_factors_are_multiplied_exactly() -> None:
    """A product of factors is rounded once."""
    assert joined(1500, 1500, 1500) == 3375
    assert joined(500, 1167) == 584  # 583.5, half up
    assert joined() == ONE
    assert joined(10_000, 50_000, 2000) == 1_000_000
