"""The area under the ROC curve: against its definition and against scipy, with ties, and its intervals."""

from __future__ import annotations

from itertools import product
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.determinism.streams import stream
from harness.statistics.interval import wilson
from harness.statistics.ranking import Scored, areas

scipy_stats = pytest.importorskip("scipy.stats")

scores = st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=12)  # few values: many ties


def area(positives: list[float], negatives: list[float]) -> float | None:
    """Give the area of scores, each of a cluster of its own."""
    kinds = [(one, True) for one in positives] + [(one, False) for one in negatives]
    found = areas([Scored(number, positive, one, 0.0) for number, (one, positive) in enumerate(kinds)])
    return found and found.score.value


@given(scores, scores)
def test_it_is_the_share_of_pairs_won(positives: list[float], negatives: list[float]) -> None:
    """Counted pair by pair, and by scipy's Mann-Whitney statistic, a tie being worth half."""
    pairs = [(one > other) + (one == other) / 2 for one in positives for other in negatives]
    assert area(positives, negatives) == pytest.approx(sum(pairs) / len(pairs))
    statistic = scipy_stats.mannwhitneyu(positives, negatives).statistic
    assert area(positives, negatives) == pytest.approx(statistic / len(pairs))


@given(scores, scores)
def test_turning_the_scores_round_turns_the_area_round(positives: list[float], negatives: list[float]) -> None:
    """Where lower means a positive the area is one less it; a score that tells nothing has 0.5."""
    turned = area([-one for one in positives], [-one for one in negatives])
    assert turned == pytest.approx(1 - (area(positives, negatives) or 0))
    assert area(positives, positives) == 0.5


def test_without_a_pair_there_is_none() -> None:
    """All positives, all negatives, or no case at all, have no area."""
    assert area([1.0], []) is None
    assert area([], [1.0]) is None
    assert areas([]) is None


def drawn(count: int, apart: float, name: str = "cases") -> list[Scored]:
    """Draw cases whose score is apart by so many standard deviations, and whose baseline tells nothing."""
    chance = stream(5, name)
    cases = []
    for number in range(count):
        positive = chance.random() < 0.4
        cases.append(Scored(number, positive, chance.gauss(apart if positive else 0, 1), chance.random()))
    return cases


def test_the_area_of_two_normal_distributions_is_found() -> None:
    """The truth is Φ(d/√2), the baseline has 0.5, and cases that are independent have DeLong's standard error."""
    cases = drawn(400, 1.5)
    found = areas(cases)
    assert found is not None
    truth = NormalDist().cdf(1.5 / 2**0.5)
    assert found.score.interval.low < truth < found.score.interval.high
    assert found.baseline.interval.low < 0.5 < found.baseline.interval.high
    assert found.difference.interval.low > 0
    assert found.difference.value == pytest.approx(found.score.value - found.baseline.value)
    positives, negatives = ([one.score for one in cases if one.positive is kind] for kind in (True, False))
    assert found.score.error == pytest.approx(delong(positives, negatives), rel=0.01)


def delong(positives: list[float], negatives: list[float]) -> float:
    """Give DeLong's standard error by its definition: the variances of the placements of both kinds."""
    up = scipy_stats.tvar([area([one], negatives) for one in positives]) / len(positives)
    down = scipy_stats.tvar([area(positives, [one]) for one in negatives]) / len(negatives)
    return float((up + down) ** 0.5)


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans(), st.integers(-2, 2), st.integers(-2, 2)), min_size=2))
def test_an_area_moves_as_its_clusters_say(cases: list[tuple[int, bool, int, int]]) -> None:
    """The standard errors are those of the derivatives of both areas, and of their difference, by cluster weights."""
    scored = [Scored(cluster, positive, float(score), float(base)) for cluster, positive, score, base in cases]
    least = min(len({one.cluster for one in scored if one.positive is kind}) for kind in (True, False))
    found = areas(scored)
    assert (found is None) == (least == 0)
    if found is None or least == 1:
        return
    clusters, step = {one.cluster for one in scored}, 1e-6
    slopes = []
    for place in (2, 3):
        up, down = ([weighted(scored, place, cluster, 1 + change) for cluster in clusters] for change in (step, -step))
        slopes.append([(one - other) / (2 * step) for one, other in zip(up, down, strict=True)])
    slopes.append([one - other for one, other in zip(*slopes, strict=True)])
    for one, by in zip(found, slopes, strict=True):
        assert one.error == pytest.approx((sum(slope**2 for slope in by) * least / (least - 1)) ** 0.5, abs=1e-6)
        assert one.interval.low <= one.value <= one.interval.high


def weighted(scored: list[Scored], place: int, cluster: object, weight: float) -> float:
    """Give the area where the cases of one cluster count more or less, pair by pair."""
    sums = [0.0, 0.0]
    for one, other in product(scored, repeat=2):
        if one.positive and not other.positive:
            pair = (weight if one.cluster == cluster else 1) * (weight if other.cluster == cluster else 1)
            sums[0] += pair * ((one[place] > other[place]) + (one[place] == other[place]) / 2)
            sums[1] += pair
    return sums[0] / sums[1]


def test_copies_within_a_cluster_tell_nothing_more() -> None:
    """Five replies that say the same are worth one: value, error and intervals stay."""
    one, five = areas(drawn(40, 1.0)), areas(drawn(40, 1.0) * 5)
    assert one is not None and five is not None
    for alone, copied in zip(one, five, strict=True):
        assert (copied.value, copied.error) == (pytest.approx(alone.value), pytest.approx(alone.error))
        assert copied.interval == pytest.approx(alone.interval)


def test_where_every_pair_is_won_the_clusters_are_counted() -> None:
    """An area of 1 or 0 has Wilson's interval of the rarer kind's clusters; a single one of these tells nothing."""
    cases = [Scored(number, number < 3, float(number < 3), float(number >= 3)) for number in range(20)]
    found = areas(cases)
    assert found is not None
    assert (found.score.value, found.score.interval) == (1, wilson(3, 3))
    assert (found.baseline.value, found.baseline.interval) == (0, wilson(0, 3))
    assert found.difference.interval == (wilson(3, 3).low - wilson(0, 3).high, 1)
    alone = areas(cases[2:])
    assert alone is not None
    assert (alone.score.interval, alone.difference.interval) == ((0, 1), (-1, 1))


def test_the_intervals_hold_the_truth() -> None:
    """Of 300 draws of 40 clusters with four cases each, the truth lies in 95 % of the intervals, to within chance."""
    truth, held = NormalDist().cdf(1 / 2**0.5), 0
    for number in range(300):
        found = areas([one._replace(cluster=place % 40) for place, one in enumerate(drawn(160, 1.0, f"draw {number}"))])
        assert found is not None
        held += found.score.interval.low <= truth <= found.score.interval.high
    assert 0.91 < held / 300 < 0.99
