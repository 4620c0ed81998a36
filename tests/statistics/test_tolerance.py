"""Fault tolerance in numbers: the published counts give the published shares, whatever runs are counted."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.statistics.tolerance import (
    TIERS,
    Came,
    Counts,
    Share,
    Tier,
    counted_tiers,
    neutralised,
    pooled,
    robustness,
    tier_shares,
)

# arXiv 2602.19843: passes of the tasks that pass without a fault, by model; which faults a team was not given is absent
LINEAR = {
    "BT": (0, 0), "CLV": (146, 137), "CIL": (145, 141), "H": (73, 34), "IP": (90, 64), "IA": (4, 0), "ILC": (20, 20),
    "ML": (145, 145), "MBA": (156, 140), "MC": (153, 142), "MS": (150, 144), "PFE": (148, 140), "RA": (51, 35),
    "TFE": (150, 142), "TSE": (126, 105),
}  # fmt: skip
ITERATIVE = {
    "BT": (22, 221), "CIL": (313, 235), "IP": (232, 279), "IA": (141, 68), "ILC": (58, 54), "RA": (276, 285),
    "TFE": (342, 296), "TSE": (342, 299),
}  # fmt: skip
PAIR = {
    "BT": (0, 0), "CIL": (64, 57), "H": (58, 59), "IA": (5, 2), "ILC": (12, 10), "PFE": (73, 58), "RA": (58, 58),
    "TFE": (66, 68), "TSE": (67, 51),
}  # fmt: skip
TEAMS = [("linear", LINEAR, (161, 146)), ("iterative", ITERATIVE, (348, 313)), ("pair", PAIR, (95, 83))]

TIER_FIXTURE: dict[tuple[str, Tier], Counts] = {
    ("linear", "M"): Counts(2415, 824, 824, 645, 645),
    ("linear", "L"): Counts(2415, 663, 663, 624, 624),
    ("linear", "P"): Counts(2415, 322, 44, 51, 12),
    ("linear", "R"): Counts(2415, 1276, 915, 756, 733),
    ("iterative", "M"): Counts(2784, 1222, 1175, 1124, 1122),
    ("iterative", "P"): Counts(2784, 696, 465, 298, 268),
    ("iterative", "R"): Counts(2784, 1343, 845, 708, 511),
    ("pair", "M"): Counts(855, 426, 425, 289, 289),
    ("pair", "L"): Counts(855, 89, 87, 55, 55),
    ("pair", "P"): Counts(855, 190, 37, 58, 3),
    ("pair", "R"): Counts(855, 653, 563, 310, 281),
}

PUBLISHED_SHARES = {  # rounded to four places, by hand from the counts
    ("linear", "M"): (0.3412, 1.0, 0.7828, 0.7828),
    ("linear", "L"): (0.2745, 1.0, 0.9412, 0.9412),
    ("linear", "P"): (0.1333, 0.1366, 0.1584, 0.2727),
    ("linear", "R"): (0.5284, 0.7171, 0.5925, 0.8011),
    ("iterative", "M"): (0.4389, 0.9615, 0.9198, 0.9549),
    ("iterative", "P"): (0.25, 0.6681, 0.4282, 0.5763),
    ("iterative", "R"): (0.4824, 0.6292, 0.5272, 0.6047),
    ("pair", "M"): (0.4982, 0.9977, 0.6784, 0.68),
    ("pair", "L"): (0.1041, 0.9775, 0.618, 0.6322),
    ("pair", "P"): (0.2222, 0.1947, 0.3053, 0.0811),
    ("pair", "R"): (0.7637, 0.8622, 0.4747, 0.4991),
}

RUNS = st.lists(
    st.tuples(st.dictionaries(st.sampled_from(TIERS), st.sampled_from(["held", "failed"])), st.booleans()), max_size=40
)


@pytest.mark.parametrize(("team", "passes", "tasks"), TEAMS, ids=[row[0] for row in TEAMS])
def test_the_tiers_total_is_the_robustness_s(
    team: str, passes: Mapping[str, tuple[int, int]], tasks: tuple[int, int]
) -> None:
    """The published tier counts are of as many runs as faults times tasks that pass: both tables are of one thing."""
    whole = pooled(robustness(first, tasks[0]) for first, _ in passes.values())
    assert {counts.total for (name, _), counts in TIER_FIXTURE.items() if name == team} == {whole.whole}


def test_robustness_of_the_published_counts() -> None:
    """Pooled over its faults each team has the RS that its passes are of its tasks, exactly."""
    pools = {
        team: [pooled(robustness(row[model], tasks[model]) for row in passes.values()) for model in (0, 1)]
        for team, passes, tasks in TEAMS
    }
    assert pools == {
        "linear": [Share(1557, 2415), Share(1389, 2190)],
        "iterative": [Share(1726, 2784), Share(1737, 2504)],
        "pair": [Share(403, 855), Share(363, 747)],
    }
    assert robustness(51, 161).value == float(Fraction(51, 161))
    assert robustness(0, 161).interval.low == 0.0


@pytest.mark.parametrize("key", TIER_FIXTURE, ids="-".join)
def test_the_published_tiers_come_out(key: tuple[str, Tier]) -> None:
    """O, L, S and S of what held are the shares of the published counts."""
    shares = tier_shares(TIER_FIXTURE[key])
    assert tuple(round(one.value or 0, 4) for one in shares) == PUBLISHED_SHARES[key]
    assert all(one.interval.low <= (one.value or 0) <= one.interval.high for one in shares)


@pytest.mark.parametrize("key", TIER_FIXTURE, ids="-".join)
def test_counting_runs_gives_the_counts_back(key: tuple[str, Tier]) -> None:
    """As many runs as a published row tells of, one by one, are counted as that row."""
    total, triggered, held, passes, passes_held = counts = TIER_FIXTURE[key]
    tier = key[1]
    kinds: list[tuple[int, dict[Tier, Came], bool]] = [
        (passes_held, {tier: "held"}, True),
        (held - passes_held, {tier: "held"}, False),
        (passes - passes_held, {tier: "failed"}, True),
        (triggered - held - (passes - passes_held), {tier: "failed"}, False),
        (total - triggered, {}, True),
    ]
    assert counted_tiers((tiers, passed) for times, tiers, passed in kinds for _ in range(times))[tier] == counts


@given(RUNS)
def test_tiers_are_counted_apart(runs: list[tuple[dict[Tier, Came], bool]]) -> None:
    """What is counted of a tier is what a count by hand gives, and always makes shares."""
    counted = counted_tiers(runs)
    for tier in TIERS:
        touched = [(tiers[tier], passed) for tiers, passed in runs if tier in tiers]
        held = [passed for came, passed in touched if came == "held"]
        passes = sum(passed for _, passed in touched)
        assert counted[tier] == Counts(len(runs), len(touched), len(held), passes, sum(held))
        shares = tier_shares(counted[tier])
        assert all(0 <= (one.value or 0) <= 1 for one in shares)
        assert (shares.l.value is None) == (not touched)


@given(st.dictionaries(st.integers(0, 9), st.booleans()), st.dictionaries(st.integers(0, 9), st.booleans()))
def test_what_another_neutralises(first: dict[int, bool], second: dict[int, bool]) -> None:
    """Only cases count that the first fails and the second was given too."""
    share = neutralised(first, second)
    both = {case for case in first if case in second and not first[case]}
    assert share == Share(len([case for case in both if second[case]]), len(both))


@pytest.mark.parametrize(
    "counts", [Counts(1, 2, 0, 0, 0), Counts(9, 2, 3, 0, 0), Counts(9, 2, 1, 3, 0), Counts(9, 2, 1, 0, 1)]
)
def test_counts_that_cannot_be_are_refused(counts: Counts) -> None:
    """No part is larger than what it is a part of."""
    with pytest.raises(UsageError, match=" of "):
        tier_shares(counts)
    with pytest.raises(UsageError, match="3 passes of 2 tasks"):
        robustness(3, 2)
